"""Makes the server fixtures known to the tests in this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .dnp3_master import Master
from .dnp3_wire import Wire
from .fixtures import (
    dnp3_factory,
    dnp3_peer,
    dnp3_second,
    dnp3_second_factory,
    lying_modbus_factory,
    lying_opcua_factory,
    modbus_factory,
    modbus_peer,
    modbus_second,
    opcua_factory,
    opcua_peer,
    opcua_peer_large,
    opcua_second,
    proxy_factory,
    start_or_skip,
)
from .fixtures_bacnet import (
    bacnet_factory,
    bacnet_peer,
    bacnet_second,
    bacnet_second_factory,
)
from .fixtures_erp import cap_factory, cap_numbers_peer, cap_peer
from .fixtures_fieldbus import (
    certificates,
    jsmodbus_peer,
    modbus_fault_factory,
    modbus_rtu_factory,
    modbus_rtu_peer,
    modbus_rtu_tcp_peer,
    modbus_serial_fault_factory,
    modbus_serial_peer,
    modbus_tls_factory,
)
from .launch_dnp3 import Dnp3Peer

__all__ = [
    "bacnet_factory",
    "bacnet_peer",
    "bacnet_second",
    "bacnet_second_factory",
    "cap_factory",
    "cap_numbers_peer",
    "cap_peer",
    "certificates",
    "dnp3_factory",
    "dnp3_peer",
    "dnp3_second",
    "dnp3_second_factory",
    "jsmodbus_peer",
    "lying_modbus_factory",
    "lying_opcua_factory",
    "modbus_factory",
    "modbus_fault_factory",
    "modbus_peer",
    "modbus_rtu_factory",
    "modbus_rtu_peer",
    "modbus_rtu_tcp_peer",
    "modbus_second",
    "modbus_serial_fault_factory",
    "modbus_serial_peer",
    "modbus_tls_factory",
    "opcua_factory",
    "opcua_peer",
    "opcua_peer_large",
    "opcua_second",
    "proxy_factory",
]


@pytest.fixture
def wire_to() -> Iterator[Callable[[Dnp3Peer], Wire]]:
    """Open bare connections to an outstation; closed after the test."""
    with ExitStack() as stack:
        yield lambda peer: stack.enter_context(Wire(peer.port))


@pytest.fixture
def polled(dnp3_factory: Callable[..., Dnp3Peer]) -> Dnp3Peer:
    """An outstation that never speaks by itself."""
    return dnp3_factory(no_unsolicited=True, confirm_timeout=0.5)


@pytest.fixture
def master_of() -> Iterator[Callable[..., Master]]:
    """Start masters of an outstation; stopped after the test."""
    with ExitStack() as stack:

        def start(peer: Any, **options: int) -> Master:
            # The library is a peer like the others: missing, it skips or fails the test.
            master: Master = start_or_skip(lambda: Master(peer.port, **options))  # type: ignore[type-var]
            return stack.enter_context(master)

        yield start


@pytest.fixture
def started_master(master_of: Callable[..., Master]) -> Callable[[Dnp3Peer], Master]:
    """Start a master that finished its start-up."""

    def start(peer: Dnp3Peer) -> Master:
        master = master_of(peer)
        master.wait_started()
        return master

    return start
