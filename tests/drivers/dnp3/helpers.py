"""What the DNP3 tests share: configs, peers, and one read from start to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

import greenlang_data as gd
from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.dnp3 import Dnp3Driver
from tests.drivers.common import rows_of, use_connected
from tests.peers.dnp3_truth import Kind

Row = dict[str, Any]
NAMES = {
    Kind.BINARY_INPUT: "binary",
    Kind.DOUBLE_BIT_INPUT: "double_bit",
    Kind.BINARY_OUTPUT: "binary_output_status",
    Kind.COUNTER: "counter",
    Kind.FROZEN_COUNTER: "frozen_counter",
    Kind.ANALOG_INPUT: "analog",
    Kind.ANALOG_OUTPUT: "analog_output_status",
    Kind.OCTET_STRING: "octet_string",
}
T = TypeVar("T")


def config(port: int, **changed: Any) -> SCADAConfig:
    """A config for a peer on the loopback."""
    fields = {
        "endpoint": f"127.0.0.1:{port}",
        "timeout_seconds": 8,
        "response_timeout_seconds": 2,
        "max_retries": 0,
        **changed,
    }
    return SCADAConfig(connector_id="plant", connector_type="scada", protocol="dnp3", **fields)


async def snapshot(
    driver: Dnp3Driver, tags: Iterable[str], log: ReadLog | None = None
) -> dict[str, Row]:
    """The rows of one snapshot by tag."""
    return await rows_of(driver, tags, log)


def with_driver(settings: SCADAConfig, use: Callable[[Dnp3Driver], Awaitable[T]]) -> T:
    """Run ``use`` with a connected driver, and close it."""
    return use_connected(Dnp3Driver(settings), use)


def read_once(
    settings: SCADAConfig, tags: Iterable[str], log: ReadLog | None = None
) -> dict[str, Row]:
    """One snapshot by a session of its own: rows by tag, with None for what is missing."""
    asked = list(tags)
    with gd.Session(sources=[settings]) as session:
        frame = session.scada(asked, errors="report")
    assert frame["tag_id"].tolist() == asked
    record = frame.attrs["provenance"]
    if log is not None:
        log.notes += record["notes"]
    whole = frame.astype(object).where(frame.notna(), None)
    rows: dict[str, Row] = {}
    for values in whole.to_numpy().tolist():
        row: Row = {"text": None, **dict(zip(whole.columns, values, strict=True))}
        rows[row["tag_id"]] = {**row, "failure": record["failures"].get(row["tag_id"])}
    return rows


class Watched:
    """The rows of a watch, collected in the background of a test."""

    def __init__(self, driver: Dnp3Driver, tags: Iterable[str], every: float = 0.2) -> None:
        self.log = ReadLog()
        self.batches: list[list[Row]] = []
        self.stream: AsyncIterator[Any] = driver.watch(Watch(tuple(tags), every), self.log)
        self.task = asyncio.create_task(self._collect())
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def rows(self) -> list[Row]:
        """All rows so far."""
        return [row for batch in self.batches for row in batch]

    async def until(self, enough: Callable[[Watched], bool], seconds: float = 8) -> None:
        """Wait for it. Raises what the watch raised."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not enough(self):
            if self.task.done():
                await self.task
            assert asyncio.get_running_loop().time() < deadline, [
                (row["tag_id"], row["value"], row["status"]) for row in self.rows
            ]
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End the watch."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.stream.aclose()  # type: ignore[attr-defined] # a generator

    async def _collect(self) -> None:
        async for batch in self.stream:
            self.batches.append(batch.to_pylist())
