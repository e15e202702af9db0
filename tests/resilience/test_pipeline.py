"""The rings together: their order, their timeouts and what they report."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from greenlang_data.errors import (
    CircuitOpenError,
    DeadlineExceeded,
    LoadBudgetExceeded,
    QueryError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from greenlang_data.resilience import attempt as attempt_module

from .fakes import Script, make_pipeline


async def hang() -> None:
    await asyncio.sleep(30)


def test_success_reports_nothing() -> None:
    pipeline, _, events = make_pipeline()
    assert asyncio.run(pipeline.run(Script())) == "answer"
    assert (events.retries, events.opened, pipeline.slots.active) == ([], 0, 0)


def test_retries_and_reports() -> None:
    pipeline, _, events = make_pipeline()
    script = Script(ConnectionError(), SourceBusy("x"))
    assert asyncio.run(pipeline.run(script)) == "answer"
    assert [name for name, _ in events.retries] == ["ConnectionError", "SourceBusy"]
    assert pipeline.breaker.fail_counter == 0


def test_load_budget_comes_before_everything() -> None:
    pipeline, policy, _ = make_pipeline(max_points=10)
    script = Script()
    with pytest.raises(LoadBudgetExceeded):
        asyncio.run(pipeline.run(script, planned_points=11))
    assert script.calls == 0
    policy.max_points = 11  # assignable at run time
    asyncio.run(pipeline.run(script, planned_points=11))
    assert script.calls == 1


def test_every_attempt_counts_and_the_trip_ends_the_retries() -> None:
    pipeline, _, events = make_pipeline(circuit_breaker_threshold=3, max_retries=10)
    script = Script(*[ConnectionError("down") for _ in range(20)])
    with pytest.raises(ConnectionError, match="down") as info:
        asyncio.run(pipeline.run(script))
    assert script.calls == 3
    assert info.value.__notes__ == ["gave up after 3 attempts: the circuit breaker has opened"]
    assert (events.opened, pipeline.breaker.opens) == (1, 1)
    with pytest.raises(CircuitOpenError, match="plant1"):
        asyncio.run(pipeline.run(script))
    assert script.calls == 3


def test_refusal_between_attempts_names_the_failure_as_cause() -> None:
    pipeline, _, _ = make_pipeline(
        circuit_breaker_threshold=2, retry_min_wait=0.03, retry_max_wait=0.03, max_retries=2
    )
    error = ConnectionError("mine")

    async def main() -> None:
        call = asyncio.create_task(pipeline.run(Script(error, error, error)))
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError):
            await pipeline.run(Script(RuntimeError("trips it")))
        with pytest.raises(CircuitOpenError) as info:
            await call
        assert info.value.__cause__ is error

    asyncio.run(main())


def test_recovers_with_one_trial() -> None:
    pipeline, _, _ = make_pipeline(
        circuit_breaker_threshold=1, circuit_breaker_timeout=0.05, max_retries=0
    )

    async def main() -> None:
        with pytest.raises(ConnectionError):
            await pipeline.run(Script(ConnectionError()))
        await asyncio.sleep(0.06)
        assert await pipeline.run(Script()) == "answer"

    asyncio.run(main())
    assert pipeline.breaker.current_state == "closed"


def test_breaker_can_be_switched_off_at_run_time() -> None:
    pipeline, policy, _ = make_pipeline(circuit_breaker_threshold=1, max_retries=0)
    with pytest.raises(RuntimeError):
        asyncio.run(pipeline.run(Script(RuntimeError())))
    policy.circuit_breaker_enabled = False
    assert asyncio.run(pipeline.run(Script())) == "answer"


def test_attempt_timeout_is_retried_and_counts() -> None:
    pipeline, _, events = make_pipeline(timeout_seconds=0.02, max_retries=1)
    with pytest.raises(SourceTimeout, match=r"plant1: no answer within 0\.02"):
        asyncio.run(pipeline.run(hang))
    assert [name for name, _ in events.retries] == ["SourceTimeout"]
    assert pipeline.breaker.fail_counter == 2


def test_timeout_of_the_call_is_the_total_and_does_not_count() -> None:
    pipeline, _, _ = make_pipeline()
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"plant1: no result within 0\.05 s") as info:
        asyncio.run(pipeline.run(hang, timeout=0.05))
    assert time.monotonic() - begun < 0.5
    assert info.value.__cause__ is None
    assert (pipeline.breaker.fail_counter, pipeline.slots.active) == (0, 0)


def test_deadline_has_the_last_failure_as_cause() -> None:
    pipeline, _, _ = make_pipeline()
    error = ConnectionError("first")
    script = Script(error)

    async def fail_then_hang() -> None:
        await script()
        await hang()

    with pytest.raises(DeadlineExceeded) as info:
        asyncio.run(pipeline.run(fail_then_hang, timeout=0.1))
    assert info.value.__cause__ is error


def test_longer_timeout_lifts_the_attempt_timeout() -> None:
    pipeline, _, _ = make_pipeline(timeout_seconds=0.02)

    async def slow() -> str:
        await asyncio.sleep(0.06)
        return "late"

    assert asyncio.run(pipeline.run(slow, timeout=5)) == "late"


def test_silence_for_a_whole_attempt_counts_whoever_ended_it() -> None:
    pipeline, _, _ = make_pipeline(timeout_seconds=0.1)
    with pytest.raises(DeadlineExceeded) as info:
        asyncio.run(pipeline.run(hang, timeout=0.15))
    assert isinstance(info.value.__cause__, SourceTimeout)
    assert pipeline.breaker.fail_counter == 1


def test_total_timeout_of_the_policy() -> None:
    pipeline, policy, _ = make_pipeline(total_timeout_seconds=0.05)
    with pytest.raises(DeadlineExceeded):
        asyncio.run(pipeline.run(hang))
    policy.total_timeout_seconds = None
    assert pipeline._total_seconds(None) == pytest.approx(4 * (5.0 + 1.0) + 0.001 + 0.002 + 0.004)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_senseless_timeouts_are_refused(timeout: float) -> None:
    pipeline, _, _ = make_pipeline()
    with pytest.raises(QueryError, match="more than 0 seconds"):
        asyncio.run(pipeline.run(Script(), timeout=timeout))


def test_waiting_for_a_slot_eats_the_deadline_but_not_the_attempt() -> None:
    pipeline, _, _ = make_pipeline(connection_pool_size=1, timeout_seconds=0.8)

    async def slow() -> str:
        await asyncio.sleep(0.5)
        return "ok"

    async def main() -> None:
        results = await asyncio.gather(*(pipeline.run(slow) for _ in range(3)))
        assert results == ["ok"] * 3
        late = await asyncio.gather(
            *(pipeline.run(slow, timeout=0.8) for _ in range(2)), return_exceptions=True
        )
        assert late[0] == "ok"
        assert isinstance(late[1], DeadlineExceeded)

    asyncio.run(main())
    assert (pipeline.breaker.fail_counter, pipeline.slots.active) == (0, 0)


def test_cancellation_stays_one_and_lets_the_attempt_clean_up() -> None:
    pipeline, _, _ = make_pipeline()
    log: list[str] = []

    async def careful() -> None:
        try:
            await hang()
        finally:
            await asyncio.sleep(0.01)
            log.append("cleaned")

    async def main() -> None:
        task = asyncio.create_task(pipeline.run(careful))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())
    assert log == ["cleaned"]
    assert (pipeline.breaker.fail_counter, pipeline.slots.active) == (0, 0)


def test_loop_shutdown_does_not_cancel_clean_up_twice() -> None:
    pipeline, _, _ = make_pipeline()
    log: list[str] = []

    async def careful() -> None:
        try:
            await hang()
        finally:
            await asyncio.sleep(0.01)
            log.append("cleaned")

    async def main() -> None:
        task = asyncio.create_task(pipeline.run(careful))
        await asyncio.sleep(0.01)
        assert not task.done()  # left to asyncio.run, which cancels parent and attempt alike

    asyncio.run(main())
    assert log == ["cleaned"]


def test_attempt_that_ignores_cancellation_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_module, "CLEANUP_SECONDS", 0.05)
    pipeline, _, _ = make_pipeline(timeout_seconds=0.02, max_retries=0)
    release = asyncio.Event()

    async def stubborn() -> str:
        for _ in range(10):
            if release.is_set():
                break
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        return "partial"

    async def main() -> None:
        begun = time.monotonic()
        with pytest.raises(SourceTimeout):
            await pipeline.run(stubborn)
        assert time.monotonic() - begun < 0.5
        assert pipeline.slots.active == 1  # it still occupies the source
        release.set()
        await asyncio.sleep(0.01)
        assert pipeline.slots.active == 0

    asyncio.run(main())


def test_client_that_cancels_its_own_request_is_unreachable_not_cancelled() -> None:
    pipeline, _, _ = make_pipeline(max_retries=0)

    async def closed_connection() -> None:
        request = asyncio.get_running_loop().create_future()
        request.cancel()
        await request

    with pytest.raises(SourceUnreachable, match="plant1"):
        asyncio.run(pipeline.run(closed_connection))
    assert pipeline.breaker.fail_counter == 1


def test_pool_size_and_rate_are_assignable() -> None:
    pipeline, policy, _ = make_pipeline(connection_pool_size=1)
    running = most = 0

    async def job() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    async def burst() -> None:
        await asyncio.gather(*(pipeline.run(job) for _ in range(8)))

    asyncio.run(burst())
    assert most == 1
    policy.connection_pool_size = 4
    asyncio.run(burst())
    assert most == 4
    policy.max_requests_per_second = 100
    begun = time.monotonic()
    asyncio.run(burst())
    assert time.monotonic() - begun >= 0.07


def test_deadline_during_the_wait_for_the_rate_gives_the_slot_back() -> None:
    pipeline, _, _ = make_pipeline(max_requests_per_second=1)

    async def main() -> None:
        await pipeline.run(Script())
        with pytest.raises(DeadlineExceeded):
            await pipeline.run(Script(), timeout=0.05)

    asyncio.run(main())
    assert (pipeline.breaker.fail_counter, pipeline.slots.active) == (0, 0)


def test_failing_listeners_hide_nothing() -> None:
    pipeline, _, events = make_pipeline(circuit_breaker_threshold=1, max_retries=0)
    events.opened = None  # type: ignore[assignment]  # adding to it raises TypeError
    with pytest.raises(ConnectionError, match="mine"):
        asyncio.run(pipeline.run(Script(ConnectionError("mine"))))
