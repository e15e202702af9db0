"""What health checks find: of one connector, over time, and of all together."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel, Field

from greenlang_data.states import ConnectorMetrics, HealthStatus

MOST_RESULTS: Final = 20_000
"""How many results of one connector are kept at most: two weeks of one a minute."""


def _now() -> datetime:
    return datetime.now(UTC)


class HealthCheckResult(BaseModel):
    """One check of one connector.

    ``timestamp`` is when it ended, in UTC; ``latency_ms`` how long it took in milliseconds,
    connecting included; ``error_message`` what went wrong, without secrets, or None; ``metrics``
    the connector's counters at that moment.
    """

    connector_id: str
    health_status: HealthStatus
    timestamp: datetime = Field(default_factory=_now)
    latency_ms: float | None = None
    error_message: str | None = None
    metrics: ConnectorMetrics | None = None


class AggregatedHealth(BaseModel):
    """All connectors by their last check; those never checked are in the total alone.

    ``last_updated`` is the time of the newest check, in UTC, or None before the first.
    """

    total_connectors: int = 0
    healthy_count: int = 0
    degraded_count: int = 0
    unhealthy_count: int = 0
    disconnected_count: int = 0
    overall_health: HealthStatus = HealthStatus.UNKNOWN
    last_updated: datetime | None = None


class History:
    """Results of the last ``retention``, oldest first, and at most :data:`MOST_RESULTS`."""

    def __init__(self, retention: timedelta) -> None:
        self.latest: HealthCheckResult | None = None
        """The newest result, however old."""
        self._lock = threading.Lock()  # read from any thread while the checks go on in one
        self._retention = retention
        self._results: deque[HealthCheckResult] = deque(maxlen=MOST_RESULTS)

    def __len__(self) -> int:
        return len(self._results)

    def add(self, result: HealthCheckResult) -> None:
        """Keep a result, and drop those that are too old."""
        self.latest = result
        with self._lock:
            self._results.append(result)
            self._prune()

    def last(self, span: timedelta | None = None) -> list[HealthCheckResult]:
        """The results of the last ``span``; None is the whole retention."""
        with self._lock:
            self._prune()
            results = list(self._results)
        if span is None:
            return results
        since = _now() - span
        return [result for result in results if result.timestamp >= since]

    def _prune(self) -> None:
        since = _now() - self._retention
        while self._results and self._results[0].timestamp < since:
            self._results.popleft()


def aggregate(
    healths: Iterable[HealthStatus], last_updated: datetime | None = None
) -> AggregatedHealth:
    """Count the verdicts; the whole is as well as its worst part.

    >>> aggregate([HealthStatus.HEALTHY, HealthStatus.DEGRADED]).overall_health.value
    'degraded'
    """
    counts = Counter(healths)
    return AggregatedHealth(
        total_connectors=counts.total(),
        healthy_count=counts[HealthStatus.HEALTHY],
        degraded_count=counts[HealthStatus.DEGRADED],
        unhealthy_count=counts[HealthStatus.UNHEALTHY],
        disconnected_count=counts[HealthStatus.DISCONNECTED],
        overall_health=_worst(counts),
        last_updated=last_updated,
    )


def _worst(counts: Counter[HealthStatus]) -> HealthStatus:
    if counts[HealthStatus.UNHEALTHY] or counts[HealthStatus.DISCONNECTED]:
        return HealthStatus.UNHEALTHY
    if counts[HealthStatus.DEGRADED]:
        return HealthStatus.DEGRADED
    if counts[HealthStatus.UNKNOWN] or not counts:
        return HealthStatus.UNKNOWN
    return HealthStatus.HEALTHY
