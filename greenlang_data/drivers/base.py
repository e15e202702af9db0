"""What a driver is: the wire side of one protocol or vendor.

A driver turns a request into Arrow record batches and nothing else: no retries, no pandas, no
meaning. Batches have one of the shapes of :mod:`greenlang_data.drivers.schema`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from greenlang_data.drivers.places import Place
from greenlang_data.errors import QueryError, UnsupportedError

if TYPE_CHECKING:
    import pyarrow as pa

    from greenlang_data.drivers.reading import RecordReading
    from greenlang_data.settings import ConnectorConfig


# What every source with aggregates has, under one name each.
AGGREGATIONS: Final = frozenset({"avg", "min", "max", "sum", "count"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Current values of ``tags``, answered in their order. Tags are distinct."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Samples of ``tags`` with ``start <= timestamp < end``.

    ``start`` and ``end`` are aware UTC datetimes. Without ``interval`` (seconds) the samples are
    raw; with it there is one value of ``aggregation`` (avg, min, max, sum, count; for some sources
    more) per interval, stamped at the interval's start, and the intervals are counted from
    ``start``. All count every sample once, but ``time_avg`` and ``percent_good``, which count how
    long a value held. An aggregation that tells when something was may be stamped with that time
    instead.

    Two more kinds are only for sources that keep them; other drivers raise UnsupportedError.
    ``modified``: not the values that hold but those that were replaced, deleted or added by hand,
    with what was done, when and by whom behind the status. ``times``, ascending: one value for
    each, as the source interpolates it.
    """

    tags: tuple[str, ...]
    start: datetime
    end: datetime
    interval: float | None = None
    aggregation: str | None = None
    modified: bool = False
    times: tuple[datetime, ...] | None = None

    @property
    def kind(self) -> str | None:
        """Its aggregation, or ``modified`` or ``times``; None when it is of plain raw samples."""
        if self.modified:
            return "modified"
        return "times" if self.times is not None else self.aggregation


