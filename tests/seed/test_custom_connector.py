"""A connector of the user's own, with their models, before a real little HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pybreaker import CircuitBreakerError

from greenlang_data import (
    ConnectorProvenance,
    HealthMonitor,
    HealthStatus,
    Session,
    get_registry,
)
from tests.seed.systems import (
    DeviceServer,
    HTTPClient,
    MyConfig,
    MyConnector,
    MyPayload,
    MyQuery,
    device_server,
)

QUERY = MyQuery(
    device_id="boiler-1",
    start_time=datetime(2025, 1, 1, tzinfo=UTC),
    end_time=datetime(2025, 1, 2, tzinfo=UTC),
)


@pytest.fixture
def server() -> Iterator[DeviceServer]:
    with device_server() as running:
        yield running


def mine(server: DeviceServer, **changes: Any) -> MyConnector:
    quick: dict[str, Any] = {"retry_multiplier": 0, "retry_min_wait": 0, "retry_max_wait": 0}
    config = MyConfig(
        connector_id="mine",
        connector_type="my",
        api_key="key",
        base_url=server.url,
        **{**quick, **changes},
    )
    return MyConnector(config)


def test_it_fetches_over_the_network_with_provenance(server: DeviceServer) -> None:
    async def use() -> None:
        async with mine(server) as connector:
            payload, provenance = await connector.fetch_data(QUERY)
        assert type(payload) is MyPayload
        assert payload.total_count == 2
        assert payload.data_points[0] == {"device": "boiler-1", "value": 1}
        assert isinstance(provenance, ConnectorProvenance)
        assert (provenance.connector_id, provenance.mode) == ("mine", "live")
        assert connector._client.closed

    asyncio.run(use())
    assert len(server.requests) == 1
    assert "start=2025-01-01T00%3A00%3A00%2B00%3A00" in server.requests[0]


def test_it_is_made_by_the_registry(server: DeviceServer) -> None:
    registry = get_registry()
    registry.register(MyConnector, description="My custom connector", supported_protocols=["https"])
    try:
        connector = registry.create_connector("my-connector", mine(server).config)
        payload, _ = asyncio.run(connector.fetch_data(QUERY))
        assert payload.total_count == 2
        with Session(sources=[mine(server).config]) as session:
            frame = session.fetch("mine", QUERY)
            assert list(frame["value"]) == [1, 2]
    finally:
        registry.unregister("my-connector")


def test_a_session_makes_a_frame_of_its_records(server: DeviceServer) -> None:
    connector = mine(server)
    with Session() as session:
        frame = session.fetch(connector, QUERY)
        again = session.fetch(connector, QUERY, timeout=30)
    assert list(frame.columns) == ["device", "value"]
    assert list(frame["device"]) == ["boiler-1", "boiler-1"]
    record = frame.attrs["provenance"]
    assert (record["connector_id"], record["mode"]) == ("mine", "live")
    assert record["query_hash"] == again.attrs["provenance"]["query_hash"]
    assert record["response_hash"] == again.attrs["provenance"]["response_hash"]
    assert connector._client.closed


def test_a_session_takes_it_as_a_source_by_name(server: DeviceServer) -> None:
    with Session(sources=[mine(server)]) as session:
        assert "mine" in session.sources
        assert list(session.fetch("mine", QUERY)["value"]) == [1, 2]
        assert session.connector("mine").get_metrics().successful_requests == 1


def test_its_health_follows_the_server(server: DeviceServer) -> None:
    async def use() -> None:
        monitor = HealthMonitor(enable_prometheus=False)
        async with mine(server) as connector:
            monitor.register_connector(connector)
            result = await monitor.check_connector_health("mine")
            assert result.health_status == HealthStatus.HEALTHY
            server.is_down = True
            result = await monitor.check_connector_health("mine")
            assert result.health_status == HealthStatus.UNHEALTHY
            assert result.error_message

    asyncio.run(use())


def test_it_is_retried_and_left_alone_while_the_server_is_down(server: DeviceServer) -> None:
    async def use() -> None:
        server.is_down = True
        async with mine(
            server, max_retries=2, circuit_breaker_threshold=6, circuit_breaker_timeout=1
        ) as connector:
            for _ in range(2):
                with pytest.raises(ConnectionError, match="503"):
                    await connector.fetch_data(QUERY)
            assert len(server.requests) == 6
            with pytest.raises(CircuitBreakerError):
                await connector.fetch_data(QUERY)
            assert len(server.requests) == 6
            server.is_down = False
            await asyncio.sleep(1.05)
            payload, _ = await connector.fetch_data(QUERY)
            assert payload.total_count == 2

    asyncio.run(use())


def test_no_client_is_left_open_after_failures(server: DeviceServer) -> None:
    clients: list[HTTPClient] = []

    class Counted(MyConnector):
        """Keeps all clients it ever made."""

        async def connect(self) -> bool:
            connected = await super().connect()
            clients.append(self._client)
            return connected

    async def use() -> None:
        server.is_down = True
        async with Counted(mine(server, max_retries=2).config) as connector:
            with pytest.raises(ConnectionError, match="503"):
                await connector.fetch_data(QUERY)
            server.is_down = False
            await connector.fetch_data(QUERY)

    asyncio.run(use())
    assert [client.closed for client in clients] == [True] * len(clients)


def test_a_server_that_is_gone_is_a_connection_error() -> None:
    with device_server() as gone:
        connector = mine(gone, max_retries=1)
    with pytest.raises(ConnectionError, match="did not answer"):
        asyncio.run(connector.fetch_data(QUERY))
    assert connector.get_metrics().retry_count == 1


def test_several_queries_at_once_reach_the_server(server: DeviceServer) -> None:
    queries = [QUERY.model_copy(update={"device_id": f"boiler-{n}"}) for n in range(3)]

    async def use() -> list[str]:
        async with mine(server) as connector:
            results = await asyncio.gather(*[connector.fetch_data(q) for q in queries])
        return [payload.data_points[0]["device"] for payload, _ in results]

    assert asyncio.run(use()) == ["boiler-0", "boiler-1", "boiler-2"]
