"""The health monitor: checks, history, the whole picture, and background checking."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from greenlang_data import (
    AggregatedHealth,
    ConnectorMetrics,
    HealthCheckResult,
    HealthMonitor,
    HealthStatus,
)
from tests.seed.mocks import QUERIES, connector
from tests.seed.systems import Question, ScriptedConnector, config_for, scripted

COUNTS = {
    "total_connectors": 0,
    "healthy_count": 0,
    "degraded_count": 0,
    "unhealthy_count": 0,
    "disconnected_count": 0,
}


def monitor_of(*connectors: Any, **options: Any) -> HealthMonitor:
    monitor = HealthMonitor(**{"enable_prometheus": False, **options})
    for one in connectors:
        monitor.register_connector(one)
    return monitor


def unwell(connector_id: str = "plant2") -> ScriptedConnector:
    source = scripted(connector_id)
    source.is_well = False
    return source


def test_results_have_these_fields() -> None:
    now = datetime.now(UTC)
    result = HealthCheckResult(
        connector_id="plant1", health_status=HealthStatus.HEALTHY, timestamp=now, latency_ms=1.5
    )
    assert (result.connector_id, result.health_status) == ("plant1", HealthStatus.HEALTHY)
    assert (result.timestamp, result.latency_ms) == (now, 1.5)
    assert result.error_message is None
    whole = AggregatedHealth(**COUNTS, overall_health=HealthStatus.UNKNOWN)
    assert {name: getattr(whole, name) for name in COUNTS} == COUNTS
    assert "last_updated" in AggregatedHealth.model_fields
    assert "metrics" in HealthCheckResult.model_fields


def test_a_check_tells_status_time_latency_and_metrics() -> None:
    source = scripted()
    before = datetime.now(UTC)
    result = asyncio.run(monitor_of(source).check_connector_health("plant1"))
    assert isinstance(result, HealthCheckResult)
    assert (result.connector_id, result.health_status) == ("plant1", HealthStatus.HEALTHY)
    assert before <= result.timestamp <= datetime.now(UTC)
    assert result.timestamp.utcoffset() == timedelta(0)
    assert result.latency_ms is not None
    assert 0 <= result.latency_ms < 1000
    assert result.error_message is None
    assert isinstance(result.metrics, ConnectorMetrics)
    assert source.get_metrics().health_status == HealthStatus.HEALTHY


def test_a_failed_check_says_why_and_raises_nothing() -> None:
    class Raising(ScriptedConnector):
        """Its health check raises."""

        async def _health_check_impl(self) -> bool:
            raise OSError("no reply from the pump")

    result = asyncio.run(monitor_of(Raising(config_for("plant1"))).check_connector_health("plant1"))
    assert result.health_status == HealthStatus.UNHEALTHY
    assert result.error_message is not None
    assert "no reply from the pump" in result.error_message


def test_a_check_that_hangs_ends_with_the_timeout_of_its_connector() -> None:
    class Hanging(ScriptedConnector):
        """Its health check never ends."""

        async def _health_check_impl(self) -> bool:
            await asyncio.sleep(60)
            return True

    monitor = monitor_of(Hanging(config_for("plant1", timeout_seconds=1)), scripted("plant2"))
    results = asyncio.run(asyncio.wait_for(monitor.check_all_connectors(), 3))
    assert results["plant1"].health_status == HealthStatus.UNHEALTHY
    assert results["plant2"].health_status == HealthStatus.HEALTHY


def test_all_connectors_are_checked_and_counted() -> None:
    monitor = monitor_of(scripted("plant1"), unwell("plant2"), connector("ERP", "erp1"))
    empty = monitor.get_aggregated_health()
    assert (empty.total_connectors, empty.healthy_count) == (3, 0)
    assert empty.overall_health == HealthStatus.UNKNOWN
    results = asyncio.run(monitor.check_all_connectors())
    assert set(results) == {"plant1", "plant2", "erp1"}
    health = monitor.get_aggregated_health()
    assert isinstance(health, AggregatedHealth)
    assert (health.total_connectors, health.healthy_count) == (3, 2)
    assert health.degraded_count == 0
    assert health.unhealthy_count + health.disconnected_count == 1
    assert health.overall_health != HealthStatus.HEALTHY
    assert health.last_updated is not None
    assert health.last_updated.utcoffset() == timedelta(0)
    assert health.last_updated == max(result.timestamp for result in results.values())


def test_all_healthy_is_healthy_overall() -> None:
    monitor = monitor_of(*(connector(family) for family in QUERIES))
    asyncio.run(monitor.check_all_connectors())
    health = monitor.get_aggregated_health()
    assert (health.total_connectors, health.healthy_count) == (5, 5)
    assert health.overall_health == HealthStatus.HEALTHY


def test_the_status_is_that_of_the_last_check() -> None:
    async def use() -> None:
        source = scripted()
        monitor = monitor_of(source)
        assert monitor.get_health_status("plant1") == HealthStatus.UNKNOWN
        await monitor.check_connector_health("plant1")
        assert monitor.get_health_status("plant1") == HealthStatus.HEALTHY
        source.is_well = False
        await monitor.check_connector_health("plant1")
        assert monitor.get_health_status("plant1") == HealthStatus.UNHEALTHY
        history = monitor.get_health_history("plant1")
        assert [result.health_status.value for result in history] == ["healthy", "unhealthy"]
        assert history[0].timestamp <= history[1].timestamp
        assert monitor.get_health_history("plant1", hours=1) == history
        await asyncio.sleep(0.02)
        assert monitor.get_health_history("plant1", hours=0.01 / 3600) == []

    asyncio.run(use())


def test_the_history_is_kept_as_long_as_asked() -> None:
    async def use() -> None:
        monitor = monitor_of(scripted(), history_retention_hours=0.05 / 3600)
        await monitor.check_connector_health("plant1")
        assert len(monitor.get_health_history("plant1")) == 1
        await asyncio.sleep(0.1)
        assert monitor.get_health_history("plant1") == []

    asyncio.run(use())


def test_metrics_of_all_are_copies() -> None:
    async def use() -> None:
        first, second = scripted("plant1"), scripted("plant2")
        monitor = monitor_of(first, second)
        await first.fetch_data(Question())
        metrics = monitor.get_all_metrics()
        await first.fetch_data(Question())
        assert {name: one.total_requests for name, one in metrics.items()} == {
            "plant1": 1,
            "plant2": 0,
        }

    asyncio.run(use())


@pytest.mark.parametrize(
    "method", ["get_health_status", "get_health_history", "unregister_connector"]
)
def test_an_unknown_connector_is_named_in_the_error(method: str) -> None:
    with pytest.raises((KeyError, ValueError), match="plant9"):
        getattr(monitor_of(scripted()), method)("plant9")


def test_an_unknown_connector_cannot_be_checked() -> None:
    with pytest.raises((KeyError, ValueError), match="plant9"):
        asyncio.run(monitor_of(scripted()).check_connector_health("plant9"))


def test_an_unregistered_connector_is_no_longer_checked() -> None:
    source = scripted()
    monitor = monitor_of(source, scripted("plant2"))
    monitor.unregister_connector("plant1")
    assert set(asyncio.run(monitor.check_all_connectors())) == {"plant2"}
    assert monitor.get_aggregated_health().total_connectors == 1
    assert set(monitor.get_all_metrics()) == {"plant2"}


def test_two_connectors_of_one_id_are_refused_and_the_same_one_twice_is_fine() -> None:
    source = scripted()
    monitor = monitor_of(source, source)
    assert monitor.get_aggregated_health().total_connectors == 1
    with pytest.raises(ValueError, match="plant1"):
        monitor.register_connector(scripted())


def test_monitoring_checks_again_and_again_until_it_is_stopped() -> None:
    async def use() -> None:
        source = scripted()
        tasks = len(asyncio.all_tasks())
        monitor = monitor_of(source, check_interval=0.05)
        await monitor.start_monitoring()
        await monitor.start_monitoring()
        assert monitor.get_aggregated_health().healthy_count == 1
        monitor.register_connector(unwell())
        await asyncio.sleep(0.3)
        assert monitor.get_health_status("plant2") == HealthStatus.UNHEALTHY
        checks = len(monitor.get_health_history("plant1"))
        assert 3 <= checks <= 8
        source.is_well = False
        await asyncio.sleep(0.15)
        assert monitor.get_health_status("plant1") == HealthStatus.UNHEALTHY
        await monitor.stop_monitoring()
        await monitor.stop_monitoring()
        checks = len(monitor.get_health_history("plant1"))
        await asyncio.sleep(0.15)
        assert len(monitor.get_health_history("plant1")) == checks
        assert len(asyncio.all_tasks()) == tasks

    asyncio.run(use())
