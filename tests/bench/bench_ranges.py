"""Purchase order items of SAP CAP in ranges of the key, one and four at once.

``python -m tests.bench.bench_ranges [rows]``: seconds of wall clock beside those in which the
server had something to do (running, or waiting for a processor that others had), straight to the
server and through a proxy that delays each way by 50 ms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import greenlang_data as gd
from tests.bench.bench_odata import ENTITIES
from tests.peers.launch import start_delay_proxy
from tests.peers.launch_erp import CapPeer, start_cap

ROUNDS = 4
DELAY = 0.05  # seconds each way


class Measured(NamedTuple):
    """Seconds of one read, and the hash of what it gave."""

    wall: float
    cpu: float
    served: float
    busy: float
    content: str


def server_seconds(peer: CapPeer) -> tuple[float, float]:
    """How long the server's only thread ran, and ran or waited for a processor."""
    ran, waited, _ = Path(f"/proc/{peer.process.pid}/schedstat").read_text().split()
    return int(ran) / 1e9, (int(ran) + int(waited)) / 1e9


def measure(peer: CapPeer, origin: str, at_once: int) -> Measured:
    source = gd.ERPConfig(
        connector_id="s4", connector_type="erp", erp_system="sap", base_url=origin,
        parallel_ranges=at_once,
    )  # fmt: skip
    ran, busy = server_seconds(peer)
    cpu, wall = time.process_time(), time.perf_counter()
    with gd.Session([source]) as s:
        frame = s.erp(ENTITIES["V4"], limit=None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ran_after, busy_after = server_seconds(peer)
    content = str(frame.attrs["provenance"]["response_hash"])
    return Measured(wall, cpu, ran_after - ran, busy_after - busy, content)


@contextmanager
def ways(peer: CapPeer) -> Iterator[dict[str, str]]:
    with start_delay_proxy(peer.port, up=DELAY, down=DELAY) as proxy:
        yield {"straight": peer.origin, "50 ms away": f"http://127.0.0.1:{proxy.port}"}


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 120_000
    with start_cap(items=rows, page=5_000) as peer, ways(peer) as origins:
        measure(peer, peer.origin, 1)
        for way, origin in origins.items():
            found: dict[int, list[Measured]] = {1: [], 4: []}
            for _ in range(ROUNDS):
                for at_once, each in found.items():
                    each.append(measure(peer, origin, at_once))
            assert len({one.content for each in found.values() for one in each}) == 1
            for at_once, each in found.items():
                best = min(each, key=lambda one: one.wall / one.busy)
                print(
                    f"{way:10} {at_once} at once  wall {best.wall:5.2f} s  server {best.served:5.2f} s,"
                    f" busy {best.busy:5.2f} s  wall / busy {best.wall / best.busy:4.2f}"
                    f"  CPU {best.cpu:5.2f} s  least wall {min(one.wall for one in each):5.2f} s"
                )


if __name__ == "__main__":
    main()
