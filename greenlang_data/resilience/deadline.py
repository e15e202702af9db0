"""The total time a call may take, retries and waits included."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from greenlang_data.errors import DeadlineExceeded, QueryError

T = TypeVar("T")


def checked_timeout(timeout: float | None, source: str) -> float | None:
    """``timeout`` unchanged. Raises QueryError unless it is None or more than 0 seconds."""
    if timeout is None:
        return None
    if not isinstance(timeout, int | float) or math.isnan(timeout) or timeout <= 0:
        raise QueryError(
            f"timeout must be more than 0 seconds, not {timeout!r}",
            source=source,
            remedy="Leave timeout= out to use the configured times.",
        )
    return timeout


class Deadline:
    """A moment on the monotonic clock, or never.

    ``last_error`` is the failure of the latest attempt; it becomes the cause of `DeadlineExceeded`,
    so that a user who ran out of time still sees what the source said.
    """

    __slots__ = ("_at", "last_error", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.last_error: BaseException | None = None
        self._at = None if seconds is None else time.monotonic() + seconds

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """Return a deadline this many seconds from now; None is no deadline at all."""
        return cls(seconds)

    def remaining(self) -> float | None:
        """Return the seconds left, never below 0, or None without a deadline."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether the moment has passed."""
        return self._at is not None and time.monotonic() >= self._at

    async def run(self, call: Callable[[], Awaitable[T]], *, source: str) -> T:
        """Await ``call()`` and cancel it when the time is up.

        A cancellation from outside stays a ``CancelledError``, and a ``TimeoutError`` of the call
        itself passes unchanged.

        Raises
        ------
        DeadlineExceeded : the time was up; the cause is ``last_error``.
        """
        if self.expired:
            raise self._exceeded(source) from self.last_error
        scope = asyncio.timeout(self.remaining())
        try:
            async with scope:
                return await call()
        except Exception:
            # Asked of the scope, not of the error: code under a cancellation may raise anything.
            if not scope.expired():
                raise
            raise self._exceeded(source) from self.last_error

    def _exceeded(self, source: str) -> DeadlineExceeded:
        return out_of_time(self.seconds or 0.0, source)


def out_of_time(seconds: float, source: str) -> DeadlineExceeded:
    """The error for a call that took longer than ``seconds``."""
    return DeadlineExceeded(
        f"no result within {seconds:g} s, retries and waits included",
        source=source,
        remedy="Pass a longer timeout=, ask for less, or check that the source is up.",
    )
