"""Pytest fixtures for the further Modbus servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .certificates import Certificates, make_certificates
from .fixtures import running, start_or_skip, starting
from .launch import Peer
from .launch_modbus_faults import (
    FaultPeer,
    SerialFaultPeer,
    start_modbus_faults,
    start_modbus_serial_faults,
)
from .launch_modbus_more import start_modbus_npm, start_modbus_rtu, start_modbus_rtu_over_tcp
from .launch_modbus_tls import TlsPeer, start_modbus_tls
from .serial_line import SerialPeer
from .serial_wire import SerialWire


@pytest.fixture(scope="session")
def modbus_serial_peer() -> Iterator[Peer]:
    """The npm ``modbus-serial`` server over Modbus TCP."""
    yield from running(lambda: start_modbus_npm("modbus-serial"))


@pytest.fixture(scope="session")
def jsmodbus_peer() -> Iterator[Peer]:
    """The npm ``jsmodbus`` server over Modbus TCP; it answers pipelined requests in reverse."""
    yield from running(lambda: start_modbus_npm("jsmodbus"))


@pytest.fixture(scope="session")
def modbus_rtu_peer() -> Iterator[SerialPeer]:
    """The libmodbus RTU server on a serial line, units 1 and 7."""
    yield from running(start_modbus_rtu)


@pytest.fixture(scope="session")
def modbus_rtu_tcp_peer() -> Iterator[Peer]:
    """The libmodbus RTU server on a TCP port, units 1 and 7."""
    yield from running(start_modbus_rtu_over_tcp)


@pytest.fixture
def modbus_rtu_factory() -> Iterator[Callable[..., SerialPeer]]:
    """Start further libmodbus RTU servers on lines of their own; stopped after the test."""
    yield from starting(start_modbus_rtu)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of this test run."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serial_wire_factory() -> Iterator[Callable[[int], SerialWire]]:
    """Make serial devices whose lines end at a TCP port; gone after the test."""
    with ExitStack() as stack:
        yield lambda target_port: stack.enter_context(SerialWire(target_port))


@pytest.fixture(scope="session")
def modbus_tls_peer(certificates: Certificates) -> Iterator[TlsPeer]:
    """A TLS listener in front of a libmodbus server."""
    yield from running(lambda: start_modbus_tls(certificates))


@pytest.fixture
def modbus_tls_factory(certificates: Certificates) -> Iterator[Callable[..., TlsPeer]]:
    """Start TLS listeners in front of libmodbus with chosen options; stopped after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            start_or_skip(lambda: start_modbus_tls(certificates, **options))
        )


@pytest.fixture
def modbus_fault_factory() -> Iterator[Callable[..., FaultPeer]]:
    """Start spoiling Modbus servers on TCP ports; stopped after the test."""
    yield from starting(start_modbus_faults)


@pytest.fixture
def modbus_serial_fault_factory() -> Iterator[Callable[..., SerialFaultPeer]]:
    """Start spoiling Modbus servers on serial lines; stopped after the test."""
    yield from starting(start_modbus_serial_faults)
