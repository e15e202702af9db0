"""The further Modbus servers tell the truth, or lie as ``README.md`` says: read with plain
sockets and hand-made frames."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import launch
from . import modbus_truth as truth
from .certificates import Certificates
from .launch import Peer, PeerFailed
from .launch_modbus_faults import FaultPeer, SerialFaultPeer
from .launch_modbus_more import start_modbus_npm, start_modbus_rtu
from .launch_modbus_tls import TlsPeer, start_modbus_tls
from .modbus_fault_session import Dead, Fault
from .modbus_frames import checksum, read_request
from .serial_line import SerialPeer


@contextmanager
def connected(port: int, timeout: float = 10) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        yield connection


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        assert part, "the server closed the connection"
        data += part
    return data


def answer(connection: socket.socket) -> tuple[int, int, bytes]:
    """Transaction, unit and body of the next Modbus TCP answer."""
    transaction, protocol, length, unit = struct.unpack(">HHHB", exactly(connection, 7))
    assert protocol == 0
    return transaction, unit, exactly(connection, length - 1)


def read(port: int, function: int, address: int, count: int, unit: int = 1) -> bytes:
    with connected(port) as connection:
        connection.sendall(read_request(unit, function, address, count, 5))
        transaction, answered, body = answer(connection)
    assert (transaction, answered) == (5, unit)
    return body


def data_of(body: bytes) -> bytes:
    assert not body[0] & 0x80
    assert body[1] == len(body) - 2
    return body[2:]


def unpacked(port: int, layout: str, address: int, function: int = 3) -> tuple[float, ...]:
    count = struct.calcsize(layout) // 2
    return struct.unpack(layout, data_of(read(port, function, address, count)))


class Device:
    """A serial device read with a deadline."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def send(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def receive(self, count: int, timeout: float = 10) -> bytes:
        """Up to ``count`` bytes, fewer when nothing more comes in time."""
        data, deadline = b"", time.monotonic() + timeout
        while len(data) < count:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self.descriptor], [], [], left)[0]:
                break
            data += os.read(self.descriptor, count - len(data))
        return data


def serial_frame(unit: int, body: bytes) -> bytes:
    frame = bytes([unit]) + body
    return frame + checksum(frame)


def true_registers(unit: int, address: int, count: int) -> bytes:
    return struct.pack(f">{count}H", *truth.words(unit, truth.HOLDING, address, count))


def floats(count: int) -> bytes:
    return struct.pack(f">{count}f", *(index * 0.5 - 100 for index in range(count)))


# --- the servers from npm ----------------------------------------------------------------


@pytest.fixture(params=["modbus_serial_peer", "jsmodbus_peer"])
def npm_peer(request: pytest.FixtureRequest) -> Peer:
    found: Peer = request.getfixturevalue(request.param)
    return found


def test_npm_contents(npm_peer: Peer) -> None:
    port, step = npm_peer.port, 700_000_000_000_000_003
    assert unpacked(port, ">50f", 0) == tuple(index * 0.5 - 100 for index in range(50))
    assert unpacked(port, ">50f", 0, 4) == tuple(index * 0.25 + 1000 for index in range(50))
    assert unpacked(port, ">100h", 11000) == tuple((index - 50) * 655 for index in range(100))
    assert unpacked(port, ">50i", 11200) == tuple((i - 25) * 40_000_003 for i in range(50))
    assert unpacked(port, ">50I", 11300) == tuple(i * 80_000_003 for i in range(50))
    assert unpacked(port, ">25q", 11400) == tuple((i - 12) * step for i in range(25))
    assert unpacked(port, ">25d", 11600) == tuple(i * 0.125 - 1.5 for i in range(25))
    pattern = tuple((address * 31 + 7) & 0xFFFF for address in range(20_000, 20_100))
    assert unpacked(port, ">100H", 20_000) == pattern
    assert data_of(read(port, 3, 12_000, 16)).rstrip(b"\0") == b"GREENLANG"


