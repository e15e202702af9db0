"""How often a source may be asked: as often as was configured, and as often as it lets pass."""

from __future__ import annotations

import asyncio
import time

from greenlang_data.pace.learned import LearnedPace
from greenlang_data.pace.slots import ConcurrencySlots


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
        if self.per_second is None and not (self._learned.gap(0.0) or self.held):
            return
        await self._turn.acquire()
        try:
            # Again after each wait, because meanwhile another request may have been refused.
            while (pause := max(self._next_at - time.monotonic(), self.held)) > 0:  # noqa: ASYNC110 (there is no event to wait for, only a time)
                await asyncio.sleep(pause)
            gap = 1.0 / self.per_second if self.per_second else 0.0
            now = time.monotonic()
            self._next_at = now + max(gap, self._learned.gap(now))
        finally:
            self._turn.release()
