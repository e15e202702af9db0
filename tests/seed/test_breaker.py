"""The circuit breaker: when it opens, what it lets through, and when it closes."""

from __future__ import annotations

import asyncio

import pytest
from pybreaker import CircuitBreakerError

from tests.seed.systems import Answer, Question, ScriptedConnector, scripted

REFUSED = ConnectionError("refused")


def tripped(**changes: object) -> ScriptedConnector:
    return scripted(**{"circuit_breaker_threshold": 3, "circuit_breaker_timeout": 1, **changes})


def breaker_state(source: ScriptedConnector) -> str:
    assert source.circuit_breaker is not None
    return source.circuit_breaker.current_state


async def fail(source: ScriptedConnector, times: int) -> None:
    source.script = [REFUSED] * times
    for _ in range(times):
        with pytest.raises(ConnectionError, match="refused"):
            await source.fetch_data(Question())


async def crowd(source: ScriptedConnector, number: int) -> tuple[list[Answer], list[object]]:
    """``number`` requests at once: the answers, and the errors."""
    ends = await asyncio.gather(
        *(source.fetch_data(Question()) for _ in range(number)), return_exceptions=True
    )
    answers = [end[0] for end in ends if not isinstance(end, BaseException)]
    return answers, [end for end in ends if isinstance(end, BaseException)]


@pytest.mark.parametrize("threshold", [1, 3, 5])
def test_it_opens_after_as_many_failures_as_the_threshold(threshold: int) -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_threshold=threshold)
        await fail(source, threshold - 1)
        assert breaker_state(source) == "closed"
        await fail(source, 1)
        assert breaker_state(source) == "open"
        assert source.get_metrics().circuit_breaker_opens == 1

    asyncio.run(use())


def test_while_it_is_open_no_request_reaches_the_system() -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_timeout=600, max_retries=5)
        source.config.max_retries = 0
        await fail(source, 3)
        source.config.max_retries = 5
        answers, errors = await crowd(source, 20)
        assert answers == []
        assert len(errors) == 20
        assert all(isinstance(error, CircuitBreakerError) for error in errors)
        assert all("plant1" in str(error) for error in errors)
        assert source.attempts == 3
        assert source.get_metrics().retry_count == 0

    asyncio.run(use())


def test_a_success_starts_the_count_anew() -> None:
    async def use() -> None:
        source = tripped()
        for _ in range(4):
            await fail(source, 2)
            await source.fetch_data(Question())
        assert breaker_state(source) == "closed"
        assert source.get_metrics().circuit_breaker_opens == 0

    asyncio.run(use())


def test_after_the_timeout_one_of_twenty_is_let_through_and_its_success_closes_it() -> None:
    async def use() -> None:
        source = tripped()
        await fail(source, 3)
        await asyncio.sleep(0.8)
        with pytest.raises(CircuitBreakerError):
            await source.fetch_data(Question())
        await asyncio.sleep(0.3)
        source.delay = 0.1
        answers, errors = await crowd(source, 20)
        assert len(answers) == 1
        assert [type(error).__mro__.count(CircuitBreakerError) for error in errors] == [1] * 19
        assert source.attempts == 4
        assert breaker_state(source) == "closed"
        source.delay = 0
        answers, errors = await crowd(source, 20)
        assert (len(answers), errors) == (20, [])
        assert source.get_metrics().circuit_breaker_opens == 1

    asyncio.run(use())


def test_a_failed_trial_opens_it_again_for_the_whole_timeout() -> None:
    async def use() -> None:
        source = tripped()
        await fail(source, 3)
        await asyncio.sleep(1.05)
        source.delay = 0.05
        source.script = [REFUSED]
        answers, errors = await crowd(source, 20)
        assert answers == []
        assert sum(isinstance(error, CircuitBreakerError) for error in errors) == 19
        assert source.attempts == 4
        assert breaker_state(source) == "open"
        assert source.get_metrics().circuit_breaker_opens == 2
        await asyncio.sleep(0.7)
        with pytest.raises(CircuitBreakerError):
            await source.fetch_data(Question())
        await asyncio.sleep(0.4)
        await source.fetch_data(Question())
        assert breaker_state(source) == "closed"

    asyncio.run(use())


def test_a_cancelled_trial_leaves_the_way_free_for_another() -> None:
    async def use() -> None:
        source = tripped()
        await fail(source, 3)
        await asyncio.sleep(1.05)
        source.delay = 30
        trial = asyncio.create_task(source.fetch_data(Question()))
        await asyncio.sleep(0.05)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        source.delay = 0
        await source.fetch_data(Question())
        assert breaker_state(source) == "closed"

    asyncio.run(use())


def test_every_attempt_counts_and_no_retry_meets_an_open_circuit() -> None:
    async def use() -> None:
        source = tripped(max_retries=10)
        source.script = [REFUSED] * 50
        with pytest.raises((ConnectionError, CircuitBreakerError)):
            await source.fetch_data(Question())
        assert source.attempts == 3
        assert breaker_state(source) == "open"

    asyncio.run(use())


def test_timeouts_count_as_failures() -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_threshold=2)
        source.script = [TimeoutError("late")] * 2
        for _ in range(2):
            with pytest.raises(TimeoutError, match="late"):
                await source.fetch_data(Question())
        assert breaker_state(source) == "open"

    asyncio.run(use())


def test_switched_off_it_never_opens() -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_enabled=False, circuit_breaker_threshold=1)
        assert source.circuit_breaker is None
        await fail(source, 10)
        assert source.attempts == 10
        assert source.get_metrics().circuit_breaker_opens == 0

    asyncio.run(use())


def test_it_can_be_switched_on_and_off_at_run_time() -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_enabled=False, circuit_breaker_timeout=600)
        await fail(source, 3)
        source.config.circuit_breaker_enabled = True
        await fail(source, 3)
        with pytest.raises(CircuitBreakerError):
            await source.fetch_data(Question())
        source.config.circuit_breaker_enabled = False
        await source.fetch_data(Question())
        assert source.circuit_breaker is None

    asyncio.run(use())


def test_a_threshold_assigned_at_run_time_counts_for_the_next_request() -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_threshold=100)
        await fail(source, 4)
        source.config.circuit_breaker_threshold = 5
        await fail(source, 1)
        assert breaker_state(source) == "open"

    asyncio.run(use())


def test_a_timeout_assigned_at_run_time_lets_a_trial_through_earlier() -> None:
    async def use() -> None:
        source = tripped(circuit_breaker_timeout=600)
        await fail(source, 3)
        source.config.circuit_breaker_timeout = 1
        await asyncio.sleep(1.05)
        await source.fetch_data(Question())
        assert breaker_state(source) == "closed"

    asyncio.run(use())


def test_connectors_do_not_share_a_breaker() -> None:
    async def use() -> None:
        first = tripped()
        await fail(first, 3)
        second = scripted("plant2", circuit_breaker_threshold=3)
        await second.fetch_data(Question())
        assert second.attempts == 1

    asyncio.run(use())
