"""A million Modbus values from servers that spoil their answers: not one may be wrong.

Run it from the top folder: ``python -m tests.bench.soak_modbus [values]``. Over TCP, TLS, RTU over
TCP and a serial line, a quarter of the values each; the lines, which take one request at a time,
several at once. Ends with an error when a value was wrong, or the time was over before enough were
right.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import greenlang_data as gd
from tests.drivers.modbus.soaking import LATE_SECONDS, ON_A_LINE, ON_TCP, soak, soak_config
from tests.peers.certificates import make_certificates
from tests.peers.launch_modbus_faults import (
    FaultPeer,
    start_modbus_faults,
    start_modbus_serial_faults,
)
from tests.peers.launch_modbus_tls import start_tls_before

SOURCES = {"tcp": 4, "tls": 4, "rtu+tcp": 12, "serial": 12}
PROBABILITY = 0.02
LONGEST_SECONDS = 3600.0


def start(transport: str, seed: int, stack: ExitStack) -> tuple[FaultPeer, gd.SCADAConfig]:
    """A server with faults of its own, and the source that reads it."""
    faults = ON_TCP if transport in ("tcp", "tls") else ON_A_LINE
    options = {
        "faults": faults,
        "probability": PROBABILITY,
        "late": LATE_SECONDS[transport],
        "seed": seed,
    }
    if transport == "serial":
        line = stack.enter_context(start_modbus_serial_faults(**options))
        return line, soak_config(transport, line.device, baudrate=115200, parity="none")
    peer = stack.enter_context(start_modbus_faults(rtu=transport == "rtu+tcp", **options))
    if transport == "tls":
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificates = make_certificates(folder)
        bridge = stack.enter_context(start_tls_before(peer.port, certificates))
        authority = str(certificates.authority)
        endpoint = f"tls://127.0.0.1:{bridge.port}"
        return peer, soak_config(transport, endpoint, ca_certificate_path=authority)
    keys = {"baudrate": 115200} if transport == "rtu+tcp" else {}
    return peer, soak_config(transport, f"{transport}://127.0.0.1:{peer.port}", **keys)


async def soak_transport(transport: str, values: int) -> Counter[str]:
    """Read about so many ``values`` over one transport, and print how it went."""
    began = time.monotonic()
    with ExitStack() as stack:
        many = SOURCES[transport]
        started = [start(transport, seed, stack) for seed in range(many)]
        each = -(-values // many)
        tallies = await asyncio.gather(
            *(
                soak(settings, each, seconds=LONGEST_SECONDS, seed=seed)
                for seed, (_, settings) in enumerate(started)
            )
        )
        outcomes = sum((peer.outcomes() for peer, _ in started), Counter[str]())
    tally = sum(tallies, Counter[str]())
    spoiled = {name: count for name, count in sorted(outcomes.items()) if name != "honest"}
    print(
        f"{transport:8} right {tally['right']:,}, wrong {tally['wrong']}, calls failed "
        f"{tally['failed']}, tags refused {tally['refused']}; requests {outcomes.total():,}, of "
        f"them spoiled {sum(spoiled.values()):,} {spoiled}; {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return tally


async def soak_all(values: int) -> Counter[str]:
    """All transports, one after the other."""
    tally = Counter[str]()
    for transport in SOURCES:
        tally += await soak_transport(transport, -(-values // len(SOURCES)))
    return tally


def main() -> None:
    """Print everything; the exit code is 1 when it does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("values", type=int, nargs="?", default=1_000_000)
    values = parser.parse_args().values
    tally = asyncio.run(soak_all(values))
    print(f"together right {tally['right']:,}, wrong {tally['wrong']}")
    if tally["wrong"] or tally["right"] < values:
        sys.exit(1)


if __name__ == "__main__":
    main()
