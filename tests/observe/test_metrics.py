from __future__ import annotations

import asyncio
import gc
import importlib.util
import subprocess
import sys
import threading
import time
import weakref
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, generate_latest

from greenlang_data import HealthMonitor, HealthStatus
from greenlang_data.errors import CircuitOpenError, ConfigurationError
from greenlang_data.observe import metrics
from greenlang_data.observe.metrics import PrometheusMetrics, metrics_of

from .fakes import Ask, Scripted, health, requests, scripted, value

OPENS = "connector_circuit_breaker_opens_total"
SECONDS = "connector_response_time_seconds"


async def _ask(connector: Scripted, times: int) -> None:
    for _ in range(times):
        await connector.fetch_data(Ask())


async def _fail(connector: Scripted, times: int) -> None:
    connector.error = ConnectionError("no route")
    for _ in range(times):
        with pytest.raises((ConnectionError, CircuitOpenError)):
            await connector.fetch_data(Ask())


def test_two_monitors_of_one_connector_count_each_request_once() -> None:
    registry, connector = CollectorRegistry(), scripted()
    for _ in range(2):
        HealthMonitor(registry=registry).register_connector(connector)
    asyncio.run(_ask(connector, 3))
    asyncio.run(_fail(connector, 2))
    assert requests(registry) == (3, 2)
    assert len(connector.listeners) == 1


def test_two_monitors_in_the_default_registry_count_once() -> None:
    name = f"plant-{uuid4()}"
    connector = scripted(name)
    for _ in range(2):
        monitor = HealthMonitor()
        monitor.register_connector(connector)
        monitor.register_connector(connector)
    asyncio.run(_ask(connector, 2))
    assert requests(REGISTRY, name) == (2, 0)


def test_two_registries_count_the_same_connector_each() -> None:
    one, other, connector = CollectorRegistry(), CollectorRegistry(), scripted()
    HealthMonitor(registry=one).register_connector(connector)
    HealthMonitor(registry=other).register_connector(connector)
    asyncio.run(_ask(connector, 2))
    assert requests(one) == requests(other) == (2, 0)


def test_two_connectors_have_their_own_series() -> None:
    registry, one, other = CollectorRegistry(), scripted("one"), scripted("other")
    monitor = HealthMonitor(registry=registry)
    monitor.register_connector(one)
    monitor.register_connector(other)
    asyncio.run(_ask(one, 2))
    asyncio.run(_fail(other, 1))
    assert (requests(registry, "one"), requests(registry, "other")) == ((2, 0), (0, 1))


def test_without_prometheus_nothing_listens() -> None:
    connector = scripted()
    HealthMonitor(enable_prometheus=False).register_connector(connector)
    assert connector.listeners == []


def test_every_series_begins_at_zero_so_that_the_first_increase_is_seen() -> None:
    registry = CollectorRegistry()
    HealthMonitor(registry=registry).register_connector(scripted())
    assert requests(registry) == (0, 0)
    assert value(registry, OPENS) == 0
    assert value(registry, f"{SECONDS}_count") == 0
    assert health(registry) == 0


def test_response_times_are_those_of_the_requests() -> None:
    registry, connector = CollectorRegistry(), scripted()
    HealthMonitor(registry=registry).register_connector(connector)
    asyncio.run(_ask(connector, 4))
    asyncio.run(_fail(connector, 1))
    told = connector.get_metrics()
    assert value(registry, f"{SECONDS}_count") == told.total_requests == 5
    total = value(registry, f"{SECONDS}_sum")
    assert total == pytest.approx(told.avg_response_time_ms * 5 / 1000)
    assert value(registry, f"{SECONDS}_bucket", le="300.0") == 5


def test_response_times_fall_into_their_buckets() -> None:
    registry = CollectorRegistry()
    counted = metrics_of(registry)
    for seconds in (0.001, 0.3, 20.0, 1000.0):
        counted.request_finished("plant1", True, seconds)
    buckets = [value(registry, f"{SECONDS}_bucket", le=le) for le in ("0.005", "0.5", "30.0")]
    assert buckets == [1, 2, 3]
    assert value(registry, f"{SECONDS}_bucket", le="300.0") == 3
    assert value(registry, f"{SECONDS}_bucket", le="+Inf") == 4


def test_the_breaker_opening_is_counted_once_and_refusals_are_not() -> None:
    registry, connector = CollectorRegistry(), scripted(circuit_breaker_threshold=2)
    for _ in range(2):
        HealthMonitor(registry=registry).register_connector(connector)
    asyncio.run(_fail(connector, 5))
    assert value(registry, OPENS) == connector.get_metrics().circuit_breaker_opens == 1
    assert requests(registry) == (0, 5)