def test_npm_servers_hold_what_libmodbus_holds(npm_peer: Peer, modbus_peer: Peer) -> None:
    for function, first, last in ((3, 0, 12_016), (3, 12_048, 12_312), (4, 0, 12_000)):
        for address in range(first, last, 120):
            count = min(120, last - address)
            theirs = read(npm_peer.port, function, address, count)
            assert theirs == read(modbus_peer.port, function, address, count)
    for function in (1, 2):
        bits = read(npm_peer.port, function, 3, 1000)
        assert bits == read(modbus_peer.port, function, 3, 1000)


@pytest.mark.parametrize(
    ("peer_name", "order"),
    [("modbus_serial_peer", range(16)), ("jsmodbus_peer", range(15, -1, -1))],
)
def test_npm_pipelining(request: pytest.FixtureRequest, peer_name: str, order: range) -> None:
    burst = b"".join(read_request(1, 3, 20_000 + index, 1, index) for index in range(16))
    with connected(request.getfixturevalue(peer_name).port) as connection:
        connection.sendall(burst)
        answers = [answer(connection) for _ in range(16)]
    assert [transaction for transaction, _, _ in answers] == list(order)
    for transaction, _, body in answers:
        assert int.from_bytes(body[2:], "big") == (transaction + 20_000) * 31 + 7 & 0xFFFF


def test_modbus_serial_refuses(modbus_serial_peer: Peer) -> None:
    assert read(modbus_serial_peer.port, 3, 30_009, 1) == b"\x83\x02"
    assert read(modbus_serial_peer.port, 3, 65_535, 2) == b"\x83\x02"


# --- serial frames -----------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1, 7])
def test_rtu(modbus_rtu_peer: SerialPeer, unit: int) -> None:
    with Device(modbus_rtu_peer.device) as device:
        device.send(read_request(unit, 3, 0, 100))
        assert device.receive(205) == serial_frame(unit, b"\x03\xc8" + floats(50))
        device.send(read_request(unit, 3, 65_535, 2))
        assert device.receive(5) == serial_frame(unit, b"\x83\x02")


def test_rtu_absent_units_are_silent(modbus_rtu_factory: Callable[..., SerialPeer]) -> None:
    peer = modbus_rtu_factory(units=[3])
    with Device(peer.device) as device:
        for unit in (1, 2, 247):
            device.send(read_request(unit, 3, 0, 2))
            assert device.receive(1, 0.2) == b""
        device.send(read_request(3, 3, 0, 2))
        assert device.receive(9) == serial_frame(3, b"\x03\x04" + floats(1))
    assert [entry["unit"] for entry in peer.requests()] == [3]


def test_rtu_damaged_request_is_ignored(modbus_rtu_factory: Callable[..., SerialPeer]) -> None:
    peer = modbus_rtu_factory()
    with Device(peer.device) as device:
        device.send(read_request(1, 3, 0, 2)[:-1] + b"\x00")
        assert device.receive(1, 0.3) == b""
        device.send(read_request(1, 3, 0, 2))
        assert device.receive(9) == serial_frame(1, b"\x03\x04" + floats(1))


def test_rtu_server_comes_back_on_the_same_device(
    modbus_rtu_factory: Callable[..., SerialPeer],
) -> None:
    peer = modbus_rtu_factory()
    path = peer.device
    with Device(path) as device:
        peer.kill()
        device.send(read_request(1, 3, 0, 2))
        assert device.receive(1, 0.2) == b""
    peer.restart()
    assert peer.device == path
    with Device(path) as device:
        while device.receive(64, 0.3):  # the line kept the request that nobody read
            pass
        device.send(read_request(1, 3, 0, 2))
        assert device.receive(9) == serial_frame(1, b"\x03\x04" + floats(1))
        peer.pause()
        device.send(read_request(1, 3, 0, 2))
        assert device.receive(1, 0.2) == b""
        peer.resume()
        assert len(device.receive(9)) == 9


def test_rtu_line_can_be_cut(modbus_rtu_factory: Callable[..., SerialPeer]) -> None:
    peer = modbus_rtu_factory()
    with Device(peer.device) as device:
        peer.line.cut()
        with pytest.raises(OSError, match="Input/output error"):
            device.send(b"x")
    peer.stop()
    assert not os.path.lexists(peer.device)


