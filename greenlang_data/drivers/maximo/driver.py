"""The Maximo driver."""

from __future__ import annotations

from typing import ClassVar

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.records import RecordsDriver
from greenlang_data.drivers.maximo.api import MaximoApi
from greenlang_data.drivers.maximo.reading import MaximoReading
from greenlang_data.settings.cmms import CmmsSettings


class MaximoDriver(RecordsDriver[MaximoApi]):
    """Reads work orders, assets, plans, service requests, meters and failure codes.

    Only GETs are sent.
    """

    name: ClassVar[str] = "maximo"
    call: ClassVar[str] = "cmms"
    config: CmmsSettings

    def open(self) -> MaximoApi:
        return MaximoApi(self.config, self.source)

    async def ping(self) -> None:
        """Ask who this login is."""
        await self.opened.who(ReadLog())

    def pages(self, request: Records, log: ReadLog) -> MaximoReading:
        return MaximoReading(self.opened, self.config, request, log)
