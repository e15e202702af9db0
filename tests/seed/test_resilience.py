"""Retries and timeouts, as configured and as changed at run time; cancellation."""

from __future__ import annotations

import asyncio
import time

import pytest
from pydantic import ValidationError

from tests.seed.systems import Question, ScriptedConnector, scripted

TRANSIENT = [
    ConnectionError("refused"),
    ConnectionResetError("reset"),
    ConnectionRefusedError("refused"),
    BrokenPipeError("broken"),
    TimeoutError("late"),
]
LASTING = [
    ValueError("wrong"),
    KeyError("missing"),
    RuntimeError("broken"),
    PermissionError("not yours"),
    TypeError("not so"),
]


def fetch(source: ScriptedConnector, timeout: float | None = None) -> None:
    asyncio.run(source.fetch_data(Question(), timeout=timeout))


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("max_retries", [0, 1, 3, 10])
def test_what_may_pass_is_tried_once_more_than_max_retries(
    error: Exception, max_retries: int
) -> None:
    source = scripted(max_retries=max_retries)
    source.script = [error] * 50
    with pytest.raises(TimeoutError if isinstance(error, TimeoutError) else ConnectionError):
        fetch(source)
    assert source.attempts == max_retries + 1
    assert source.get_metrics().retry_count == max_retries


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_what_will_not_pass_is_tried_once_and_raised_as_it_is(error: Exception) -> None:
    source = scripted(max_retries=5)
    source.script = [error] * 50
    with pytest.raises(type(error)) as caught:
        fetch(source)
    assert caught.value is error
    assert source.attempts == 1
    assert source.get_metrics().retry_count == 0


def test_the_error_after_the_last_retry_says_what_the_system_said() -> None:
    source = scripted(max_retries=2)
    source.script = [ConnectionError(f"refusal {number}") for number in range(3)]
    with pytest.raises(ConnectionError, match="refusal 2"):
        fetch(source)


def test_a_success_after_failures_is_a_success() -> None:
    source = scripted(max_retries=3)
    source.script = [ConnectionError("refused"), TimeoutError("late"), None]
    payload, _ = asyncio.run(source.fetch_data(Question(number=3)))
    assert payload.rows == [{"number": 3, "double": 6}]
    assert source.attempts == 3


def test_a_lasting_error_ends_the_retries() -> None:
    source = scripted(max_retries=5)
    source.script = [ConnectionError("refused"), ValueError("wrong")]
    with pytest.raises(ValueError, match="wrong"):
        fetch(source)
    assert source.attempts == 2


def test_the_waits_between_attempts_are_within_their_limits() -> None:
    source = scripted(max_retries=2, retry_multiplier=0.001, retry_min_wait=0.2, retry_max_wait=0.4)
    source.script = [ConnectionError("refused")] * 3
    start = time.perf_counter()
    with pytest.raises(ConnectionError):
        fetch(source)
    assert 0.39 <= time.perf_counter() - start <= 1.2


def test_max_retries_assigned_at_run_time_counts_for_the_next_request() -> None:
    source = scripted(max_retries=0)
    for max_retries, attempts in ((0, 1), (2, 4), (1, 6)):
        source.config.max_retries = max_retries
        source.script = [ConnectionError("refused")] * 10
        with pytest.raises(ConnectionError):
            fetch(source)
        assert source.attempts == attempts


def test_a_timeout_assigned_at_run_time_counts_for_the_next_request() -> None:
    source = scripted(timeout_seconds=1)
    source.delay = 1.3
    with pytest.raises(TimeoutError, match="plant1"):
        fetch(source)
    with pytest.raises(ValidationError, match="timeout_seconds"):
        source.config.timeout_seconds = 301
    assert source.config.timeout_seconds == 1
    source.config.timeout_seconds = 60
    fetch(source)
    assert source.get_metrics().successful_requests == 1


def test_an_attempt_that_takes_too_long_is_retried() -> None:
    source = scripted(timeout_seconds=1, max_retries=1)
    source.delay = 1.2
    start = time.perf_counter()
    with pytest.raises(TimeoutError, match="plant1"):
        fetch(source)
    assert 1.9 <= time.perf_counter() - start <= 2.9
    assert source.attempts == 2


def test_a_shorter_timeout_of_one_request_bounds_that_request_only() -> None:
    source = scripted(max_retries=3)
    source.delay = 0.4
    start = time.perf_counter()
    with pytest.raises(TimeoutError, match="plant1"):
        fetch(source, timeout=0.1)
    assert 0.09 <= time.perf_counter() - start <= 0.35
    fetch(source)
    assert source.get_metrics().successful_requests == 1


def test_a_longer_timeout_of_one_request_overrides_the_configured_one() -> None:
    source = scripted(timeout_seconds=1)
    source.delay = 1.3
    fetch(source, timeout=60)
    assert source.attempts == 1
    assert source.config.timeout_seconds == 1


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_that_is_none_is_refused_without_a_request(timeout: float) -> None:
    source = scripted()
    with pytest.raises(ValueError, match="timeout"):
        fetch(source, timeout=timeout)
    assert source.attempts == 0


def test_a_cancelled_request_leaves_the_connector_usable() -> None:
    async def use() -> None:
        async with scripted(
            connection_pool_size=1, circuit_breaker_threshold=1, max_retries=3
        ) as source:
            source.delay = 30
            for _ in range(3):
                task = asyncio.create_task(source.fetch_data(Question()))
                await asyncio.sleep(0.02)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert source.attempts == 3
            source.delay = 0
            payload, _ = await source.fetch_data(Question(number=2), timeout=2)
            assert payload.rows[0]["double"] == 4
            metrics = source.get_metrics()
            assert (metrics.retry_count, metrics.circuit_breaker_opens) == (0, 0)
            assert metrics.successful_requests == 1

    asyncio.run(use())


def test_a_request_cancelled_while_it_waits_for_a_place_leaves_the_connector_usable() -> None:
    async def use() -> None:
        async with scripted(connection_pool_size=1) as source:
            source.delay = 0.2
            working = asyncio.create_task(source.fetch_data(Question()))
            await asyncio.sleep(0.02)
            waiting = [asyncio.create_task(source.fetch_data(Question())) for _ in range(5)]
            await asyncio.sleep(0.02)
            for task in waiting:
                task.cancel()
            ended = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ended)
            await working
            await source.fetch_data(Question(), timeout=2)
            assert source.attempts == 2

    asyncio.run(use())
