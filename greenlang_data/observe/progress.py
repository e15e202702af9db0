"""A line that says how far something is: on a terminal or below a notebook cell, else nowhere."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_EVERY_SECONDS: Final = 0.5


@contextmanager
def showing(describe: Callable[[], str]) -> Iterator[None]:
    """Show what ``describe()`` says, anew twice a second, while the block runs.

    In a notebook that is one output which changes in place; on a terminal the last line of the
    standard error. Where nobody looks (a pipe, a file, a service) nothing is written.
    """
    show = _notebook(describe) or _terminal()
    if show is None:
        yield
        return
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(_EVERY_SECONDS):
            show(describe(), "")

    # A thread of its own: a terminal that is held (Ctrl-S) blocks whoever writes to it. In the
    # context of the cell, or its output would land below another one.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(tick,), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_EVERY_SECONDS)
        show(describe(), "\n")


def _notebook(describe: Callable[[], str]) -> Callable[[str, str], None] | None:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    display: Any = sys.modules["IPython"].display.display
    handle = display({"text/plain": describe()}, raw=True, display_id=True)

    def show(line: str, _: str) -> None:
        handle.update({"text/plain": line}, raw=True)

    return show


def _terminal() -> Callable[[str, str], None] | None:
    stream = sys.stderr
    if stream is None or not stream.isatty():
        return None

    def show(line: str, end: str) -> None:
        stream.write(f"\r{line}\x1b[K{end}")
        stream.flush()

    return show
