"""Whatever a network or device does to the answers: an error or the truth, thousands of times."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from greenlang_data.connectors.scada import SCADAConfig
from tests.drivers.modbus.helpers import config
from tests.drivers.modbus.soaking import soak, spoiled_registers
from tests.peers.certificates import Certificates
from tests.peers.fixtures import start_or_skip
from tests.peers.launch_modbus_faults import FaultPeer, SerialFaultPeer
from tests.peers.launch_modbus_tls import _start_splitting_bridge
from tests.peers.modbus_fault_session import SERIAL_ONLY, TCP_ONLY, Fault

ON_TCP = tuple(fault for fault in Fault if fault not in SERIAL_ONLY)
ON_A_LINE = tuple(fault for fault in Fault if fault not in TCP_ONLY)
REQUESTS = {"tcp": 12_000, "tls": 4_000, "rtu+tcp": 2_000, "serial": 2_000}
SECONDS = 4.5

Make = Callable[..., FaultPeer]


def spoiled(endpoint: str, **changed: Any) -> SCADAConfig:
    return config(
        1,
        spoiled_registers(),
        endpoint=endpoint,
        max_block_gap=0,
        unit_timeout_seconds=0.06,
        **changed,
    )


def check(tally: Counter[str], peer: FaultPeer) -> None:
    assert tally["wrong"] == 0
    assert tally["right"] > 300
    outcomes = peer.outcomes()
    assert outcomes.total() - outcomes["honest"] > 10


@pytest.mark.parametrize("transport", ["tcp", "rtu+tcp"])
def test_over_tcp(modbus_fault_factory: Make, transport: str) -> None:
    rtu = transport == "rtu+tcp"
    faults = ON_A_LINE if rtu else ON_TCP
    peer = modbus_fault_factory(rtu=rtu, faults=faults, probability=0.02, late=0.1)
    line = {"baudrate": 115200} if rtu else {}
    settings = spoiled(f"{transport}://127.0.0.1:{peer.port}", **line)
    check(asyncio.run(soak(settings, REQUESTS[transport], seconds=SECONDS)), peer)


def test_on_a_serial_line(modbus_serial_fault_factory: Callable[..., SerialFaultPeer]) -> None:
    peer = modbus_serial_fault_factory(faults=ON_A_LINE, probability=0.02, late=0.1)
    settings = spoiled(peer.device, baudrate=115200, parity="none")
    check(asyncio.run(soak(settings, REQUESTS["serial"], seconds=SECONDS)), peer)


def test_over_tls(modbus_fault_factory: Make, certificates: Certificates) -> None:
    peer = modbus_fault_factory(faults=ON_TCP, probability=0.02, late=0.1)
    shown = str(certificates.server.both)
    with start_or_skip(lambda: _start_splitting_bridge(peer.port, shown, None, 0)) as bridge:
        settings = spoiled(
            f"tls://127.0.0.1:{bridge.port}", ca_certificate_path=str(certificates.authority)
        )
        check(asyncio.run(soak(settings, REQUESTS["tls"], seconds=SECONDS)), peer)
