"""Event frames of a historian: trips, batches, downtimes, with their start and end."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.historian import HistorianConfig
from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.query import Moment, Query
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import Records, Request
from greenlang_data.errors import QueryError


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


class EventFrameConnector(DrivenConnector[EventFrameQuery, EventFramePayload, HistorianConfig]):
    """Reads event frames: ``session.fetch(EventFrameConnector(config), EventFrameQuery(...))``."""

    connector_id = "event-frame-connector"
    connector_version = "1.0.0"

    def request(self, query: EventFrameQuery) -> Request:
        if query.end_time is None:
            raise QueryError("the window has no end", remedy="Give end_time.")
        names = ("database", "name", "template", "category", "severity")
        filters = {name: getattr(query, name) for name in names if getattr(query, name) is not None}
        return Records("event_frames", filters, start=query.start_time, end=query.end_time)

    def payload(self, query: EventFrameQuery, result: ReadResult) -> EventFramePayload:
        frames = rows_of(result.table, lambda row: EventFrame(**row))
        return EventFramePayload(event_frames=frames)
