"""Purchase order items of SAP CAP as a frame, beside requests with json and pandas.

``python -m tests.bench.bench_odata [rows]``: seconds of wall clock and of this process's CPU. The
server's own CPU is that of the process and tells what no client can go below.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import requests

import greenlang_data as gd
from tests.peers.launch_erp import CapPeer, start_cap

ENTITIES = {
    "V4": "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrderItem",
    "V2": "API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderItem",
}


def ours(peer: CapPeer, version: str) -> int:
    source = gd.ERPConfig(
        connector_id="s4", connector_type="erp", erp_system="sap", base_url=peer.origin
    )
    with gd.Session([source]) as s:
        return len(s.erp(ENTITIES[version], limit=None))


def plain(peer: CapPeer, version: str) -> int:
    """What a script does: every page as JSON, all rows into one frame."""
    entity = ENTITIES[version]
    root = peer.v4("") if version == "V4" else peer.v2("")
    url: str | None = f"{root}{entity}"
    rows: list[dict[str, object]] = []
    with requests.Session() as session:
        while url:
            body = session.get(url, headers={"Accept": "application/json"}, timeout=60).json()
            if version == "V2":
                rows += body["d"]["results"]
                url = body["d"].get("__next")
            else:
                rows += body["value"]
                link = body.get("@odata.nextLink")
                url = link and f"{root}{entity.rpartition('/')[0]}/{link}"
    return len(pd.DataFrame(rows))


def server_seconds(peer: CapPeer) -> float:
    fields = Path(f"/proc/{peer.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measure(name: str, peer: CapPeer, run: Callable[[CapPeer, str], int], version: str) -> None:
    server, wall, cpu = server_seconds(peer), time.perf_counter(), time.process_time()
    rows = run(peer, version)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    server = server_seconds(peer) - server
    print(
        f"{version} {name:8} {rows:7} rows  wall {wall:6.2f} s  CPU {cpu:5.2f} s  server {server:5.2f} s"
    )


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 120_000
    with start_cap(items=rows, page=5_000) as peer:
        for version in ENTITIES:
            for _ in range(2):
                measure("ours", peer, ours, version)
                measure("requests", peer, plain, version)


if __name__ == "__main__":
    main()
