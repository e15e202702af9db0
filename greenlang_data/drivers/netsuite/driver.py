"""The NetSuite driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.origin import checked_url
from greenlang_data.drivers.http.records import RecordsDriver
from greenlang_data.drivers.netsuite.login import netsuite_login
from greenlang_data.drivers.netsuite.reading import NetSuiteReading
from greenlang_data.drivers.netsuite.records import SERVICE, RecordsReading, RecordTypes
from greenlang_data.drivers.netsuite.tables import Tables, choose_table
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.listing import entity_table, field_table
from greenlang_data.drivers.oracle.driver import explain
from greenlang_data.drivers.places import Place
from greenlang_data.settings.netsuite import NetSuiteSettings


class NetSuiteDriver(RecordsDriver[HttpClient]):
    """Reads an account with SuiteQL, and records one by one (``record/vendor``).

    POSTs are queries and token requests, and nothing else.
    """

    name: ClassVar[str] = "netsuite"
    call: ClassVar[str] = "erp"
    config: NetSuiteSettings

    def open(self) -> HttpClient:
        address = checked_url(self.config.netsuite_address, "base_url", self.source)
        login = netsuite_login(self.config, address, self.source)
        return HttpClient(address, self.config, self.source, explain=explain, login=login)

    async def ping(self) -> None:
        """Ask what the account allows."""
        await self.opened.get_json("/services/rest/system/v1/governanceLimits", ReadLog())

    def pages(self, request: Records, log: ReadLog) -> NetSuiteReading | RecordsReading:
        client = self.opened
        if any(one.service == SERVICE for one in request.places):
            width = self.config.connection_pool_size
            return RecordsReading(client, request, log, width, self.source)
        return NetSuiteReading(client, request, log, self.config.max_retries, self.source)

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
        if any(one.service == SERVICE for one in request.places):
            types = RecordTypes(self.opened, [one.name for one in request.places], self.source)
            yield field_table(await choose(types, request, log, self.source))
        else:
            tables = Tables(request.places)
            yield field_table(await choose_table(tables, request, log, self.source))
