"""The Oracle Fusion Cloud driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.client_login import with_client_login
from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.http.records import RecordsDriver
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.listing import entity_table, field_table
from greenlang_data.drivers.oracle.reading import OracleReading
from greenlang_data.drivers.oracle.resources import HEADERS, Resources
from greenlang_data.drivers.places import Place
from greenlang_data.settings.oracle import OracleSettings


class Opened(NamedTuple):
    """A client, and what the pod says that it has."""

    client: HttpClient
    resources: Resources

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()


class OracleDriver(RecordsDriver[Opened]):
    """Reads REST resources of a Fusion Cloud pod; only GETs are sent, token requests apart.

    It is given a user and password, or a client id, its secret and the ``token_url`` of the
    identity domain.
    """

    name: ClassVar[str] = "oracle"
    call: ClassVar[str] = "erp"
    config: OracleSettings

    def open(self) -> Opened:
        settings = with_client_login(self.config)
        client = HttpClient(self.config.oracle_address, settings, self.source, explain=explain)
        return Opened(client, Resources(client, self.config.oracle_path, self.source))

    async def ping(self) -> None:
        """Ask for one unit of measure; that this login may not see it is an answer too."""
        client, resources = self.opened
        path = f"{resources.path('unitsOfMeasure')}?limit=1&onlyData=true"
        ask = Ask(path, headers=HEADERS, expected=frozenset({403, 404}))
        await client.ask(ask, ReadLog(), lambda body: None)

    def pages(self, request: Records, log: ReadLog) -> OracleReading:
        client, resources = self.opened
        return OracleReading(client, resources, self.config, request, log, self.source)

    async def list_entities(
        self, places: Mapping[str, tuple[Place, ...]], log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The resources that ``places`` name, and their children."""
        _, resources = self.opened
        yield await entity_table(resources, places, log)

    async def list_fields(
        self, request: Records, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The attributes of the resource that would answer ``request``."""
        _, resources = self.opened
        yield field_table(await choose(resources, request, log, self.source))


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
