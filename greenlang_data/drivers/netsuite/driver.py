"""The NetSuite driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.origin import checked_url
from greenlang_data.drivers.netsuite.login import netsuite_login
from greenlang_data.drivers.netsuite.reading import NetSuiteReading
from greenlang_data.drivers.netsuite.records import SERVICE, RecordsReading, RecordTypes
from greenlang_data.drivers.netsuite.tables import Tables
from greenlang_data.drivers.odata.choosing import Catalogue, choose
from greenlang_data.drivers.odata.listing import entity_table, field_table
from greenlang_data.drivers.oracle.driver import explain
from greenlang_data.drivers.places import Place
from greenlang_data.errors import SourceUnreachable, UnsupportedError
from greenlang_data.settings.netsuite import NetSuiteSettings


class NetSuiteDriver(Driver):
    """Reads an account with SuiteQL, and records one by one (``record/vendor``).

    POSTs are queries and token requests, and nothing else.
    """

    name: ClassVar[str] = "netsuite"
    config: NetSuiteSettings

    def __init__(self, config: NetSuiteSettings) -> None:
        super().__init__(config)
        self._client: HttpClient | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def connect(self) -> None:
        """Make the client. Raises ConfigurationError for an address or login of no use."""
        if self._client is None:
            address = checked_url(self.config.netsuite_address, "base_url", self.source)
            login = netsuite_login(self.config, address, self.source)
            self._client = HttpClient(
                address, self.config, self.source, explain=explain, login=login
            )

    async def close(self) -> None:
        """Close idle connections; never raises."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ping(self) -> None:
        """Ask what the account allows."""
        await self._open().get_json("/services/rest/system/v1/governanceLimits", ReadLog())

    def reading(self, request: Request, log: ReadLog) -> NetSuiteReading | RecordsReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        client = self._open()
        if not isinstance(request, Records):
            raise UnsupportedError("a business system has records and no tags", source=self.source)
        if any(one.service == SERVICE for one in request.places):
            width = self.config.connection_pool_size
            return RecordsReading(client, request, log, width, self.source)
        return NetSuiteReading(client, request, log, self.config.max_retries, self.source)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of Records, once all pages are there."""
        reading = self.reading(request, log)
        while await reading.advance():
            pass
        for batch in reading.batches():
            yield batch

    async def list_entities(
        self, places: Mapping[str, tuple[Place, ...]], log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """What ``places`` name: SuiteQL itself tells no tables."""
        every = [place for each in places.values() for place in each]
        yield await entity_table(Tables(every), places, log)

    async def list_fields(
        self, request: Records, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The columns that are known of an entity, or that the account tells of a record type."""
        tables: Catalogue = Tables(request.places)
        if any(one.service == SERVICE for one in request.places):
            tables = RecordTypes(self._open(), [one.name for one in request.places], self.source)
        yield field_table(await choose(tables, request, log, self.source))

    def _open(self) -> HttpClient:
        if self._client is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._client
