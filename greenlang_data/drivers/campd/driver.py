"""The CAMPD driver: the hours of one unit as series, or of many as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import ClassVar, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records, Request, Window
from greenlang_data.drivers.campd.api import CampdApi
from greenlang_data.drivers.campd.columns import MEASURANDS
from greenlang_data.drivers.campd.window import WindowReader
from greenlang_data.drivers.http.driver import HttpDriver
from greenlang_data.drivers.schema import TAGS, UNKNOWN_TAG
from greenlang_data.errors import UnknownTagError, UnsupportedError
from greenlang_data.settings.campd import CampdSettings

ENTITY = "hours"


class Opened(NamedTuple):
    """What is asked, and what reads windows with it."""

    api: CampdApi
    windows: WindowReader

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.api.close()


class CampdDriver(HttpDriver[Opened]):
    """Reads hourly emissions; only GETs are sent."""

    name: ClassVar[str] = "campd"
    kinds: ClassVar[frozenset[str]] = frozenset()
    config: CampdSettings

    def open(self) -> Opened:
        api = CampdApi(self.config, self.source)
        return Opened(api, WindowReader(api, self.config, self.source))

    async def ping(self) -> None:
        await self.opened.api.ping()

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A Window of the configured unit, or Records of ``hours``, one batch of them.

        The filters of Records are CAMPD's own (``facilityId``, ``stateCode``), lists of texts.
        """
        api, windows = self.opened
        if isinstance(request, Window):
            async for batch in windows.read(request, log):
                yield batch
        elif isinstance(request, Records):
            if request.entity != ENTITY:
                raise UnknownTagError(
                    f"{UNKNOWN_TAG}: CAMPD has no {request.entity!r} here",
                    source=self.source,
                    remedy=f"It has {ENTITY}.",
                )
            begin, end = _day(request.start, self.source), _day(request.end, self.source)
            yield await api.hours(request.filters, begin, end, log)
        else:
            raise UnsupportedError(
                "CAMPD has hours of the past, and no current values",
                source=self.source,
                remedy="Give a window that ends before the last published quarter does.",
            )

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """What every unit has, by its name here and CAMPD's own; nothing is asked."""
        rows = [
            {"tag_id": name, "tag_name": one.native, "unit": one.unit}
            for name, one in MEASURANDS.items()
        ]
        yield pa.RecordBatch.from_pylist(rows, TAGS)


def _day(moment: datetime | date | None, source: str) -> date:
    if moment is None:
        raise UnsupportedError(
            "CAMPD is asked for days", source=source, remedy="Give a start and an end."
        )
    return moment.date() if isinstance(moment, datetime) else moment
