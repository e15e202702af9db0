"""The DNP3 outstation octet by octet, against frames written by hand from the specification."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from . import dnp3_wire as wire
from .dnp3_outstation.link import checksum
from .dnp3_truth import Kind
from .dnp3_wire import Wire, frame
from .launch_dnp3 import Dnp3Peer

READ, WRITE = 1, 2
DEVICE_RESTART = 0x0080
Connect = Callable[[Dnp3Peer], Wire]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"123456789", "82ea"),  # the catalogue's check value, low octet first
        (bytes.fromhex("056405c001000004"), "e921"),
        (bytes.fromhex("05640500 00040100"), "19a6"),
        (bytes.fromhex("056414f301000004"), "0a3b"),
        (bytes.fromhex("c0c3013c02063c03063c04063c0106"), "9a12"),
    ],
)
def test_known_checksums(block: bytes, expected: str) -> None:
    assert checksum(block).hex() == expected
    assert wire.crc(block).hex() == expected


def test_golden_exchange(dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect) -> None:
    counts = dict.fromkeys(Kind, 0) | {Kind.ANALOG_INPUT: 3}
    peer = dnp3_factory(address=1, master=1024, points=counts, no_unsolicited=True)
    connection = wire_to(peer)
    connection.socket.sendall(bytes.fromhex("056405c001000004e921"))
    assert connection.octets(10).hex() == "056405000004010019a6"
    connection.socket.sendall(
        bytes.fromhex("056414f3010000040a3bc0c3013c02063c03063c04063c01069a12")
    )
    assert connection.octets(10).hex() == "056405000004010019a6"
    header = bytes.fromhex("0564 1e 44 0004 0100")
    first = bytes.fromhex("c0 c381 8000 1e01 00 00 02 01 00000000 01")
    second = bytes.fromhex("03000000 01 ffffffff")
    expected = b"".join(block + wire.crc(block) for block in (header, first, second))
    assert connection.octets(len(expected)).hex() == expected.hex()
    assert connection.silent()


def test_start_is_announced_and_restart_cleared(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    connection = wire_to(dnp3_factory())
    start = connection.accept_start()
    assert (start.control & 0xF0, start.indications) == (0xF0, DEVICE_RESTART)
    assert connection.ask(WRITE, "5001 00 07 07 00").indications == 0
    assert connection.read("5001 00 00 0f").objects.hex() == "500100000f0000"
    assert connection.silent()


def test_link_functions(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    answers = []
    for control in (0xC9, 0xF2, 0xC0, 0xF2, 0xD2, 0xC1):
        connection.socket.sendall(frame(control))
        answers.append(connection.read_frame()[0])
    # Status, test refused before the reset, reset, two tests, a function there is not.
    assert answers == [0x0B, 0x01, 0x00, 0x00, 0x00, 0x0F]
    assert set(connection.link) == {(control, 1, 10) for control in answers}


def test_confirmed_user_data_is_taken_once(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    connection.send(READ, "1e01 00 00 00", control=wire.CONFIRMED)
    assert connection.read_frame() == (0x01, b"")
    connection.socket.sendall(frame(0xC0))
    assert connection.read_frame() == (0x00, b"")
    request = bytes.fromhex("c0 c5 01 1e01 00 00 00")
    connection.socket.sendall(frame(wire.CONFIRMED, request) * 2)
    controls = sorted(connection.read_frame()[0] for _ in range(3))
    assert controls == [0x00, 0x00, 0x44]
    connection.socket.sendall(frame(wire.CONFIRMED_FLIPPED, request))
    assert sorted(connection.read_frame()[0] for _ in range(2)) == [0x00, 0x44]
    assert len(polled.requests()) == 2


def test_what_is_not_for_it_is_not_answered(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    request = bytes.fromhex("c0 c0 01 1e01 00 00 00")
    damaged = bytearray(frame(wire.UNCONFIRMED, request))
    damaged[-1] ^= 1
    for unwelcome in (
        frame(wire.UNCONFIRMED, request, destination=11),
        frame(wire.UNCONFIRMED, request, source=2),
        frame(0x44, request),
        bytes(damaged),
        b"noise \x05 more \x05\x64\x05",
    ):
        connection.socket.sendall(unwelcome)
    assert connection.silent()
    assert connection.read("1e01 00 00 00").indications == DEVICE_RESTART


def test_request_octet_by_octet(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    for octet in frame(wire.UNCONFIRMED, bytes.fromhex("c0 c7 01 1e01 00 01 01")):
        connection.socket.sendall(bytes([octet]))
    assert connection.read_fragment().objects.hex() == "1e01000101" + "0103000000"


def test_request_in_two_segments(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    first, second = bytes.fromhex("40 c7 01 1e01"), bytes.fromhex("81 00 01 01")
    stray = bytes.fromhex("85 00 01 01")
    connection.socket.sendall(frame(0xC4, first) + frame(0xC4, stray))
    assert connection.silent()
    connection.socket.sendall(frame(0xC4, first) + frame(0xC4, second))
    assert connection.read_fragment().objects.hex() == "1e01000101" + "0103000000"
