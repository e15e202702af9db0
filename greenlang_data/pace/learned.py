"""The pace at which a source lets requests pass, learned from its refusals.

The pace at which it refused was a little too much. So the next requests begin below it, come back to
it slowly, stay near it for long, and then go beyond it ever faster until the source refuses again: the
curve by which TCP CUBIC (RFC 9438, section 4.2) finds what a network carries. The better the pace is
known the flatter and longer the curve is, since each refusal costs all that the source would have let
pass until it may be asked again.
"""

from __future__ import annotations

import math
from typing import Final

_LONGEST: Final = 60.0  # seconds; what was allowed before may not be allowed now
# Times what passed before the first refusal, in the time until it may be asked again: a guess from above,
# because a pace that is too low is left more slowly than one that is too high.
_FIRST_GUESS: Final = 2.0
_CARE: Final = 0.98  # of the pace of a refusal
# How far below the pace of the refusal it begins, as a part of that pace: at first, at least, and by
# how much less each time.
_FIRST_DEPTH: Final = 0.3
_LEAST_DEPTH: Final = 0.03
_FLATTER: Final = 3.0
# After how many of the times that the source asked to wait the pace of the refusal is reached again: at
# first, at most, and by how much later each time. A shorter wait than the least counts as that.
_FIRST_PERIOD: Final = 3.0
_LONGEST_PERIOD: Final = 40.0
_LATER: Final = 3.0
_LEAST_WAIT: Final = 0.5
_SOON: Final = 0.3  # part of the period in which no refusal is expected
_LAST: Final = 5.0  # periods; beyond, the pace no longer grows
# Who asks for so many seconds tells well when it will let as many pass again; shorter times are mostly
# one or two whole seconds.
_TOLD: Final = 5.0
_SLOWEST: Final = 1.0 / _LONGEST  # requests a second


class LearnedPace:
    """Told of each request that passed or was refused; all times in seconds of one clock."""

    _too_fast: float  # requests a second, at the last refusal; 0 before the first
    _depth: float
    _periods: float
    _period: float  # seconds
    _since: float
    _passed: int

    def __init__(self) -> None:
        self.resumes_at = float("-inf")
        """Until when the source asked to be left alone."""
        self._last = float("-inf")
        self._forget()

    def gap(self, now: float) -> float:
        """Seconds from a request at ``now`` to the next one, 0 as long as nothing was refused."""
        return 1.0 / self._pace(now) if self._too_fast else 0.0

    def passed(self, now: float) -> None:
        """Count a request that was answered."""
        if now - self._last > _LONGEST:
            self._forget()
        self._last = max(self._last, now)
        self._since = min(self._since, now)
        self._passed += 1

    def refused(self, now: float, wait: float) -> None:
        """Count a refusal that asked for ``wait`` seconds. Further ones in that time are the same."""
        if now > self.resumes_at and wait < _TOLD:
            self._learn(now, wait)
            self._since, self._passed = now, 0
        self._last = self.resumes_at = max(self.resumes_at, now + wait)

    def _learn(self, now: float, wait: float) -> None:
        if not self._too_fast:
            seconds = now - min(self._since, now) + wait
            self._too_fast = _FIRST_GUESS * max(self._passed, 1) / seconds
        else:
            # What has passed since the refusal before was allowed in any case.
            allowed = self._passed / (now - self._since)
            self._too_fast = max(_CARE * self._corrected(now, allowed), allowed)
        self._period = self._periods * max(wait, _LEAST_WAIT)

    def _corrected(self, now: float, allowed: float) -> float:
        """The pace at which the source refused."""
        pace = self._pace(now)
        if now - self.resumes_at < _SOON * self._period:
            # Even what it began with was too much, or it is more than was ever asked for.
            return min((1.0 - self._depth) * pace, math.sqrt(pace * max(allowed, _SLOWEST)))
        self._depth = max(_LEAST_DEPTH, self._depth / _FLATTER)
        self._periods = min(_LONGEST_PERIOD, _LATER * self._periods)
        return pace

    def _pace(self, now: float) -> float:
        """Requests a second."""
        periods = min(max(now - self.resumes_at, 0.0) / self._period, _LAST)
        curve: float = (periods - 1.0) ** 3
        return self._too_fast * (1.0 + self._depth * curve)

    def _forget(self) -> None:
        self._too_fast = 0.0
        self._depth = _FIRST_DEPTH
        self._periods = _FIRST_PERIOD
        self._period = _FIRST_PERIOD
        self._since = math.inf
        self._passed = 0
