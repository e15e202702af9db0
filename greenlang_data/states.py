"""How a connector is doing, as the metrics and the health monitor tell it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel


class HealthStatus(StrEnum):
    """Verdict of the last health check."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    DISCONNECTED = "disconnected"


class ConnectionState(StrEnum):
    """Where a connector is between closed and open."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    ERROR = "error"


class ConnectorMetrics(BaseModel):
    """Counters since the connector was made or reset.

    A request is one ``fetch_data`` with all its attempts; ``retry_count`` counts further attempts
    only; ``circuit_breaker_opens`` counts openings and not the calls refused while open.
    ``avg_response_time_ms`` is over finished requests, failed ones included. Times are UTC.
    """

    total_requests: int = 0
    successful_requests: int = 0
    failed_requests: int = 0
    retry_count: int = 0
    circuit_breaker_opens: int = 0
    avg_response_time_ms: float = 0.0
    last_request_time: datetime | None = None
    last_success_time: datetime | None = None
    last_failure_time: datetime | None = None
    health_status: HealthStatus = HealthStatus.UNKNOWN
    connection_state: ConnectionState = ConnectionState.DISCONNECTED
    uptime_seconds: float = 0.0
