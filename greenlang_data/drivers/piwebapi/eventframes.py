"""Event frames: what happened at the plant, from when to when."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa
from msgspec import Struct

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.stamps import nanoseconds
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.moments import between
from greenlang_data.drivers.piwebapi.webid import database_id
from greenlang_data.drivers.piwebapi.wire import WebException
from greenlang_data.drivers.schema import RECORD_ID, TIMESTAMP
from greenlang_data.errors import ProtocolError, QueryError

ENTITY: Final = "event_frames"
_PAGE: Final = 1000
# A filter of the request, and the parameter that it becomes.
_FILTERS: Final = {
    "name": "nameFilter",
    "template": "templateName",
    "category": "categoryName",
    "severity": "severity",
}
_SCHEMA: Final = pa.schema(
    [
        ("event_frame_id", pa.string()),
        ("name", pa.string()),
        ("template", pa.string()),
        ("start_time", TIMESTAMP),
        # Null while it is still going on.
        ("end_time", TIMESTAMP),
        ("severity", pa.string()),
        ("acknowledged_by", pa.string()),
        ("description", pa.string()),
        ("path", pa.string()),
    ],
    metadata={RECORD_ID: b"event_frame_id"},
)


class _Frame(Struct, rename="pascal"):
    id: str
    name: str
    start_time: str
    end_time: str | None = None
    path: str = ""
    template_name: str | None = None
    severity: str | None = None
    acknowledged_by: str | None = None
    description: str | None = None


class _Frames(Struct, rename="pascal"):
    items: list[_Frame] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


_page = json_decoder(_Frames)


async def read_event_frames(
    api: PiApi, request: Records, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    r"""The frames that are active at some time of the window, page after page until an empty one.

    ``filters`` needs ``database`` (``\\af\database``), and takes name, template, category and
    severity.
    """
    path, params = _asked(api, request)
    seen: set[str] = set()
    start = 0
    while request.limit is None or start <= request.limit:
        page = [("startIndex", str(start)), ("maxCount", str(_PAGE))]
        try:
            found = (await api.get(path, [*params, *page], log, _page)).items
        except RefusedError as error:
            raise QueryError(
                f"its event frames cannot be had: {error.said}",
                source=api.source,
                remedy="Check the database's path and the filters.",
            ) from None
        if found is None or len(found) > _PAGE:
            raise ProtocolError(
                "its list of event frames has no items, or more than were asked for",
                source=api.source,
                remedy="None of it was used; ask again.",
            )
        if not found:
            break
        fresh = {one.id: one for one in found if one.id not in seen}
        if not fresh:
            raise ProtocolError(
                "its list of event frames goes in circles",
                source=api.source,
                remedy="None of it was used; ask again.",
            )
        if len(fresh) < len(found):
            log.note("event frames were added while they were read; one may be missing")
        seen.update(fresh)
        start += len(found)
        yield _batch(list(fresh.values()), api.source)
    if not start:
        yield _batch([], api.source)


def _asked(api: PiApi, request: Records) -> tuple[str, list[tuple[str, str]]]:
    filters = dict(request.filters)
    database = filters.pop("database", None)
    if not isinstance(database, str) or not database.startswith("\\\\"):
        raise QueryError(
            "event frames are in an AF database, and none is named",
            source=api.source,
            remedy=r"Give database, such as \\AFSERVER\Plant.",
        )
    unknown = sorted(filters.keys() - _FILTERS.keys())
    if unknown or not isinstance(request.start, datetime) or not isinstance(request.end, datetime):
        raise QueryError(
            f"event frames have no filter {unknown[0]!r}" if unknown else "a window is needed",
            source=api.source,
            remedy=f"Give start and end, and of {', '.join(_FILTERS)} what you like.",
        )
    params = [
        *between(nanoseconds(request.start), nanoseconds(request.end)),
        ("searchMode", "Overlapped"),
        *((_FILTERS[name], str(value)) for name, value in filters.items()),
    ]
    return f"assetdatabases/{database_id(database)}/eventframes", params


def _batch(frames: Sequence[_Frame], source: str) -> pa.RecordBatch:
    columns = [
        [one.id for one in frames],
        [one.name for one in frames],
        [one.template_name or None for one in frames],
        _moments([one.start_time for one in frames], source),
        _moments([_ended(one.end_time) for one in frames], source),
        [one.severity for one in frames],
        [one.acknowledged_by or None for one in frames],
        [one.description or None for one in frames],
        [one.path for one in frames],
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, pa.string())
        for column in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _ended(text: str | None) -> str | None:
    """None for a frame that is open, which ends in the year 9999."""
    return None if text is None or text.startswith("9999") else text


def _moments(texts: Sequence[str | None], source: str) -> pa.Array:
    try:
        return pa.array(texts, pa.string()).cast(TIMESTAMP)
    except pa.ArrowInvalid as error:
        raise ProtocolError(
            f"a time of an event frame is none: {str(error)[:100]}",
            source=source,
            remedy="None of it was used; report this with the server's version.",
        ) from None
