"""What hashing and the record cost in a read of a million samples: three ratios, said which.

Run ``python -m tests.bench.bench_hashing``; it needs the peers of ``tests/peers``. The read is a
blocking call that makes a wide DataFrame from a node-opcua server's history. *Hashing* is the
response hash, the frame's hash and the record, timed by themselves on that answer. It is divided by

- the wall time of the whole call, which is what a user waits for;
- the processor time of this process during the call: network, decoding, frame and hashing;
- the processor time of the same call without provenance, as a check from the other side.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import greenlang_data as gd
from greenlang_data.answer import _asked, _record
from greenlang_data.runtime import get_runtime
from tests.drivers.opcua.helpers import HISTORY_END, HISTORY_START, config
from tests.peers.launch import start_opcua

CALLS = 3
ROUNDS = 15


def best(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """(wall, processor) milliseconds, each the least of several rounds."""
    walls, used = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        used.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    return min(walls) * 1000, min(used) * 1000


def main() -> None:
    with start_opcua(tags=10, history=1_000_000) as peer:
        query = gd.SCADAQuery(
            tag_ids=[peer.node("History.Million")], start_time=HISTORY_START, end_time=HISTORY_END
        )
        source = config(peer.endpoint, timeout_seconds=60)
        bare = config(peer.endpoint, timeout_seconds=60, enable_provenance=False)
        with gd.Session(sources=[source]) as session, gd.Session(sources=[bare]) as without:
            rows = len(session.scada(query))
            wall, cpu = best(lambda: session.scada(query), CALLS)
            _, plain = best(lambda: without.scada(query), CALLS)
            hashing = _hashing(session, query)
    print(
        f"{rows:,} samples to a frame: {wall:.0f} ms, {cpu:.0f} ms of CPU; hashing {hashing:.1f} ms"
    )
    print(f"hashing / wall time of the call: {hashing / wall:.1%}")
    print(f"hashing / CPU time of the call: {hashing / cpu:.1%}")
    print(f"CPU time with provenance / without: {cpu / plain:.2f}")


def _hashing(session: gd.Session, query: gd.SCADAQuery) -> float:
    """Milliseconds of everything that proof needs, on one answer."""
    payload, provenance = get_runtime().run(session.connector("plant").fetch_data(query))
    _, response = best(payload.result.content_hash, ROUNDS)
    shaped = payload.to_arrow(None)
    asked = _asked(query, payload, provenance)
    _, record = best(lambda: _record(query, shaped, provenance, asked), ROUNDS)
    print(f"response hash {response:.1f} ms, frame's hash and record {record:.1f} ms")
    return response + record


if __name__ == "__main__":
    main()
