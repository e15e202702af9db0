"""The Oracle Fusion Cloud driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.client_login import with_client_login
from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.listing import entity_table, field_table
from greenlang_data.drivers.oracle.reading import OracleReading
from greenlang_data.drivers.oracle.resources import HEADERS, Resources
from greenlang_data.drivers.places import Place
from greenlang_data.errors import SourceUnreachable, UnsupportedError
from greenlang_data.settings.oracle import OracleSettings


class OracleDriver(Driver):
    """Reads REST resources of a Fusion Cloud pod; only GETs are sent, token requests apart.

    It is given a user and password, or a client id, its secret and the ``token_url`` of the
    identity domain.
    """

    name: ClassVar[str] = "oracle"
    config: OracleSettings

    def __init__(self, config: OracleSettings) -> None:
        super().__init__(config)
        self._client: HttpClient | None = None
        self._resources: Resources | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def connect(self) -> None:
        """Make the client. Raises ConfigurationError for an address or login of no use."""
        if self._client is None:
            settings = with_client_login(self.config)
            self._client = HttpClient(
                self.config.oracle_address, settings, self.source, explain=explain
            )
            self._resources = Resources(self._client, self.config.oracle_path, self.source)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ping(self) -> None:
        """Ask for one unit of measure; that this login may not see it is an answer too."""
        client, resources = self._open()
        path = f"{resources.path('unitsOfMeasure')}?limit=1&onlyData=true"
        ask = Ask(path, headers=HEADERS, expected=frozenset({403, 404}))
        await client.ask(ask, ReadLog(), lambda body: None)

    def reading(self, request: Request, log: ReadLog) -> OracleReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        client, resources = self._open()
        if not isinstance(request, Records):
            raise UnsupportedError("a business system has records and no tags", source=self.source)
        return OracleReading(client, resources, request, log, self.source)

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
        """The resources that ``places`` name, and their children."""
        _, resources = self._open()
        yield await entity_table(resources, places, log)

    async def list_fields(
        self, request: Records, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The attributes of the resource that would answer ``request``."""
        _, resources = self._open()
        yield field_table(await choose(resources, request, log, self.source))

    def _open(self) -> tuple[HttpClient, Resources]:
        if self._client is None or self._resources is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._client, self._resources


def explain(body: bytes) -> str:
    """What the REST framework says is wrong: a text, or a title with details."""
    said: Any = errors_in(body)
    if not isinstance(said, dict):
        return body[:300].decode("utf-8", "replace") if body[:1] != b"<" else ""
    details = said.get("o:errorDetails")
    texts = [
        one.get("detail")
        for one in (details if isinstance(details, list) else [])[:3]
        if isinstance(one, dict)
    ]
    return "; ".join(str(one) for one in [said.get("title"), *texts] if one)[:300]
