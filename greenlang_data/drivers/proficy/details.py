"""What Proficy tells of its tags beside their samples: unit and description."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

import pyarrow as pa
from msgspec import Struct

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.proficy.api import ProficyApi
from greenlang_data.drivers.schema import TAGS

_PAGE: Final = 1000
# A read of samples does not wait for a longer list than that; the next one reads on.
_PAGES_PER_READ: Final = 20
_KEPT_SECONDS: Final = 900.0
_REFUSALS: Final = frozenset({400, 403, 404, 405})


class Detail(Struct, rename={"name": "Tagname", "description": "Description",
                             "unit": "EngineeringUnits"}):  # fmt: skip
    """One tag as the list of tags has it."""

    name: str
    description: str | None = None
    unit: str | None = None


class _Page(Struct, rename={"error_code": "ErrorCode", "data": "Data"}):
    error_code: int = 0
    data: list[Detail] | None = None


_page = json_decoder(_Page)


class Details:
    """The details met so far, by name; the list of tags is read no farther than needed.

    After a quarter of an hour it is begun anew, since a unit may be corrected while a session is
    open.
    """

    def __init__(self, api: ProficyApi) -> None:
        self._api = api
        self._reading = asyncio.Lock()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._known: dict[str, Detail] = {}
        self._next: int | None = 1
        self._begun = monotonic()

    async def units(self, tags: Sequence[str], log: ReadLog) -> dict[str, str | None]:
        """The unit of each tag; None where it has none or the server does not tell."""
        await self._read_until({tag.lower() for tag in tags}, _PAGES_PER_READ, log)
        found = {tag: self._known.get(tag.lower()) for tag in tags}
        return {tag: detail.unit or None if detail else None for tag, detail in found.items()}

    async def listed(self, names: Sequence[str], log: ReadLog) -> pa.RecordBatch:
        """Tags of these names, as :data:`~greenlang_data.drivers.schema.TAGS`."""
        await self._read_until({name.lower() for name in names}, len(names), log)
        rows = []
        for name in names:
            detail = self._known.get(name.lower(), Detail(name))
            about = {"description": detail.description or None, "unit": detail.unit or None}
            rows.append({"tag_id": name, "tag_name": name, **about})
        return pa.RecordBatch.from_pylist(rows, schema=TAGS)

    async def _read_until(self, wanted: set[str], pages: int, log: ReadLog) -> None:
        """Read on in the list until it has these, or has told everything, or so many pages."""
        async with self._reading:  # else two reads at once would each take the other's page for old
            if monotonic() - self._begun > _KEPT_SECONDS:
                self._begin_anew()
            await self._read_pages(wanted, pages, log)
        missing = len(wanted - self._known.keys())
        if missing:
            log.note(f"its list of tags tells nothing of {missing} of them, so not their units")

    async def _read_pages(self, wanted: set[str], pages: int, log: ReadLog) -> None:
        for _ in range(pages):
            if self._next is None or wanted <= self._known.keys():
                break
            params = [("pageno", str(self._next)), ("pagesize", str(_PAGE))]
            ask = Ask("tagslist", params, expected=_REFUSALS)
            page = (await self._api.client.ask(ask, log, _page)).data
            # How the pages are asked for is not documented alike for all versions; one that tells
            # nothing new is the end, also where the server gives the same page again and again.
            told = [] if page is None or page.error_code else page.data or []
            fresh = {one.name.lower(): one for one in told} if told else {}
            self._next = self._next + 1 if fresh.keys() - self._known.keys() else None
            self._known.update(fresh)