def test_rtu_over_tcp(modbus_rtu_tcp_peer: Peer) -> None:
    with connected(modbus_rtu_tcp_peer.port) as connection:
        for unit in (1, 7):
            connection.sendall(read_request(unit, 3, 0, 100))
            assert exactly(connection, 205) == serial_frame(unit, b"\x03\xc8" + floats(50))
        connection.settimeout(0.2)
        connection.sendall(read_request(2, 3, 0, 1))
        with pytest.raises(TimeoutError):
            connection.recv(1)


# --- TLS ---------------------------------------------------------------------------------


def tls_context(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.authority))


def first_floats(port: int, context: ssl.SSLContext) -> bytes:
    with (
        connected(port) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(read_request(1, 3, 0, 100, 9))
        transaction, _, body = answer(connection)
    assert transaction == 9
    return data_of(body)


def test_tls(modbus_tls_factory: Callable[..., TlsPeer], certificates: Certificates) -> None:
    peer = modbus_tls_factory()
    context = tls_context(certificates)
    assert [first_floats(peer.port, context) for _ in range(2)] == [floats(50)] * 2


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("expired", "certificate has expired"),
        ("self_signed", "self-signed certificate"),
        ("wrong_name", "Hostname mismatch"),
    ],
)
def test_tls_with_a_bad_certificate(
    modbus_tls_factory: Callable[..., TlsPeer], certificates: Certificates, shown: str, reason: str
) -> None:
    peer = modbus_tls_factory(identity=getattr(certificates, shown))
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        first_floats(peer.port, tls_context(certificates))


@pytest.mark.parametrize("split", [0, 5])
def test_tls_asks_for_the_client_certificate(
    modbus_tls_factory: Callable[..., TlsPeer], certificates: Certificates, split: int
) -> None:
    peer = modbus_tls_factory(client_authority=certificates.authority, split=split)
    context = tls_context(certificates)
    with pytest.raises((OSError, AssertionError)):
        first_floats(peer.port, context)
    context.load_cert_chain(
        certificates.foreign_client.certificate, certificates.foreign_client.key
    )
    with pytest.raises((OSError, AssertionError)):
        first_floats(peer.port, context)
    context = tls_context(certificates)
    context.load_cert_chain(certificates.client.certificate, certificates.client.key)
    assert first_floats(peer.port, context) == floats(50)


