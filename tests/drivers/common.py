"""What the tests of many drivers have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from greenlang_data.drivers.base import Driver, ReadLog, Snapshot

if TYPE_CHECKING:  # a process that a test starts and ends has no time for pandas
    import pandas as pd

T = TypeVar("T")
TDriver = TypeVar("TDriver", bound=Driver)

QUICK: Final[dict[str, Any]] = {
    "max_retries": 2,
    "retry_min_wait": 0.01,
    "retry_max_wait": 0.05,
    "circuit_breaker_threshold": 50,
}
"""Policies of a source that is tried again at once."""


def notes(frame: pd.DataFrame) -> str:
    """All that the provenance notes about a frame."""
    return " | ".join(frame.attrs["provenance"].full["notes"])


def content(frame: pd.DataFrame) -> str:
    """The hash of what a frame holds."""
    return str(frame.attrs["provenance"]["response_hash"])


async def rows_of(
    driver: Driver, tags: Iterable[str], log: ReadLog | None = None
) -> dict[str, dict[str, Any]]:
    """The rows of one snapshot by tag."""
    asked = tuple(tags)
    batches = [batch async for batch in driver.read(Snapshot(asked), log or ReadLog())]
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert tuple(row["tag_id"] for row in rows) == asked
    return {row["tag_id"]: row for row in rows}


def use_connected(driver: TDriver, use: Callable[[TDriver], Awaitable[T]]) -> T:
    """Run ``use`` with the driver connected, and close it."""

    async def run() -> T:
        await driver.connect()
        try:
            return await use(driver)
        finally:
            await driver.close()

    return asyncio.run(run())
