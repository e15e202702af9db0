"""A window longer than memory to one Parquet file: ``python tests/bench/bench_stream.py [rows]``.

The simulated plant's sensor of one sample a second stands for the source, so the time is that of
simulating, hashing, encoding and compressing every row; 50,000,000 of them unless told otherwise.
The peak is of the whole process, interpreter and libraries included.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

import greenlang_data as gd

START = datetime(2024, 1, 1, tzinfo=UTC)
TAG = "Temperature"


def main(rows: int) -> None:
    query = gd.SCADAQuery(tag_ids=[TAG], start_time=START, end_time=START + timedelta(seconds=rows))
    with tempfile.TemporaryDirectory() as folder, gd.Session(mock=True) as session:
        session.scada(TAG)
        before = _peak()
        begun, used = time.perf_counter(), time.process_time()
        path = gd.to_parquet(session.scan(query), Path(folder) / "window.parquet")
        begun, used = time.perf_counter() - begun, time.process_time() - used
        written = pq.read_metadata(path).num_rows
        size = path.stat().st_size / 1e6
    print(f"{written:,} of {rows:,} rows, {size:,.0f} MB")
    print(
        f"{begun:.0f} s, {used:.0f} s of CPU: {written / used / 1e6:.2f} M rows per second of CPU"
    )
    print(f"peak {_peak():,.0f} MB, of which {before:,.0f} MB before the first row")


def _peak() -> float:
    """Megabytes resident at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000_000)
