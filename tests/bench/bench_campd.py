"""A million hours of CAMPD to a file: seconds and peak memory. Run it as ``python -m``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.drivers.campd.test_many import megabytes
from tests.peers.campd_truth import BULK_UNITS
from tests.peers.historian_launch import start_campd


def main() -> None:
    """Read 84 days of 500 units, 1,008,000 rows."""
    with start_campd() as peer, tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        peak = megabytes(peer, "2024-03-24", Path(folder) / "hours.parquet")
        seconds = time.perf_counter() - began
    rows = 84 * 24 * BULK_UNITS
    sys.stdout.write(f"{rows} rows in {seconds:.1f} s, peak {peak:.0f} MB\n")


if __name__ == "__main__":
    main()
