"""The examples of the integrations guide, in mock mode where they need a system."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from greenlang_data import (
    CEMSConfig,
    CEMSConnector,
    CEMSQuery,
    CMMSConfig,
    CMMSConnector,
    CMMSQuery,
    ConnectorConfig,
    ERPConfig,
    ERPConnector,
    ERPQuery,
    HealthMonitor,
    HealthStatus,
    HistorianConfig,
    HistorianConnector,
    HistorianQuery,
    IntegrationRegistry,
    MockConnector,
    SCADAConfig,
    SCADAConnector,
    SCADAQuery,
)
from tests.seed.systems import Question


@pytest.fixture
def scada_connector() -> SCADAConnector:
    """Create mock SCADA connector for testing."""
    config = SCADAConfig(
        connector_id="test-scada",
        connector_type="scada",
        protocol="opcua",
        endpoint="opc.tcp://localhost:4840",
        mock_mode=True,
    )
    return SCADAConnector(config)


def test_basic_usage_prints_a_line_per_tag(capsys: pytest.CaptureFixture[str]) -> None:
    async def use() -> None:
        config = SCADAConfig(
            connector_id="scada-plant1",
            connector_type="scada",
            protocol="opcua",
            endpoint="opc.tcp://192.168.1.100:4840",
            max_retries=3,
            circuit_breaker_enabled=True,
            mock_mode=True,
        )
        connector = SCADAConnector(config)
        async with connector:
            query = SCADAQuery(tag_ids=["ns=2;s=Temperature", "ns=2;s=Pressure"])
            payload, _provenance = await connector.fetch_data(query)
            for tag in payload.tags:
                print(f"{tag.tag_name}: {tag.value} {tag.unit}")

    asyncio.run(use())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["Temperature", "Pressure"]
    for line, unit in zip(lines, ("Cel", "bar"), strict=True):
        value, shown = line.split(": ")[1].split(" ")
        assert float(value) > 0
        assert shown == unit


def test_the_registry_lists_and_makes_connectors(scada_connector: SCADAConnector) -> None:
    registry = IntegrationRegistry()
    lines = [f"{info.connector_type} v{info.version}" for info in registry.list_connectors()]
    assert lines[0] == "scada-connector v1.0.0"
    assert len(lines) == 5
    connector = registry.create_connector("scada-connector", scada_connector.config)
    assert isinstance(connector, SCADAConnector)


def test_scada_data_fetch(scada_connector: SCADAConnector) -> None:
    async def use() -> None:
        async with scada_connector:
            query = SCADAQuery(tag_ids=["tag1", "tag2"])
            payload, prov = await scada_connector.fetch_data(query)
            assert len(payload.tags) == 2
            assert prov.connector_id == "test-scada"

    asyncio.run(use())


def test_the_health_monitor_counts_the_healthy(scada_connector: SCADAConnector) -> None:
    async def use() -> tuple[str, list[str]]:
        erp_connector = ERPConnector(
            ERPConfig(connector_id="test-erp", connector_type="erp", mock_mode=True)
        )
        monitor = HealthMonitor(check_interval=60, enable_prometheus=True)
        monitor.register_connector(scada_connector)
        monitor.register_connector(erp_connector)
        await monitor.start_monitoring()
        health = monitor.get_aggregated_health()
        if scada_connector.metrics.health_status == HealthStatus.HEALTHY:
            await scada_connector.fetch_data(SCADAQuery(tag_ids=["tag1"]))
        lines = [
            f"{connector_id}: {metric.total_requests} requests"
            for connector_id, metric in monitor.get_all_metrics().items()
        ]
        await monitor.stop_monitoring()
        return f"Healthy: {health.healthy_count}/{health.total_connectors}", lines

    healthy, lines = asyncio.run(use())
    assert healthy == "Healthy: 2/2"
    assert lines == ["test-scada: 1 requests", "test-erp: 0 requests"]


def test_the_other_four_connectors_answer_without_being_opened() -> None:
    day: dict[str, Any] = {
        "start_time": datetime(2025, 1, 1, tzinfo=UTC),
        "end_time": datetime(2025, 1, 2, tzinfo=UTC),
    }

    async def use() -> None:
        erp = ERPConnector(
            ERPConfig(
                connector_id="erp-sap-prod",
                connector_type="erp",
                erp_system="sap",
                base_url="https://sap.company.com/api",
                client_id="...",
                client_secret="...",
                mock_mode=True,
            )
        )
        filters = {"plant_code": "1000"}
        records, _ = await erp.fetch_data(
            ERPQuery(entity_type="material", filters=filters, limit=1000)
        )
        assert records.total_records == len(records.records) == 480
        cems = CEMSConnector(
            CEMSConfig(
                connector_id="cems-stack1",
                connector_type="cems",
                protocol="modbus",
                endpoint="192.168.1.50:502",
                stack_id="STACK-001",
                mock_mode=True,
            )
        )
        stack, _ = await cems.fetch_data(CEMSQuery(pollutants=["CO2", "NOx", "SO2"], **day))
        assert stack.total_points == 3 * 24 * 60
        historian = HistorianConnector(
            HistorianConfig(
                connector_id="historian-pi",
                connector_type="historian",
                historian_type="pi",
                server_url="https://pi.company.com",
                mock_mode=True,
            )
        )
        stored, _ = await historian.fetch_data(
            HistorianQuery(
                tag_names=["ProcessTemp", "FlowRate"], interval="1h", aggregation="avg", **day
            )
        )
        assert stored.total_points == 2 * 24
        cmms = CMMSConnector(
            CMMSConfig(
                connector_id="cmms-maximo",
                connector_type="cmms",
                cmms_system="maximo",
                api_url="https://maximo.company.com/api",
                mock_mode=True,
            )
        )
        jobs, prov = await cmms.fetch_data(
            CMMSQuery(
                query_type="work_order", asset_ids=["ASSET-001", "ASSET-002"], status="completed"
            )
        )
        assert {job.asset_id for job in jobs.work_orders} == {"ASSET-001", "ASSET-002"}
        assert (prov.connector_id, prov.mode) == ("cmms-maximo", "mock")

    asyncio.run(use())


def test_a_plain_config_with_mock_mode_serves_a_mock_connector() -> None:
    config = ConnectorConfig(connector_id="test", connector_type="scada", mock_mode=True)

    async def use() -> None:
        async with MockConnector(config) as connector:
            payload, prov = await connector.fetch_data(Question(number=1))
            assert payload.total_records == len(payload.data) > 0
            assert prov.mode == "mock"

    asyncio.run(use())
