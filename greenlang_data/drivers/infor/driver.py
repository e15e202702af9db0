"""The Infor EAM driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.infor.api import InforApi
from greenlang_data.drivers.infor.reading import InforReading
from greenlang_data.errors import SourceUnreachable, UnsupportedError
from greenlang_data.settings.cmms import CmmsSettings


class InforDriver(Driver):
    """Reads work orders, assets, plans, events and meters.

    GETs are sent, and POSTs to ``grids``, which only query.
    """

    name: ClassVar[str] = "infor"
    config: CmmsSettings

    def __init__(self, config: CmmsSettings) -> None:
        super().__init__(config)
        self._api: InforApi | None = None

    @property
    def connected(self) -> bool:
        return self._api is not None

    async def connect(self) -> None:
        """Make the client; nothing is sent before something is asked.

        Raises ConfigurationError for an address or login that cannot be used.
        """
        if self._api is None:
            self._api = InforApi(self.config, self.source)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        api, self._api = self._api, None
        if api is not None:
            await api.client.close()

    async def ping(self) -> None:
        """Ask for the first assets."""
        await self._open().collection("assets", "AssetEquipment", 0, ReadLog())

    def reading(self, request: Request, log: ReadLog) -> InforReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        api = self._open()
        if not isinstance(request, Records):
            raise UnsupportedError(
                "a maintenance system has records and no tags",
                source=self.source,
                remedy="Ask with cmms().",
            )
        return InforReading(api, self.config, request, log)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of Records, once all pages are there."""
        reading = self.reading(request, log)
        while await reading.advance():
            pass
        for batch in reading.batches():
            yield batch

    def _open(self) -> InforApi:
        if self._api is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._api
