"""How fast the simulated plant answers: ``python tests/bench/bench_mock.py``, from the top."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from datetime import UTC, datetime, timedelta

from greenlang_data.drivers.base import ReadLog, Records, Request, Window
from greenlang_data.drivers.mock import ENTITIES, MockDriver
from greenlang_data.settings import ConnectorConfig

START = datetime(2024, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=366)


async def rows_read(request: Request) -> int:
    """Rows of the answer, none of which is kept."""
    driver = MockDriver(ConnectorConfig(connector_id="bench", connector_type="bench"))
    await driver.connect()
    total = 0
    async for batch in driver.read(request, ReadLog()):
        total += len(batch)
    return total


def timed(title: str, request: Request) -> None:
    begin = time.perf_counter()
    rows = asyncio.run(rows_read(request))
    spent = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{title:44s} {rows:>11,d} rows {spent:8.3f} s {rows / spent / 1e6:8.2f} M rows/s"
        f" {peak:6.0f} MB peak\n"
    )


def main() -> None:
    timed("first read of records, all entities", Records("work_order"))
    for name in ENTITIES:
        timed(f"records: {name}", Records(name))
    for tag in ("Temperature", "ProcessTemp", "SitePower", "SiteEnergyJoules", "STACK-001.NOx"):
        scan = {"Temperature": 1, "STACK-001.NOx": 60}.get(tag, 10)
        million = timedelta(seconds=scan * 1_000_000)
        timed(f"raw, 1,000,000 samples: {tag}", Window((tag,), START, START + million))
    for tag in ("Temperature", "ProcessTemp", "SitePower", "STACK-001.NOx"):
        timed(f"a year at 1 h, avg: {tag}", Window((tag,), START, START + YEAR, 3600.0, "avg"))
    long = timedelta(seconds=50_000_000)
    timed("raw, 50,000,000 samples: Temperature", Window(("Temperature",), START, START + long))


if __name__ == "__main__":
    main()
