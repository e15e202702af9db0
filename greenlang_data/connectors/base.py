"""The base of all connectors: one typed question, answered behind the pipeline, with proof."""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args
from uuid import uuid4

from pydantic import BaseModel

from greenlang_data.connectors.lifecycle import Lifecycle
from greenlang_data.connectors.models import query_class_of
from greenlang_data.connectors.payload import ReadPayload
from greenlang_data.connectors.query import Query
from greenlang_data.connectors.underway import Underway
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.errors import (
    QueryError,
    ReadFailed,
    SourceTimeout,
    SourceUnreachable,
    UnknownTagError,
)
from greenlang_data.provenance.hash import hash_json, write_json
from greenlang_data.provenance.record import ConnectorProvenance
from greenlang_data.resilience.breaker import Breaker
from greenlang_data.resilience.deadline import checked_timeout
from greenlang_data.resilience.pipeline import Pipeline
from greenlang_data.runtime import get_runtime
from greenlang_data.settings import ConnectorConfig
from greenlang_data.states import ConnectorMetrics, HealthStatus

TQuery = TypeVar("TQuery", bound=BaseModel)
TPayload = TypeVar("TPayload", bound=BaseModel)
TConfig = TypeVar("TConfig", bound=ConnectorConfig)
TResult = TypeVar("TResult")

Errors = Literal["raise", "report"]


class Listener(Protocol):
    """Hears about a connector's requests as they happen. Must be quick and must not raise."""

    def request_finished(self, connector_id: str, success: bool, seconds: float) -> None:
        """A request ended after ``seconds``, all its attempts and waits included."""

    def circuit_opened(self, connector_id: str) -> None:
        """The circuit breaker opened."""

    def health_checked(self, connector_id: str, connector_type: str, health: HealthStatus) -> None:
        """A health check came to a verdict."""


