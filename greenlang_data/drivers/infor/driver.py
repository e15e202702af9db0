"""The Infor EAM driver."""

from __future__ import annotations

from typing import ClassVar

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.records import RecordsDriver
from greenlang_data.drivers.infor.api import InforApi
from greenlang_data.drivers.infor.reading import InforReading
from greenlang_data.settings.cmms import CmmsSettings


class InforDriver(RecordsDriver[InforApi]):
    """Reads work orders, assets, plans, events and meters.

    GETs are sent, and POSTs to ``grids``, which only query.
    """

    name: ClassVar[str] = "infor"
    call: ClassVar[str] = "cmms"
    config: CmmsSettings

    def open(self) -> InforApi:
        return InforApi(self.config, self.source)

    async def ping(self) -> None:
        """Ask for the first assets."""
        await self.opened.collection("assets", "AssetEquipment", 0, ReadLog())

    def pages(self, request: Records, log: ReadLog) -> InforReading:
        return InforReading(self.opened, self.config, request, log)
