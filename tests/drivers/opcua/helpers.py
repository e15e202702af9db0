"""What the tests of this driver share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.base import ReadLog, Request, Snapshot, Window
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.schema import about_series

T = TypeVar("T")

HISTORY_START = datetime(2025, 1, 1, tzinfo=UTC)
HISTORY_END = datetime(2026, 1, 1, tzinfo=UTC)


def config(endpoint: str, **changes: Any) -> SCADAConfig:
    """A source without security, which is what most tests need."""
    settings: dict[str, Any] = {
        "connector_id": "plant",
        "connector_type": "scada",
        "protocol": "opcua",
        "endpoint": endpoint,
        "security_mode": "None",
        "security_policy": "None",
        "timeout_seconds": 10,
    }
    return SCADAConfig(**(settings | changes))


@asynccontextmanager
async def connected(endpoint: str, **changes: Any) -> AsyncIterator[OpcUaDriver]:
    driver = OpcUaDriver(config(endpoint, **changes))
    await driver.connect()
    try:
        yield driver
    finally:
        await driver.close()


def with_driver(endpoint: str, use: Callable[[OpcUaDriver], Awaitable[T]], **changes: Any) -> T:
    """Run ``use`` with a connected driver on a loop of its own."""

    async def main() -> T:
        async with connected(endpoint, **changes) as driver:
            return await use(driver)

    return asyncio.run(main())


async def batches(
    driver: OpcUaDriver, request: Request, log: ReadLog | None = None
) -> list[pa.RecordBatch]:
    return [batch async for batch in driver.read(request, log or ReadLog())]


async def snapshot(
    driver: OpcUaDriver, tags: Sequence[str], log: ReadLog | None = None
) -> dict[str, dict[str, Any]]:
    """Rows by tag."""
    found = await batches(driver, Snapshot(tuple(tags)), log)
    rows = [row for batch in found for row in batch.to_pylist()]
    assert [row["tag_id"] for row in rows] == list(tags)
    return {row["tag_id"]: row for row in rows}


def window(
    *tags: str,
    start: datetime = HISTORY_START,
    end: datetime = HISTORY_END,
    interval: float | None = None,
    aggregation: str | None = None,
) -> Window:
    return Window(tags, start, end, interval, aggregation)


async def series(
    driver: OpcUaDriver, request: Window, log: ReadLog | None = None
) -> dict[str, pa.Table]:
    """Tables by tag, checked to come one tag after the other and in time order."""
    tables: dict[str, list[pa.RecordBatch]] = {}
    last = None
    for batch in await batches(driver, request, log):
        tag = str(about_series(batch)["tag"])
        assert tag == last or tag not in tables
        last = tag
        tables.setdefault(tag, []).append(batch)
    assert list(tables) == list(request.tags)
    joined = {tag: _table(found) for tag, found in tables.items()}
    for table in joined.values():
        assert (np.diff(times(table)) >= 0).all()
    return joined


def _table(found: list[pa.RecordBatch]) -> pa.Table:
    schema = found[0].schema.set(2, pa.field("text", pa.string()))
    cast = [pa.Table.from_batches([one]).cast(schema) for one in found]
    return pa.concat_tables(cast).unify_dictionaries()


def failure(table: pa.Table) -> str | None:
    """Why a series could not be read."""
    return about_series(table)["failure"]


def times(table: pa.Table) -> np.ndarray:
    """Nanoseconds since 1970 UTC."""
    return np.asarray(table.column("timestamp").cast(pa.int64()))


def values(table: pa.Table) -> np.ndarray:
    """Numbers, NaN where there is none."""
    return np.asarray(table.column("value").to_numpy())


def words(table: pa.Table, name: str) -> list[str]:
    """A dictionary column as text."""
    return [str(word) for word in table.column(name).cast(pa.string()).to_pylist()]


async def still_works(driver: OpcUaDriver) -> None:
    """As the pipeline does it: connect again if need be, then read."""
    if not driver.connected:
        await driver.connect()
    rows = await snapshot(driver, ["Status.Good"])
    assert rows["Status.Good"]["value"] == 20.5
