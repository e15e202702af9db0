"""One attempt, which ends in time even if it does not want to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

CLEANUP_SECONDS = 1.0
"""How long a cancelled attempt may clean up before the call goes on without it."""

_logger = logging.getLogger(__name__)


class AttemptTimeoutError(Exception):
    """The attempt was cancelled because its time was up."""


class AttemptAbortedError(Exception):
    """The attempt ended as cancelled, but nobody had cancelled it."""


async def run_attempt(
    start: Callable[[], Awaitable[T]], *, seconds: float | None, on_end: Callable[[], None]
) -> T:
    """Await ``start()`` in a task of its own, so that it can be left behind.

    A task that is cancelled may ignore it, or clean up for ever; its parent then waits no longer
    than `CLEANUP_SECONDS`. Whatever a cancelled attempt still returns is dropped: it may be part
    of an answer that looks whole.

    Parameters
    ----------
    start : begins the attempt.
    seconds : its time, or None.
    on_end : called once, when the attempt is really over, left behind or not.

    Raises
    ------
    AttemptTimeoutError : the time was up.
    AttemptAbortedError : something inside was cancelled, as clients do when their connection closes.
        A ``CancelledError`` would tell the caller that the caller itself was cancelled.
    """
    task = asyncio.create_task(_await(start))
    task.add_done_callback(lambda _: on_end())
    try:
        done, _ = await asyncio.wait((task,), timeout=seconds)
    except asyncio.CancelledError:
        await _stop(task)
        raise
    if not done:
        await _stop(task)
        raise AttemptTimeoutError
    if task.cancelled() and not task.cancelling():
        raise AttemptAbortedError
    try:
        return task.result()
    finally:
        del task  # its error's traceback holds this frame


async def _await(start: Callable[[], Awaitable[T]]) -> T:
    return await start()


async def _stop(task: asyncio.Task[Any]) -> None:
    # A loop that shuts down has cancelled it already; a second time would break its clean-up.
    if not task.cancelling():
        task.cancel()
    task.add_done_callback(_read_outcome)
    _, running = await asyncio.wait((task,), timeout=CLEANUP_SECONDS)
    if running:
        _logger.warning("an attempt did not end %g s after its cancellation", CLEANUP_SECONDS)


def _read_outcome(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from reporting an error nobody waits for any more."""
    if not task.cancelled():
        task.exception()
