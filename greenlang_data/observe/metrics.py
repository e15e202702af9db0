"""The Prometheus metrics of connectors, counted as their requests happen.

================================================  =========  ============================
``connector_health_status``                       gauge      connector_id, connector_type
``connector_requests_total``                      counter    connector_id, status
``connector_response_time_seconds``               histogram  connector_id
``connector_circuit_breaker_opens_total``         counter    connector_id
================================================  =========  ============================

``status`` is ``success`` or ``failure``. A response time, in seconds, is that of a whole request,
failed ones and their retries and waits included. No label holds more than an id or a type.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary, WeakSet

from greenlang_data.errors import ConfigurationError
from greenlang_data.states import HealthStatus

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics import MetricWrapperBase

    from greenlang_data.connectors.registry import AnyConnector

HEALTH_VALUES: Final = {
    HealthStatus.UNKNOWN: 0,
    HealthStatus.HEALTHY: 1,
    HealthStatus.DEGRADED: 2,
    HealthStatus.UNHEALTHY: 3,
    HealthStatus.DISCONNECTED: 3,
}
"""The gauge's values. A source that cannot be reached is as bad as one that is not well, and an
alert on ``== 3`` must see both."""

RESPONSE_SECONDS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip
"""Upper bounds of the histogram's buckets: from a local register to four slow attempts."""

_KEPT_ON_REGISTRY: Final = "_greenlang_data_metrics"
_lock = threading.Lock()


class PrometheusMetrics:
    """A listener that counts for one Prometheus registry; get it from :func:`metrics_of`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self.health = Gauge(
            "connector_health_status",
            "Last health check: 0 unknown, 1 healthy, 2 degraded, 3 unhealthy or disconnected",
            ["connector_id", "connector_type"],
            registry=None,
        )
        self.requests = Counter(
            "connector_requests_total",
            "Finished requests, each with all its attempts",
            ["connector_id", "status"],
            registry=None,
        )
        self.response_time = Histogram(
            "connector_response_time_seconds",
            "Time of finished requests, retries and waits included",
            ["connector_id"],
            buckets=RESPONSE_SECONDS,
            registry=None,
        )
        self.circuit_breaker_opens = Counter(
            "connector_circuit_breaker_opens_total",
            "How many times the circuit breaker opened",
            ["connector_id"],
            registry=None,
        )
        self._owners: WeakKeyDictionary[AnyConnector, WeakSet[Any]] = WeakKeyDictionary()
        every = (self.health, self.requests, self.response_time, self.circuit_breaker_opens)
        _register_all(registry, every)

    def attach(self, connector: AnyConnector, owner: object) -> None:
        """Count what ``connector`` does from now on, once however many owners ask for it."""
        with _lock:
            self._owners.setdefault(connector, WeakSet()).add(owner)
            if not _hears(self, connector):
                # A new list: a request may be going through the old one in another thread.
                connector.listeners = [*connector.listeners, self]
        self._begin_at_zero(connector)

    def detach(self, connector: AnyConnector, owner: object) -> None:
        """Stop counting when the last owner lets go.

        The counts stay, as a counter must never fall; the health goes, as nobody watches it.
        """
        with _lock:
            owners = self._owners.get(connector, WeakSet())
            owners.discard(owner)
            if owners:
                return
            self._owners.pop(connector, None)
            connector.listeners = [one for one in connector.listeners if one is not self]
        with contextlib.suppress(KeyError):  # Older versions mind when it is gone already.
            self.health.remove(connector.config.connector_id, connector.config.connector_type)

    def request_finished(self, connector_id: str, success: bool, seconds: float) -> None:
        """Count the request and its ``seconds``."""
        self.requests.labels(connector_id, "success" if success else "failure").inc()
        self.response_time.labels(connector_id).observe(seconds)

    def circuit_opened(self, connector_id: str) -> None:
        """Count the opening."""
        self.circuit_breaker_opens.labels(connector_id).inc()

    def health_checked(self, connector_id: str, connector_type: str, health: HealthStatus) -> None:
        """Set the gauge."""
        self.health.labels(connector_id, connector_type).set(HEALTH_VALUES[health])

    def _begin_at_zero(self, connector: AnyConnector) -> None:
        # Prometheus sees no increase in a series whose first value is already 1.
        name = connector.config.connector_id
        for status in ("success", "failure"):
            self.requests.labels(name, status)
        self.response_time.labels(name)
        self.circuit_breaker_opens.labels(name)
        health = connector.metrics.health_status
        self.health_checked(name, connector.config.connector_type, health)


def metrics_of(registry: CollectorRegistry | None = None) -> PrometheusMetrics:
    """The metrics in ``registry`` (prometheus_client's own by default), made at the first call.

    Raises ConfigurationError when something else has registered metrics of these names there.
    """
    from prometheus_client import REGISTRY

    registry = REGISTRY if registry is None else registry
    with _lock:
        # Kept on the registry, which outlives this module when a notebook imports it anew.
        kept = getattr(registry, _KEPT_ON_REGISTRY, None)
        if kept is None:
            kept = PrometheusMetrics(registry)
            setattr(registry, _KEPT_ON_REGISTRY, kept)
        return cast("PrometheusMetrics", kept)


def _hears(listener: PrometheusMetrics, connector: AnyConnector) -> bool:
    return any(one is listener for one in connector.listeners)


def _register_all(registry: CollectorRegistry, metrics: Sequence[MetricWrapperBase]) -> None:
    done: list[MetricWrapperBase] = []
    try:
        for metric in metrics:
            registry.register(metric)
            done.append(metric)
    except ValueError as error:
        for metric in done:
            registry.unregister(metric)
        raise ConfigurationError(
            f"other code has metrics of the same names in this Prometheus registry: {error}",
            remedy="Pass HealthMonitor(registry=...) one of its own, or enable_prometheus=False.",
        ) from error
