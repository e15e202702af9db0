"""The managed event loop: the only place where sync meets async.

One daemon thread runs one loop for all connectors, so a notebook's own loop is never touched and
pooled connections live from call to call. What callers rely on:

- Ctrl-C, a timeout and the interpreter's exit cancel the coroutine and let its clean-up run; they
  do not leave it running in the background.
- Every wait is bounded or polls, so a dead loop is an error and not a hang.
- In a forked child there is a new, empty loop and a new `Runtime.generation`. Connections of an
  older generation belong to the parent: drop them, never close them.
"""

from __future__ import annotations

from greenlang_data.runtime.background import Background, Work
from greenlang_data.runtime.iterate import SyncIterator
from greenlang_data.runtime.loop import Runtime, get_runtime
from greenlang_data.runtime.underway import UnderWay

__all__ = ["Background", "Runtime", "SyncIterator", "UnderWay", "Work", "get_runtime"]
