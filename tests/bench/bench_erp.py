"""OData V2 beside other clients: their CPU, and how much of what a throttling server allows they get.

``python -m tests.bench.bench_erp --python PATH [--rows N] [--rounds N]``, where PATH is the Python of
an environment with ``pip install pyodata==1.12.1 duckdb pandas requests``. Each client reads in a
process of its own and the clients take turns. First SAP CAP's purchase order items: of CPU (the
client's own) and wall clock the least of the rounds counts, and imports and metadata do not. It is told
of a process's first read, which gets its memory from the system, and of a second one. Then the Gateway emulator behind a bucket of tokens that fills evenly: how many requests a second it let through
beyond its first bucket, the share of the most that it would have, and how many came before a
Retry-After was over.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.bench.erp_clients import CLIENTS, SIZE
from tests.bench.throttled_server import TOLD, start_throttled
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_cap

SCRIPT = Path(__file__).with_name("erp_clients.py")
SERVICE, SET = "API_PURCHASEORDER_PROCESS_SRV", "A_PurchaseOrderItem"
ERPL = "import duckdb; duckdb.sql('INSTALL erpl_web FROM community')"
THROTTLED_ITEMS, RATE, BURST = 1_000, 6, 6
Took = dict[str, float]


def run(client: str, python: str, url: str, *options: str, **keys: Any) -> Took | str:
    """One read in a fresh process: what it took, or why it took nothing."""
    pairs = [f"{name}={json.dumps(value)}" for name, value in keys.items()]
    done = subprocess.run(
        [python, str(SCRIPT), client, url, SET, *options, *pairs],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
    )
    if done.returncode == 3:
        return done.stdout.strip()
    if done.returncode:
        return f"fails: {done.stderr.strip().splitlines()[-1][:90]}"
    found: Took = json.loads(done.stdout.splitlines()[-1])
    return found


def erpl(python: str) -> str:
    """DuckDB's extension for SAP comes from DuckDB's own server, when it is first used."""
    done = subprocess.run(
        [python, "-c", ERPL], capture_output=True, text=True, check=False, timeout=120
    )
    if "No module named" in done.stderr:
        return "not installed (duckdb)"
    if done.returncode:
        return "does not install offline"
    return "installs here, and is not measured by this bench"


def compare_cpu(python: str, rows: int, rounds: int) -> None:
    print(f"{rows} rows of 28 columns of SAP CAP over V2 into a frame, least of {rounds} rounds")
    with start_cap(items=rows, page=5_000) as peer:
        # CAP calls itself localhost in its links, and pyodata follows none to another name.
        url = peer.v2(SERVICE).replace("127.0.0.1", "localhost")
        taken: dict[str, list[Took | str]] = {client: [] for client in CLIENTS}
        for _ in range(rounds):
            for client, found in taken.items():
                own = sys.executable if client == "greenlang_data" else python
                found.append(run(client, own, url, "--again"))
    ours: Took = {}
    for client, found in taken.items():
        took = [one for one in found if not isinstance(one, str)]
        if not took:
            print(f"  {client:18} {found[0]}")
            continue
        least = {key: min(one[key] for one in took) for key in took[0]}
        ours = ours or least
        cpu = ", then ".join(
            f"{least[key]:5.2f} s ({least[key] / ours[key]:4.1f} times ours)"
            for key in ("cpu", "again")
        )
        print(
            f"  {client:18} {least['rows']:.0f} rows  CPU {cpu}  "
            f"wall {least['wall']:5.2f} s  {least['peak']:.0f} MB at most"
        )
    print(f"  {'DuckDB erpl_web':18} {erpl(python)}\n")


def told(peer: HistorianPeer) -> list[tuple[float, int, str]]:
    """When each request came, its status and Retry-After."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{peer.origin}{TOLD}", timeout=60) as answer:
        found: list[tuple[float, int, str]] = json.load(answer)
    return found


def judged(answers: list[tuple[float, int, str]]) -> str:
    """How fast a client was let through, and whether it came too early."""
    passed = [came for came, status, _ in answers if status == 200][2 * BURST :]
    refused = [(came, float(wait)) for came, status, wait in answers if status == 429]
    early = sum(any(since < came < since + wait for since, wait in refused) for came, *_ in answers)
    rate = (len(passed) - 1) / (passed[-1] - passed[0])
    return f"{rate:5.2f} a second, {rate / RATE:4.0%}; {len(refused)} times 429, {early} early"


def compare_throttled(python: str) -> None:
    ways: list[tuple[str, str, str, dict[str, Any]]] = [
        ("greenlang_data", "as it is", sys.executable, {}),
        ("greenlang_data", f"told of {RATE} a second", sys.executable, {"max_requests_per_second": RATE}),
        ("greenlang_data", "no waits of its own", sys.executable, {"retry_min_wait": 0, "retry_multiplier": 0}),
        ("requests + pandas", "waits as it is told", python, {}),
        ("pyodata", "", python, {}),
    ]  # fmt: skip
    print(f"{THROTTLED_ITEMS // SIZE} pages; {RATE} requests a second, {BURST} at once, else 429")
    with start_throttled(THROTTLED_ITEMS) as peer:
        url = f"{peer.origin}/sap/opu/odata/sap/{SERVICE}"
        for client, how, own, keys in ways:
            peer.reset()
            told(peer)
            peer.set(bucket_rate=RATE, bucket_size=BURST)
            took = run(client, own, url, page_size=SIZE, **keys)
            said = (
                took if isinstance(took, str) else f"{took['rows']:.0f} rows  {judged(told(peer))}"
            )
            print(f"  {client:18} {how:22} {said}")
    print(f"  {'DuckDB erpl_web':18} {erpl(python)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    compare_cpu(options.python, options.rows, options.rounds)
    compare_throttled(options.python)


if __name__ == "__main__":
    main()
