from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from greenlang_data import AggregatedHealth, HealthCheckResult, HealthMonitor, HealthStatus
from greenlang_data.errors import CircuitOpenError, ConfigurationError, QueryError
from greenlang_data.observe import results
from greenlang_data.observe.results import History, aggregate
from greenlang_data.states import ConnectionState

from .fakes import Ask, Hanging, Scripted, config, health, scripted


def monitoring(*connectors: Scripted, registry: CollectorRegistry | None = None) -> HealthMonitor:
    monitor = HealthMonitor(registry=registry or CollectorRegistry())
    for connector in connectors:
        monitor.register_connector(connector)
    return monitor


def test_a_healthy_connector() -> None:
    registry, connector = CollectorRegistry(), scripted()
    monitor = monitoring(connector, registry=registry)
    before = datetime.now(UTC)
    result = asyncio.run(monitor.check_connector_health("plant1"))
    assert (result.connector_id, result.health_status) == ("plant1", HealthStatus.HEALTHY)
    assert before <= result.timestamp <= datetime.now(UTC)
    assert result.timestamp.utcoffset() == timedelta(0)
    assert result.latency_ms is not None
    assert 0 < result.latency_ms < 1000
    assert result.error_message is None
    assert result.metrics is not None
    assert result.metrics.connection_state is ConnectionState.CONNECTED
    assert result.metrics.health_status is HealthStatus.HEALTHY
    assert connector.metrics.health_status is HealthStatus.HEALTHY
    assert health(registry) == 1


def test_latency_is_in_milliseconds() -> None:
    class Slow(Scripted):
        async def _health_check_impl(self) -> bool:
            await asyncio.sleep(0.2)
            return True

    monitor = monitoring(Slow(config()))
    latency = asyncio.run(monitor.check_connector_health("plant1")).latency_ms
    assert latency is not None
    assert 190 < latency < 900


def test_a_failing_check_says_why() -> None:
    registry, connector = CollectorRegistry(), scripted()
    monitor = monitoring(connector, registry=registry)
    connector.error = ConnectionRefusedError("nobody listens on port 4840")
    result = asyncio.run(monitor.check_connector_health("plant1"))
    assert result.health_status is HealthStatus.UNHEALTHY
    assert result.error_message == "ConnectionRefusedError: nobody listens on port 4840"
    assert health(registry) == 3


def test_a_check_that_says_no_is_unhealthy_and_names_the_source() -> None:
    connector = scripted()
    connector.alive = False
    result = asyncio.run(monitoring(connector).check_connector_health("plant1"))
    assert result.health_status is HealthStatus.UNHEALTHY
    assert result.error_message is not None
    assert result.error_message.startswith("plant1: ")


def test_a_connector_that_cannot_connect_is_disconnected() -> None:
    class Unreachable(Scripted):
        async def connect(self) -> bool:
            raise ConnectionError("no route")

    registry = CollectorRegistry()
    monitor = monitoring(Unreachable(config()), registry=registry)
    result = asyncio.run(monitor.check_connector_health("plant1"))
    assert result.health_status is HealthStatus.DISCONNECTED
    assert health(registry) == 3
    assert monitor.get_aggregated_health().disconnected_count == 1


def test_an_answering_connector_with_an_open_breaker_is_degraded() -> None:
    async def run() -> HealthCheckResult:
        connector = scripted(circuit_breaker_threshold=1)
        monitor = monitoring(connector)
        connector.error = ConnectionError("gone")
        with pytest.raises((ConnectionError, CircuitOpenError)):
            await connector.fetch_data(Ask())
        connector.error = None
        return await monitor.check_connector_health("plant1")

    assert asyncio.run(run()).health_status is HealthStatus.DEGRADED


def test_all_are_checked_at_the_same_time() -> None:
    started = asyncio.Barrier(3)

    class Together(Scripted):
        async def _health_check_impl(self) -> bool:
            await started.wait()
            return True

    monitor = monitoring(*(Together(config(name)) for name in "abc"))
    found = asyncio.run(monitor.check_all_connectors())
    assert list(found) == ["a", "b", "c"]
    assert {result.health_status for result in found.values()} == {HealthStatus.HEALTHY}


def test_checking_nothing_finds_nothing() -> None:
    assert asyncio.run(monitoring().check_all_connectors()) == {}


@pytest.mark.parametrize(("stubborn", "seconds", "at_most"), [(0, 1.0, 1.5), (2, 2.0, 3.5)])
def test_a_hanging_check_ends_and_does_not_hold_up_the_others(
    stubborn: int, seconds: float, at_most: float
) -> None:
    async def run() -> tuple[float, HealthCheckResult]:
        hanging = Hanging(config("hanging"))
        hanging.stubborn = stubborn
        monitor = monitoring(hanging, scripted("quick"))
        task = asyncio.create_task(monitor.check_all_connectors())
        await asyncio.sleep(0.3)
        assert monitor.get_health_status("quick") is HealthStatus.HEALTHY
        assert monitor.get_health_status("hanging") is HealthStatus.UNKNOWN
        begun = time.monotonic()
        found = await task
        return time.monotonic() - begun, found["hanging"]

    waited, result = asyncio.run(run())
    assert waited < at_most
    assert result.health_status is HealthStatus.UNHEALTHY
    assert result.error_message is not None
    assert f"within {seconds:g} s" in result.error_message


