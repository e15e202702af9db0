"""What Prometheus sees: the four metrics, counted as requests happen."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from prometheus_client import REGISTRY, generate_latest

from greenlang_data import HealthMonitor, Session
from tests.seed.systems import Question, ScriptedConnector, scripted

numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A connector id that no other test of this process has counted for."""
    return f"prometheus-{next(numbers)}"


def sample(metric: str, connector_id: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(metric, {"connector_id": connector_id, **labels})


def requests(connector_id: str, status: str) -> float | None:
    return sample("connector_requests_total", connector_id, status=status)


def health(connector_id: str) -> float | None:
    return sample("connector_health_status", connector_id, connector_type="scripted")


async def ask(source: ScriptedConnector, times: int = 1) -> None:
    for _ in range(times):
        await asyncio.gather(source.fetch_data(Question()), return_exceptions=True)


def test_requests_are_counted_by_their_end(name: str) -> None:
    async def use() -> None:
        source = scripted(name, max_retries=1)
        HealthMonitor().register_connector(source)
        await ask(source, 3)
        source.script = [ConnectionError("refused")] * 2
        await ask(source)
        assert (requests(name, "success"), requests(name, "failure")) == (3, 1)

    asyncio.run(use())


def test_response_times_are_observed_one_by_one(name: str) -> None:
    async def use() -> None:
        source = scripted(name)
        HealthMonitor().register_connector(source)
        await ask(source, 3)
        source.delay = 0.3
        await ask(source)
        metric = "connector_response_time_seconds"
        assert sample(f"{metric}_count", name) == 4
        total = sample(f"{metric}_sum", name)
        assert total is not None
        assert 0.29 <= total <= 0.6
        assert sample(f"{metric}_bucket", name, le="0.1") == 3
        assert sample(f"{metric}_bucket", name, le="+Inf") == 4

    asyncio.run(use())


def test_openings_of_the_breaker_are_counted(name: str) -> None:
    async def use() -> None:
        source = scripted(name, circuit_breaker_threshold=2)
        HealthMonitor().register_connector(source)
        source.script = [ConnectionError("refused")] * 2
        await ask(source, 6)
        assert sample("connector_circuit_breaker_opens_total", name) == 1
        assert requests(name, "failure") == 6

    asyncio.run(use())


def test_the_health_gauge_follows_the_checks(name: str) -> None:
    async def use() -> None:
        source = scripted(name)
        monitor = HealthMonitor()
        monitor.register_connector(source)
        assert health(name) in {0, None}
        await monitor.check_connector_health(name)
        assert health(name) == 1
        source.is_well = False
        await monitor.check_connector_health(name)
        assert health(name) == 3
        source.is_well = True
        await monitor.check_all_connectors()
        assert health(name) == 1

    asyncio.run(use())


def test_several_monitors_count_a_request_once(name: str) -> None:
    async def use() -> None:
        source = scripted(name)
        other = scripted(name + "-other")
        monitors = [HealthMonitor() for _ in range(3)]
        for monitor in monitors:
            monitor.register_connector(source)
            monitor.register_connector(source)
        monitors[0].register_connector(other)
        await ask(source, 5)
        await ask(other, 2)
        for monitor in monitors:
            await monitor.check_all_connectors()
        assert requests(name, "success") == 5
        assert requests(name + "-other", "success") == 2
        monitors[0].unregister_connector(name)
        await ask(source)
        assert requests(name, "success") == 6

    asyncio.run(use())


def test_counting_goes_on_where_a_new_connector_of_the_same_id_takes_over(name: str) -> None:
    async def use() -> None:
        for total in (2, 4):
            source = scripted(name)
            monitor = HealthMonitor()
            monitor.register_connector(source)
            await ask(source, 2)
            assert requests(name, "success") == total
            monitor.unregister_connector(name)

    asyncio.run(use())


def test_a_reset_of_the_metrics_does_not_turn_the_counters_back(name: str) -> None:
    async def use() -> None:
        source = scripted(name)
        HealthMonitor().register_connector(source)
        await ask(source, 2)
        source.reset_metrics()
        await ask(source)
        assert requests(name, "success") == 3
        assert source.get_metrics().total_requests == 1

    asyncio.run(use())


def test_switched_off_nothing_is_exported(name: str) -> None:
    async def use() -> None:
        source = scripted(name)
        monitor = HealthMonitor(enable_prometheus=False)
        monitor.register_connector(source)
        await monitor.check_connector_health(name)
        await ask(source)
        assert source.get_metrics().total_requests == 1

    asyncio.run(use())
    assert name not in generate_latest().decode()


def test_requests_through_a_session_are_counted(name: str) -> None:
    source = scripted(name)
    HealthMonitor().register_connector(source)
    with Session() as session:
        for number in range(3):
            session.fetch(source, Question(number=number))
    assert requests(name, "success") == 3


def test_the_text_has_the_types_of_all_four(name: str) -> None:
    source = scripted(name)
    monitor = HealthMonitor()
    monitor.register_connector(source)
    asyncio.run(monitor.check_connector_health(name))
    text = generate_latest().decode()
    assert "# TYPE connector_health_status gauge" in text
    assert "# TYPE connector_requests_total counter" in text
    assert "# TYPE connector_response_time_seconds histogram" in text
    assert "# TYPE connector_circuit_breaker_opens_total counter" in text
    labels = f'connector_health_status{{connector_id="{name}",connector_type="scripted"}} 1.0'
    assert labels in text
