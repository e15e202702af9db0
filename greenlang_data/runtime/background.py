"""Work that runs on the loop's thread, as other threads see it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Work: TypeAlias = Coroutine[Any, Any, T] | Callable[[], Awaitable[T]]
"""A coroutine, or a function that makes an awaitable; it is called on the loop's own thread."""


class Outcome(Generic[T]):
    """A result or error, handed from the loop's thread to any other.

    Hand-made from one lock, which is cheaper than the condition variable of a concurrent future.
    ``value`` holds the result, once it has come.
    """

    def __init__(self) -> None:
        self.value: list[T] = []
        self._error: BaseException | None = None
        self._settled = threading.Lock()
        self._settled.acquire()
        self._done = False

    @property
    def done(self) -> bool:
        """Whether it has come."""
        return self._done

    def wait(self, seconds: float) -> bool:
        """Wait at most so many seconds for it; return whether it has come."""
        if not self._settled.acquire(timeout=seconds):
            return False
        self._settled.release()
        return True

    def result(self) -> T:
        """Return the result or raise the error, once it has come.

        Raises
        ------
        concurrent.futures.CancelledError : the work was cancelled. Not asyncio's, which would tell
            an async caller that the caller itself was cancelled.
        """
        try:
            if self._error is None:
                return self.value[0]
            if isinstance(self._error, asyncio.CancelledError):
                raise concurrent.futures.CancelledError("the call was cancelled") from self._error
            raise self._error
        finally:
            del self  # the error's traceback holds this frame

    def settle(self, error: BaseException | None = None) -> None:
        """End it, once: with this error, or with what was put into ``value``."""
        self._error = error
        self._done = True
        self._settled.release()


class Background(Outcome[T]):
    """Work on the runtime's loop, as seen from any other thread."""

    def __init__(
        self,
        work: Work[T],
        loop: asyncio.AbstractEventLoop,
        on_end: Callable[[Background[T], BaseException | None], None] | None = None,
    ) -> None:
        super().__init__()
        self._work: Work[T] | None = work
        self._loop = loop
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Ask the work to stop, from any thread; its ``finally`` blocks still run."""
        self.post(self._cancel)

    def begin(self) -> None:
        """Start the work, from any thread."""
        self.post(self._start)

    def post(self, callback: Callable[[], None]) -> None:
        """Have the loop's thread call it, from any thread."""
        try:
            self._loop.call_soon_threadsafe(callback)  # in a copy of the caller's context
        except RuntimeError:  # the loop is closed; whatever had begun was cancelled
            self._discard()

    def _start(self) -> None:
        if self._work is not None:
            self._task = self._loop.create_task(self._drive(self._work))
            self._task.add_done_callback(lambda _: self._discard())

    async def _drive(self, work: Work[T]) -> None:
        self._work = None
        error: BaseException | None = None
        try:
            self.value.append(await (work() if callable(work) else work))
        except BaseException as caught:
            error = caught
        # Not left to a done callback, which would come one turn of the loop later.
        self.settle(error)

    def _cancel(self) -> None:
        if self._task is None:
            self._discard()
        elif not self._task.cancelling():
            self._task.cancel()

    def _discard(self) -> None:
        """End work that never took its first step; does nothing to work that did."""
        work, self._work = self._work, None
        if work is not None:
            close_coroutine(work)
            self.settle(asyncio.CancelledError())

    def settle(self, error: BaseException | None = None) -> None:
        """End it, and tell whoever wanted to know."""
        super().settle(error)
        if self._on_end is not None:
            self._on_end(self, error)


def close_coroutine(work: Work[Any] | None) -> None:
    """Close a coroutine that will not be run, or it would warn that it was never awaited."""
    if isinstance(work, Coroutine):
        work.close()
