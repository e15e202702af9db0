"""The OData driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar, Final

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.login import HeaderLogin
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.listing import entity_table, field_table
from greenlang_data.drivers.odata.profiles import Profile, profile_of, with_login
from greenlang_data.drivers.odata.reading import ODataReading
from greenlang_data.drivers.odata.said import explain
from greenlang_data.drivers.odata.services import Services
from greenlang_data.drivers.places import Place
from greenlang_data.errors import SourceUnreachable, UnsupportedError
from greenlang_data.settings.odata import ODataSettings

# A page of HTML would be that of a login.
_ANY_DOCUMENT: Final = (
    "application/json",
    "application/xml",
    "application/atomsvc+xml",
    "text/xml",
)


class ODataDriver(Driver):
    """Reads the entity sets of OData services; only GETs are sent, token requests apart."""

    name: ClassVar[str] = "odata"
    config: ODataSettings

    def __init__(self, config: ODataSettings) -> None:
        super().__init__(config)
        self._client: HttpClient | None = None
        self._services: Services | None = None
        self._profile: Profile = profile_of(config)

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def connect(self) -> None:
        """Make the client; nothing is sent before something is asked.

        Raises ConfigurationError for an address or login that cannot be used.
        """
        if self._client is None:
            key = self.config.api_key
            self._client = HttpClient(
                self.config.odata_address,
                with_login(self.config, self.source),
                self.source,
                explain=explain,
                login=None if key is None else HeaderLogin(key, self.config.api_key_header),
            )
            self._services = Services(self._client, self.config, self._profile, self.source)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ping(self) -> None:
        """Ask where the services are; that there is nothing to be read there is an answer too."""
        client, _ = self._open()
        ask = Ask(
            self._profile.ping,
            self._profile.params,
            headers=self._profile.headers,
            accept=_ANY_DOCUMENT,
            expected=frozenset({403, 404, 405}),
        )
        await client.ask(ask, ReadLog(), lambda body: None)

    def reading(self, request: Request, log: ReadLog) -> ODataReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        client, services = self._open()
        if not isinstance(request, Records):
            raise UnsupportedError("a business system has records and no tags", source=self.source)
        return ODataReading(client, services, self.config, self._profile, request, log, self.source)

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
        """The sets of every service that ``places`` name."""
        _, services = self._open()
        yield await entity_table(services, places, log)

    async def list_fields(
        self, request: Records, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The columns of the set that would answer ``request``."""
        _, services = self._open()
        yield field_table(await choose(services, request, log, self.source))

    def _open(self) -> tuple[HttpClient, Services]:
        if self._client is None or self._services is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._client, self._services
