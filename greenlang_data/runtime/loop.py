"""The thread with the event loop: starting, calling, closing, forking."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn, TypeVar

from greenlang_data.errors import DeadlineExceeded, SessionClosedError
from greenlang_data.runtime.background import Background, Outcome, Work, close_coroutine
from greenlang_data.runtime.iterate import SyncIterator

T = TypeVar("T")

_POLL_SECONDS = 0.5
GRACE_SECONDS = 3.0
"""How long cancelled work may clean up before its caller goes on without it."""

_logger = logging.getLogger(__name__)


class Runtime:
    """A thread with an event loop, started at first use.

    ``generation`` counts the forks between the process that made it and this one.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._closed = False
        self._begin_anew()
        _runtimes.add(self)

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._background: set[Background[Any]] = set()  # asyncio itself holds tasks weakly

    def run(self, work: Work[T], timeout: float | None = None) -> T:
        """Run it on the loop and wait for its result, from any thread but the loop's own.

        Parameters
        ----------
        work : a coroutine or a function that makes one; sees the caller's context variables.
        timeout : seconds, or None. A call that times out or is interrupted is cancelled and gets
            a few seconds to clean up.

        Raises
        ------
        DeadlineExceeded : no result within ``timeout``.
        SessionClosedError : the runtime is closed, or this is the loop's own thread.
        concurrent.futures.CancelledError : the work was cancelled from elsewhere.
        """
        job = Background(work, self._loop_for(work, waits=True))
        try:
            job.begin()
            self.wait_for(job, job, timeout)
        except BaseException:
            self.stop(job)
            raise
        try:
            return job.result()
        except concurrent.futures.CancelledError:
            if self._closed:
                self.refuse(None, "was closed during the call")
            raise
        finally:
            del job  # the error's traceback holds this frame

    def spawn(self, work: Work[T]) -> Background[T]:
        """Start it on the loop and return at once, from any thread. A failure is logged.

        Raises
        ------
        SessionClosedError : the runtime is closed.
        """
        job = Background(work, self._loop_for(work, waits=False), self._note_end)
        self._background.add(job)
        job.begin()
        return job

    async def bridge(self, work: Work[T]) -> T:
        """Await it on the loop from a coroutine of another one; cancelling that cancels it.

        Raises
        ------
        SessionClosedError : the runtime is closed.
        concurrent.futures.CancelledError : the work was cancelled from elsewhere.
        """
        caller, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(*_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the caller's loop is closed: nobody waits
                caller.call_soon_threadsafe(ended.set)

        job = Background(work, self._loop_for(work, waits=False), tell)
        job.begin()
        try:
            await ended.wait()
        except asyncio.CancelledError:
            job.cancel()
            raise
        return job.result()

    def drives(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """Whether ``loop`` is this runtime's, and this is not its thread."""
        return loop is not None and loop is self._loop and not self.on_loop_thread

    def _note_end(self, job: Background[Any], error: BaseException | None) -> None:
        self._background.discard(job)
        if isinstance(error, Exception):
            _logger.error("background work failed", exc_info=error)

    def iterate(self, factory: Callable[[], AsyncIterator[T]]) -> SyncIterator[T]:
        """Return an iterator that pulls the async one item by item, from whichever thread asks.

        ``factory`` is called on the loop at the first item.
        """
        return SyncIterator(self, factory)

    def close(self) -> None:
        """Cancel all work, let it clean up for a few seconds, and end the thread. For good.

        Raises
        ------
        SessionClosedError : called on the loop's own thread.
        """
        if self.on_loop_thread:
            self.refuse(None, "cannot be closed from its own event loop")
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
        atexit.unregister(self.close)
        if loop is not None and self._thread is not None:
            Background(_cancel_everything, loop).begin()
            self._thread.join(2 * GRACE_SECONDS)

    @property
    def on_loop_thread(self) -> bool:
        """Whether this is the loop's own thread, where waiting for the loop would deadlock."""
        return self._thread is not None and self._thread.ident == threading.get_ident()

    @property
    def _alive(self) -> bool:
        running = self._thread is not None and self._thread.is_alive()
        return running and not sys.is_finalizing()

    def _loop_for(self, work: Work[Any], *, waits: bool) -> asyncio.AbstractEventLoop:
        """Return the running loop, or refuse the work."""
        if waits and self.on_loop_thread:
            self.refuse(work, "would wait for itself: a blocking call was made on its event loop")
        loop = self._loop
        if loop is None and not self._closed and not sys.is_finalizing():
            loop = self._start()
        if loop is None:
            self.refuse(work, "is closed")
        return loop

    def _start(self) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            if self._loop is None and not self._closed:
                loop = asyncio.new_event_loop()
                # A daemon: the interpreter joins all others before it calls atexit functions.
                self._thread = threading.Thread(
                    target=_serve, args=(loop,), name="greenlang-data", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
                self._loop = loop
            return self._loop

    def refuse(self, work: Work[Any] | None, why: str) -> NoReturn:
        """Raise `SessionClosedError`, and close the work that will not be run."""
        close_coroutine(work)
        raise SessionClosedError(
            f"the runtime {why}",
            remedy="Await the async method instead, or open a new session.",
        )

    def wait_for(self, outcome: Outcome[Any], job: Background[Any], timeout: float | None) -> None:
        """Wait for an outcome that the job is to bring; see `run` for the errors."""
        # Short waits: a long one could not be interrupted on every platform, nor see a dead loop.
        ends_at = None if timeout is None else time.monotonic() + timeout
        left = _POLL_SECONDS
        while True:
            if ends_at is not None:
                left = max(0.0, min(_POLL_SECONDS, ends_at - time.monotonic()))
            if outcome.wait(left):
                return
            if ends_at is not None and time.monotonic() >= ends_at:
                raise DeadlineExceeded(
                    f"no result within {timeout:g} s", remedy="Pass a longer timeout=."
                )
            if (job.done or not self._alive) and not outcome.done:
                self.refuse(None, "has ended")

    def stop(self, job: Background[Any]) -> None:
        """Cancel the job and give it a few seconds to clean up."""
        job.cancel()
        if self.on_loop_thread or not self._alive:
            return
        if not job.wait(GRACE_SECONDS):
            _logger.warning("a call did not end %g s after its cancellation", GRACE_SECONDS)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _cancel_everything() -> None:
    """Cancel all other tasks, wait a bounded time for their clean-up, and stop the loop.

    Needs no executor: at exit there is none any more.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
                for task in tasks:
                    if not task.cancelling():
                        task.cancel()
                await asyncio.wait(tasks)
            await loop.shutdown_asyncgens()
    except TimeoutError:
        _logger.warning("closed while work did not end %g s after its cancellation", GRACE_SECONDS)
    finally:
        loop.stop()


_runtimes: weakref.WeakSet[Runtime] = weakref.WeakSet()
_inherited: list[object] = []


def _after_fork_in_child() -> None:
    """Give each runtime a new lock and no loop.

    The old ones are kept, for ever: closing the loop would unregister the parent's sockets from
    the epoll set that both share, and collecting its tasks would report them as destroyed.
    """
    for runtime in list(_runtimes):
        _inherited.append((runtime._loop, runtime._thread, runtime._background))
        runtime.generation += 1
        runtime._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

_shared = Runtime()


def get_runtime() -> Runtime:
    """Return the runtime that all sessions of this process share."""
    return _shared
