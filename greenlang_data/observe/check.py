"""One health check, on the event loop where the connector lives, ended in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from greenlang_data.errors import SourceTimeout, SourceUnreachable
from greenlang_data.observe.redact import error_text
from greenlang_data.observe.results import HealthCheckResult
from greenlang_data.states import HealthStatus

if TYPE_CHECKING:
    from greenlang_data.connectors.registry import AnyConnector

T = TypeVar("T")

_GRACE_SECONDS: Final = 1.0
"""What a check gets beyond ``timeout_seconds``, after which the connector ends it by itself, and
then to clean up after its cancellation."""


async def check(connector: AnyConnector) -> HealthCheckResult:
    """Ping ``connector``, connecting first where needed; never raises what went wrong."""
    begun = perf_counter()
    error = await _error_of_ping(connector)
    latency = (perf_counter() - begun) * 1000
    health = _conclude(connector, alive=error is None)
    return HealthCheckResult(
        connector_id=connector.config.connector_id,
        health_status=health,
        latency_ms=latency,
        error_message=None if error is None else error_text(error, connector.config),
        metrics=connector.get_metrics(),
    )


def start_on(
    loop: asyncio.AbstractEventLoop | None, work: Coroutine[Any, Any, T]
) -> asyncio.Future[T]:
    """Start ``work`` on a running loop of any thread; await or cancel it here. None: here too."""
    if loop is None or loop is asyncio.get_running_loop():
        return asyncio.ensure_future(work)
    try:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
    except RuntimeError:  # It was closed a moment ago, so what lived there is free again.
        return asyncio.ensure_future(work)


async def _error_of_ping(connector: AnyConnector) -> BaseException | None:
    limit = connector.config.timeout_seconds + _GRACE_SECONDS
    ping = start_on(_home(connector), connector.ping())
    try:
        await asyncio.wait({ping}, timeout=limit)
        if not ping.done():
            return SourceTimeout(
                f"the health check did not end within {limit:g} s",
                source=connector.config.connector_id,
                remedy="Look for a blocking call in the connector or on its event loop.",
            )
        if ping.cancelled():
            return SourceUnreachable(
                "the health check was cancelled, as when the connector's event loop ends",
                source=connector.config.connector_id,
                remedy="Check again, which connects it anew where needed.",
            )
        return ping.exception()
    finally:
        if not ping.done():
            ping.cancel()
            await asyncio.wait({ping}, timeout=_GRACE_SECONDS)


def _home(connector: AnyConnector) -> asyncio.AbstractEventLoop | None:
    """The loop that the connector is bound to, while it runs."""
    loop = connector._loop
    return loop if loop is not None and loop.is_running() else None


def _conclude(connector: AnyConnector, *, alive: bool) -> HealthStatus:
    health = connector.metrics.health_status = connector._judge(alive)
    for listener in connector.listeners:
        listener.health_checked(
            connector.config.connector_id, connector.config.connector_type, health
        )
    return health
