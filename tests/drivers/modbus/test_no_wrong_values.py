"""Whatever a network or device does to the answers: an error or the truth, thousands of times.

``tests/bench/soak_modbus.py`` does the same a million times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import greenlang_data as gd
from tests.drivers.modbus.soaking import LATE_SECONDS, ON_A_LINE, ON_TCP, soak, soak_config
from tests.peers.certificates import Certificates
from tests.peers.fixtures import start_or_skip
from tests.peers.launch_modbus_faults import FaultPeer, SerialFaultPeer
from tests.peers.launch_modbus_tls import start_tls_before

# 20,000 together; a line takes one request at a time.
VALUES = {"tcp": 12_000, "tls": 6_000, "rtu+tcp": 1_000, "serial": 1_000}
SECONDS = 60.0
PROBABILITY = {"tcp": 0.02, "tls": 0.02, "rtu+tcp": 0.04, "serial": 0.04}

Make = Callable[..., FaultPeer]


def check(settings: gd.SCADAConfig, transport: str, peer: FaultPeer) -> None:
    tally = asyncio.run(soak(settings, VALUES[transport], seconds=SECONDS))
    assert tally["wrong"] == 0
    assert tally["right"] >= VALUES[transport]
    outcomes = peer.outcomes()
    assert outcomes.total() - outcomes["honest"] > 10


@pytest.mark.parametrize("transport", ["tcp", "rtu+tcp"])
def test_over_tcp(modbus_fault_factory: Make, transport: str) -> None:
    rtu = transport == "rtu+tcp"
    faults = ON_A_LINE if rtu else ON_TCP
    peer = modbus_fault_factory(
        rtu=rtu, faults=faults, probability=PROBABILITY[transport], late=LATE_SECONDS[transport]
    )
    line = {"baudrate": 115200} if rtu else {}
    check(soak_config(transport, f"{transport}://127.0.0.1:{peer.port}", **line), transport, peer)


def test_on_a_serial_line(modbus_serial_fault_factory: Callable[..., SerialFaultPeer]) -> None:
    peer = modbus_serial_fault_factory(
        faults=ON_A_LINE, probability=PROBABILITY["serial"], late=LATE_SECONDS["serial"]
    )
    check(soak_config("serial", peer.device, baudrate=115200, parity="none"), "serial", peer)


def test_over_tls(modbus_fault_factory: Make, certificates: Certificates) -> None:
    peer = modbus_fault_factory(
        faults=ON_TCP, probability=PROBABILITY["tls"], late=LATE_SECONDS["tls"]
    )
    with start_or_skip(lambda: start_tls_before(peer.port, certificates)) as bridge:
        settings = soak_config(
            "tls", f"tls://127.0.0.1:{bridge.port}", ca_certificate_path=str(certificates.authority)
        )
        check(settings, "tls", peer)
