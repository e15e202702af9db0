"""The pace that a throttling source allows is learned, and nothing is asked before it may be."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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


def simulated(bucket: Bucket, workers: int, total: int) -> tuple[list[float], int, bool]:
    """When requests passed, the most refusals of one in a row, and whether one came too early."""
    pace, free, next_at = LearnedPace(), [(0.0, place, 0) for place in range(workers)], 0.0
    passed: list[float] = []
    worst, early = 0, False
    while len(passed) < total:
        came, worker, refusals = heapq.heappop(free)
        now = max(came, next_at, pace.resumes_at)
        early |= now < pace.resumes_at
        next_at = now + pace.gap
        wait = bucket.refusal(now)
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


@settings(deadline=None)
@given(rate=st.floats(1, 40), size=st.integers(4, 20), workers=st.integers(1, 5))
@example(rate=19.81640625, size=15, workers=4)
@example(rate=30.454970087832933, size=16, workers=2)
def test_nearly_all_that_is_allowed_is_used(rate: float, size: int, workers: int) -> None:
    skipped = 4 * size + 20
    passed, worst, early = simulated(Bucket(rate, size), workers, skipped + 300)
    assert not early
    assert worst <= 3  # the retries that a call has by default
    used = (300 - 1) / (passed[-1] - passed[skipped])
    assert used >= 0.95 * rate


def test_what_was_learned_is_forgotten_when_nobody_asks() -> None:
    pace = LearnedPace()
    for place in range(10):
        pace.passed(place / 10)
        pace.refused(place / 10, 0.05)
    assert pace.gap > 0
    pace.passed(100.0)
    assert pace.gap == 0


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
