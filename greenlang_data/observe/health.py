"""The health monitor: checks connectors at an interval and remembers what it found."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from greenlang_data.errors import ConfigurationError, QueryError
from greenlang_data.nearest import nearest_and_all
from greenlang_data.observe.check import check, start_on
from greenlang_data.observe.metrics import metrics_of
from greenlang_data.observe.results import (
    AggregatedHealth,
    HealthCheckResult,
    History,
    aggregate,
)
from greenlang_data.observe.rounds import Rounds
from greenlang_data.states import ConnectorMetrics, HealthStatus

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from greenlang_data.connectors.registry import AnyConnector

__all__ = ["AggregatedHealth", "HealthCheckResult", "HealthMonitor"]

_FIRST_ROUND_SECONDS: Final = 5.0  # a dead source must not keep the program from starting


class _Watched:
    """A connector and what its checks found."""

    def __init__(self, connector: AnyConnector, retention: timedelta) -> None:
        self.connector = connector
        self.history = History(retention)

    async def check(self) -> HealthCheckResult:
        result = await check(self.connector)
        self.history.add(result)
        return result

    @property
    def health(self) -> HealthStatus:
        latest = self.history.latest
        return self.connector.metrics.health_status if latest is None else latest.health_status


class HealthMonitor:
    """Checks connectors, keeps the results, and exports metrics to Prometheus.

    Parameters
    ----------
    check_interval : seconds from one round of background checks to the next.
    enable_prometheus : count the registered connectors' requests in the Prometheus registry.
        :mod:`greenlang_data.observe.metrics` lists the metrics; serve them with
        ``prometheus_client.start_http_server``.
    history_retention_hours : how long results are kept, at most 20,000 for each connector.
    registry : the Prometheus registry; prometheus_client's default one unless given.

    A check connects a connector that is not connected, on the event loop that it is used on
    already, else on the caller's. So stop the monitor before closing the connectors.

    >>> import asyncio
    >>> from greenlang_data import ConnectorConfig, MockConnector
    >>> monitor = HealthMonitor(enable_prometheus=False)
    >>> config = ConnectorConfig(connector_id="plant1", connector_type="mock")
    >>> monitor.register_connector(MockConnector(config))
    >>> asyncio.run(monitor.check_connector_health("plant1")).health_status.value
    'healthy'
    """

    def __init__(
        self,
        check_interval: float = 60,
        enable_prometheus: bool = True,
        history_retention_hours: float = 24,
        *,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.check_interval = _positive("check_interval", check_interval)
        hours = _positive("history_retention_hours", history_retention_hours)
        self._retention = timedelta(hours=hours)
        self._metrics = metrics_of(registry) if enable_prometheus else None
        self._watched: dict[str, _Watched] = {}
        self._rounds: Rounds | None = None

    def register_connector(self, connector: AnyConnector) -> None:
        """Watch ``connector``; doing it twice is fine, also while monitoring.

        Raises ConfigurationError when another connector of the same id is watched.
        """
        name = connector.config.connector_id
        held = self._watched.setdefault(name, _Watched(connector, self._retention))
        if held.connector is not connector:
            raise ConfigurationError(
                f"another connector called {name!r} is registered",
                source=name,
                remedy="Give it its own connector_id, or unregister the other first.",
            )
        if self._metrics is not None:
            self._metrics.attach(connector, self)

    def unregister_connector(self, connector_id: str) -> None:
        """Watch it no longer, and forget its history. Raises QueryError for an unknown id."""
        watched = self._named(connector_id)
        del self._watched[connector_id]
        if self._metrics is not None:
            self._metrics.detach(watched.connector, self)

    async def check_connector_health(self, connector_id: str) -> HealthCheckResult:
        """Check one connector now, within about its ``timeout_seconds``.

        What is wrong with the source is in the result. Raises QueryError for an unknown id.
        """
        return await self._named(connector_id).check()

    async def check_all_connectors(self) -> dict[str, HealthCheckResult]:
        """Check all connectors now, at the same time; each within its ``timeout_seconds``."""
        watched = dict(self._watched)
        results = await asyncio.gather(*(one.check() for one in watched.values()))
        return dict(zip(watched, results, strict=True))

    async def start_monitoring(self) -> None:
        """Check all connectors every ``check_interval`` seconds in the background.

        Returns when each was checked once, after 5 s at the latest. Does nothing when it is on.
        """
        if self._rounds is None or not self._rounds.alive:
            self._rounds = Rounds(self._checks, lambda: self.check_interval)
            await self._rounds.first(_FIRST_ROUND_SECONDS)

    async def stop_monitoring(self) -> None:
        """End the background checks, and wait until they have ended. Does nothing when off."""
        rounds, self._rounds = self._rounds, None
        if rounds is not None and rounds.alive:
            await start_on(rounds.loop, rounds.stop())

    def get_health_status(self, connector_id: str) -> HealthStatus:
        """The verdict of the last check. Raises QueryError for an unknown id."""
        return self._named(connector_id).health

    def get_health_history(
        self, connector_id: str, hours: float | None = None
    ) -> list[HealthCheckResult]:
        """The results of the last ``hours`` (None: all kept), oldest first.

        Raises QueryError for an unknown id.
        """
        span = None if hours is None else timedelta(hours=hours)
        return self._named(connector_id).history.last(span)

    def get_aggregated_health(self) -> AggregatedHealth:
        """All connectors by their last verdict. Asks nobody.

        ``overall_health`` is that of the worst: unhealthy (or disconnected), degraded, unknown,
        healthy; unknown when nothing is registered.
        """
        watched = list(self._watched.values())
        latest = [one.history.latest for one in watched]
        times = [result.timestamp for result in latest if result is not None]
        return aggregate((one.health for one in watched), max(times, default=None))

    def get_all_metrics(self) -> dict[str, ConnectorMetrics]:
        """A copy of each connector's metrics as they are now. Asks nobody."""
        return {name: one.connector.get_metrics() for name, one in list(self._watched.items())}

    def _checks(self) -> dict[str, Callable[[], Coroutine[Any, Any, HealthCheckResult]]]:
        return {name: one.check for name, one in list(self._watched.items())}

    def _named(self, connector_id: str) -> _Watched:
        try:
            return self._watched[connector_id]
        except KeyError:
            raise QueryError(
                f"the monitor has no connector {connector_id!r}",
                remedy=nearest_and_all(connector_id, self._watched, "Registered"),
            ) from None


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ConfigurationError(f"{name} must be more than 0, not {value!r}")
    return value
