"""Purchase order items to a Parquet file: rows a second, and the peak memory of the process.

``python -m tests.bench.bench_records [rows]``: by ``s.scan`` and by ``s.erp``, each in a process of
its own, out of the SAP Gateway emulator over V4.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.peers.historian_launch import TOP
from tests.peers.launch_erp import start_gateway

READ = """
import sys, time
import greenlang_data as gd
from pathlib import Path
how, origin, path = sys.argv[1:]
source = gd.ERPConfig(connector_id="s4", connector_type="erp", erp_system="sap", base_url=origin,
    username="operator", password="s3cret-Pässword", max_retries=0, timeout_seconds=120)
entity = "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrderItem"
begin = time.perf_counter()
with gd.Session([source]) as s:
    query = gd.ERPQuery(entity_type=entity, limit=None)
    gd.to_parquet(s.scan(query) if how == "scan" else s.erp(query), path)
seconds = time.perf_counter() - begin
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(f"{int(peak) / 1024:.0f} MB at most, {seconds:.0f} s, CPU {time.process_time():.0f} s")
"""


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    hows = sys.argv[2:] or ["scan", "frame"]
    with start_gateway(items=rows) as peer, tempfile.TemporaryDirectory() as folder:
        for how in hows:
            path = Path(folder) / f"{how}.parquet"
            command = [sys.executable, "-c", READ, how, peer.origin, str(path)]
            done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
            size = path.stat().st_size / 1e6 if path.exists() else 0
            print(f"{how}: {rows} rows, {done.stdout.strip()}, file {size:.0f} MB", done.stderr)


if __name__ == "__main__":
    main()
