"""Each lie of the DNP3 outstation damages exactly what it says, and the next answer is honest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import dnp3_wire as wire
from .dnp3_outstation.lies import FALSE_START, GARBAGE, Lie, Target
from .dnp3_truth import Kind
from .dnp3_wire import Response, Wire
from .launch_dnp3 import Dnp3Peer

ASKED = "1e01 00 01 01"
HONEST = "1e01000101" + "0103000000"
HEADER_BYTES, DATA_BYTES = 10, 17


@pytest.fixture
def peer(dnp3_factory: Callable[..., Dnp3Peer]) -> Dnp3Peer:
    return dnp3_factory(no_unsolicited=True)


def told(peer: Dnp3Peer, lie: Lie, look: Callable[[Wire, int], None]) -> None:
    """Tell a lie in answer to one request, look at it, and make sure that it was the only one."""
    with Wire(peer.port) as connection:
        peer.lie(lie)
        look(connection, connection.send(1, ASKED))
        if lie is not Lie.HALF_FRAME:
            assert connection.read(ASKED).objects.hex() == HONEST
    assert peer.status()["lies_told"] == 1


def fragment_of(peer: Dnp3Peer, lie: Lie) -> tuple[Response, int]:
    """The damaged fragment and the sequence number it should have."""
    found: list[tuple[Response, int]] = []
    told(
        peer,
        lie,
        lambda connection, sequence: found.append((connection.read_fragment(), sequence)),
    )
    return found[0]


def test_bad_checksums(peer: Dnp3Peer) -> None:
    def look(connection: Wire, sequence: int) -> None:
        header, data = connection.octets(HEADER_BYTES), connection.octets(DATA_BYTES)
        assert wire.crc(header[:-2]) != header[-2:]
        assert wire.crc(data[:-2]) == data[-2:]

    told(peer, Lie.BAD_HEADER_CRC, look)


def test_bad_data_checksum(peer: Dnp3Peer) -> None:
    def look(connection: Wire, sequence: int) -> None:
        header, data = connection.octets(HEADER_BYTES), connection.octets(DATA_BYTES)
        assert wire.crc(header[:-2]) == header[-2:]
        assert wire.crc(data[:-2]) != data[-2:]

    told(peer, Lie.BAD_DATA_CRC, look)


@pytest.mark.parametrize(
    ("lie", "addresses"), [(Lie.WRONG_SOURCE, (1, 17)), (Lie.WRONG_DESTINATION, (8, 10))]
)
def test_wrong_addresses(peer: Dnp3Peer, lie: Lie, addresses: tuple[int, int]) -> None:
    def look(connection: Wire, sequence: int) -> None:
        connection.read_fragment()
        assert connection.link == [(0x44, *addresses)]

    told(peer, lie, look)


def test_half_frame(peer: Dnp3Peer) -> None:
    def look(connection: Wire, sequence: int) -> None:
        assert len(connection.octets(HEADER_BYTES + DATA_BYTES)) == (HEADER_BYTES + DATA_BYTES) // 2
        assert connection.ended()

    told(peer, Lie.HALF_FRAME, look)


def test_garbage(peer: Dnp3Peer) -> None:
    def look(connection: Wire, sequence: int) -> None:
        assert connection.octets(len(GARBAGE)) == GARBAGE

    told(peer, Lie.GARBAGE, look)


def test_garbage_before(peer: Dnp3Peer) -> None:
    def look(connection: Wire, sequence: int) -> None:
        assert connection.octets(len(FALSE_START)) == FALSE_START
        assert connection.read_fragment().objects.hex() == HONEST

    told(peer, Lie.GARBAGE_BEFORE, look)


def test_silence(peer: Dnp3Peer) -> None:
    told(peer, Lie.SILENCE, lambda connection, sequence: _assert_silent(connection))


def _assert_silent(connection: Wire) -> None:
    assert connection.silent()


def test_duplicate(peer: Dnp3Peer) -> None:
    def look(connection: Wire, sequence: int) -> None:
        assert connection.read_fragment() == connection.read_fragment()

    told(peer, Lie.DUPLICATE, look)


@pytest.mark.parametrize("lie", [Lie.LOST_SEGMENT, Lie.WRONG_TRANSPORT_SEQUENCE])
def test_segments(peer: Dnp3Peer, lie: Lie) -> None:
    with Wire(peer.port) as connection:
        connection.send(1, "1e06 06")
        honest = [connection.read_frame()[1] for _ in range(4)]
        peer.lie(lie)
        connection.send(1, "1e06 06")
        damaged = [connection.read_frame()[1] for _ in range(4 - (lie is Lie.LOST_SEGMENT))]
        headers = [segment[0] for segment in damaged]
        assert [segment[0] for segment in honest] == [0x40, 0x01, 0x02, 0x83]
        expected = [0x05, 0x06, 0x87] if lie is Lie.LOST_SEGMENT else [0x44, 0x05, 0x06, 0x88]
        assert headers == expected


def test_wrong_sequence(peer: Dnp3Peer) -> None:
    response, sequence = fragment_of(peer, Lie.WRONG_SEQUENCE)
    assert response.sequence == sequence + 1
    assert response.objects.hex() == HONEST


@pytest.mark.parametrize(
    ("lie", "control", "function"),
    [
        (Lie.NOT_FIRST, 0x40, 129),
        (Lie.NEVER_FINAL, 0x80, 129),
        (Lie.WRONG_FUNCTION, 0xC0, 131),
    ],
)
def test_wrong_application_header(peer: Dnp3Peer, lie: Lie, control: int, function: int) -> None:
    response, _ = fragment_of(peer, lie)
    assert (response.control & 0xF0, response.function) == (control, function)
    assert response.objects.hex() == HONEST


@pytest.mark.parametrize(
    ("lie", "objects"),
    [
        (Lie.TRUNCATED_FRAGMENT, HONEST[:-2]),
        (Lie.EMPTY, ""),
        (Lie.HUGE_RANGE, "1e0102" + "00000000" + "ffffffff" + "012a000000"),
        (Lie.HUGE_COUNT, "200728" + "ffff" + "0000" + "01" + "00002842" + "000000000000"),
        (Lie.REVERSED_RANGE, "1e01000900" + "012a000000"),
        (Lie.UNKNOWN_OBJECT, "1e63000000" + "012a000000"),
        (Lie.BAD_QUALIFIER, "1e017f0000" + "012a000000"),
    ],
)
def test_wrong_objects(peer: Dnp3Peer, lie: Lie, objects: str) -> None:
    assert fragment_of(peer, lie)[0].objects.hex() == objects


@pytest.mark.parametrize(
    ("lie", "bit"), [(Lie.NO_FUNCTION, 0x0100), (Lie.NO_OBJECT, 0x0200), (Lie.NO_RANGE, 0x0400)]
)
def test_refusals(peer: Dnp3Peer, lie: Lie, bit: int) -> None:
    response = fragment_of(peer, lie)[0]
    assert (response.objects, response.indications & 0x0F00) == (b"", bit)


def test_every_lie_is_tested() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [lie for lie in Lie if f"Lie.{lie.name}" not in text] == []


def test_lies_skip_count_and_end(peer: Dnp3Peer) -> None:
    with Wire(peer.port) as connection:
        peer.lie(Lie.EMPTY, skip=1, count=2)
        peer.lie(Lie.EMPTY, count=5)
        answers = [connection.read(ASKED).objects.hex() for _ in range(4)]
        peer.truth()
        answers.append(connection.read(ASKED).objects.hex())
    assert answers == [HONEST, "", "", "", HONEST]


def test_lies_in_unsolicited_responses(dnp3_factory: Callable[..., Dnp3Peer]) -> None:
    peer = dnp3_factory()
    with Wire(peer.port) as connection:
        connection.accept_start()
        connection.ask(20, "3c0206")
        peer.lie(Lie.WRONG_SEQUENCE, target=Target.UNSOLICITED)
        assert connection.read(ASKED).objects.hex() == HONEST
        peer.set(Kind.COUNTER, 0, 7)
        report = connection.read_fragment()
        assert (report.unsolicited, report.sequence) == (True, 2)
