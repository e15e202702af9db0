"""The CAMPD driver: the hours of one unit as series, or of many as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request, Window
from greenlang_data.drivers.campd.api import CampdApi
from greenlang_data.drivers.campd.columns import MEASURANDS
from greenlang_data.drivers.campd.window import WindowReader
from greenlang_data.drivers.schema import TAGS, UNKNOWN_TAG
from greenlang_data.errors import SourceUnreachable, UnknownTagError, UnsupportedError
from greenlang_data.settings.campd import CampdSettings

ENTITY = "hours"


class CampdDriver(Driver):
    """Reads hourly emissions; only GETs are sent."""

    name: ClassVar[str] = "campd"
    kinds: ClassVar[frozenset[str]] = frozenset()
    config: CampdSettings

    def __init__(self, config: CampdSettings) -> None:
        super().__init__(config)
        self._api: CampdApi | None = None
        self._windows: WindowReader | None = None

    @property
    def connected(self) -> bool:
        return self._api is not None

    async def connect(self) -> None:
        """Make the client. Raises ConfigurationError for an address or login of no use."""
        if self._api is None:
            self._api = CampdApi(self.config, self.source)
            self._windows = WindowReader(self._api, self.config, self.source)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        api, self._api = self._api, None
        if api is not None:
            await api.client.close()

    async def ping(self) -> None:
        await self._open()[0].ping()

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A Window of the configured unit, or Records of ``hours``, one batch of them.

        The filters of Records are CAMPD's own (``facilityId``, ``stateCode``), lists of texts.
        """
        api, windows = self._open()
        if isinstance(request, Window):
            async for batch in windows.read(request, log):
                yield batch
        elif isinstance(request, Records):
            if request.entity != ENTITY:
                raise UnknownTagError(
                    f"{UNKNOWN_TAG}: CAMPD has no {request.entity!r} here", source=self.source
                )
            begin, end = _day(request.start), _day(request.end)
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

    def _open(self) -> tuple[CampdApi, WindowReader]:
        if self._api is None or self._windows is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._api, self._windows


def _day(moment: datetime | date | None) -> date:
    if moment is None:
        raise UnsupportedError("CAMPD is asked for days", remedy="Give a start and an end.")
    return moment.date() if isinstance(moment, datetime) else moment
