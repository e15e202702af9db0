"""All points of a data server, however many."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.points import Point, Points, fill
from greenlang_data.drivers.piwebapi.webid import data_server_id
from greenlang_data.drivers.piwebapi.wire import AboutList
from greenlang_data.drivers.schema import TAGS
from greenlang_data.errors import ProtocolError

_PAGE: Final = 1000
_FIELDS: Final = ";".join(
    ["Errors", "WebException"]
    + [
        f"Items.{name}"
        for name in (
            "WebId",
            "Name",
            "Path",
            "Descriptor",
            "PointType",
            "EngineeringUnits",
            "Zero",
            "Span",
        )
    ]
)
_page = json_decoder(AboutList)


async def list_points(
    api: PiApi, points: Points, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Batches of :data:`~greenlang_data.drivers.schema.TAGS`, page after page until an empty one.

    A short page is no end: servers give no link to the next and fewer than asked for.
    """
    server = await points.server(log)
    path = f"dataservers/{data_server_id(server)}/points"
    seen: set[str] = set()
    start = 0
    while True:
        params = [
            ("nameFilter", "*"),
            ("startIndex", str(start)),
            ("maxCount", str(_PAGE)),
            ("selectedFields", _FIELDS),
        ]
        try:
            items = (await api.get(path, params, log, _page)).items or []
        except RefusedError as error:
            raise ProtocolError(
                f"it does not tell its points: {error.said}",
                source=api.source,
                remedy="Check database_name, and that this login may list points.",
            ) from None
        if not items:
            return
        fresh = [one for one in items if one.path.casefold() not in seen]
        if not fresh:
            raise ProtocolError("its list of points goes in circles", source=api.source)
        found = []
        for about in fresh:
            seen.add(about.path.casefold())
            point = Point(about.name, about.path, about.web_id, is_attribute=False)
            fill(point, about)
            found.append(point)
        start += len(items)
        yield _batch(found)


def _batch(points: Sequence[Point]) -> pa.RecordBatch:
    rows = [
        {
            "tag_id": one.tag,
            "tag_name": one.name,
            "path": one.path,
            "description": one.description,
            "data_type": one.data_type,
            "unit": one.unit,
            "low": one.low,
            "high": one.high,
        }
        for one in points
    ]
    return pa.RecordBatch.from_pylist(rows, schema=TAGS)