class BaseConnector(Lifecycle, Generic[TQuery, TPayload, TConfig]):
    """Retries, circuit breaker, limits, metrics and provenance around one system.

    Subclass it with models of your own and write ``connect``, ``disconnect``,
    ``_health_check_impl`` and ``_fetch_data_impl``. Raise ``ConnectionError`` or ``TimeoutError``
    for what may pass (it is retried); anything else ends the call at once.
    """

    connector_id: ClassVar[str] = "base-connector"
    connector_version: ClassVar[str] = "1.0.0"
    other_queries: ClassVar[tuple[type[BaseModel], ...]] = ()
    """Models that it takes beside the one that its type parameters name."""

    def __init__(self, config: TConfig) -> None:
        super().__init__()
        self.config: TConfig = config
        self._query_class = query_class_of(type(self))
        self.metrics = ConnectorMetrics()
        self.listeners: list[Listener] = []
        self._pipeline = Pipeline(config.connector_id, config, self)
        self._underway = Underway(config.connector_id)
        self._health_task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _health_check_impl(self) -> bool:
        """Whether the system answers; raising counts as no."""

    @abstractmethod
    async def _fetch_data_impl(self, query: TQuery) -> TPayload:
        """One attempt at answering ``query``, while connected."""

    @property
    def circuit_breaker(self) -> Breaker | None:
        """The breaker, or None while ``circuit_breaker_enabled`` is off."""
        return self._pipeline.breaker if self.config.circuit_breaker_enabled else None

    @property
    def mode(self) -> str:
        """``live``, ``mock`` or ``replay``."""
        return "mock" if self.config.mock_mode else "live"

    async def fetch_data(
        self,
        query: TQuery,
        timeout: float | None = None,  # noqa: ASYNC109  (it covers retries and waits too)
        *,
        errors: Errors = "raise",
    ) -> tuple[TPayload, ConnectorProvenance]:
        """Answer ``query``, with proof.

        ``timeout`` bounds this whole call, in seconds. With ``errors="report"`` tags that could
        not be read are listed in ``payload.failures`` instead of raising.

        May be awaited on any event loop, also while a session or a ``with`` block has it open.

        Raises QueryError, AuthenticationError, ConnectionError, TimeoutError or
        CircuitBreakerError (all from :mod:`greenlang_data.errors`, or what a connector of your
        own raises), and UnknownTagError or ReadFailed for tags that could not be read.
        """
        if get_runtime().drives(self._loop):
            return await get_runtime().bridge(
                lambda: BaseConnector.fetch_data(self, query, timeout, errors=errors)
            )
        self._check(query, timeout, errors)
        if isinstance(query, Query):
            query = query.in_utc()
        payload, origin, attempts = await self._answer(query, timeout)
        if errors == "raise" and isinstance(payload, ReadPayload):
            self._raise_failures(payload.failures)
        return payload, self._provenance(query, payload, attempts, origin)

    async def _answer(
        self,
        query: TQuery,
        timeout: float | None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> tuple[TPayload, str, int]:
        """The payload, the system that it is from, and how many attempts it took."""
        attempts = 0

        async def attempt() -> tuple[TPayload, str]:
            nonlocal attempts
            attempts += 1
            return await self._attempt(query)

        payload, origin = await self.run_step(attempt, timeout, self.planned_points(query))
        return payload, origin, attempts

    async def run_step(
        self,
        attempt: Callable[[], Awaitable[TResult]],
        timeout: float | None = None,  # noqa: ASYNC109  (it covers retries and waits too)
        planned_points: int | None = None,
    ) -> TResult:
        """One request behind the pipeline, counted in the metrics; ``attempt`` may run again.

        Raises SessionClosedError when :meth:`end_calls` is called meanwhile.
        """
        started = perf_counter()
        self.metrics.last_request_time = datetime.now(UTC)
        try:
            with self._underway.call():
                result = await self._pipeline.run(
                    attempt, timeout=timeout, planned_points=planned_points
                )
        except Exception:
            self._finished(False, perf_counter() - started)
            raise
        self._finished(True, perf_counter() - started)
        return result

    async def ping(self) -> None:
        """Ask the system for a sign of life, connecting first where needed.

        Raises what went wrong, at the latest after ``timeout_seconds``.
        """
        name = self.config.connector_id
        try:
            async with asyncio.timeout(self.config.timeout_seconds):
                await self.ensure_connected()
                alive = await self._health_check_impl()
        except TimeoutError as error:
            raise SourceTimeout(
                f"no answer within {self.config.timeout_seconds:g} s",
                source=name,
                remedy="Check that it is up, or raise timeout_seconds.",
            ) from error
        if not alive:
            raise SourceUnreachable("it says that it is not well", source=name)

    async def health_check(self) -> bool:
        """Like :meth:`ping`, but tells by its answer and in the metrics. Never raises."""
        try:
            await self.ping()
            alive = True
        except Exception:  # whatever it is, ping() tells it and this does not
            alive = False
        self.metrics.health_status = self._judge(alive)
        for listener in self.listeners:
            listener.health_checked(
                self.config.connector_id, self.config.connector_type, self.metrics.health_status
            )
        return alive

    async def start_health_monitoring(self) -> None:
        """Check the health every ``health_check_interval`` seconds in the background."""
        if self._health_task is None or self._health_task.done():
            self._health_task = asyncio.create_task(self._check_for_ever())

    async def stop_health_monitoring(self) -> None:
        """End the background checks, and wait until they have ended."""
        task, self._health_task = self._health_task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def get_metrics(self) -> ConnectorMetrics:
        """A copy of the metrics as they are now."""
        return self.metrics.model_copy(update={"uptime_seconds": self.uptime_seconds})

    def reset_metrics(self) -> None:
        """Set the counters to zero; the health and connection states stay."""
        kept = {"health_status", "connection_state"}
        fresh = ConnectorMetrics(**self.metrics.model_dump(include=kept))
        self.metrics.__dict__.update(fresh.__dict__)

    def end_calls(self) -> None:
        """End the calls under way on this event loop, which would else go on after a close."""
        self._underway.end()

    def after_fork(self) -> None:
        """Start anew in a child process; the parent's connection is left to the parent."""
        self.abandon()
        self._pipeline = Pipeline(self.config.connector_id, self.config, self)
        self._underway = Underway(self.config.connector_id)
        self._health_task = None

    def planned_points(self, query: TQuery) -> int | None:
        """How many values the answer will have, where that is known beforehand (else None)."""
        return None

    def retrying(self, error: BaseException, wait: float) -> None:
        """The pipeline is about to try again after ``wait`` seconds."""
        self.metrics.retry_count += 1

    def circuit_opened(self) -> None:
        """The circuit breaker opened."""
        self.metrics.circuit_breaker_opens += 1
        for listener in self.listeners:
            listener.circuit_opened(self.config.connector_id)

    def provenance_metadata(self, payload: TPayload) -> dict[str, Any]:
        """What a connector adds to the provenance of ``payload``: JSON values only."""
        return {}

    def _check(self, query: object, timeout: float | None, errors: str) -> None:
        name, wanted = self.config.connector_id, self._query_class
        if wanted is not None and not isinstance(query, (wanted, *self.other_queries)):
            raise QueryError(
                f"{type(self).__name__} takes a {wanted.__name__}, not a {type(query).__name__}",
                source=name,
                remedy=f"Make a {wanted.__name__}.",
            )
        self._check_options(timeout, errors)

    def _check_options(self, timeout: float | None, errors: str) -> None:
        name = self.config.connector_id
        if errors not in get_args(Errors):
            raise QueryError(
                f"errors is {errors!r}", source=name, remedy="Use 'raise' or 'report'."
            )
        checked_timeout(timeout, name)

    async def _attempt(self, query: TQuery) -> tuple[TPayload, str]:
        await self.ensure_connected()
        # Before the read: the config may name another address by the time the answer is there.
        origin = self.config.source_system
        try:
            return await self._fetch_data_impl(query), origin
        except ConnectionError:
            self._lost_connection()
            raise

    def _raise_failures(self, failures: Mapping[str, str]) -> None:
        if not failures:
            return
        some = "; ".join(f"{tag}: {why}" for tag, why in list(failures.items())[:3])
        more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
        unknown = all(why.startswith(UNKNOWN_TAG) for why in failures.values())
        raise (UnknownTagError if unknown else ReadFailed)(
            f"{len(failures)} tag{'s' if len(failures) > 1 else ''} could not be read: {some}{more}",
            source=self.config.connector_id,
            remedy='Correct them, or use errors="report" to get the others.',
            failures=failures,
        )

    def _finished(self, success: bool, seconds: float) -> None:
        metrics = self.metrics
        metrics.total_requests += 1
        if success:
            metrics.successful_requests += 1
            metrics.last_success_time = datetime.now(UTC)
        else:
            metrics.failed_requests += 1
            metrics.last_failure_time = datetime.now(UTC)
        metrics.avg_response_time_ms += (
            seconds * 1000 - metrics.avg_response_time_ms
        ) / metrics.total_requests
        for listener in self.listeners:
            listener.request_finished(self.config.connector_id, success, seconds)

    def _judge(self, alive: bool) -> HealthStatus:
        if not alive:
            return HealthStatus.DISCONNECTED if self._needs_connection() else HealthStatus.UNHEALTHY
        breaker = self.circuit_breaker
        closed = breaker is None or breaker.current_state == "closed"
        return HealthStatus.HEALTHY if closed else HealthStatus.DEGRADED

    async def _check_for_ever(self) -> None:
        while True:
            await self.health_check()
            await asyncio.sleep(self.config.health_check_interval)

    def _provenance(
        self, query: BaseModel, payload: Any, attempts: int, origin: str
    ) -> ConnectorProvenance:
        hashed = self.config.enable_provenance
        asked = write_json(query.model_dump(mode="json")) if hashed else None
        if asked and isinstance(payload, ReadPayload):
            payload.result.asked = asked
        return ConnectorProvenance(
            connector_id=self.config.connector_id,
            connector_type=self.config.connector_type,
            connector_version=self.connector_version,
            query_hash=asked.sha256 if asked else "",
            response_hash=_response_hash(payload) if hashed else "",
            timestamp=datetime.now(UTC),
            request_id=str(uuid4()),
            mode=self.mode,
            source_system=origin,
            metadata={"attempts": attempts, **self.provenance_metadata(payload)},
        )


def _response_hash(payload: BaseModel) -> str:
    if isinstance(payload, ReadPayload):
        return payload.result.content_hash()
    return hash_json(payload.model_dump(mode="json"))
