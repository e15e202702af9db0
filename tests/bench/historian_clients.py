"""One client reading one thing from a historian emulator, in a process of its own.

``python historian_clients.py CLIENT TASK URL`` prints what it took as JSON. It imports this package
only for the client ``greenlang``, so that the others may have an environment of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 1, 1, tzinfo=UTC)
MILLION = START + timedelta(seconds=1_000_000)
DAY = START + timedelta(days=1)
TAGS = [f"Bulk.{index:05d}" for index in range(200)]
Read = Callable[[], Any]
Rows = Callable[[Any], int]
Reads = tuple[Read, Read, Rows]
"""A first read that imports and connects, the read that is measured, and how much it brought."""


def greenlang(url: str, task: str) -> Reads:
    """With all that a user gets, the record and its hashes included."""
    import greenlang_data as gd

    config = gd.HistorianConfig(
        connector_id="pi",
        connector_type="historian",
        historian_type="pi",
        server_url=url,
        timeout_seconds=300,
    )
    s = gd.Session([config])
    short = START + timedelta(minutes=2)

    def first() -> Any:
        return s.historian(["Ramp"], START, short)

    def good(frame: Any) -> int:
        assert frame["quality"].unique().tolist() == ["good"]
        return len(frame)

    if task == "many":
        return first, lambda: s.historian(TAGS, START, DAY, "1min", "interpolated"), _cells
    return first, lambda: s.historian(["Million"], START, MILLION, shape="long"), good


def tagreader(url: str, task: str) -> Reads:
    """Without a data source, because with one it asks its makers' own server first.

    ``large`` is ``status`` with pages of the largest size that the server allows, not its default.
    """
    from tagreader import IMSClient, ReaderType

    options = {"max_rows": 150_000} if task == "large" else {}
    client = IMSClient(
        datasource=None,
        imstype="piwebapi",
        url=url,
        tz="UTC",
        auth=("a", "b"),
        handler_options=options,
    )
    short = START + timedelta(minutes=2)
    raw = ReaderType.RAW

    def first() -> Any:
        return client.read("Ramp", START, short, read_type=raw)

    if task == "many":
        return first, lambda: client.read(TAGS, START, DAY, ts=60, read_type=ReaderType.INT), _cells
    status = task != "raw"
    return (
        first,
        lambda: client.read("Million", START, MILLION, read_type=raw, get_status=status),
        len,
    )


def pidevclub(url: str, task: str) -> Reads:
    """The vendor's community client; all events in one answer, because it has no pages."""
    from osisoft.pidevclub.piwebapi.pi_web_api_client import PIWebApiClient

    client = PIWebApiClient(url, useKerberos=False, username="a", password="b", verifySsl=False)

    def read(tag: str, end: datetime) -> Any:
        return client.data.get_recorded_values(
            rf"pi:\\MYPISERVER\{tag}",
            start_time=f"{START:%Y-%m-%dT%H:%M:%SZ}",
            end_time=f"{end - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
            max_count=2_000_000,
        )

    if task != "large":
        raise KeyError(task)
    first = lambda: read("Ramp", START + timedelta(minutes=2))  # noqa: E731
    return first, lambda: read("Million", MILLION), len


def _cells(frame: Any) -> int:
    return int(frame.size)


CLIENTS: dict[str, Callable[[str, str], Reads]] = {
    "greenlang": greenlang,
    "tagreader": tagreader,
    "pidevclub": pidevclub,
}


def measured(read: Read, rows: Rows) -> dict[str, Any]:
    """Wall and processor seconds, and the growth of memory at its peak in MB."""
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    cpu, wall = processor(), time.perf_counter()
    answer = read()
    wall = time.perf_counter() - wall
    cpu = processor() - cpu
    peak = memory("VmHWM") - before
    return {"rows": rows(answer), "wall": wall, "cpu": cpu, "peak_mb": peak}


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


if __name__ == "__main__":
    first, task, rows = CLIENTS[sys.argv[1]](sys.argv[3], sys.argv[2])
    first()
    print(json.dumps(measured(task, rows)))
