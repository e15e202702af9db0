"""Rows of 28 columns to a Parquet file: time, and the peak memory of the process.

``python -m tests.bench.bench_records [rows]``: by ``s.scan`` and by ``s.erp``, each in a process of
its own, out of a server that makes the rows while they are read.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.peers.launch import Peer
from tests.peers.serial_line import TOP

READ = """
import sys, time
import greenlang_data as gd
from pathlib import Path
how, port, path = sys.argv[1:]
source = gd.ERPConfig(connector_id="s4", connector_type="erp", erp_system="sap",
    base_url=f"http://127.0.0.1:{port}", services={"S": "/v4/S"}, max_retries=0)
begin = time.perf_counter()
with gd.Session([source]) as s:
    query = gd.ERPQuery(entity_type="S/Rows", limit=None)
    gd.to_parquet(s.scan(query) if how == "scan" else s.erp(query), path)
seconds = time.perf_counter() - begin
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(f"{int(peak) / 1024:.0f} MB at most, {seconds:.0f} s, CPU {time.process_time():.0f} s")
"""


def main() -> None:
    rows = sys.argv[1] if len(sys.argv) > 1 else "1000000"
    hows = sys.argv[2:] or ["scan", "frame"]
    command = [sys.executable, "-m", "tests.bench.long_table", "--rows", rows]
    with (
        Peer("table", lambda port: [*command, "--port", str(port)], folder=TOP) as peer,
        tempfile.TemporaryDirectory() as folder,
    ):
        for how in hows:
            path = Path(folder) / f"{how}.parquet"
            read = [sys.executable, "-c", READ, how, str(peer.port), str(path)]
            done = subprocess.run(read, cwd=TOP, capture_output=True, text=True, check=False)
            size = path.stat().st_size / 1e6 if path.exists() else 0
            print(f"{how}: {rows} rows, {done.stdout.strip()}, file {size:.0f} MB", done.stderr)


if __name__ == "__main__":
    main()