def test_tls_splits_an_answer_into_two_records(
    modbus_tls_factory: Callable[..., TlsPeer], certificates: Certificates
) -> None:
    peer = modbus_tls_factory(split=5)
    context = tls_context(certificates)
    with (
        connected(peer.port) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(read_request(1, 3, 0, 2, 9))
        records = [connection.recv(100), connection.recv(100)]
    assert [len(record) for record in records] == [5, 8]
    assert b"".join(records).endswith(floats(1))


def test_tls_survives_a_restart_of_either_part(
    modbus_tls_factory: Callable[..., TlsPeer], certificates: Certificates
) -> None:
    peer = modbus_tls_factory()
    port = peer.port
    for part in (peer.server, peer.bridge):
        part.restart()
        assert peer.port == port
        assert first_floats(port, tls_context(certificates)) == floats(50)


# --- faults and gateways -----------------------------------------------------------------


def test_spoiling_server_is_honest_without_faults(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    peer = modbus_fault_factory(units=[1, 2])
    for unit in (1, 2):
        for function in (truth.HOLDING, truth.INPUT):
            expected = struct.pack(">125H", *truth.words(unit, function, 400, 125))
            assert data_of(read(peer.port, function, 400, 125, unit)) == expected
        bits = int.from_bytes(data_of(read(peer.port, truth.COILS, 7, 99, unit)), "little")
        assert all(
            bool(bits >> index & 1) == truth.bit(unit, truth.COILS, 7 + index)
            for index in range(99)
        )
    assert read(peer.port, 3, 65_500, 37) == b"\x83\x02"
    assert read(peer.port, 3, 0, 126) == b"\x83\x03"
    assert read(peer.port, 6, 0, 126) == b"\x86\x01"
    assert [entry["function"] for entry in peer.requests()][-1] == 6


def test_counter_tells_when_an_answer_was_made(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    port = modbus_fault_factory().port
    assert [unpacked(port, ">Q", truth.COUNTER_ADDRESS)[0] for _ in range(3)] == [1, 2, 3]
    assert unpacked(port, ">2H", truth.COUNTER_ADDRESS + 2) == (0, 4)


def spoiled(peer: FaultPeer, wait: float = 0.3) -> bytes:
    """Everything that comes back for one request for two registers."""
    with connected(peer.port, wait) as connection:
        connection.sendall(read_request(1, 3, 20, 2, 0x0105))
        data = b""
        try:
            while part := connection.recv(1000):
                data += part
        except TimeoutError:
            return data
    raise AssertionError("the server closed the connection")


HEADER = bytes.fromhex("0105 0000 0007 01")
HONEST = HEADER + b"\x03\x04" + true_registers(1, 20, 2)
SPOILED_TCP = {
    Fault.DUPLICATE: HONEST * 2,
    Fault.REPEATED: HONEST * 2,
    Fault.SHORT: bytes.fromhex("0105 0000 0005 01 03 02") + true_registers(1, 20, 1),
    Fault.SILENT: b"",
    Fault.STALE: b"",  # nothing came before
    Fault.SPLIT: HONEST,
    Fault.WRONG_UNIT: HONEST[:6] + b"\x00" + HONEST[7:],
    Fault.REORDERED: HONEST,
    Fault.ONE_OF_A_BURST: HONEST,
}


@pytest.mark.parametrize("fault", SPOILED_TCP)
def test_faults(modbus_fault_factory: Callable[..., FaultPeer], fault: Fault) -> None:
    peer = modbus_fault_factory(faults=[fault])
    assert spoiled(peer) == SPOILED_TCP[fault]
    assert peer.outcomes() == {fault.value: 1}


def test_late_answers_overtake_nothing_but_come(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    peer = modbus_fault_factory(faults=[Fault.LATE], late=0.4)
    assert spoiled(peer, 0.15) == b""
    assert spoiled(peer, 0.8) == HONEST


def burst(peer: FaultPeer, count: int) -> list[int]:
    """The transactions answered after ``count`` requests in one segment."""
    with connected(peer.port, 0.5) as connection:
        connection.sendall(b"".join(read_request(1, 3, n, 1, n) for n in range(count)))
        found = []
        try:
            while True:
                transaction, _, body = answer(connection)
                assert data_of(body) == true_registers(1, transaction, 1)
                found.append(transaction)
        except TimeoutError:
            return found


def test_faults_of_whole_bursts(modbus_fault_factory: Callable[..., FaultPeer]) -> None:
    assert burst(modbus_fault_factory(faults=[Fault.REORDERED]), 5) == [4, 3, 2, 1, 0]
    assert burst(modbus_fault_factory(faults=[Fault.ONE_OF_A_BURST]), 5) == [0]


def test_stale_answers_keep_their_transaction(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    peer = modbus_fault_factory(faults=[Fault.STALE])
    assert burst(peer, 3) == [0, 1]


def test_a_seed_decides_which_answers_are_spoiled(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    outcomes = []
    for seed in (1, 1, 2):
        peer = modbus_fault_factory(faults=[Fault.SILENT, Fault.SPLIT], probability=0.5, seed=seed)
        with connected(peer.port) as connection:
            connection.sendall(b"".join(read_request(1, 3, n, 1, n) for n in range(40)))
            while len(peer.requests()) < 40:
                time.sleep(0.01)
        outcomes.append([entry["outcome"] for entry in peer.requests()])
    assert outcomes[0] == outcomes[1] != outcomes[2]
    assert set(outcomes[0]) == {"honest", "silent", "split"}


HONEST_SERIAL = serial_frame(1, b"\x03\x04" + true_registers(1, 20, 2))
SPOILED_SERIAL = {
    Fault.DUPLICATE: HONEST_SERIAL * 2,
    Fault.SHORT: serial_frame(1, b"\x03\x02" + true_registers(1, 20, 1)),
    Fault.TRUNCATED: HONEST_SERIAL[:4],
    Fault.WRONG_UNIT: serial_frame(0, b"\x03\x04" + true_registers(1, 20, 2)),
    Fault.SPLIT: HONEST_SERIAL,
    Fault.SILENT: b"",
}


@pytest.mark.parametrize("fault", SPOILED_SERIAL)
def test_serial_faults(
    modbus_serial_fault_factory: Callable[..., SerialFaultPeer], fault: Fault
) -> None:
    peer = modbus_serial_fault_factory(faults=[fault])
    with Device(peer.device) as device:
        device.send(read_request(1, 3, 20, 2))
        assert device.receive(50, 0.3) == SPOILED_SERIAL[fault]


def test_wrong_checksums(
    modbus_serial_fault_factory: Callable[..., SerialFaultPeer],
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    with Device(modbus_serial_fault_factory(faults=[Fault.WRONG_CHECKSUM]).device) as device:
        device.send(read_request(1, 3, 20, 2))
        damaged = device.receive(9)
    peer = modbus_fault_factory(faults=[Fault.WRONG_CHECKSUM], rtu=True)
    with connected(peer.port) as connection:
        connection.sendall(read_request(1, 3, 20, 2))
        over_tcp = exactly(connection, 9)
    for found in (damaged, over_tcp):
        changed = int.from_bytes(found, "big") ^ int.from_bytes(HONEST_SERIAL, "big")
        assert changed.bit_count() == 1


def test_faults_that_cannot_be_told_are_refused(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    for options in ({"faults": [Fault.STALE], "rtu": True}, {"faults": [Fault.TRUNCATED]}):
        with pytest.raises(PeerFailed, match="cannot be told from a right answer"):
            modbus_fault_factory(**options)


def test_gateway_with_dead_units(modbus_fault_factory: Callable[..., FaultPeer]) -> None:
    peer = modbus_fault_factory(units=[1, 2], dead={9: Dead(0x0B, 0.3), 10: Dead(0, 0.3)})
    with connected(peer.port, 1) as connection:
        for unit in (10, 9, 5, 1, 2):
            connection.sendall(read_request(unit, 3, 20, 2, unit))
        started = time.monotonic()
        answers = [answer(connection) for _ in range(3)]
        assert time.monotonic() - started > 0.25
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert [(transaction, body) for transaction, _, body in answers] == [
        (1, b"\x03\x04" + true_registers(1, 20, 2)),
        (2, b"\x03\x04" + true_registers(2, 20, 2)),
        (9, b"\x83\x0b"),
    ]
    assert peer.outcomes() == {"dead": 2, "absent": 1, "honest": 2}


def test_blocking_gateway_makes_the_others_wait(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    peer = modbus_fault_factory(units=[1], dead={9: Dead(0x0B, 0.3)}, blocking=True)
    with connected(peer.port) as connection:
        connection.sendall(read_request(9, 3, 20, 2, 9) + read_request(1, 3, 20, 2, 1))
        assert [answer(connection)[0] for _ in range(2)] == [9, 1]


# --- all of them -------------------------------------------------------------------------


def test_missing_software_is_named(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    monkeypatch.setattr(launch, "_missing_program", lambda program, _: f"{program} is not there")
    for start in (start_modbus_rtu, lambda: start_modbus_tls(certificates)):
        with pytest.raises(launch.PeerUnavailable, match="socat is not there"):
            start()
    with pytest.raises(launch.PeerUnavailable, match="node is not there"):
        start_modbus_npm("jsmodbus")
    monkeypatch.undo()
    with pytest.raises(launch.PeerUnavailable, match="no-such-package is not installed: run npm"):
        start_modbus_npm("no-such-package")


ORPHANS = """
import pathlib, sys, time
from peers.certificates import make_certificates
from peers.launch_modbus_faults import start_modbus_faults
from peers.launch_modbus_more import start_modbus_npm, start_modbus_rtu
from peers.launch_modbus_tls import start_modbus_tls
rtu, tls = start_modbus_rtu(), start_modbus_tls(make_certificates(pathlib.Path(sys.argv[1])))
peers = [rtu, rtu.line.socat, tls.bridge, tls.server, start_modbus_npm("jsmodbus"),
         start_modbus_faults()]
tls.bridge.pause()
print(*(peer.process.pid for peer in peers), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent death signal")
def test_servers_die_with_their_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHANS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=launch.FOLDER.parent) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 6
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
