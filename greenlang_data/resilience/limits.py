"""How much a source may be asked at once, per second and per call."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque

from greenlang_data.errors import LoadBudgetExceeded, SessionClosedError
from greenlang_data.resilience.pace import LearnedPace


class ConcurrencySlots:
    """At most ``limit`` holders at a time, first come, first served.

    Unlike ``asyncio.Semaphore`` its limit may change at run time (a lower one takes effect as
    holders leave), and it may be used on one event loop after another.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def limit(self) -> int:
        """Return the largest number of holders; may be assigned."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._grant()

    @property
    def active(self) -> int:
        """Return the number of holders."""
        return self._active

    async def acquire(self) -> None:
        """Wait for a slot. A cancelled wait takes none.

        Raises
        ------
        SessionClosedError : the slots are in use on another event loop.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        if self._active < self._limit:  # then nobody waits: a slot given back is granted at once
            self._active += 1
            return
        ticket: asyncio.Future[None] = loop.create_future()
        self._waiting.append(ticket)
        try:
            await ticket
        except BaseException:
            if ticket.done() and not ticket.cancelled():
                self.release()  # granted, and cancelled before it could be used
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(ticket)
            raise

    def release(self) -> None:
        """Give a slot back; the longest waiting call gets it."""
        self._active -= 1
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self._active < self._limit:
            ticket = self._waiting.popleft()
            if not ticket.done():
                self._active += 1
                ticket.set_result(None)

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        in_use = self._active or self._waiting
        if in_use and self._loop is not None and not self._loop.is_closed():
            raise SessionClosedError(
                "the connector is in use on another event loop",
                remedy="Wait for those calls, or make a connector of its own for this loop.",
            )
        # Holders on a loop that is closed will never come back.
        self._active = 0
        self._waiting.clear()
        self._loop = loop


class RateLimit:
    """At most ``per_second`` requests a second, evenly spaced; None is no limit.

    Evenly, because a controller is hurt by bursts. ``per_second`` may be assigned. A source that
    refused and said when to come back is left alone until then, and asked no faster than it allows.
    """

    def __init__(self, per_second: float | None) -> None:
        self.per_second = per_second
        self._turn = ConcurrencySlots(1)
        self._next_at = 0.0
        self._learned = LearnedPace()

    @property
    def held(self) -> float:
        """Return for how many seconds the source asked to be left alone."""
        return max(0.0, self._learned.resumes_at - time.monotonic())

    def passed(self) -> None:
        """Be told of a request that was answered."""
        self._learned.passed(time.monotonic())

    def refused(self, wait: float) -> None:
        """Be told of a request that was refused for so many seconds."""
        self._learned.refused(time.monotonic(), wait)

    async def wait(self) -> None:
        """Wait until the next request may be sent. A cancelled wait uses up nothing."""
        if self.per_second is None and not self._learned.gap:
            return
        await self._turn.acquire()
        try:
            # Again after each wait, because meanwhile another request may have been refused.
            while (pause := max(self._next_at - time.monotonic(), self.held)) > 0:  # noqa: ASYNC110 (there is no event to wait for, only a time)
                await asyncio.sleep(pause)
            gap = 1.0 / self.per_second if self.per_second else 0.0
            self._next_at = time.monotonic() + max(gap, self._learned.gap)
        finally:
            self._turn.release()


class LoadBudget:
    """The largest answer one call may draw from a source, in points (rows); None is no limit.

    Make one for each attempt: it counts what has arrived.
    """

    def __init__(self, max_points: int | None, *, source: str = "") -> None:
        self.max_points = max_points
        self.source = source
        self.counted = 0

    def check_plan(self, points: int | None) -> None:
        """Refuse, before anything is sent, a call expected to answer too many points.

        None is an unknown number and passes; `count` still watches the answer.

        Raises
        ------
        LoadBudgetExceeded : more points than the source allows.
        """
        if points is not None and self.max_points is not None and points > self.max_points:
            raise self._exceeded(f"the call would read about {points:,} points")

    def count(self, rows: int) -> None:
        """Add rows that have arrived.

        Raises
        ------
        LoadBudgetExceeded : more rows have arrived in all than the source allows.
        """
        self.counted += rows
        if self.max_points is not None and self.counted > self.max_points:
            raise self._exceeded(f"{self.counted:,} points have arrived and more may follow")

    def _exceeded(self, found: str) -> LoadBudgetExceeded:
        return LoadBudgetExceeded(
            f"{found}, and the source's limit is {self.max_points:,}",
            source=self.source,
        )