@dataclass(frozen=True, slots=True)
class Records:
    """Business records of one entity. ``fields`` empty means all; ``limit`` None means all.

    ``start`` and ``end`` bound the column ``date_field`` (None: the entity's own date), ``end``
    excluded for instants and included for calendar dates. Datetimes have the zone in which they
    were meant: where the column holds calendar days, theirs is the one that they have there.
    ``places`` are where a system may keep the records, the best first. ``defaults`` are filters
    that hold for an entity which has the column, where ``filters`` say nothing about it.
    ``known`` are entities to name the nearest of. ``since`` is the mark that an earlier read left,
    a time in ISO 8601, or ``start`` to have the source keep track of changes from now on; None
    asks for all without regard to changes.
    """

    entity: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    start: datetime | date | None = None
    end: datetime | date | None = None
    limit: int | None = None
    date_field: str | None = None
    places: tuple[Place, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    since: str | None = None


Request = Snapshot | Window | Records


def check_lasts(start: datetime | date | None, end: datetime | date | None, source: str) -> None:
    """Refuse bounds of points in time that are one, as nothing is at it or after and before it."""
    if isinstance(start, datetime) and start == end:
        raise QueryError(
            f"end {end} is not after start {start}",
            source=source,
            remedy="Widen the window; only calendar dates may end on the day they start.",
        )


@dataclass(frozen=True, slots=True)
class Watch:
    """Values of ``tags`` from now on, looked at every ``every`` seconds. Tags are distinct."""

    tags: tuple[str, ...]
    every: float


@dataclass(slots=True)
class ReadLog:
    """What a driver tells about one read beside the data; it ends up in the provenance.

    ``requests`` counts requests on the wire. ``notes`` are sentences about anything that a reader
    of the numbers must know: computed here and not by the source, time stamps of the client's
    clock, limits met. ``exchanges`` tells of each request of a web system: ``request``,
    ``status``, ``bytes``, ``seconds``, ``request_id``. ``warnings`` are those of the notes that
    the user is told at once. ``basis`` says by tag on what its numbers stand beside their unit:
    ``moisture`` (wet, dry) and ``reference_oxygen`` (percent). ``completeness`` is what a read of
    records can prove about itself: what the source counted before and after, pages, distinct keys.
    """

    requests: int = 0
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    basis: dict[str, dict[str, Any]] = field(default_factory=dict)
    completeness: dict[str, Any] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Add a sentence once, however often it happens."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def caution(self, sentence: str) -> None:
        """Like :meth:`note`, for what the user should see without looking."""
        self.note(sentence)
        if sentence not in self.warnings:
            self.warnings.append(sentence)


class Driver(ABC):
    """One connection, or pool of connections, to one source.

    All methods run on one event loop. They raise the errors of :mod:`greenlang_data.errors` with
    ``source=self.source``: ``SourceUnreachable`` when the connection is lost (``connect`` is
    called again before the next read), ``AuthenticationError``, ``ProtocolError``,
    ``UnsupportedError``. A single tag that cannot be read is no error but a failure in its batch.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    # The kinds of windows that it answers beside raw samples, where it answers windows at all.
    kinds: ClassVar[frozenset[str]] = AGGREGATIONS

    def __init__(self, config: ConnectorConfig) -> None:
        self.config = config
        self.source = config.connector_id

    @abstractmethod
    async def connect(self) -> None:
        """Open what the first read needs. Called again after the connection was lost."""

    @abstractmethod
    async def close(self) -> None:
        """Release everything, within a second or two; never raises, may be called twice."""

    @abstractmethod
    async def ping(self) -> None:
        """One cheap round trip that proves that the source answers; raises when it does not."""

    @abstractmethod
    def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """Answer ``request`` in batches, in the order asked, whole or with an error.

        Snapshot: batches of :data:`~greenlang_data.drivers.schema.SNAPSHOT`, a row per tag.
        Window: batches made by :func:`~greenlang_data.drivers.schema.series_batch`, all of one
        tag before the next, in time order, at least one (perhaps empty) per tag.
        Records: batches of one schema, with the unit of a column in its field metadata.
        """

    def reading(self, request: Request, log: ReadLog) -> RecordReading | None:
        """The same answer in steps, of a driver that reads records a page at a time; else None."""
        return None

    def check(self, request: Request) -> None:
        """Raise UnsupportedError for a window of a kind that this driver never answers."""
        kind = request.kind if isinstance(request, Window) else None
        if kind is None or kind in self.kinds:
            return
        what = {"modified": "history of modifications", "times": "values at chosen times"}
        raise UnsupportedError(
            f"this kind of source has no {what.get(kind, f'aggregation {kind!r}')}",
            source=self.source,
            remedy=f"It has raw samples, {', '.join(sorted(self.kinds - what.keys()))}.",
        )

    async def watch(self, request: Watch, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """Batches of :data:`~greenlang_data.drivers.schema.SNAPSHOT`, without end.

        The first ones have a row for each tag; after that there is a row for whatever was read
        anew or reported by the source, in the order of arrival, and one batch at least every
        ``every`` seconds, with no rows when nothing has come. Raises what ``read`` raises; the
        caller connects and watches anew.

        Here the tags are polled, in steps that do not drift; after a read that took longer than a
        step the missed steps are left out. A protocol that reports by itself does better.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            async for batch in self.read(Snapshot(request.tags), log):
                yield batch
            steps = (loop.time() - began) // request.every + 1
            await asyncio.sleep(began + steps * request.every - loop.time())

    def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """All tags that can be read, as batches of :data:`~greenlang_data.drivers.schema.TAGS`.

        Raises UnsupportedError where neither the source nor the configuration can tell.
        """
        raise self._cannot_list("tags")

    def list_entities(
        self, places: Mapping[str, tuple[Place, ...]], log: ReadLog
    ) -> AsyncIterator[pa.RecordBatch]:
        """What can be read, as batches of :data:`~greenlang_data.drivers.schema.ENTITIES`.

        ``places`` are where canonical entities may be. Raises UnsupportedError where the source
        cannot tell.
        """
        raise self._cannot_list("entities")

    def list_fields(self, request: Records, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The columns of an entity, as batches of :data:`~greenlang_data.drivers.schema.FIELDS`."""
        raise self._cannot_list("columns")

    def _cannot_list(self, what: str) -> UnsupportedError:
        return UnsupportedError(
            f"this kind of source cannot tell its {what}",
            source=self.source,
            remedy="Look them up in the system's own tools.",
        )

    @property
    def connected(self) -> bool:
        """Whether the next read can start without ``connect``."""
        return True

    @property
    def mode(self) -> str:
        """``live``, ``mock`` or ``replay``."""
        return "live"


def no_records(source: str) -> UnsupportedError:
    """The error of a driver of measured values that is asked for records."""
    return UnsupportedError(
        "this kind of source has values and no records",
        source=source,
        remedy="Ask an ERP or CMMS source for records.",
    )
