"""What the DNP3 outstation answers to reads, octet by octet."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable

import pytest

from . import dnp3_truth as truth
from .dnp3_truth import Number
from .dnp3_wire import Wire
from .launch_dnp3 import Dnp3Peer

OBJECT_UNKNOWN, PARAM_ERROR = 0x0200, 0x0400
DEVICE_RESTART = 0x0080
Connect = Callable[[Dnp3Peer], Wire]
THREE_FIVE, MINUS_ONE = "0103000000", "01ffffffff"


@pytest.mark.parametrize(
    ("asked", "objects", "errors"),
    [
        ("1e01 00 01 02", "1e01000102" + THREE_FIVE + MINUS_ONE, 0),
        ("1e01 01 0100 0200", "1e01000102" + THREE_FIVE + MINUS_ONE, 0),
        ("1e00 00 01 01", "1e01000101" + THREE_FIVE, 0),
        ("1e05 00 01 01", "1e05000101" + "0100006040", 0),
        ("1e01 07 02", "1e01000001" + "0100000000" + THREE_FIVE, 0),
        ("1e01 08 0200", "1e01000001" + "0100000000" + THREE_FIVE, 0),
        ("1e01 17 02 02 01", "1e01000202" + MINUS_ONE + "1e01000101" + THREE_FIVE, 0),
        ("1e01 28 0100 0100", "1e01000101" + THREE_FIVE, 0),
        ("1e01 00 63 ff", "1e01006363" + "01ceffffff", PARAM_ERROR),  # index 99 is -50.5
        ("1e01 00 64 ff", "", PARAM_ERROR),
        ("1e01 00 02 01", "", PARAM_ERROR),
        ("1e01 5b 01", "", PARAM_ERROR),
        ("1e01 00 01", "", PARAM_ERROR),
        ("", "", PARAM_ERROR),
        ("1e09 06", "", OBJECT_UNKNOWN),
        ("5701 06", "", OBJECT_UNKNOWN),
        ("5701 06 1e01 00 01 01", "1e01000101" + THREE_FIVE, OBJECT_UNKNOWN),
        ("2009 06", "", OBJECT_UNKNOWN),
        ("3c05 06", "", OBJECT_UNKNOWN),
        ("3c01 00 00 01", "", PARAM_ERROR),
        ("3c02 00 00 01", "", PARAM_ERROR),
        ("0101 00 00 0b", "010100000b" + "4902", 0),  # every third one, lowest bit first
        ("0301 00 00 04", "0301000004" + "e400", 0),
        ("0a01 00 00 07", "0a01000007" + "aa", 0),
        ("6e00 00 00 01", "6e09000000" + b"GREENLANG".hex()
         + "6e07000101fffe80636166e9", 0),
    ],
)  # fmt: skip
def test_reading(polled: Dnp3Peer, wire_to: Connect, asked: str, objects: str, errors: int) -> None:
    answer = wire_to(polled).read(asked)
    assert (answer.objects.hex(), answer.indications) == (objects, DEVICE_RESTART | errors)
    assert (answer.control & 0xF0, answer.final) == (0xC0, True)


def test_flags_forbid_packed_states(polled: Dnp3Peer, wire_to: Connect) -> None:
    # Points 19 to 22 of double-bit inputs: state 3 plain, then three with flags.
    assert wire_to(polled).read("0301 00 13 16").objects.hex() == "030100131303" + (
        "0302001416" + "00" + "43" + "84"
    )


def test_no_fragment_is_longer_than_configured(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    peer = dnp3_factory(no_unsolicited=True, fragment=300)
    connection = wire_to(peer)
    answer = connection.read("3c0106")
    sizes = [4 + len(answer.objects)]
    while not answer.final:
        assert answer.wants_confirm
        connection.confirm(answer)
        following = connection.read_fragment()
        assert following.sequence == (answer.sequence + 1) & 0x0F
        assert not following.control & 0x80
        answer = following
        sizes.append(4 + len(answer.objects))
    assert not answer.wants_confirm
    assert max(sizes) <= 300
    assert sum(sizes) > 1500
    assert len(sizes) > 5


def test_an_unconfirmed_fragment_ends_the_response(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    peer = dnp3_factory(no_unsolicited=True, fragment=300, confirm_timeout=0.2)
    connection = wire_to(peer)
    answer = connection.read("3c0106")
    connection.confirm(answer, step=1)
    assert connection.silent(0.5)
    connection.confirm(answer)
    assert connection.silent()
    status = peer.status()
    assert (status["confirm_timeouts"], status["stray_confirms"]) == (1, 2)
    assert connection.read("1e01 00 01 01").final


def test_delay_measurement_and_time(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    assert connection.ask(23).objects.hex() == "34020701" + "0000"
    assert connection.ask(24).objects == b""
    before = time.time_ns() // 1_000_000
    shown = connection.read("3201 07 01").objects
    assert shown[:4].hex() == "32010701"
    assert before <= int.from_bytes(shown[4:], "little") <= time.time_ns() // 1_000_000 + 1
    assert polled.attempts() == []


@pytest.mark.parametrize(
    ("number", "exact", "shown"),
    [
        (Number.INT32, 3.5, (3, 1)),
        (Number.INT32, -1.25, (-1, 1)),
        (Number.INT32, 2147483648.0, (2147483647, 0x21)),
        (Number.INT32, -math.inf, (-2147483648, 0x21)),
        (Number.INT32, math.nan, (0, 0x21)),
        (Number.INT16, 32768.0, (32767, 0x21)),
        (Number.FLOAT32, 1e300, (struct.unpack("<f", b"\xff\xff\x7f\x7f")[0], 0x21)),
        (Number.FLOAT32, math.inf, (math.inf, 1)),
        (Number.FLOAT32, 16777217.0, (16777216.0, 1)),
        (Number.FLOAT64, 1e300, (1e300, 1)),
        (Number.UINT16, 65_537, (1, 1)),
    ],
)
def test_numbers_that_do_not_fit(number: Number, exact: float, shown: tuple[float, int]) -> None:
    assert truth.numeric(number, exact, truth.ONLINE) == shown


def test_start_time_is_written_twice() -> None:
    assert truth.START.timestamp() * 1000 == truth.START_MILLISECONDS
