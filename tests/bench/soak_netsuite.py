"""NetSuite: 350,000 rows through its cap of 100,000 rows in a query, every row compared.

Run it from the top folder: ``python -m tests.bench.soak_netsuite [rows]``. The emulator's
sqlite takes most of the time. The reader is a process
of its own, whose CPU and peak memory are told, interpreter and libraries included. Ends with an
error when a row is missing, there twice or wrong.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from typing import Any

import greenlang_data as gd
from tests.drivers.odata.helpers import cell, config
from tests.peers import netsuite_rows as truth
from tests.peers.launch import FOLDER
from tests.peers.launch_erp import start_netsuite

CAP = 100_000
TBA = {
    "account": "1234567_SB1",
    "consumer_key": "consumer-key",
    "consumer_secret": "s3cret-consumer",
    "token_id": "token-id",
    "token_secret": "s3cret-token",
}


LINES = {
    "service": "suiteql",
    "name": "transactionline",
    "key": ("uniquekey",),
    "columns": {"quantity": "quantity", "amount": "netamount", "description": "memo"},
    "types": {"uniquekey": "integer", "quantity": "decimal", "netamount": "decimal"},
}


def read(origin: str, rows: int) -> None:
    """Read all transaction lines and compare each with the row that it is."""
    source = config(
        origin, connector_id="suite", erp_system="netsuite", entities={"line": LINES}, **TBA
    )
    wall, cpu = time.perf_counter(), time.process_time()
    with gd.Session([source]) as s:
        frame = s.erp("line", limit=None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    columns = [map(cell, frame[one]) for one in ("quantity", "amount", "description")]
    found = dict(zip(frame["uniquekey"], zip(*columns, strict=True), strict=True))
    wrong = sum(found.get(one + 1) != wanted(one) for one in range(rows))
    told = frame.attrs["provenance"]["metadata"]["completeness"]
    print(
        f"{len(frame)} rows, {len(found)} distinct keys, {wrong} wrong or missing, "
        f"{told['pages']} pages; {wall:.0f} s, CPU {cpu:.1f} s, {peak:.0f} MB at most"
    )
    if (len(frame), len(found), wrong) != (rows, rows, 0):
        raise SystemExit("rows are missing, there twice or wrong")


def wanted(index: int) -> tuple[Any, Any, Any]:
    row = truth.transaction_line(index)
    return row["quantity"], row["netamount"], row["memo"]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 350_000
    begin = time.perf_counter()
    with start_netsuite(lines=rows) as peer:
        peer.set(row_cap=CAP)
        print(
            f"{rows} rows, a query has {CAP} at most; made in {time.perf_counter() - begin:.0f} s"
        )
        reader = [sys.executable, "-m", "tests.bench.soak_netsuite", str(rows), peer.origin]
        done = subprocess.run(reader, cwd=FOLDER.parents[1], check=False)
        largest = max(int(one["query"][0][1]) for one in peer.requests() if one["query"])
        print(f"{len(peer.requests())} requests, of {largest} rows at most")
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        read(sys.argv[2], int(sys.argv[1]))
    else:
        main()