def test_a_cancelled_check_leaves_no_result_and_nothing_running() -> None:
    async def run() -> None:
        monitor = monitoring(Hanging(config()))
        task = asyncio.create_task(monitor.check_connector_health("plant1"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert monitor.get_health_history("plant1") == []

    asyncio.run(run())


def test_an_unknown_connector_is_an_error_that_names_the_nearest() -> None:
    monitor = monitoring(scripted("plant1"), scripted("ledger"))
    with pytest.raises(QueryError, match=r"Did you mean 'plant1'\? Registered: plant1, ledger"):
        asyncio.run(monitor.check_connector_health("plnt1"))
    for ask in (
        monitor.get_health_status,
        monitor.get_health_history,
        monitor.unregister_connector,
    ):
        with pytest.raises(QueryError, match="no connector 'zzz'"):
            ask("zzz")
    with pytest.raises(QueryError, match="Registered: none"):
        monitoring().get_health_status("plant1")


def test_another_connector_of_the_same_name_is_refused() -> None:
    connector = scripted()
    monitor = monitoring(connector)
    monitor.register_connector(connector)
    with pytest.raises(ConfigurationError, match="another connector called 'plant1'"):
        monitor.register_connector(scripted())
    assert monitor.get_aggregated_health().total_connectors == 1


def test_an_unregistered_connector_is_forgotten() -> None:
    monitor = monitoring(scripted("one"), scripted("other"))
    asyncio.run(monitor.check_all_connectors())
    monitor.unregister_connector("one")
    assert list(monitor.get_all_metrics()) == ["other"]
    assert monitor.get_aggregated_health().total_connectors == 1


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_times_must_be_positive(wrong: float) -> None:
    with pytest.raises(ConfigurationError, match="check_interval"):
        HealthMonitor(check_interval=wrong, enable_prometheus=False)
    with pytest.raises(ConfigurationError, match="history_retention_hours"):
        HealthMonitor(history_retention_hours=wrong, enable_prometheus=False)


def test_the_history_holds_every_check_in_order() -> None:
    connector = scripted()
    monitor = monitoring(connector)
    asyncio.run(monitor.check_connector_health("plant1"))
    connector.error = ValueError("broken")
    asyncio.run(monitor.check_connector_health("plant1"))
    history = monitor.get_health_history("plant1")
    assert [one.health_status.value for one in history] == ["healthy", "unhealthy"]
    assert history[0].timestamp < history[1].timestamp
    assert monitor.get_health_status("plant1") is HealthStatus.UNHEALTHY
    history.clear()
    assert len(monitor.get_health_history("plant1", hours=1)) == 2


def test_the_monitor_drops_results_older_than_the_retention() -> None:
    monitor = HealthMonitor(enable_prometheus=False, history_retention_hours=0.1 / 3600)
    monitor.register_connector(scripted())
    asyncio.run(monitor.check_connector_health("plant1"))
    assert len(monitor.get_health_history("plant1")) == 1
    time.sleep(0.15)
    assert monitor.get_health_history("plant1") == []
    assert monitor.get_health_status("plant1") is HealthStatus.HEALTHY, "the last verdict stays"


def _aged(hours: float) -> HealthCheckResult:
    return HealthCheckResult(
        connector_id="plant1",
        health_status=HealthStatus.HEALTHY,
        timestamp=datetime.now(UTC) - timedelta(hours=hours),
    )


def test_a_span_of_the_history() -> None:
    history = History(timedelta(hours=24))
    for hours in (30, 23, 5, 0.5):
        history.add(_aged(hours))
    assert len(history) == 3, "pruned as results come, not only when asked"
    assert len(history.last(timedelta(hours=6))) == 2
    assert len(history.last(timedelta(hours=100))) == 3


def test_the_history_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_RESULTS", 3)
    history = History(timedelta(hours=24))
    for hours in (5, 4, 3, 2, 1):
        history.add(_aged(hours))
    assert len(history) == 3
    assert history.last(timedelta(hours=1.5)) == [history.latest]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ("", "unknown"),
        ("healthy healthy", "healthy"),
        ("healthy unknown", "unknown"),
        ("healthy unknown degraded", "degraded"),
        ("healthy degraded unhealthy", "unhealthy"),
        ("healthy degraded disconnected", "unhealthy"),
    ],
)
def test_the_whole_is_as_well_as_its_worst_part(parts: str, whole: str) -> None:
    assert aggregate(HealthStatus(part) for part in parts.split()).overall_health == whole


def test_aggregated_health_counts_each_kind() -> None:
    kinds = [
        "healthy",
        "healthy",
        "healthy",
        "degraded",
        "unhealthy",
        "unhealthy",
        "disconnected",
        "unknown",
    ]
    assert aggregate(map(HealthStatus, kinds)) == AggregatedHealth(
        total_connectors=8,
        healthy_count=3,
        degraded_count=1,
        unhealthy_count=2,
        disconnected_count=1,
        overall_health=HealthStatus.UNHEALTHY,
    )


def test_aggregated_health_tells_the_time_of_the_newest_check() -> None:
    monitor = monitoring(scripted("one"), scripted("other"))
    assert monitor.get_aggregated_health().last_updated is None
    asyncio.run(monitor.check_connector_health("one"))
    newest = asyncio.run(monitor.check_connector_health("other")).timestamp
    found = monitor.get_aggregated_health()
    assert (found.last_updated, found.healthy_count) == (newest, 2)


def test_all_metrics_are_copies() -> None:
    connector = scripted()
    monitor = monitoring(connector)
    asyncio.run(connector.fetch_data(Ask()))
    told = monitor.get_all_metrics()["plant1"]
    assert told.total_requests == 1
    told.total_requests = 99
    assert connector.metrics.total_requests == 1
