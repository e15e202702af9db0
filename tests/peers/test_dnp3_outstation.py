"""The DNP3 outstation octet by octet, against frames written by hand from the specification."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from . import dnp3_truth as truth
from . import dnp3_wire as wire
from .dnp3_outstation.link import checksum
from .dnp3_truth import Kind, Number
from .dnp3_wire import Wire, frame
from .launch import PeerFailed
from .launch_dnp3 import Dnp3Peer, change

READ, WRITE, ENABLE, DISABLE = 1, 2, 20, 21
FUNC_NOT_SUPPORTED, OBJECT_UNKNOWN, PARAM_ERROR = 0x0100, 0x0200, 0x0400
DEVICE_RESTART = 0x0080
ALL_EVENTS = "3c0206 3c0306 3c0406"
HOUSEKEEPING = (0, 1, 20, 21, 23, 24)
WITHOUT_RESPONSE = (6, 8, 10, 12, 33)

Connect = Callable[[Dnp3Peer], Wire]


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda peer: stack.enter_context(Wire(peer.port))


@pytest.fixture
def polled(dnp3_factory: Callable[..., Dnp3Peer]) -> Dnp3Peer:
    """An outstation that never speaks by itself."""
    return dnp3_factory(no_unsolicited=True, confirm_timeout=0.5)


# --- golden frames -----------------------------------------------------------------------


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


def test_golden_exchange(dnp3_factory: Callable[..., Dnp3Peer], connect: Connect) -> None:
    counts = dict.fromkeys(Kind, 0) | {Kind.ANALOG_INPUT: 3}
    peer = dnp3_factory(address=1, master=1024, points=counts, no_unsolicited=True)
    connection = connect(peer)
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
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    connection = connect(dnp3_factory())
    start = connection.accept_start()
    assert (start.control & 0xF0, start.indications) == (0xF0, DEVICE_RESTART)
    assert connection.ask(WRITE, "5001 00 07 07 00").indications == 0
    assert connection.read("5001 00 00 0f").objects.hex() == "500100000f0000"
    assert connection.silent()


# --- the link layer ----------------------------------------------------------------------


def test_link_functions(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    answers = []
    for control in (0xC9, 0xF2, 0xC0, 0xF2, 0xD2, 0xC1):
        connection.socket.sendall(frame(control))
        answers.append(connection.read_frame()[0])
    # Status, test refused before the reset, reset, two tests, a function there is not.
    assert answers == [0x0B, 0x01, 0x00, 0x00, 0x00, 0x0F]
    assert set(connection.link) == {(control, 1, 10) for control in answers}


def test_confirmed_user_data_is_taken_once(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
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


def test_what_is_not_for_it_is_not_answered(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
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


def test_request_octet_by_octet(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    for octet in frame(wire.UNCONFIRMED, bytes.fromhex("c0 c7 01 1e01 00 01 01")):
        connection.socket.sendall(bytes([octet]))
    assert connection.read_fragment().objects.hex() == "1e01000101" + "0103000000"


def test_request_in_two_segments(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    first, second = bytes.fromhex("40 c7 01 1e01"), bytes.fromhex("81 00 01 01")
    stray = bytes.fromhex("85 00 01 01")
    connection.socket.sendall(frame(0xC4, first) + frame(0xC4, stray))
    assert connection.silent()
    connection.socket.sendall(frame(0xC4, first) + frame(0xC4, second))
    assert connection.read_fragment().objects.hex() == "1e01000101" + "0103000000"


# --- reading -----------------------------------------------------------------------------

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
def test_reading(polled: Dnp3Peer, connect: Connect, asked: str, objects: str, errors: int) -> None:
    answer = connect(polled).read(asked)
    assert (answer.objects.hex(), answer.indications) == (objects, DEVICE_RESTART | errors)
    assert (answer.control & 0xF0, answer.final) == (0xC0, True)


def test_flags_forbid_packed_states(polled: Dnp3Peer, connect: Connect) -> None:
    # Points 19 to 22 of double-bit inputs: state 3 plain, then three with flags.
    assert connect(polled).read("0301 00 13 16").objects.hex() == "030100131303" + (
        "0302001416" + "00" + "43" + "84"
    )


def test_no_fragment_is_longer_than_configured(
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    peer = dnp3_factory(no_unsolicited=True, fragment=300)
    connection = connect(peer)
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
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    peer = dnp3_factory(no_unsolicited=True, fragment=300, confirm_timeout=0.2)
    connection = connect(peer)
    answer = connection.read("3c0106")
    connection.confirm(answer, step=1)
    assert connection.silent(0.5)
    connection.confirm(answer)
    assert connection.silent()
    status = peer.status()
    assert (status["confirm_timeouts"], status["stray_confirms"]) == (1, 2)
    assert connection.read("1e01 00 01 01").final


def test_delay_measurement_and_time(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    assert connection.ask(23).objects.hex() == "34020701" + "0000"
    assert connection.ask(24).objects == b""
    before = time.time_ns() // 1_000_000
    shown = connection.read("3201 07 01").objects
    assert shown[:4].hex() == "32010701"
    assert before <= int.from_bytes(shown[4:], "little") <= time.time_ns() // 1_000_000 + 1
    assert polled.attempts() == []


# --- events ------------------------------------------------------------------------------


def test_events_stay_until_they_are_confirmed(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    polled.set(Kind.ANALOG_INPUT, 0, 2.5, time=0x0102030405)
    event = "2007 17 01 00 01 00002040 050403020100".replace(" ", "")
    for _ in range(2):
        answer = connection.read("2007 06")
        assert (answer.objects.hex(), answer.wants_confirm) == (event, True)
        assert not answer.indications & 0x0E
    assert connection.read("1e01 00 01 01").indications & 0x0E == 0x02
    answer = connection.read("2007 06")
    assert answer.objects.hex() == event
    connection.confirm(answer)
    assert connection.read("2007 06").objects == b""
    assert connection.read(ALL_EVENTS).indications & 0x0E == 0


def test_limited_number_of_events(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    polled.command(*(change(Kind.COUNTER, 0, number, time=0) for number in (7, 8, 9)))
    answer = connection.read("3c02 07 02")
    assert answer.objects.hex() == "16011702" + "000107000000" + "000108000000"
    assert answer.indications & 0x0E == 0x02


def test_unsolicited_only_after_it_is_enabled(
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    peer = dnp3_factory(confirm_timeout=0.3, unsolicited_retries=2)
    connection = connect(peer)
    connection.accept_start()
    peer.set(Kind.COUNTER, 0, 7, time=0)
    assert connection.silent()
    assert connection.ask(ENABLE, "3c0306").indications & 0x0E == 0x02
    assert connection.silent()
    connection.ask(ENABLE, "3c0206")
    event = "160117010001" + "07000000"
    sent = [connection.read_fragment() for _ in range(3)]
    assert {found.objects.hex() for found in sent} == {event}
    assert len({found.control for found in sent}) == 1
    assert connection.silent(0.6)
    assert peer.status()["unsolicited_retries"] == 2
    peer.set(Kind.COUNTER, 0, 8, time=0)
    again = connection.read_fragment()
    assert again.objects.hex() == "160117020001" + "07000000" + "0001" + "08000000"
    assert again.sequence == (sent[0].sequence + 1) & 0x0F
    connection.confirm(again)
    connection.ask(DISABLE, "3c0206")
    peer.set(Kind.COUNTER, 0, 9, time=0)
    assert connection.silent()


def test_a_read_waits_for_the_unsolicited_confirm(
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    peer = dnp3_factory()
    connection = connect(peer)
    connection.accept_start()
    connection.ask(ENABLE, ALL_EVENTS)
    peer.set(Kind.COUNTER, 0, 7, time=0)
    report = connection.read_fragment()
    sequence = connection.send(READ, ALL_EVENTS)
    assert connection.silent()
    connection.confirm(report)
    answer = connection.read_fragment()
    assert (answer.function, answer.sequence, answer.objects) == (129, sequence, b"")


def test_forced_unsolicited_response(
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    peer = dnp3_factory()
    connection = connect(peer)
    connection.accept_start()
    peer.unsolicited()
    assert connection.read_fragment().objects == b""


# --- what it refuses ---------------------------------------------------------------------


@pytest.mark.parametrize("function", [code for code in range(2, 129) if code not in HOUSEKEEPING])
def test_every_other_function_is_refused_and_recorded(dnp3_peer: Dnp3Peer, function: int) -> None:
    before = len(dnp3_peer.attempts())
    with Wire(dnp3_peer.port) as connection:
        connection.read_fragment()  # not confirmed, so that the next one gets it too
        sequence = connection.send(function, "0c01 17 01 00 0301 00000000 00000000 00")
        if function not in WITHOUT_RESPONSE:
            answer = connection.read_fragment()
            assert (answer.sequence, answer.objects) == (sequence, b"")
            assert answer.indications & 0x0700 == FUNC_NOT_SUPPORTED
        connection.ask(DISABLE, ALL_EVENTS)
    (attempt,) = dnp3_peer.attempts()[before:]
    assert (attempt["function"], attempt["objects"]) == (function, [[12, 1, 0x17]])


@pytest.mark.parametrize("objects", ["0c01 06", "2901 06", "0c00 00 00 01"])
def test_reading_commands_is_refused_and_recorded(
    polled: Dnp3Peer, connect: Connect, objects: str
) -> None:
    assert connect(polled).read(objects).indications & 0x0700 == OBJECT_UNKNOWN
    assert [attempt["name"] for attempt in polled.attempts()] == ["READ"]


@pytest.mark.parametrize(
    "objects",
    ["5001 00 07 07 01", "5001 00 04 04 00", "3201 07 01 000000000000", "2201 00 00 00 00"],
)
def test_other_writes_are_refused_and_recorded(
    polled: Dnp3Peer, connect: Connect, objects: str
) -> None:
    answer = connect(polled).ask(WRITE, objects)
    assert answer.indications == FUNC_NOT_SUPPORTED | DEVICE_RESTART
    assert [attempt["name"] for attempt in polled.attempts()] == ["WRITE"]


def test_without_unsolicited_there_is_nothing_to_enable(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    for function in (ENABLE, DISABLE):
        assert connection.ask(function, ALL_EVENTS).indications & 0x0700 == FUNC_NOT_SUPPORTED
    assert polled.attempts() == []


# --- connections and control -------------------------------------------------------------


def test_a_newer_connection_takes_over(polled: Dnp3Peer, connect: Connect) -> None:
    older, newer = connect(polled), connect(polled)
    assert newer.read("1e01 00 01 01").final
    assert older.ended()


@pytest.mark.parametrize("reset", [False, True])
def test_dropped_connection(polled: Dnp3Peer, connect: Connect, reset: bool) -> None:
    connection = connect(polled)
    connection.read("1e01 00 01 01")
    polled.drop(reset=reset)
    assert connection.ended()
    assert connect(polled).read("1e01 00 01 01").final


def test_stalled_connection_answers_late(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    connection.read("1e01 00 01 01")
    polled.stall()
    sequence = connection.send(READ, "1e01 00 02 02")
    assert connection.silent()
    polled.flow()
    assert connection.read_fragment().sequence == sequence


def test_pause_resume_kill_and_restart(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    connection.read("1e01 00 01 01")
    polled.pause()
    connection.send(READ, "1e01 00 01 01")
    assert connection.silent()
    polled.resume()
    connection.read_fragment()
    port = polled.port
    polled.set(Kind.ANALOG_INPUT, 1, 9.0, event=False)
    polled.restart()
    assert polled.port == port
    assert connection.ended()
    assert connect(polled).read("1e01 00 01 01").objects.hex() == "1e01000101" + THREE_FIVE


def test_delay_before_each_fragment(
    dnp3_factory: Callable[..., Dnp3Peer], connect: Connect
) -> None:
    connection = connect(dnp3_factory(no_unsolicited=True, delay=0.2, nagle=True))
    begun = time.monotonic()
    connection.read("1e01 06")
    assert time.monotonic() - begun >= 0.2


def test_link_status_is_asked(polled: Dnp3Peer, connect: Connect) -> None:
    connection = connect(polled)
    connection.read("1e01 00 01 01")
    polled.ask_link_status()
    assert connection.read_frame() == (0x49, b"")
    connection.socket.sendall(frame(0x8B))
    connection.read("1e01 00 01 01")
    assert polled.status()["link_answers"] == 1


def test_further_indications(polled: Dnp3Peer, connect: Connect) -> None:
    polled.indications(0x2040)
    assert connect(polled).read("1e01 00 01 01").indications == 0x2040 | DEVICE_RESTART


def test_points_can_be_configured(polled: Dnp3Peer, connect: Connect) -> None:
    polled.configure(Kind.ANALOG_INPUT, 1, static_variation=5, event_variation=7, event_class=3)
    polled.set(Kind.ANALOG_INPUT, 1, 3.5, time=1, flags=truth.COMM_LOST)
    connection = connect(polled)
    assert connection.read("1e00 00 01 01").objects.hex() == "1e05000101" + "0400006040"
    event = connection.read("3c0406").objects
    assert event.hex() == "2007170101" + "0400006040" + "010000000000"


@pytest.mark.parametrize(
    "command",
    [
        {"do": "nothing"},
        {"do": "set", "kind": "analog_input", "index": 5000, "value": 1},
        {"do": "set", "kind": "octet_string", "index": 0, "value": ""},
        {"do": "set", "kind": "time_interval", "index": 0, "event": True},
        {"do": "configure", "kind": "counter", "index": 0, "static_variation": 3},
        {"do": "lie", "lie": "no such lie"},
        {"do": "stall"},
    ],
)
def test_wrong_commands_are_named(dnp3_factory: Callable[..., Dnp3Peer], command: object) -> None:
    with pytest.raises(PeerFailed, match="refused"):
        dnp3_factory().command(command)


# --- the truth ---------------------------------------------------------------------------


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
