"""Event frames of a historian: trips, batches, downtimes, with their start and end."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel

from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.query import Moment, Query
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import Records
from greenlang_data.errors import QueryError

_FILTERS = ("database", "name", "template", "category", "severity")


class EventFrameQuery(Query):
    r"""Event frames of ``database`` (``\\AFSERVER\Plant``) active at some time of the window.

    ``name`` may have wildcards.
    """

    database: str
    start_time: Moment
    end_time: Moment | None = None
    name: str | None = None
    template: str | None = None
    category: str | None = None
    severity: str | None = None

    def request(self) -> Records:
        """What a driver is asked for. Raises QueryError for a window without an end."""
        if self.end_time is None:
            raise QueryError("the window has no end", remedy="Give end_time.")
        given = {name: getattr(self, name) for name in _FILTERS}
        filters = {name: value for name, value in given.items() if value is not None}
        return Records("event_frames", filters, start=self.start_time, end=self.end_time)


class EventFrame(BaseModel):
    """One event frame; ``end_time`` is None while it is still going on."""

    event_frame_id: str
    name: str
    template: str | None
    start_time: Any
    end_time: Any
    severity: str | None
    acknowledged_by: str | None
    description: str | None
    path: str


class EventFramePayload(ReadPayload):
    """The answer to an :class:`EventFrameQuery`; ``event_frames`` is lazy over its table."""

    event_frames: Rows[EventFrame]

    @classmethod
    def of(cls, result: ReadResult) -> Self:
        """The payload over what was read."""
        return cls(event_frames=rows_of(result.table, lambda row: EventFrame(**row)))
