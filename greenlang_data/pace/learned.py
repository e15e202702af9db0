"""The pace at which a source lets requests pass, learned from its refusals.

A source that refuses says that what passed since it last did so is all that it allows: so many
requests in that time are its pace. Below it nothing is refused and nothing is learned, so a pace
grows a little with each request that passes, until the source refuses again.
"""

from __future__ import annotations

from typing import Final

_ENOUGH: Final = 4  # requests that passed: fewer tell a pace too coarsely
_IDLE: Final = 1.0  # seconds beyond which a source that nobody asks may let a burst pass again
_LONGEST: Final = 60.0  # seconds; what was allowed before may not be allowed now
_GROWTH: Final = 1.003
# At the very pace that is allowed each second request would be refused by a hair, and a call that
# is refused four times in a row has failed.
_CARE: Final = 1.02
_FIRST_GAP: Final = 0.2


class LearnedPace:
    """Told of each request that passed or was refused; all times in seconds of one clock."""

    def __init__(self) -> None:
        self.resumes_at = float("-inf")
        """Until when the source asked to be left alone."""
        self._gap = 0.0
        self._known = False
        self._since: float | None = None
        self._passed = 0
        self._last = float("-inf")

    @property
    def gap(self) -> float:
        """Seconds from one request to the next, 0 as long as nothing was refused."""
        return self._gap

    def passed(self, now: float) -> None:
        """Count a request that was answered."""
        idle = now - self._last
        if idle > _IDLE + 2 * self._gap:
            self._since, self._passed = None, 0
        if idle > _LONGEST:
            self._gap, self._known = 0.0, False
        self._last = max(self._last, now)
        self._passed += 1
        # Before the pace is known the first gap only keeps those apart who come back together.
        self._gap *= 1.0 / _GROWTH if self._known else 0.5

    def refused(self, now: float, wait: float) -> None:
        """Count a refusal that asked for ``wait`` seconds. Further ones in that time are the same."""
        again = now < self.resumes_at
        self.resumes_at = self._last = max(self.resumes_at, now + wait)
        if again:
            return
        since = self._since
        if since is not None and self._passed >= _ENOUGH and now > since:
            self._gap, self._known = _CARE * (now - since) / self._passed, True
        elif not self._known:
            self._gap = max(min(wait, _FIRST_GAP), 2 * self._gap)
        if since is None or now - since > _LONGEST:
            self._since, self._passed = now, 0
