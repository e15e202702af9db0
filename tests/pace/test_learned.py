"""The pace that a throttling source allows is learned, and nothing is asked before it may be."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import random
import time
from collections import deque

import pytest

from greenlang_data.errors import SourceBusy
from greenlang_data.pace.learned import LearnedPace
from tests.resilience.fakes import Script, make_pipeline

SERVICE = 0.02


class Bucket:
    """A source that lets ``rate`` requests a second pass, and ``size`` at once; on its own clock."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._size = rate, size
        self._tokens, self._at = float(size), 0.0

    def refusal(self, now: float) -> float | None:
        """For how many seconds a request at ``now`` is refused, or None."""
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return None


class Windows:
    """A source that lets ``most`` requests pass in any ``seconds``, and tells whole seconds to wait."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._passed: deque[float] = deque()

    def refusal(self, now: float) -> float | None:
        """For how many seconds a request at ``now`` is refused, or None."""
        while self._passed and self._passed[0] <= now - self._seconds:
            self._passed.popleft()
        if len(self._passed) == self._most:
            return max(1, math.ceil(self._passed[0] + self._seconds - now))
        self._passed.append(now)
        return None


def simulated(source: Bucket | Windows, workers: int, total: int) -> tuple[list[float], int, bool]:
    """When requests passed, the most refusals of one in a row, and whether one came too early."""
    pace, free, next_at = LearnedPace(), [(0.0, place, 0) for place in range(workers)], 0.0
    passed: list[float] = []
    worst, early = 0, False
    while len(passed) < total:
        came, worker, refusals = heapq.heappop(free)
        now = max(came, next_at, pace.resumes_at)
        early |= now < pace.resumes_at
        next_at = now + pace.gap(now)
        wait = source.refusal(now)
        if wait is None:
            passed.append(now)
            pace.passed(now)
            heapq.heappush(free, (now + SERVICE, worker, 0))
        else:
            worst = max(worst, refusals + 1)
            pace.refused(now, wait)
            # As a call waits: as it is told at first, and then two seconds at least.
            later = max(wait * (1.02 + worker / 40), 2.0 if refusals else 0.0)
            heapq.heappush(free, (now + later, worker, refusals + 1))
    return passed, worst, early


def test_nearly_all_that_is_allowed_is_used() -> None:
    draw = random.Random(77)
    shares, worst = [], []
    for _ in range(300):
        rate, size, workers = draw.uniform(1, 40), draw.randint(4, 20), draw.randint(1, 5)
        skipped = 4 * size + 20
        passed, most, early = simulated(Bucket(rate, size), workers, skipped + 300)
        assert not early
        shares.append((300 - 1) / (passed[-1] - passed[skipped]) / rate)
        worst.append(most)
    assert min(shares) >= 0.9
    assert sum(one < 0.95 for one in shares) <= 3
    assert sum(one > 3 for one in worst) <= 3  # more than the retries that a call has by default


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(("most", "seconds"), [(6, 1.0), (20, 1.0), (10, 2.0), (60, 10.0)])
def test_most_is_used_where_all_time_in_which_nothing_is_asked_is_lost(
    most: int, seconds: float, workers: int
) -> None:
    rate = most / seconds
    passed, worst, early = simulated(Windows(most, seconds), workers, int(180 * rate))
    assert not early
    assert worst <= 3
    after = [moment for moment in passed if moment > 60]
    assert (len(after) - 1) / (after[-1] - after[0]) >= 0.85 * rate


def test_who_was_slow_for_long_is_not_taken_for_one_who_may_be_fast() -> None:
    pace, now = LearnedPace(), 0.0
    for _ in range(6):
        pace.passed(now)
    pace.refused(now, 1.0)
    for _ in range(50):
        now += 2.0
        pace.passed(now)
    refusals = 0
    while pace.gap(now) < 0.2:
        refusals += 1
        now += 1.0
        pace.refused(now, 0.5)
    assert refusals <= 6


def test_what_was_learned_is_forgotten_when_nobody_asks() -> None:
    pace = LearnedPace()
    for place in range(10):
        pace.passed(place / 10)
        pace.refused(place / 10, 0.05)
    assert pace.gap(1.0) > 0
    pace.passed(100.0)
    assert pace.gap(100.0) == 0


def test_a_refusal_holds_the_others_back_until_it_is_over() -> None:
    pipeline, _, _ = make_pipeline()
    moments: list[float] = []

    async def asked() -> str:
        moments.append(time.monotonic())
        if len(moments) == 1:
            raise SourceBusy("x", retry_after=0.2)
        return "ok"

    async def main() -> None:
        first = asyncio.create_task(pipeline.run(asked))
        await asyncio.sleep(0.02)
        assert await asyncio.gather(first, *(pipeline.run(asked) for _ in range(3))) == ["ok"] * 4

    asyncio.run(main())
    assert moments[1] - moments[0] >= 0.2
    assert all(later - earlier >= 0.01 for earlier, later in itertools.pairwise(moments))


def test_a_source_that_is_to_be_left_alone_for_too_long_is_not_waited_for() -> None:
    pipeline, _, _ = make_pipeline()

    async def main() -> None:
        with pytest.raises(SourceBusy):
            await pipeline.run(Script(SourceBusy("x", retry_after=3600)))
        script = Script()
        begun = time.monotonic()
        with pytest.raises(SourceBusy, match=r"left alone, for 36\d\d|3.6e\+03 s"):
            await pipeline.run(script)
        assert time.monotonic() - begun < 5
        assert script.calls == 0

    asyncio.run(main())
    assert pipeline.breaker.fail_counter == 1
