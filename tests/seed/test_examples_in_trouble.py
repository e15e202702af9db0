"""The guide's examples of errors, caches, metrics and slow sources."""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from typing import Any

import pytest
from pybreaker import CircuitBreakerError

from greenlang_data import (
    SCADAConfig,
    SCADAConnector,
    SCADAQuery,
)
from tests.seed.systems import Question, ScriptedConnector, config_for, scripted

logger = logging.getLogger(__name__)


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


def test_the_metrics_are_printed_as_in_the_guide(scada_connector: SCADAConnector) -> None:
    asyncio.run(scada_connector.fetch_data(SCADAQuery(tag_ids=["tag1"])))
    metrics = scada_connector.get_metrics()
    assert f"Total Requests: {metrics.total_requests}" == "Total Requests: 1"
    assert f"Successful: {metrics.successful_requests}" == "Successful: 1"
    assert f"Failed: {metrics.failed_requests}" == "Failed: 0"
    assert float(f"{metrics.avg_response_time_ms}") > 0
    assert f"Health Status: {metrics.health_status}" == "Health Status: unknown"


def test_errors_are_caught_and_logged_as_in_the_guide(caplog: pytest.LogCaptureFixture) -> None:
    async def one(connector: ScriptedConnector) -> None:
        try:
            await connector.fetch_data(Question())
        except ConnectionError as e:
            logger.error(f"Connection failed: {e}")  # noqa: G004, TRY400  # the guide's words
        except TimeoutError as e:
            logger.error(f"Request timeout: {e}")  # noqa: G004, TRY400
        except CircuitBreakerError as e:
            logger.error(f"Circuit breaker open: {e}")  # noqa: G004, TRY400

    async def use() -> None:
        connector = scripted(circuit_breaker_threshold=2, circuit_breaker_timeout=1)
        connector.script = [ConnectionError("refused"), TimeoutError("late")]
        for _ in range(3):
            await one(connector)
        await asyncio.sleep(connector.config.circuit_breaker_timeout + 0.05)
        payload, _ = await connector.fetch_data(Question(number=1))
        assert payload.rows[0]["double"] == 2

    with caplog.at_level(logging.ERROR, logger=__name__):
        asyncio.run(use())
    said = [record.getMessage() for record in caplog.records if record.name == __name__]
    assert [line.split(":")[0] for line in said] == [
        "Connection failed",
        "Request timeout",
        "Circuit breaker open",
    ]


def test_the_cache_of_the_guide_answers_the_first_time() -> None:
    class FrozenQuestion(Question, frozen=True):
        """Hashable, as an ``lru_cache`` needs."""

    class CachedConnector(ScriptedConnector):
        """Word for word as in the guide."""

        @lru_cache(maxsize=1000)  # noqa: B019  # the guide's words
        async def fetch_data(self, query: Any) -> Any:  # type: ignore[override]
            return await super().fetch_data(query)

    async def use() -> None:
        connector = CachedConnector(config_for())
        payload, _ = await connector.fetch_data(FrozenQuestion(number=2))
        assert payload.rows[0]["double"] == 4

    asyncio.run(use())


def test_a_slow_source_is_given_more_time_at_run_time(scada_connector: SCADAConnector) -> None:
    scada_connector.config.timeout_seconds = 60
    assert scada_connector.config.timeout_seconds == 60
    payload, _ = asyncio.run(scada_connector.fetch_data(SCADAQuery(tag_ids=["tag1"]), timeout=60))
    assert payload.total_tags == 1
