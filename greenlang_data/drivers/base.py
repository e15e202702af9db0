"""What a driver is: the wire side of one protocol or vendor.

A driver turns a request into Arrow record batches and nothing else: no retries, no pandas, no
meaning. Batches have one of the shapes of :mod:`greenlang_data.drivers.schema`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pyarrow as pa

    from greenlang_data.settings import ConnectorConfig


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Current values of ``tags``, answered in their order. Tags are distinct."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Samples of ``tags`` with ``start <= timestamp < end``.

    ``start`` and ``end`` are aware UTC datetimes. Without ``interval`` (seconds) the samples are
    raw; with it there is one value of ``aggregation`` (avg, min, max, sum, count) per interval,
    stamped at the interval's start, and the intervals are counted from ``start``.
    """

    tags: tuple[str, ...]
    start: datetime
    end: datetime
    interval: float | None = None
    aggregation: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Business records of one entity. ``fields`` empty means all; ``limit`` None means all.

    ``start`` and ``end`` bound the entity's own date, ``end`` excluded for instants and included
    for calendar dates.
    """

    entity: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    start: datetime | date | None = None
    end: datetime | date | None = None
    limit: int | None = None


Request = Snapshot | Window | Records


@dataclass(slots=True)
class ReadLog:
    """What a driver tells about one read beside the data; it ends up in the provenance.

    ``requests`` counts requests on the wire. ``notes`` are sentences about anything that a reader
    of the numbers must know: computed here and not by the source, time stamps of the client's
    clock, limits met.
    """

    requests: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Add a sentence once, however often it happens."""
        if sentence not in self.notes:
            self.notes.append(sentence)


class Driver(ABC):
    """One connection, or pool of connections, to one source.

    All methods run on one event loop. They raise the errors of :mod:`greenlang_data.errors` with
    ``source=self.source``: ``SourceUnreachable`` when the connection is lost (``connect`` is
    called again before the next read), ``AuthenticationError``, ``ProtocolError``,
    ``UnsupportedError``. A single tag that cannot be read is no error but a failure in its batch.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"

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

    @property
    def connected(self) -> bool:
        """Whether the next read can start without ``connect``."""
        return True

    @property
    def mode(self) -> str:
        """``live``, ``mock`` or ``replay``."""
        return "live"