@pytest.mark.parametrize(
    ("state", "number"),
    [("unknown", 0), ("healthy", 1), ("degraded", 2), ("unhealthy", 3), ("disconnected", 3)],
)
def test_health_is_a_number(state: str, number: int) -> None:
    registry = CollectorRegistry()
    metrics_of(registry).health_checked("plant1", "mock", HealthStatus(state))
    assert health(registry) == number


def test_every_health_status_has_a_number() -> None:
    assert set(metrics.HEALTH_VALUES) == set(HealthStatus)


def test_a_connectors_own_health_check_sets_the_gauge() -> None:
    registry, connector = CollectorRegistry(), scripted()
    HealthMonitor(registry=registry).register_connector(connector)
    asyncio.run(connector.health_check())
    assert health(registry) == 1


def test_the_last_monitor_to_let_go_ends_the_counting() -> None:
    registry, connector = CollectorRegistry(), scripted()
    one, other = HealthMonitor(registry=registry), HealthMonitor(registry=registry)
    one.register_connector(connector)
    other.register_connector(connector)
    one.unregister_connector("plant1")
    asyncio.run(_ask(connector, 1))
    assert requests(registry) == (1, 0)
    other.unregister_connector("plant1")
    asyncio.run(_ask(connector, 1))
    assert requests(registry) == (1, 0), "a counter stays, and does not go on"
    assert health(registry) is None, "a health that nobody checks would be a lie"
    assert connector.listeners == []


def test_counting_goes_on_after_registering_again() -> None:
    registry, connector = CollectorRegistry(), scripted()
    monitor = HealthMonitor(registry=registry)
    for _ in range(2):
        monitor.register_connector(connector)
        asyncio.run(_ask(connector, 1))
        monitor.unregister_connector("plant1")
    assert requests(registry) == (2, 0)


def test_other_listeners_stay() -> None:
    registry, connector = CollectorRegistry(), scripted()
    other = metrics_of(CollectorRegistry())
    connector.listeners.append(other)
    monitor = HealthMonitor(registry=registry)
    monitor.register_connector(connector)
    monitor.unregister_connector("plant1")
    assert connector.listeners == [other]


def test_two_connectors_of_one_name_in_two_monitors_can_both_be_let_go() -> None:
    registry = CollectorRegistry()
    monitors = [HealthMonitor(registry=registry) for _ in range(2)]
    for monitor in monitors:
        monitor.register_connector(scripted())
    for monitor in monitors:
        monitor.unregister_connector("plant1")
    assert health(registry) is None


def test_a_connector_is_not_kept_alive_by_its_metrics() -> None:
    registry, connector = CollectorRegistry(), scripted()
    monitor = HealthMonitor(registry=registry)
    monitor.register_connector(connector)
    monitor.unregister_connector("plant1")
    metrics_of(registry).attach(connector, monitor)
    gone = weakref.ref(connector)
    del connector
    gc.collect()
    assert gone() is None


def test_the_module_imported_anew_finds_the_metrics_there_are() -> None:
    registry, connector = CollectorRegistry(), scripted()
    HealthMonitor(registry=registry).register_connector(connector)
    spec = importlib.util.spec_from_file_location("imported_anew", metrics.__file__)
    assert spec is not None
    assert spec.loader is not None
    anew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(anew)
    assert anew.metrics_of(registry) is metrics_of(registry)
    anew.metrics_of(registry).attach(connector, anew)
    asyncio.run(_ask(connector, 1))
    assert requests(registry) == (1, 0)


def test_monitors_made_at_once_in_many_threads_share_the_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, found = CollectorRegistry(), []
    barrier = threading.Barrier(8)
    made = PrometheusMetrics.__init__

    def made_slowly(self: PrometheusMetrics, registry: CollectorRegistry) -> None:
        time.sleep(0.05)
        made(self, registry)

    monkeypatch.setattr(PrometheusMetrics, "__init__", made_slowly)

    def make() -> None:
        barrier.wait(10)
        found.append(metrics_of(registry))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_names_taken_by_other_code_are_a_clear_error_and_leave_no_half() -> None:
    registry = CollectorRegistry()
    Counter("connector_requests", "of another library", registry=registry)
    with pytest.raises(ConfigurationError, match=r"registry=.*enable_prometheus=False"):
        HealthMonitor(registry=registry)
    assert b"connector_health_status" not in generate_latest(registry)


def test_importing_the_package_and_the_monitor_loads_no_prometheus_client() -> None:
    code = (
        "import sys, greenlang_data; greenlang_data.HealthMonitor(enable_prometheus=False);"
        "sys.exit('prometheus_client' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
