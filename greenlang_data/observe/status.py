"""How the sources are doing, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

    from greenlang_data.connectors.registry import AnyConnector

_TIME: Final = "datetime64[us, UTC]"
_DTYPES: Final = {
    "source": "str",
    "kind": "str",
    "system": "str",
    "mode": "str",
    "state": "str",
    "health": "str",
    "breaker": "str",
    "retry_in_seconds": "float64",
    "requests": "int64",
    "failed": "int64",
    "retries": "int64",
    "breaker_opens": "int64",
    "average_ms": "float64",
    "last_request_time": _TIME,
    "last_success_time": _TIME,
    "last_error_time": _TIME,
    "uptime_seconds": "float64",
}


def status_frame(connectors: Sequence[AnyConnector]) -> pd.DataFrame:
    """One row for each connector, in their order, from what is known already: nobody is asked.

    ``state`` is that of the connection, ``health`` the last check's verdict (``unknown`` before
    the first), ``breaker`` is ``closed``, ``open``, ``half-open`` or ``off``. ``retry_in_seconds``
    is the time until an open breaker lets the next call through, else 0. ``average_ms`` is over
    finished requests in milliseconds, missing before the first. Times are UTC, or missing.
    """
    import pandas as pd

    rows = [_row(connector) for connector in connectors]
    columns = {name: [row[name] for row in rows] for name in _DTYPES}
    return pd.DataFrame(
        {name: pd.Series(values, dtype=_DTYPES[name]) for name, values in columns.items()}
    )


def _row(connector: AnyConnector) -> dict[str, Any]:
    metrics, config, breaker = connector.get_metrics(), connector.config, connector.circuit_breaker
    return {
        "source": config.connector_id,
        "kind": config.connector_type,
        "system": config.source_system,
        "mode": connector.mode,
        "state": metrics.connection_state.value,
        "health": metrics.health_status.value,
        "breaker": "off" if breaker is None else breaker.current_state,
        "retry_in_seconds": 0.0 if breaker is None else breaker.retry_in,
        "requests": metrics.total_requests,
        "failed": metrics.failed_requests,
        "retries": metrics.retry_count,
        "breaker_opens": metrics.circuit_breaker_opens,
        "average_ms": metrics.avg_response_time_ms if metrics.total_requests else None,
        "last_request_time": metrics.last_request_time,
        "last_success_time": metrics.last_success_time,
        "last_error_time": metrics.last_failure_time,
        "uptime_seconds": metrics.uptime_seconds,
    }
