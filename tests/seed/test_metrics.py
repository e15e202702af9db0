"""Metrics are exact, and the copy that is handed out stays as it was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pybreaker import CircuitBreakerError

from greenlang_data import ConnectionState, ConnectorMetrics, HealthStatus
from tests.seed.mocks import QUERIES, connector
from tests.seed.systems import Question, ScriptedConnector, scripted

DEFAULTS = {
    "total_requests": 0,
    "successful_requests": 0,
    "failed_requests": 0,
    "retry_count": 0,
    "circuit_breaker_opens": 0,
    "avg_response_time_ms": 0.0,
    "last_request_time": None,
    "last_success_time": None,
    "last_failure_time": None,
    "health_status": HealthStatus.UNKNOWN,
    "connection_state": ConnectionState.DISCONNECTED,
    "uptime_seconds": 0.0,
}


async def ask(source: ScriptedConnector, times: int = 1) -> None:
    """Ask ``times`` times, whatever comes of it."""
    for _ in range(times):
        await asyncio.gather(source.fetch_data(Question()), return_exceptions=True)


def counts(source: ScriptedConnector) -> tuple[int, int, int, int, int]:
    metrics = source.get_metrics()
    return (
        metrics.total_requests,
        metrics.successful_requests,
        metrics.failed_requests,
        metrics.retry_count,
        metrics.circuit_breaker_opens,
    )


def test_metrics_begin_with_these_values() -> None:
    assert ConnectorMetrics().model_dump() == DEFAULTS
    assert scripted().get_metrics().model_dump() == DEFAULTS


def test_requests_are_counted_once_and_retries_apart() -> None:
    async def use() -> None:
        source = scripted(max_retries=2)
        refused = ConnectionError("refused")
        await ask(source, 3)
        assert counts(source) == (3, 3, 0, 0, 0)
        source.script = [refused, TimeoutError("late"), None]
        await ask(source)
        assert counts(source) == (4, 4, 0, 2, 0)
        source.script = [refused] * 3
        await ask(source)
        assert counts(source) == (5, 4, 1, 4, 0)
        source.script = [ValueError("not retried")]
        await ask(source)
        assert counts(source) == (6, 4, 2, 4, 0)
        assert source.attempts == 3 + 3 + 3 + 1

    asyncio.run(use())


def test_openings_of_the_breaker_are_counted_and_not_the_refusals() -> None:
    async def use() -> None:
        source = scripted(circuit_breaker_threshold=2)
        source.script = [ConnectionError("refused")] * 2
        await ask(source, 2)
        assert source.get_metrics().circuit_breaker_opens == 1
        for _ in range(5):
            with pytest.raises(CircuitBreakerError):
                await source.fetch_data(Question())
        metrics = source.get_metrics()
        assert metrics.circuit_breaker_opens == 1
        assert metrics.retry_count == 0
        assert metrics.total_requests == metrics.failed_requests == 7
        assert source.attempts == 2

    asyncio.run(use())


def test_concurrent_requests_are_all_counted() -> None:
    async def use() -> None:
        source = scripted()
        source.delay = 0.001
        source.script = [ConnectionError("refused") if n % 4 == 0 else None for n in range(100)]
        await asyncio.gather(
            *(source.fetch_data(Question()) for _ in range(100)), return_exceptions=True
        )
        assert counts(source) == (100, 75, 25, 0, 0)

    asyncio.run(use())


def test_the_average_is_over_all_requests_in_milliseconds() -> None:
    async def use() -> None:
        source = scripted()
        source.delay = 0.1
        await ask(source)
        assert 95 <= source.get_metrics().avg_response_time_ms <= 200
        source.delay = 0
        await ask(source, 3)
        assert 23 <= source.get_metrics().avg_response_time_ms <= 60

    asyncio.run(use())


def test_times_of_the_last_request_success_and_failure_are_utc() -> None:
    async def use() -> None:
        source = scripted()
        before = datetime.now(UTC)
        await ask(source)
        first = source.get_metrics()
        assert first.last_request_time is not None
        assert first.last_success_time is not None
        assert before <= first.last_request_time <= first.last_success_time <= datetime.now(UTC)
        assert first.last_success_time.utcoffset() == timedelta(0)
        assert first.last_request_time.utcoffset() == timedelta(0)
        assert first.last_failure_time is None
        await asyncio.sleep(0.002)
        source.script = [ConnectionError("refused")]
        await ask(source)
        second = source.get_metrics()
        assert second.last_failure_time is not None
        assert second.last_request_time is not None
        assert second.last_failure_time.utcoffset() == timedelta(0)
        assert second.last_success_time == first.last_success_time
        assert first.last_success_time < second.last_request_time <= second.last_failure_time

    asyncio.run(use())


def test_the_metrics_handed_out_are_a_snapshot() -> None:
    async def use() -> None:
        source = scripted()
        await ask(source)
        snapshot = source.get_metrics()
        await ask(source, 2)
        assert snapshot.total_requests == 1
        snapshot.total_requests = 99
        assert source.get_metrics().total_requests == 3
        assert source.metrics.total_requests == 3

    asyncio.run(use())


def test_a_reset_sets_the_counters_to_zero_and_counting_goes_on() -> None:
    async def use() -> None:
        async with scripted(max_retries=1) as source:
            await source.health_check()
            source.script = [ConnectionError("refused")] * 3
            await ask(source, 3)
            assert counts(source) == (3, 2, 1, 2, 0)
            source.reset_metrics()
            after = source.get_metrics()
            assert counts(source) == (0, 0, 0, 0, 0)
            assert after.avg_response_time_ms == 0
            assert after.last_request_time is None
            assert after.last_success_time is None
            assert after.last_failure_time is None
            assert after.connection_state == ConnectionState.CONNECTED
            assert after.health_status == HealthStatus.HEALTHY
            await ask(source)
            assert counts(source) == (1, 1, 0, 0, 0)

    asyncio.run(use())


def test_connectors_do_not_share_their_metrics() -> None:
    async def use() -> None:
        first, second = scripted("plant1"), scripted("plant2")
        await ask(first, 2)
        assert first.get_metrics().total_requests == 2
        assert second.get_metrics().total_requests == 0

    asyncio.run(use())


@pytest.mark.parametrize("family", list(QUERIES))
def test_the_built_in_connectors_count_too(family: str) -> None:
    async def use() -> None:
        async with connector(family) as source:
            for _ in range(3):
                await source.fetch_data(QUERIES[family])
            metrics = source.get_metrics()
            assert (metrics.total_requests, metrics.successful_requests) == (3, 3)
            assert metrics.avg_response_time_ms > 0

    asyncio.run(use())
