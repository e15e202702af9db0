"""The PI Web API driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records, Request, Snapshot, Window
from greenlang_data.drivers.http.driver import HttpDriver
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.piwebapi.aggregates import AGGREGATIONS
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.eventframes import ENTITY, read_event_frames
from greenlang_data.drivers.piwebapi.points import Point, Points
from greenlang_data.drivers.piwebapi.search import list_attributes, list_points
from greenlang_data.drivers.piwebapi.snapshot import read_snapshot
from greenlang_data.drivers.piwebapi.window import read_window
from greenlang_data.drivers.schema import about_series, failed_series
from greenlang_data.errors import ProtocolError, UnsupportedError
from greenlang_data.settings.pi import PiSettings


class Opened(NamedTuple):
    """What is asked, and the points that are known."""

    api: PiApi
    points: Points

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.api.close()


class PiWebApiDriver(HttpDriver[Opened]):
    r"""Reads points (``SINUSOID``, ``\\server\SINUSOID``) and AF attributes (``\\af\db\el|attr``).

    Only GETs are sent, and batches of GETs. Times are UTC in steps of 100 ns, as sent.
    """

    name: ClassVar[str] = "pi"
    kinds: ClassVar[frozenset[str]] = frozenset(AGGREGATIONS)
    config: PiSettings

    def open(self) -> Opened:
        api = PiApi(self.config.server_url, self.config, self.source)
        return Opened(api, Points(api, self.config.database_name))

    async def ping(self) -> None:
        """Ask for the root, which holds nothing but links."""
        api, _ = self.opened
        try:
            answer = await api.get("", [("selectedFields", "Links.Self")], ReadLog(), read_any)
        except RefusedError as error:
            raise ProtocolError(
                f"its root was refused: {error.said}",
                source=self.source,
                remedy="Let server_url end in the path of PI Web API, such as /piwebapi.",
            ) from None
        if not isinstance(answer, dict):
            raise ProtocolError("its root is no object", source=self.source)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of a Snapshot, a Window, or Records of ``event_frames``.

        Raises UnsupportedError for any other entity.
        """
        api, known = self.opened
        if isinstance(request, Records):
            if request.entity != ENTITY:
                raise UnsupportedError(
                    f"PI has no records called {request.entity!r}",
                    source=self.source,
                    remedy=f"It has {ENTITY}.",
                )
            async with aclosing(read_event_frames(api, request, log)) as frames:
                async for batch in frames:
                    yield batch
            return
        points = _each_once(await known.of(request.tags, log))
        if isinstance(request, Snapshot):
            if points:
                yield await read_snapshot(api, points, log)
            return
        async with aclosing(self._window(api, points, request, log)) as batches:
            async for batch in batches:
                yield batch

    async def list_tags(self, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """All points of the data server, and attributes of the AF database if one is configured."""
        api, known = self.opened
        lists = [list_points(api, known, log)]
        if self.config.asset_database is not None:
            lists.append(list_attributes(api, self.config.asset_database, log))
        for listed in lists:
            async with aclosing(listed) as batches:
                async for batch in batches:
                    yield batch

    async def _window(
        self, api: PiApi, points: Sequence[Point], window: Window, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The points that exist, with the failures of the others where they were asked for."""
        known = [one for one in points if one.failure is None]
        waiting = list(points)
        async with aclosing(read_window(api, known, window, log)) as batches:
            current = None
            async for batch in batches:
                if about_series(batch)["tag"] != current:
                    while waiting[0].failure is not None:
                        yield _failed(waiting.pop(0))
                    current = waiting.pop(0).tag
                yield batch
        for one in waiting:
            yield _failed(one)


def _each_once(points: Sequence[Point]) -> list[Point]:
    """The points, where one that is there again under another name has a failure."""
    names: dict[str, str] = {}
    found = []
    for one in points:
        first = names.setdefault(one.path.lower(), one.tag)
        again = f"it is the same point as {first!r}; ask for it once"
        found.append(one if first == one.tag else replace(one, failure=one.failure or again))
    return found


def _failed(point: Point) -> pa.RecordBatch:
    return failed_series(point.tag, point.failure or "")
