"""A watch that outlives a lost link: what was heard, and where nothing was."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from greenlang_data.connectors.feed import Feed
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.errors import (
    AuthenticationError,
    CircuitOpenError,
    GreenLangError,
    QueryError,
    SourceError,
    SourceTimeout,
)
from greenlang_data.frames.watched import SAMPLES, Samples
from greenlang_data.resilience.limits import LoadBudget
from greenlang_data.resilience.retry import draw_wait, is_transient

if TYPE_CHECKING:
    from greenlang_data.connectors.base import Errors
    from greenlang_data.connectors.driven import DrivenConnector

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Gap:
    """Nothing was heard after ``start`` until ``end`` (UTC; None: until the recording ended)."""

    start: datetime
    reason: str
    end: datetime | None = None


@dataclass(slots=True)
class Progress:
    """How far a recording is. ``partial`` says why it ended before its time, if it did."""

    started: datetime | None = None
    heard: datetime | None = None
    ended: datetime | None = None
    rows: int = 0
    opened: int = 0
    gaps: list[Gap] = field(default_factory=list)
    partial: str | None = None

    @property
    def in_gap(self) -> bool:
        """Whether the link is lost now."""
        return bool(self.gaps) and self.gaps[-1].end is None


class Recording:
    """One watch of one source, from the first answer to its end; iterate it once.

    The first answer is read behind the whole pipeline, and what is wrong then raises. Later a
    lost link, a silent source or a broken answer is a gap: a row per tag with no value, quality
    bad and status ``LinkLost``, while the source is asked anew, with the waits and the circuit
    breaker of every call, until it answers or the time is over. What cannot pass (a refused
    login, a budget used up, settings that were changed) ends the recording early, and
    ``progress.partial`` says why: what was heard is never thrown away.
    """

    schema: pa.Schema = SAMPLES

    def __init__(
        self, connector: DrivenConnector[Any, Any, Any], query: WatchQuery, errors: Errors
    ) -> None:
        config = connector.config
        self.query = query
        self.source = config.connector_id
        self.origin = config.source_system
        self.log = ReadLog()
        self.samples = Samples(query.tag_ids, self.source)
        self.progress = Progress()
        self.request = Watch(tuple(query.tag_ids), _every(query, config))
        self.connector = connector
        self._strict = errors == "raise"
        self._looked = False
        self._settings = connector.own_settings()
        self._closings = connector.closings
        self._budget = LoadBudget(config.max_points, source=self.source)
        self._feed: Feed | None = None
        self._begun = 0.0
        self._ends_at = float("inf")

    async def batches(self) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of :data:`SAMPLES` as they come, some without rows, to the end of the time.

        Raises what ``fetch_data`` raises, until every tag was heard of once; never later.
        """
        try:
            batch = await self._open()
            self.progress.started = _now()
            if self.query.for_seconds is not None:
                self._ends_at = self._begun + self.query.for_seconds
            rows = self._take(batch)
            self._judge_first_look()
            yield rows
            while self._left() > 0 and self.progress.partial is None:
                async for rows in self._step():
                    self._judge_first_look()
                    yield rows
        finally:
            await self._drop()
            self.progress.ended = self.progress.ended or _now()

    def stop(self, reason: str) -> None:
        """Say why it ended before its time."""
        self.progress.partial = self.progress.partial or reason

    async def _step(self) -> AsyncGenerator[pa.RecordBatch, None]:
        """What comes next: one batch, or a gap and what comes after it."""
        try:
            rows = await self._next()
        except Exception as error:
            if self._passes(error):
                yield self._lose(error)
                async for rows in self._return(error):
                    yield rows
            return
        if rows is not None:
            yield rows

    async def _next(self) -> pa.RecordBatch | None:
        """The next rows, or None when the time is over before they come."""
        assert self._feed is not None
        patience, left = self._patience(), self._left()
        batch = await self._feed.next(min(left, patience))
        if batch is None and left > patience:
            raise self._silent()
        return None if batch is None else self._take(batch)

    async def _return(self, error: Exception) -> AsyncGenerator[pa.RecordBatch, None]:
        """Try until the source answers, the time is over, or trying again is no use."""
        tries = 0
        while self._left() > 0:
            scope = asyncio.timeout(min(self._left(), _LONGEST_WAIT))
            try:
                async with scope:
                    batch = await self._open()
                rows = self._take(batch)
            except Exception as again:
                if not scope.expired():
                    error = again
                    if not self._passes(again):
                        return
            else:
                self.progress.gaps[-1].end = self.progress.heard
                yield rows
                return
            tries += 1
            yield _nothing()  # so that whoever writes this down can go on
            await asyncio.sleep(max(0.0, min(self._wait(tries, error), self._left())))

    def _wait(self, tries: int, error: Exception) -> float:
        if isinstance(error, CircuitOpenError):
            return max(error.retry_in, 0.05)
        return draw_wait(self.connector.config, min(tries, 10), error)

    async def _open(self) -> pa.RecordBatch:
        """Connect if need be, begin to watch, and wait for the first batch."""
        seconds = self.connector.config.timeout_seconds
        # An attempt may have to wait a whole step for the first report.
        timeout = None if 2 * self.request.every <= seconds else self.request.every + seconds
        return await self.connector.run_step(self._attempt, timeout)

    async def _attempt(self) -> pa.RecordBatch:
        await self._drop()
        await self.connector.ensure_connected()
        self.progress.opened += 1
        self._begun = time.monotonic()
        self._feed = Feed(self.connector.begin_watch(self.request, self.log), self.source)
        try:
            batch = await self._feed.next(self._patience())
        except BaseException as error:
            await self._drop()
            if isinstance(error, ConnectionError):
                self.connector._lost_connection()
            raise
        if batch is None:
            raise self._silent()
        return batch

    def _take(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.progress.heard = _now()
        rows = self.samples.add(batch, _nanoseconds(self.progress.heard))
        self._count(rows)
        self._check_settings()
        return rows

    def _judge_first_look(self) -> None:
        """Refuse tags that could not be read the first time; later it is a row like any other."""
        if not self._looked:
            if self._strict:
                self.connector._raise_failures(self.samples.failures)
            self._looked = bool(self.samples.seen.all())

    def _lose(self, error: Exception) -> pa.RecordBatch:
        heard = self.progress.heard or _now()
        self.progress.gaps.append(Gap(heard, self._text(error)))
        if isinstance(error, ConnectionError):
            self.connector._lost_connection()
        rows = self.samples.gap(_nanoseconds(heard))
        self._count(rows)
        return rows

    def _count(self, rows: pa.RecordBatch) -> None:
        self.progress.rows += rows.num_rows
        try:
            self._budget.count(rows.num_rows)
        except QueryError as error:
            self.stop(self._text(error))

    def _passes(self, error: Exception) -> bool:
        """Whether what went wrong may pass; otherwise the recording ends with the reason."""
        if self.connector.closings != self._closings:
            self.stop("the connection was closed in this process")
        elif isinstance(error, AuthenticationError) or not (
            isinstance(error, SourceError | CircuitOpenError) or is_transient(error)
        ):
            if not isinstance(error, GreenLangError):
                _logger.error(
                    "%s: the recording ended with an unexpected error", self.source, exc_info=error
                )
            self.stop(self._text(error))
        self._check_settings()
        return self.progress.partial is None

    def _check_settings(self) -> None:
        settings = self.connector.own_settings()
        if any(new is not old for new, old in zip(settings, self._settings, strict=True)):
            self.stop("the settings of the source were changed, so more would be from another one")

    def _silent(self) -> SourceTimeout:
        return SourceTimeout(
            f"nothing was heard for {self._patience():.3g} s",
            source=self.source,
            remedy="Check the network and that the source is up.",
        )

    def _text(self, error: Exception) -> str:
        # Only what is ours surely quotes no secret.
        return error.what if isinstance(error, GreenLangError) else type(error).__name__

    async def _drop(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            await feed.close()

    def _patience(self) -> float:
        seconds: float = self.connector.config.timeout_seconds
        return self.request.every + seconds

    def _left(self) -> float:
        return self._ends_at - time.monotonic()


_LONGEST_WAIT: Final = 3600.0  # seconds; asyncio takes no infinity


def _every(query: WatchQuery, config: Any) -> float:
    every = float(query.every_seconds or config.polling_interval_ms / 1000)
    limit: float | None = config.max_requests_per_second
    if limit is not None and every * limit < 0.999:  # 1 / limit is not exact
        raise QueryError(
            f"every {every:g} s is more often than max_requests_per_second ({limit:g}) allows",
            source=config.connector_id,
            remedy=f"Give every={1 / limit:g}, or raise the limit.",
        )
    return every


def _nothing() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=SAMPLES)


def _now() -> datetime:
    return datetime.now(UTC)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
