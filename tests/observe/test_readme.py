"""The examples of the original manual, with mocks in place of systems."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from greenlang_data import (
    ERPConfig,
    ERPConnector,
    HealthMonitor,
    HealthStatus,
    SCADAConfig,
    SCADAConnector,
    SCADAQuery,
)


def _scada() -> SCADAConnector:
    return SCADAConnector(
        SCADAConfig(
            connector_id="scada-plant1",
            connector_type="scada",
            protocol="opcua",
            endpoint="opc.tcp://192.168.1.100:4840",
            mock_mode=True,
        )
    )


def _erp() -> ERPConnector:
    return ERPConnector(
        ERPConfig(
            connector_id="erp-sap-prod",
            connector_type="erp",
            erp_system="sap",
            base_url="https://sap.company.com/api",
            mock_mode=True,
        )
    )


def test_health_monitoring(capsys: pytest.CaptureFixture[str]) -> None:
    async def example(scada_connector: SCADAConnector, erp_connector: ERPConnector) -> None:
        monitor = HealthMonitor(
            check_interval=60,  # Check every 60 seconds
            enable_prometheus=True,
        )
        monitor.register_connector(scada_connector)
        monitor.register_connector(erp_connector)
        await monitor.start_monitoring()
        health = monitor.get_aggregated_health()
        print(f"Healthy: {health.healthy_count}/{health.total_connectors}")
        metrics = monitor.get_all_metrics()
        for connector_id, metric in metrics.items():
            print(f"{connector_id}: {metric.total_requests} requests")
        await monitor.stop_monitoring()

    asyncio.run(example(_scada(), _erp()))
    assert capsys.readouterr().out.splitlines() == [
        "Healthy: 2/2",
        "scada-plant1: 0 requests",
        "erp-sap-prod: 0 requests",
    ]


def test_proactive_monitoring_and_the_metrics_after_it() -> None:
    async def example(connector: SCADAConnector) -> None:
        monitor = HealthMonitor()
        monitor.register_connector(connector)
        await monitor.start_monitoring()
        assert connector.metrics.health_status == HealthStatus.HEALTHY
        await connector.fetch_data(SCADAQuery(tag_ids=["ns=2;s=Temperature"]))
        await monitor.stop_monitoring()

        metrics = connector.get_metrics()
        assert metrics.total_requests == metrics.successful_requests == 1
        assert metrics.failed_requests == 0
        assert 0 < metrics.avg_response_time_ms < 5000
        assert f"{metrics.health_status}" == "healthy"

    asyncio.run(example(_scada()))


def test_prometheus_exports_the_four_metrics() -> None:
    async def example(connector: SCADAConnector) -> None:
        monitor = HealthMonitor(enable_prometheus=True)
        monitor.register_connector(connector)
        await monitor.start_monitoring()
        await monitor.stop_monitoring()

    asyncio.run(example(_scada()))
    exported = {(family.name, family.type) for family in REGISTRY.collect()}
    assert {
        ("connector_health_status", "gauge"),
        ("connector_requests", "counter"),  # _total is added to its samples
        ("connector_response_time_seconds", "histogram"),
        ("connector_circuit_breaker_opens", "counter"),
    } <= exported
