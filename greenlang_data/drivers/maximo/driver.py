"""The Maximo driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.maximo.api import MaximoApi
from greenlang_data.drivers.maximo.reading import MaximoReading
from greenlang_data.errors import SourceUnreachable, UnsupportedError
from greenlang_data.settings.cmms import CmmsSettings


class MaximoDriver(Driver):
    """Reads work orders, assets, plans, service requests, meters and failure codes.

    Only GETs are sent.
    """

    name: ClassVar[str] = "maximo"
    config: CmmsSettings

    def __init__(self, config: CmmsSettings) -> None:
        super().__init__(config)
        self._api: MaximoApi | None = None

    @property
    def connected(self) -> bool:
        return self._api is not None

    async def connect(self) -> None:
        """Make the client; nothing is sent before something is asked.

        Raises ConfigurationError for an address or login that cannot be used.
        """
        if self._api is None:
            self._api = MaximoApi(self.config, self.source)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        api, self._api = self._api, None
        if api is not None:
            await api.client.close()

    async def ping(self) -> None:
        """Ask who this login is."""
        await self._open().who(ReadLog())

    def reading(self, request: Request, log: ReadLog) -> MaximoReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        api = self._open()
        if not isinstance(request, Records):
            raise UnsupportedError(
                "a maintenance system has records and no tags",
                source=self.source,
                remedy="Ask with cmms().",
            )
        return MaximoReading(api, self.config, request, log)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of Records, once all pages are there."""
        reading = self.reading(request, log)
        while await reading.advance():
            pass
        for batch in reading.batches():
            yield batch

    def _open(self) -> MaximoApi:
        if self._api is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._api
