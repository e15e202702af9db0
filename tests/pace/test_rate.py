"""Slots and rate."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from greenlang_data.errors import SessionClosedError
from greenlang_data.pace import ConcurrencySlots, RateLimit
from greenlang_data.pace.learned import LearnedPace


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_never_more_holders_than_slots_and_first_come_first_served() -> None:
    slots, order, most = ConcurrencySlots(3), [], 0

    async def job(number: int) -> None:
        nonlocal most
        await slots.acquire()
        order.append(number)
        most = max(most, slots.active)
        await asyncio.sleep(0.001)
        slots.release()

    async def main() -> None:
        await asyncio.gather(*(job(number) for number in range(20)))

    asyncio.run(main())
    assert order == list(range(20))
    assert (most, slots.active) == (3, 0)


def test_limit_changes_at_run_time() -> None:
    async def main() -> None:
        slots = ConcurrencySlots(1)
        waiting = [asyncio.create_task(slots.acquire()) for _ in range(4)]
        await settle()
        assert slots.active == 1
        slots.limit = 3
        await settle()
        assert slots.active == 3
        slots.limit = 1
        slots.release()
        slots.release()
        await settle()
        assert slots.active == 1
        assert not waiting[3].done()
        slots.release()
        await settle()
        assert waiting[3].done()

    asyncio.run(main())


def test_cancelled_waits_take_no_slot() -> None:
    async def main() -> None:
        slots = ConcurrencySlots(1)
        await slots.acquire()
        tasks = [asyncio.create_task(slots.acquire()) for _ in range(3)]
        await settle()
        tasks[0].cancel()  # while it waits
        await settle()
        slots.release()  # grants the second …
        tasks[1].cancel()  # … which is cancelled before it could run
        await settle()
        assert [task.cancelled() for task in tasks] == [True, True, False]
        assert slots.active == 1
        slots.release()
        assert slots.active == 0
        await slots.acquire()

    asyncio.run(main())


def test_newcomer_does_not_overtake() -> None:
    async def main() -> None:
        slots = ConcurrencySlots(1)
        await slots.acquire()
        waiting = asyncio.create_task(slots.acquire())
        await settle()
        slots.release()
        newcomer = asyncio.create_task(slots.acquire())
        await settle()
        assert waiting.done()
        assert not newcomer.done()
        newcomer.cancel()

    asyncio.run(main())


def test_used_on_one_loop_after_another() -> None:
    slots = ConcurrencySlots(1)

    async def one() -> None:
        await slots.acquire()
        slots.release()

    async def left_behind() -> None:
        await slots.acquire()

    asyncio.run(one())
    asyncio.run(left_behind())  # its loop is closed, so the holder cannot come back
    asyncio.run(one())
    assert slots.active == 0


def test_refused_while_in_use_on_another_loop() -> None:
    slots = ConcurrencySlots(1)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(slots.acquire())
    with pytest.raises(SessionClosedError, match="another event loop"):
        asyncio.run(slots.acquire())
    loop.close()


def test_rate_is_even() -> None:
    async def main() -> list[float]:
        rate, moments = RateLimit(50), []

        async def request() -> None:
            await rate.wait()
            moments.append(time.monotonic())

        await asyncio.gather(*(request() for _ in range(6)))
        return moments

    moments = asyncio.run(main())
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) >= 0.019
    assert moments[-1] - moments[0] < 0.5


def test_rate_none_is_free_and_cancelled_waits_use_nothing() -> None:
    async def main() -> None:
        await asyncio.wait_for(RateLimit(None).wait(), 1)
        rate = RateLimit(10)
        await rate.wait()
        waiting = [asyncio.create_task(rate.wait()) for _ in range(50)]
        await settle()
        for task in waiting:
            task.cancel()
        begun = time.monotonic()
        await asyncio.wait_for(rate.wait(), 1)
        assert time.monotonic() - begun < 0.15

    asyncio.run(main())


def test_a_rate_lifted_during_a_wait_ends_the_waiting_call_well() -> None:
    async def main() -> None:
        rate = RateLimit(20.0)
        await rate.wait()
        waiting = asyncio.create_task(rate.wait())
        await settle()
        rate.per_second = None
        await waiting

    asyncio.run(main())


def test_a_source_that_says_for_long_when_it_answers_again_is_left_alone_and_then_asked_at_once() -> (
    None
):
    async def main() -> None:
        rate = RateLimit(None)
        rate.passed()
        rate.refused(30.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rate.wait(), 0.1)
        assert 29 < rate.held <= 30

    asyncio.run(main())
    pace = LearnedPace()
    pace.refused(0.0, 30.0)
    assert (pace.resumes_at, pace.gap(30.0)) == (30.0, 0.0)
