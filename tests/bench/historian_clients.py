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
Task = Callable[[], int]


def greenlang(url: str, task: str) -> tuple[Task, Task]:
    """A first read that imports and connects, and the read that is measured."""
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

    def raw() -> int:
        frame = s.historian(["Million"], START, MILLION, shape="long")
        assert frame["quality"].unique().tolist() == ["good"]
        return len(frame)

    tasks: dict[str, Task] = {
        "raw": raw,
        "status": raw,
        "large": raw,
        "many": lambda: s.historian(TAGS, START, DAY, "1min", "interpolated").size,
    }
    return lambda: len(s.historian(["Ramp"], START, short)), tasks[task]


def tagreader(url: str, task: str) -> tuple[Task, Task]:
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

    def raw(*, get_status: bool) -> int:
        frame = client.read(
            "Million", START, MILLION, read_type=ReaderType.RAW, get_status=get_status
        )
        return len(frame)

    tasks: dict[str, Task] = {
        "raw": lambda: raw(get_status=False),
        "status": lambda: raw(get_status=True),
        "large": lambda: raw(get_status=True),
        "many": lambda: client.read(TAGS, START, DAY, ts=60, read_type=ReaderType.INT).size,
    }
    return lambda: len(client.read("Ramp", START, short, read_type=ReaderType.RAW)), tasks[task]


def pidevclub(url: str, task: str) -> tuple[Task, Task]:
    """The vendor's community client; all events in one answer, because it has no pages."""
    from osisoft.pidevclub.piwebapi.pi_web_api_client import PIWebApiClient

    client = PIWebApiClient(url, useKerberos=False, username="a", password="b", verifySsl=False)

    def read(tag: str, end: datetime) -> int:
        frame = client.data.get_recorded_values(
            rf"pi:\\MYPISERVER\{tag}",
            start_time=f"{START:%Y-%m-%dT%H:%M:%SZ}",
            end_time=f"{end - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
            max_count=2_000_000,
        )
        return len(frame)

    return (
        lambda: read("Ramp", START + timedelta(minutes=2)),
        {"large": lambda: read("Million", MILLION)}[task],
    )


CLIENTS: dict[str, Callable[[str, str], tuple[Task, Task]]] = {
    "greenlang": greenlang,
    "tagreader": tagreader,
    "pidevclub": pidevclub,
}


def measured(task: Task) -> dict[str, Any]:
    """Wall and processor seconds, and the growth of memory at its peak in MB."""
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    cpu, wall = processor(), time.perf_counter()
    rows = task()
    wall = time.perf_counter() - wall
    cpu = processor() - cpu
    return {"rows": rows, "wall": wall, "cpu": cpu, "peak_mb": memory("VmHWM") - before}


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


if __name__ == "__main__":
    first, task = CLIENTS[sys.argv[1]](sys.argv[3], sys.argv[2])
    first()
    print(json.dumps(measured(task)))
