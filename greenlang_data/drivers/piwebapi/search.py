"""All points of a data server and all attributes of an AF database, however many."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.points import Point, Points, fill
from greenlang_data.drivers.piwebapi.webid import data_server_id, database_id
from greenlang_data.drivers.piwebapi.wire import ABOUT_FIELDS, About, AboutList
from greenlang_data.drivers.schema import TAGS
from greenlang_data.errors import ProtocolError

_PAGE: Final = 1000
_FIELDS: Final = ";".join(["Errors", "WebException"] + [f"Items.{name}" for name in ABOUT_FIELDS])
_page = json_decoder(AboutList)


async def list_points(
    api: PiApi, points: Points, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Batches of :data:`~greenlang_data.drivers.schema.TAGS` of all points of the data server."""
    server = await points.server(log)
    path = f"dataservers/{data_server_id(server)}/points"
    async with aclosing(_pages(api, path, [("nameFilter", "*")], log)) as pages:
        async for page in pages:
            yield _batch([_known(one.name, one, is_attribute=False) for one in page])


async def list_attributes(
    api: PiApi, database: str, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    r"""Batches of :data:`~greenlang_data.drivers.schema.TAGS` of all attributes of elements.

    ``database`` is ``\\AFSERVER\Plant``; a tag is the attribute's whole path.
    """
    params = [("databaseWebId", database_id(database)), ("query", "Element:{Name:='*'} Name:='*'")]
    async with aclosing(_pages(api, "attributes/search", params, log)) as pages:
        async for page in pages:
            yield _batch([_known(one.path, one, is_attribute=True) for one in page])


async def _pages(
    api: PiApi, path: str, params: Sequence[tuple[str, str]], log: ReadLog
) -> AsyncGenerator[list[About], None]:
    """Page after page until an empty one.

    A short page is no end: servers give no link to the next and fewer than asked for.
    """
    seen: set[str] = set()
    start = 0
    while True:
        page = [("startIndex", str(start)), ("maxCount", str(_PAGE)), ("selectedFields", _FIELDS)]
        try:
            items = (await api.get(path, [*params, *page], log, _page)).items
        except RefusedError as error:
            raise ProtocolError(
                f"it does not tell its points or attributes: {error.said}",
                source=api.source,
                remedy="Check database_name or asset_database, and that this login may list them.",
            ) from None
        if items is None or len(items) > _PAGE or not all(one.path and one.name for one in items):
            raise ProtocolError(
                "its list of points or attributes has no items, too many, or some without a name",
                source=api.source,
                remedy="None of it was used; ask again.",
            )
        if not items:
            return
        fresh = {one.path.lower(): one for one in items if one.path.lower() not in seen}
        if not fresh:
            raise ProtocolError(
                "its list of points goes in circles",
                source=api.source,
                remedy="None of it was used; ask again.",
            )
        seen.update(fresh)
        start += len(items)
        yield list(fresh.values())


def _known(tag: str, about: About, *, is_attribute: bool) -> Point:
    point = Point(tag, about.path, about.web_id, is_attribute=is_attribute)
    fill(point, about)
    return point


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
