"""Hours of many units from CAMPD, a chunk at a time: a state, a fleet, a year."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow as pa
from pydantic import Field, model_validator

from greenlang_data.connectors.cems import CEMSConnector
from greenlang_data.connectors.query import Query, build_query
from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.campd.rows import HOURS
from greenlang_data.errors import UnsupportedError
from greenlang_data.export.scan import provenance_of
from greenlang_data.provenance.hash import ContentHasher
from greenlang_data.provenance.record import ProvenanceRecord, make_record
from greenlang_data.runtime import get_runtime

if TYPE_CHECKING:
    from greenlang_data.session import Session

_FEW: Final = 10
_DAYS_OF_FEW: Final = 31


class CAMPDQuery(Query):
    """Hours of all units of some facilities (ORIS codes) or states, ``start_date`` to ``end_date``.

    Both days are included, and are days of the plants' local standard time.
    """

    states: list[str] = Field(default_factory=list)
    facilities: list[int] = Field(default_factory=list)
    start_date: date
    end_date: date
    operating_hours_only: bool = False

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.states and not self.facilities:
            raise ValueError("name states or facilities; CAMPD has four thousand units")
        if self.end_date < self.start_date:
            raise ValueError("the end is before the start")
        return self

    @property
    def filters(self) -> dict[str, list[str]]:
        """As CAMPD calls them."""
        filters = {
            "facilityId": [str(one) for one in self.facilities],
            "stateCode": self.states,
            "operatingHoursOnly": ["true"] if self.operating_hours_only else [],
        }
        return {name: values for name, values in filters.items() if values}

    @property
    def chunks(self) -> list[tuple[date, date]]:
        """Days that are asked for at once: few rows, so that a lost answer costs little."""
        few = 0 < len(self.facilities) <= _FEW
        step = timedelta(days=_DAYS_OF_FEW if few else 1)
        spans, begin = [], self.start_date
        while begin <= self.end_date:
            spans.append((begin, min(begin + step - timedelta(days=1), self.end_date)))
            begin += step
        return spans


class CAMPDHours:
    """Arrow batches of hours, read while they are used; each iteration reads anew.

    Columns: those of CAMPD in snake case, with units in their field metadata. ``date`` and
    ``hour`` are local standard time; EPA's flags are as they came. Memory is that of one chunk (a
    day of a state, or a month of up to ten facilities). A chunk that fails is tried again by
    itself, and what was read before it is kept. Give it to :func:`greenlang_data.to_parquet`.
    """

    schema: pa.Schema = HOURS

    def __init__(self, connector: CEMSConnector, query: CAMPDQuery) -> None:
        self._connector = connector
        self._query = query
        self._log = ReadLog()
        self._hasher = ContentHasher(HOURS)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self._log, self._hasher = ReadLog(), ContentHasher(HOURS)
        return get_runtime().iterate(lambda: self._batches(self._log, self._hasher))

    def reader(self) -> pa.RecordBatchReader:
        """A pyarrow RecordBatchReader that reads once."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def footer(self) -> ProvenanceRecord:
        """The provenance of the last complete reading, without the hash of the file's content."""
        config = self._connector.config
        provenance = provenance_of(
            self._connector, self._query, self._hasher.hexdigest(), config.source_system
        )
        return make_record(
            provenance,
            query=self._query.model_dump(mode="json"),
            shape="records",
            notes=self._log.notes,
            requests=self._log.requests,
        )

    async def _batches(self, log: ReadLog, hasher: ContentHasher) -> AsyncIterator[pa.RecordBatch]:
        for begin, end in self._query.chunks:
            request = Records("hours", self._query.filters, (), begin, end)
            for batch in await self._connector.run_step(self._attempt(request, log)):
                log.exchanges.clear()  # there may be thousands
                hasher.update(batch)
                yield batch

    def _attempt(self, request: Records, log: ReadLog) -> Any:
        return lambda: self._connector.records(request, log)


def campd_hours(
    session: Session,
    source: str,
    *,
    start: Any,
    end: Any,
    states: Sequence[str] = (),
    facilities: Sequence[int] = (),
    operating_hours_only: bool = False,
) -> CAMPDHours:
    """Hours of all units of ``states`` ("TX") or ``facilities`` (ORIS codes), in bounded memory.

    ``start`` and ``end`` are local days, both included; ``source`` is a CEMS source of protocol
    campd, whose own facility does not matter here. Nothing is asked before it is used.

    Raises QueryError for arguments that are wrong, UnsupportedError for another source, and while
    it is used what every call raises.
    """
    query = build_query(
        CAMPDQuery,
        list(states),
        "states",
        facilities=list(facilities),
        start_date=start,
        end_date=end,
        operating_hours_only=operating_hours_only,
    )
    connector = session.connector(source)
    if not isinstance(connector, CEMSConnector) or connector.config.protocol != "campd":
        raise UnsupportedError(
            "it is no CAMPD source", source=source, remedy="Name one of protocol campd."
        )
    return CAMPDHours(connector, query)
