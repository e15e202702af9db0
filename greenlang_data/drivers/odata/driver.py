"""The OData driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar, Final, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.login import HeaderLogin
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.http.records import RecordsDriver
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.listing import entity_table, field_table
from greenlang_data.drivers.odata.profiles import Profile, profile_of, with_login
from greenlang_data.drivers.odata.reading import ODataReading
from greenlang_data.drivers.odata.said import explain
from greenlang_data.drivers.odata.services import Services
from greenlang_data.drivers.places import Place
from greenlang_data.settings.odata import ODataSettings

# A page of HTML would be that of a login.
_ANY_DOCUMENT: Final = (
    "application/json",
    "application/xml",
    "application/atomsvc+xml",
    "text/xml",
)


class Opened(NamedTuple):
    """A client, and what is known of its services."""

    client: HttpClient
    services: Services

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()


class ODataDriver(RecordsDriver[Opened]):
    """Reads the entity sets of OData services; only GETs are sent, token requests apart."""

    name: ClassVar[str] = "odata"
    call: ClassVar[str] = "erp"
    config: ODataSettings

    def __init__(self, config: ODataSettings) -> None:
        super().__init__(config)
        self._profile: Profile = profile_of(config)

    def open(self) -> Opened:
        key = self.config.api_key
        client = HttpClient(
            self.config.odata_address,
            with_login(self.config, self.source),
            self.source,
            explain=explain,
            login=None if key is None else HeaderLogin(key, self.config.api_key_header),
        )
        return Opened(client, Services(client, self.config, self._profile, self.source))

    async def ping(self) -> None:
        """Ask where the services are; that there is nothing to be read there is an answer too."""
        client, _ = self.opened
        ask = Ask(
            self._profile.ping,
            self._profile.params,
            headers=self._profile.headers,
            accept=_ANY_DOCUMENT,
            expected=frozenset({403, 404, 405}),
        )
        await client.ask(ask, ReadLog(), lambda body: None)

    def pages(self, request: Records, log: ReadLog) -> ODataReading:
        client, services = self.opened
        return ODataReading(client, services, self.config, self._profile, request, log, self.source)

    async def list_entities(
        self, places: Mapping[str, tuple[Place, ...]], log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The sets of every service that ``places`` name."""
        _, services = self.opened
        yield await entity_table(services, places, log)

    async def list_fields(
        self, request: Records, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The columns of the set that would answer ``request``."""
        _, services = self.opened
        yield field_table(await choose(services, request, log, self.source))
