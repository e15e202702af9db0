"""The calls under way at a connector, which whoever closes it may end."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Iterator

from greenlang_data.errors import SessionClosedError


class Underway:
    """Tasks that wait for an answer. All methods are called on an event loop."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._waiting: set[asyncio.Task[object]] = set()
        self._ended: weakref.WeakSet[asyncio.Task[object]] = weakref.WeakSet()

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Count the running task in. Raises SessionClosedError in it when :meth:`end` is called."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            self._ended.discard(task)
            task.uncancel()  # the cancellation was our own, and ends the call but not the task
            raise SessionClosedError(
                "the session was closed during the call",
                source=self._source,
                remedy="Open a new one.",
            ) from None
        finally:
            self._waiting.discard(task)

    def end(self) -> None:
        """End what waits on this event loop; does not wait for it."""
        loop = asyncio.get_running_loop()
        for task in self._waiting:
            if task not in self._ended and task.get_loop() is loop:
                self._ended.add(task)
                task.cancel()
