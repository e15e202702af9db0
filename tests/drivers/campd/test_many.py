"""Many units at once: every row once, in the memory of one chunk, whatever is lost on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import greenlang_data as gd
from tests.drivers.campd.helpers import campd_config
from tests.peers.campd_server import KEY
from tests.peers.campd_truth import BULK_UNITS, UNITS
from tests.peers.historian_launch import HistorianPeer

READ = """
import re, sys
import greenlang_data as gd

url, key, days, path = sys.argv[1:]
config = gd.CEMSConfig(
    connector_id="epa", connector_type="cems", protocol="campd", server_url=url, api_key=key,
    facility_id=1, time_zone="America/Chicago",
)
with gd.Session([config]) as session:
    hours = gd.campd_hours(session, "epa", states=["TX"], start="2024-01-01", end=days)
    gd.to_parquet(hours, path)
# Not ru_maxrss, which after a fork starts at what the parent has.
with open("/proc/self/status") as status:
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) / 1024)
"""


def megabytes(peer: HistorianPeer, end: str, path: Path) -> float:
    """What a process of its own needed to read Texas from New Year's Day to ``end``."""
    done = subprocess.run(
        [sys.executable, "-c", READ, peer.url, KEY, end, str(path)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_a_day_and_not_of_the_whole(
    campd_peer: HistorianPeer, tmp_path: Path
) -> None:
    one = megabytes(campd_peer, "2024-01-02", tmp_path / "two.parquet")
    six = megabytes(campd_peer, "2024-01-08", tmp_path / "eight.parquet")
    table = pq.read_table(tmp_path / "eight.parquet")
    assert table.num_rows == 8 * 24 * BULK_UNITS
    assert six < 300
    assert six - one < 60, "six days more hold 72,000 rows, some 60 MB of JSON"
    assert table.schema.field("so2_mass").metadata[b"unit"] == b"lb"
    assert gd.verify(gd.read_parquet(tmp_path / "eight.parquet")) == "intact"


def test_a_chunk_that_fails_is_read_again_by_itself(
    campd_peer: HistorianPeer, tmp_path: Path
) -> None:
    campd_peer.fault("chunked", match="2021-02-01", times=1, ends=False)
    with gd.Session([campd_config(campd_peer)]) as session:
        hours = gd.campd_hours(session, "epa", facilities=[3], start="2021-01-01", end="2021-03-15")
        path = gd.to_parquet(hours, tmp_path / "station.parquet")
    frame = gd.read_parquet(path)
    keys = frame[["unit_id", "date", "hour"]]
    assert len(frame) == len(keys.drop_duplicates()) == 74 * 24 * len(UNITS)
    assert len(campd_peer.requests()) == 4
    campd_peer.fault("status", match="2021-03", status=429)
    with gd.Session([campd_config(campd_peer)]) as session:
        again = gd.campd_hours(session, "epa", facilities=[3], start="2021-01-01", end="2021-03-15")
        with pytest.raises(gd.SourceBusy, match="429"):
            gd.to_parquet(again, tmp_path / "half.parquet")
    assert not (tmp_path / "half.parquet").exists()


def test_what_cannot_be_asked_is_refused(campd_peer: HistorianPeer) -> None:
    day = {"start": "2021-01-01", "end": "2021-01-01"}
    with gd.Session([campd_config(campd_peer)], mock=True) as session:
        with pytest.raises(gd.QueryError, match="name states or facilities"):
            gd.campd_hours(session, "epa", **day)
        with pytest.raises(gd.QueryError, match="before the start"):
            gd.campd_hours(session, "epa", states=["TX"], start="2021-02-01", end="2021-01-01")
        with pytest.raises(gd.UnsupportedError, match="no CAMPD source"):
            gd.campd_hours(session, "scada", states=["TX"], **day)
