"""Connectors that read through a driver: all five families."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from functools import cache
from operator import attrgetter, is_
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import BaseModel

from greenlang_data.connectors.asked import asked_of
from greenlang_data.connectors.base import BaseConnector
from greenlang_data.connectors.checkpoint import Checkpoint
from greenlang_data.connectors.paged import PagedRead
from greenlang_data.connectors.payload import ReadPayload
from greenlang_data.connectors.query import Query
from greenlang_data.connectors.result import ReadResult, collect
from greenlang_data.connectors.stream import WindowStream
from greenlang_data.connectors.tags import TagsPayload, TagsQuery
from greenlang_data.drivers import load_driver
from greenlang_data.drivers.base import Driver, ReadLog, Records, Request, Watch, Window
from greenlang_data.drivers.base import Snapshot as SnapshotRequest
from greenlang_data.drivers.spool import Spool
from greenlang_data.errors import (
    DeadlineExceeded,
    SessionClosedError,
    SourceError,
    SourceUnreachable,
    UnsupportedError,
)
from greenlang_data.provenance.record import ConnectorProvenance
from greenlang_data.resilience.deadline import out_of_time
from greenlang_data.resilience.limits import LoadBudget
from greenlang_data.runtime import get_runtime
from greenlang_data.settings import ConnectorConfig

TQuery = TypeVar("TQuery", bound=Query)
TPayload = TypeVar("TPayload", bound=ReadPayload)
TConfig = TypeVar("TConfig", bound=ConnectorConfig)
TListed = TypeVar("TListed", bound=ReadPayload)

_foreign: list[Driver] = []


class DrivenConnector(BaseConnector[TQuery, TPayload, TConfig]):
    """Gives a family its meaning: typed query in, driver request out, typed payload back."""

    closings: int = 0
    """How often it was disconnected: a recording ends then, and does not connect anew."""

    _driver: Driver | None = None
    _opened_with: tuple[Any, ...] = ()

    @abstractmethod
    def request(self, query: TQuery) -> Request:
        """What the driver is asked for ``query``, whose times are UTC."""

    @abstractmethod
    def payload(self, query: TQuery, result: ReadResult) -> TPayload:
        """The family's payload over what was read."""

    async def connect(self) -> bool:
        """Open the driver, anew if its settings have changed. Raises what the driver raises."""
        if self._driver is not None and self._settings_changed():
            outdated, self._driver = self._driver, None
            await outdated.close()
        if self._driver is None:
            driver = load_driver(self.config.driver_name, source=self.config.connector_id)
            self._driver = driver(self.config)
            self._opened_with = _own_settings(self.config)
        await self._driver.connect()
        return True

    async def disconnect(self) -> bool:
        """Close the driver; never raises."""
        self.closings += 1
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()
        return True

    async def _health_check_impl(self) -> bool:
        await self._connected_driver().ping()
        return True

    async def _fetch_data_impl(self, query: TQuery) -> TPayload:
        request, log, opened_with = self.request(query), ReadLog(), self._opened_with
        budget = LoadBudget(self.config.max_points, source=self.config.connector_id)
        batches = self._batches(request, log)
        result = await collect(batches, request, log, budget.count, self.config.connector_id)
        self._check_unchanged(opened_with)
        return self._payload_over(query, result)

    def _payload_over(self, query: TQuery, result: ReadResult) -> TPayload:
        payload = self.payload(query, result)
        payload.attach(result)
        return payload

    async def _answer(
        self,
        query: TQuery,
        timeout: float | None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> tuple[TPayload, str, int]:
        request = self.request(query)
        if not isinstance(request, Records):
            return await super()._answer(query, timeout)
        return await self._paged(query, request, timeout, None)

    async def spooled(self, query: TQuery, spool: Spool) -> tuple[TPayload, str, int]:
        """The whole answer to a query of records, its pages kept in ``spool``.

        With the system that it is from, and how many attempts it took. Raises what ``fetch_data``
        raises, and UnsupportedError for any other query.
        """
        if get_runtime().drives(self._loop):
            return await get_runtime().bridge(lambda: self.spooled(query, spool))
        self._check(query, None, "raise")
        request = self.request(query)
        if not isinstance(request, Records):
            raise UnsupportedError(
                "only records can be kept on disk",
                source=self.config.connector_id,
                remedy="Stream a window of samples, or read it at once.",
            )
        return await self._paged(query, request, None, spool)

    async def _paged(
        self,
        query: TQuery,
        request: Records,
        timeout: float | None,  # noqa: ASYNC109  (it covers retries and waits too)
        spool: Spool | None,
    ) -> tuple[TPayload, str, int]:
        config = self.config
        checkpoint = self._checkpoint(request)
        reading = PagedRead(request, config.max_points, config.connector_id, checkpoint, spool)
        # Of the call, and of each page where the call has no limit of its own.
        whole = timeout if timeout is not None else config.total_timeout_seconds
        deadline = None if whole is None else time.monotonic() + whole
        steps = pages = 0

        async def step() -> tuple[TPayload, str] | None:
            nonlocal steps
            steps += 1
            await self.ensure_connected()
            origin, opened_with = self.config.source_system, self._opened_with
            if self._driver is None or not reading.reads(self._driver):
                return await self._attempt(query)
            try:
                result = await reading.advance()
            except ConnectionError:
                self._lost_connection()
                raise
            self._check_unchanged(opened_with)
            if result is None:
                return None
            return self._payload_over(query, result), origin

        try:
            while True:
                left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
                answer = await self.run_step(step, left)
                pages += 1
                if answer is not None:
                    return *answer, 1 + steps - pages
        except DeadlineExceeded as error:
            if whole is None:
                raise
            # That of a page knows of what was left for it alone.
            raise out_of_time(whole, config.connector_id) from error.__cause__
        finally:
            reading.close()

    def _checkpoint(self, request: Records) -> Checkpoint | None:
        folder = self.config.checkpoint_path
        return None if folder is None else Checkpoint(folder, asked_of(self.config, request))

    async def stream(self, query: TQuery, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The samples of a window query, batch by batch, tag after tag, bad values null.

        Each batch has the pipeline's retries and timeouts to itself; after a retry the read goes
        on where it stopped. A tag that could not be read is an empty batch with its failure.
        """
        request = self.request(query)
        if not isinstance(request, Window) or request.kind in ("modified", "times"):
            # Samples of those kinds have no order of their own from which a read could go on.
            raise UnsupportedError(
                "only a window of samples or aggregates can be streamed",
                source=self.config.connector_id,
                remedy="Give the query a start and an end, or read it at once.",
            )
        budget = LoadBudget(self.config.max_points, source=self.config.connector_id)
        budget.check_plan(_window_points(request))
        batches = WindowStream(
            request,
            lambda part: self._read_part(part, log),
            self.run_step,
            self.config.connector_id,
        )
        settings, closings = _own_settings(self.config), self.closings
        async for batch in batches:
            if not _same(settings, _own_settings(self.config)):
                raise SourceError(
                    "its settings were changed during the read, so it is from no one source",
                    source=self.config.connector_id,
                    remedy="Read it again from the start.",
                )
            budget.count(batch.num_rows)
            yield batch
            if self.closings != closings:
                # Nothing waited for it then, and the next batch would connect anew.
                raise SessionClosedError(
                    "the session was closed between two batches",
                    source=self.config.connector_id,
                    remedy="Open a new one, and read it again from the start.",
                )

    async def list_tags(
        self,
        timeout: float | None = None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> tuple[TagsPayload, ConnectorProvenance]:
        """All tags that can be read, with proof. ``timeout`` bounds the whole call, in seconds.

        Raises UnsupportedError when neither the source nor its configuration names any, and what
        ``fetch_data`` raises.
        """

        def payload(batches: list[pa.RecordBatch], log: ReadLog) -> TagsPayload:
            if not sum(one.num_rows for one in batches):
                raise UnsupportedError(
                    f"{self.config.source_system} lists no tags",
                    source=self.config.connector_id,
                    remedy="Give it a register map or tag list, or check what its user may see.",
                )
            return TagsPayload.of(batches, log)

        return await self.listed(
            TagsQuery(), lambda driver, log: driver.list_tags(log), payload, timeout
        )

    async def listed(
        self,
        query: BaseModel,
        ask: Callable[[Driver, ReadLog], AsyncIterator[pa.RecordBatch]],
        payload: Callable[[list[pa.RecordBatch], ReadLog], TListed],
        timeout: float | None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> tuple[TListed, ConnectorProvenance]:
        """What the driver lists when it is asked with ``ask``, as a payload with proof."""
        if get_runtime().drives(self._loop):
            return await get_runtime().bridge(lambda: self.listed(query, ask, payload, timeout))
        attempts = 0

        async def attempt() -> tuple[TListed, str]:
            nonlocal attempts
            attempts += 1
            log = ReadLog()
            await self.ensure_connected()
            origin, opened_with = self.config.source_system, self._opened_with
            try:
                batches = [one async for one in ask(self._connected_driver(), log)]
            except ConnectionError:
                self._lost_connection()
                raise
            self._check_unchanged(opened_with)
            return payload(batches, log), origin

        found, origin = await self.run_step(attempt, timeout)
        return found, self._provenance(query, found, attempts, origin)

    def begin_watch(self, request: Watch, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The driver's watch of ``request``, while connected."""
        return self._connected_driver().watch(request, log)

    def _check_unchanged(self, opened_with: tuple[Any, ...]) -> None:
        """Refuse an answer during which another address, or another meaning of a tag, was set."""
        if self._opened_with is not opened_with or self._settings_changed():
            raise SourceUnreachable(
                "its settings were changed during the read, so the answer was not used",
                source=self.config.connector_id,
                remedy="Read again.",
            )

    async def _read_part(self, window: Window, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        await self.ensure_connected()
        async for batch in self._batches(window, log):
            yield batch

    def _batches(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The driver's answer. Raises UnsupportedError for what it never answers."""
        driver = self._connected_driver()
        driver.check(request)
        return driver.read(request, log)

    def planned_points(self, query: TQuery) -> int | None:
        """How many values or rows the answer will have, where that is known beforehand."""
        request = self.request(query)
        if isinstance(request, SnapshotRequest):
            return len(request.tags)
        if isinstance(request, Records):
            return None  # a limit says how many at most; the answer may be much shorter
        return _window_points(request)

    @property
    def mode(self) -> str:
        """``live``, ``mock`` or ``replay``, as the driver says."""
        if self._driver is not None:
            return self._driver.mode
        return "mock" if self.config.mock_mode else "live"

    def _needs_connection(self) -> bool:
        return (
            self._driver is None
            or not self._driver.connected
            or self._settings_changed()
            or super()._needs_connection()
        )

    def own_settings(self) -> tuple[Any, ...]:
        """What is particular to this source, in place of the policies; to compare by identity."""
        return _own_settings(self.config)

    def _settings_changed(self) -> bool:
        """Whether the driver is connected as the config said before something was assigned to it.

        Its answers would come from another address, or from another node, than the provenance says.
        """
        return not _same(_own_settings(self.config), self._opened_with)

    def _lost_connection(self) -> None:
        # A busy source is still connected; only the driver knows.
        if self._driver is None or not self._driver.connected:
            super()._lost_connection()

    async def _discard_lost_connection(self) -> None:
        """Nothing: a driver discards by itself, and keeps what it has learned about the source."""

    def _forget_connection(self) -> None:
        # Kept and not closed: it belongs to a loop, or to a parent process, that is not ours, and
        # collecting it would run its closing code there.
        if self._driver is not None:
            _foreign.append(self._driver)
        self._driver = None

    def _connected_driver(self) -> Driver:
        if self._driver is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.config.connector_id, remedy="Connect first."
            )
        return self._driver

    def provenance_metadata(self, payload: Any) -> dict[str, Any]:
        """Requests sent, quality counts, failures and notes of what was read."""
        result = payload.result
        log = result.log
        told = {
            "exchanges": log.exchanges,
            "basis": log.basis,
            "completeness": result.completeness,
        }
        return {
            "requests": result.log.requests,
            "quality": result.qualities,
            "failures": result.failures,
            "notes": list(result.log.notes),
            **{name: value for name, value in told.items() if value},
        }


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    # By identity: there may be thousands of registers, and what is assigned is a new object.
    return len(one) == len(other) and all(map(is_, one, other))


def _own_settings(config: ConnectorConfig) -> tuple[Any, ...]:
    settings: tuple[Any, ...] = _getter(type(config))(config)
    return settings


@cache
def _getter(config: type[ConnectorConfig]) -> Callable[[ConnectorConfig], Any]:
    """Gets what is particular to a source: all fields but the policies that the pipeline reads."""
    policies = ConnectorConfig.model_fields.keys() - {"mock_mode", "mock_variants"}
    # At least two, mock_mode and mock_variants, so that the getter gives a tuple.
    return attrgetter(*(name for name in config.model_fields if name not in policies))


def _window_points(request: Window) -> int | None:
    if request.times is not None:
        return len(request.tags) * len(request.times)
    if request.interval is None:
        return None
    seconds = (request.end - request.start).total_seconds()
    return len(request.tags) * math.ceil(seconds / request.interval)
