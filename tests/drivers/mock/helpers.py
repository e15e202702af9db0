"""Asking the mock driver, blocking."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records, Request, Window
from greenlang_data.drivers.mock import MockDriver
from greenlang_data.drivers.schema import about_series
from greenlang_data.settings import ConnectorConfig


class StackConfig(ConnectorConfig):
    """The one field of a CEMS config that the plant looks at."""

    stack_id: str | None = "STACK-001"


def config(*variants: str, **fields: Any) -> StackConfig:
    return StackConfig(
        connector_id="plant", connector_type="test", mock_variants=variants, **fields
    )


def read(
    request: Request, *variants: str, log: ReadLog | None = None, **fields: Any
) -> list[pa.RecordBatch]:
    async def asked() -> list[pa.RecordBatch]:
        driver = MockDriver(config(*variants, **fields))
        await driver.connect()
        answer = driver.read(request, log if log is not None else ReadLog())
        return [batch async for batch in answer]

    return asyncio.run(asked())


def listed() -> list[dict[str, Any]]:
    """All tags, as the driver lists them."""

    async def asked() -> list[dict[str, Any]]:
        driver = MockDriver(config())
        await driver.connect()
        return [row async for batch in driver.list_tags(ReadLog()) for row in batch.to_pylist()]

    return asyncio.run(asked())


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def window(
    tags: str | tuple[str, ...],
    start: datetime,
    length: timedelta,
    interval: float | None = None,
    aggregation: str | None = None,
) -> Window:
    names = (tags,) if isinstance(tags, str) else tags
    return Window(names, start, start + length, interval, aggregation)


def series(request: Window, *variants: str, **fields: Any) -> dict[str, pa.Table]:
    """The answer by tag, with the metadata of the series left out."""
    batches: dict[str, list[pa.RecordBatch]] = {}
    for batch in read(request, *variants, **fields):
        name = about_series(batch)["tag"]
        assert name is not None
        batches.setdefault(name, []).append(batch.replace_schema_metadata(None))
    return {name: pa.Table.from_batches(parts) for name, parts in batches.items()}


def one(request: Window, *variants: str, **fields: Any) -> pa.Table:
    (table,) = series(request, *variants, **fields).values()
    return table


def records(entity: str, **request: Any) -> pa.Table:
    return pa.Table.from_batches(read(Records(entity, **request)))


def rows(table: pa.Table) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = table.to_pylist()
    return plain
