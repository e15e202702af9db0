"""The SAP PM driver."""

from __future__ import annotations

from typing import ClassVar

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.records import RecordsDriver
from greenlang_data.drivers.odata.driver import ODataDriver
from greenlang_data.drivers.sappm.reading import SapPmReading
from greenlang_data.settings.cmms import CmmsSettings


class SapPmDriver(RecordsDriver[ODataDriver]):
    """Reads orders, notifications, equipment and plans; only GETs are sent, tokens apart."""

    name: ClassVar[str] = "sap_pm"
    call: ClassVar[str] = "cmms"
    config: CmmsSettings

    def open(self) -> ODataDriver:
        return ODataDriver(self.config)

    async def connect(self) -> None:
        """Make the client; nothing is sent before something is asked.

        Raises ConfigurationError for an address or login that cannot be used.
        """
        await super().connect()
        await self.opened.connect()

    async def ping(self) -> None:
        """Ask where the services are."""
        await self.opened.ping()

    def pages(self, request: Records, log: ReadLog) -> SapPmReading:
        return SapPmReading(self.opened, self.config, request, log)
