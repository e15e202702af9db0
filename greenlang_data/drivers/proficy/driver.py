"""The Proficy Historian driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records, Request, Snapshot, no_records
from greenlang_data.drivers.http.driver import HttpDriver
from greenlang_data.drivers.proficy.api import ProficyApi, Result
from greenlang_data.drivers.proficy.details import Details
from greenlang_data.drivers.proficy.samples import Columns
from greenlang_data.drivers.proficy.window import AGGREGATIONS, WindowReader
from greenlang_data.drivers.schema import (
    BAD,
    SNAPSHOT,
    TIMESTAMP,
    constant_dictionary,
    quality_array,
)
from greenlang_data.settings.pi import PiSettings


class Opened(NamedTuple):
    """What is asked, and what the list of tags tells."""

    api: ProficyApi
    details: Details

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.api.close()


class ProficyDriver(HttpDriver[Opened]):
    """Reads tags of a GE Proficy Historian; only GETs are sent, tokens apart.

    ``server_url`` is ``https://host/historian-rest-api/v1``. Samples come without a unit, which is
    looked up in the list of tags once.
    """

    name: ClassVar[str] = "ge"
    kinds: ClassVar[frozenset[str]] = frozenset(AGGREGATIONS)
    config: PiSettings

    def open(self) -> Opened:
        api = ProficyApi(self.config.server_url, self.config, self.source)
        return Opened(api, Details(api))

    async def ping(self) -> None:
        """Ask for one name of a tag."""
        params = [("nameMask", "*"), ("maxNumber", "1")]
        await self.opened.api.client.get_json("tags", ReadLog(), *params)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of a Snapshot or Window. Raises UnsupportedError for Records."""
        api, details = self.opened
        if isinstance(request, Records):
            raise no_records(self.source)
        units = await details.units(request.tags, log)
        if isinstance(request, Snapshot):
            for group in api.groups("currentvalue", request.tags, []):
                results = await api.data("currentvalue", group, [], log)
                rows = [_row(tag, units[tag], one) for tag, one in zip(group, results, strict=True)]
                for row in rows:
                    yield row
            return
        reader = WindowReader(api, request, units, log)
        async with aclosing(reader.read(request.tags)) as batches:
            async for batch in batches:
                yield batch

    async def list_tags(self, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """All tags, with description and unit as far as the list of tags tells them."""
        api, details = self.opened
        yield await details.listed(await api.names(log), log)


def _row(tag: str, unit: str | None, result: Result) -> pa.RecordBatch:
    columns = result if isinstance(result, Columns) and len(result) else None
    failure = None if columns else "the server gave no value"
    if not isinstance(result, Columns):
        failure = str(result)
    last = columns.part(len(columns) - 1, len(columns)).batch(tag, unit) if columns else None
    text = last.column("text").cast(pa.string()) if last is not None else pa.nulls(1, pa.string())
    arrays = [
        pa.array([tag]),
        pa.array([tag]),
        pa.nulls(1, pa.float64()) if last is None else last.column("value"),
        text,
        pa.array([unit], pa.string()),
        quality_array(np.array([BAD], np.int8)) if last is None else last.column("quality"),
        constant_dictionary(None, 1) if last is None else last.column("status"),
        pa.nulls(1, TIMESTAMP) if last is None else last.column("timestamp"),
        pa.nulls(1, TIMESTAMP),
        pa.array([columns.kind if columns else None], pa.string()),
        pa.array([failure], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SNAPSHOT)
