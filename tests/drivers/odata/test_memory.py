"""Records to a Parquet file: in the memory of some pages, however many there are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import greenlang_data as gd
from tests.peers.historian_launch import HistorianPeer, start_module

READ = """
import re, sys
import greenlang_data as gd

url, path = sys.argv[1:]
source = gd.ERPConfig(
    connector_id="s4", connector_type="erp", erp_system="sap", base_url=url, max_retries=0,
    services={"S": "/v4/S"}, page_size=2000,
)
with gd.Session([source]) as session:
    gd.to_parquet(session.scan(gd.ERPQuery(entity_type="S/Rows")), path)
# Not ru_maxrss, which after a fork starts at what the parent has.
with open("/proc/self/status") as status:
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) / 1024)
"""


@pytest.fixture
def peer() -> Iterator[HistorianPeer]:
    with start_module("long keys", "tests.drivers.odata.long_keys") as started:
        yield started


def megabytes(peer: HistorianPeer, rows: int, path: Path) -> float:
    """What a process of its own needed at most to read so many rows with keys of 800 digits."""
    peer.set(rows=rows)
    done = subprocess.run(
        [sys.executable, "-c", READ, peer.origin, str(path)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert pq.read_metadata(path).num_rows == rows
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_some_pages(peer: HistorianPeer, tmp_path: Path) -> None:
    few = megabytes(peer, 20_000, tmp_path / "few.parquet")
    many = megabytes(peer, 220_000, tmp_path / "many.parquet")
    assert many - few < 60, "200,000 keys more are 160 MB"
    assert many < 250
    assert gd.verify(gd.read_parquet(tmp_path / "many.parquet")) == "intact"
