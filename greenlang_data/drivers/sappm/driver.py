"""The SAP PM driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.odata.driver import ODataDriver
from greenlang_data.drivers.sappm.reading import SapPmReading
from greenlang_data.errors import UnsupportedError
from greenlang_data.settings.cmms import CmmsSettings


class SapPmDriver(Driver):
    """Reads orders, notifications, equipment and plans; only GETs are sent, tokens apart."""

    name: ClassVar[str] = "sap_pm"
    config: CmmsSettings

    def __init__(self, config: CmmsSettings) -> None:
        super().__init__(config)
        self._odata = ODataDriver(config)

    @property
    def connected(self) -> bool:
        return self._odata.connected

    async def connect(self) -> None:
        """Make the client; nothing is sent before something is asked.

        Raises ConfigurationError for an address or login that cannot be used.
        """
        await self._odata.connect()

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self._odata.close()

    async def ping(self) -> None:
        """Ask where the services are."""
        await self._odata.ping()

    def reading(self, request: Request, log: ReadLog) -> SapPmReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        if not isinstance(request, Records):
            raise UnsupportedError(
                "a maintenance system has records and no tags",
                source=self.source,
                remedy="Ask with cmms().",
            )
        return SapPmReading(self._odata, self.config, request, log)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of Records, once all pages are there."""
        reading = self.reading(request, log)
        while await reading.advance():
            pass
        for batch in reading.batches():
            yield batch
