"""RTU frames, what a line may still say, and what a disturbed line costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.drivers.modbus.frames import BrokenAnswerError
from greenlang_data.drivers.modbus.line import Line, alternating
from greenlang_data.drivers.modbus.plan import Span
from greenlang_data.drivers.modbus.rtu_frames import (
    Shape,
    crc,
    encode_rtu_request,
    shape_of,
    take_rtu_frame,
)
from greenlang_data.errors import ProtocolError, SourceUnreachable
from tests.drivers.modbus.helpers import Rows, config, register, snapshot, values, with_driver
from tests.drivers.modbus.soaking import PER_BLOCK, expected, spoiled_registers
from tests.peers.launch_modbus_faults import FaultPeer
from tests.peers.modbus_fault_session import Fault

Make = Callable[..., FaultPeer]
SPAN = Span(7, "holding", 100, 3)


def bit_by_bit(data: bytes) -> bytes:
    """The checksum as the specification describes it."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            carry = value & 1
            value >>= 1
            if carry:
                value ^= 0xA001
    return bytes([value & 0xFF, value >> 8])


def framed(content: bytes) -> bytes:
    return content + bit_by_bit(content)


ANSWER = framed(bytes.fromhex("07 03 06 0001 0002 0003"))


@given(st.binary(max_size=260))
def test_the_checksum_is_that_of_the_specification_and_of_pymodbus(data: bytes) -> None:
    assert crc(data) == bit_by_bit(data)
    assert FramerRTU.check_CRC(data, int.from_bytes(crc(data), "big"))


@pytest.mark.parametrize(
    ("span", "frame"),
    [
        (Span(1, "holding", 0, 2), "010300000002c40b"),
        (Span(17, "holding", 107, 3), "1103006b00037687"),
        (Span(4, "coil", 10, 13), "0401000a000ddd98"),
    ],
)
def test_request_bytes(span: Span, frame: str) -> None:
    assert encode_rtu_request(span).hex() == frame


@pytest.mark.parametrize("table", ["file", "write", 5, 6, 15, 16])
def test_no_other_request_can_be_made(table: object) -> None:
    with pytest.raises(KeyError):
        encode_rtu_request(Span(1, table, 0, 1))  # type: ignore[arg-type]


@given(st.integers(0, len(ANSWER)))
def test_an_answer_may_come_in_pieces(cut: int) -> None:
    buffer = bytearray(ANSWER[:cut])
    early = take_rtu_frame(buffer)
    if early is None:
        buffer += ANSWER[cut:]
    frame = early or take_rtu_frame(buffer)
    assert frame is not None
    assert (frame.shape, frame.data) == (shape_of(SPAN), ANSWER[3:-2])
    assert frame.raw == ANSWER
    assert not buffer


def test_what_follows_an_answer_stays() -> None:
    buffer = bytearray(ANSWER + framed(b"\x07\x83\x02") + b"\x07")
    assert [take_rtu_frame(buffer), take_rtu_frame(buffer)][1] == (
        Shape(7, 0x83, -1),
        b"\x02",
        framed(b"\x07\x83\x02"),
    )
    assert take_rtu_frame(buffer) is None
    assert buffer == b"\x07"


@given(st.integers(0, len(ANSWER) * 8 - 1))
def test_a_bit_that_turned_is_never_an_answer(bit: int) -> None:
    damaged = bytearray(ANSWER)
    damaged[bit // 8] ^= 1 << bit % 8
    try:
        assert take_rtu_frame(damaged) is None  # a longer answer, which never comes
    except BrokenAnswerError:
        return


@given(st.binary(min_size=3, max_size=600))
def test_no_more_than_a_frame_is_ever_waited_for(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        while take_rtu_frame(buffer) is not None:
            pass
    except BrokenAnswerError:
        return
    assert len(buffer) < 260


tables = st.sampled_from(["holding", "input", "coil", "discrete"])
spans = st.builds(Span, st.integers(0, 3), tables, st.integers(0, 65535), st.integers(1, 20))


@given(spans, st.sets(spans, max_size=6), st.none() | spans)
def test_the_other_question_cannot_be_answered_by_anything_older(
    span: Span, unanswered: set[Span], last: Span | None
) -> None:
    line = Line(owed={shape_of(one): 0.0 for one in unanswered}, last=last and shape_of(last))
    other = line.other_question(span)
    assert (other.unit_id, other.table) == (span.unit_id, span.table)
    assert other.address >= 0
    assert other.end <= 65536
    assert shape_of(other) not in {*line.owed, line.last, shape_of(span)}


def test_only_the_unit_that_answered_is_proven() -> None:
    owed = [shape_of(SPAN), shape_of(SPAN._replace(unit_id=8))]
    line = Line(owed=dict.fromkeys(owed, 5.0))
    others = [SPAN._replace(unit_id=unit) for unit in (7, 8, 9)]
    assert [line.doubts(one) for one in others] == [True, True, False]
    assert [line.quiet_until(unit) for unit in (7, 8, 9)] == [5.0, 5.0, 0.0]
    line.proven(Shape(7, 3, 2))
    assert [line.doubts(one) for one in others] == [False, True, False]
    assert line.doubts(SPAN._replace(quantity=1))


shapes = st.lists(st.builds(Shape, st.integers(1, 2), st.just(3), st.integers(1, 3)), max_size=12)


@given(shapes, st.none() | st.builds(Shape, st.just(1), st.just(3), st.integers(1, 3)))
def test_equal_shapes_meet_only_where_they_have_to(asked: list[Shape], last: Shape | None) -> None:
    order = list(alternating(asked, last))
    assert sorted(order) == list(range(len(asked)))
    met = sum(asked[one] == asked[other] for one, other in pairwise(order))
    most = max((asked.count(shape) for shape in asked), default=0)
    if most <= len(asked) - most:
        assert met == 0
    else:
        assert met <= 2 * most - len(asked)


@pytest.mark.parametrize(
    ("baudrate", "gap"), [(9600, 0.00401), (19200, 0.002005), (115200, 0.00175)]
)
def test_frames_are_3_and_a_half_characters_apart(baudrate: int, gap: float) -> None:
    assert Line(11 / baudrate).gap == pytest.approx(gap, rel=0.001)


# --- over TCP, against a server that spoils its answers ------------------------------------


def use_faulty(
    make: Make, fault: Fault, check: Callable[[ModbusDriver, FaultPeer], object], **options: object
) -> None:
    peer = make(rtu=True, faults=[fault], **options)
    settings = config(
        1,
        spoiled_registers(),
        endpoint=f"rtu+tcp://127.0.0.1:{peer.port}",
        baudrate=115200,
        unit_timeout_seconds=0.2,
    )

    async def use(driver: ModbusDriver) -> None:
        await check(driver, peer)  # type: ignore[misc]

    with_driver(settings, use)


def assert_right(rows: Rows) -> None:
    assert values(rows) == {tag: expected(tag) for tag in rows}


def test_answers_that_all_come_twice_cost_nothing(
    modbus_fault_factory: Make,
) -> None:
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        for _ in range(5):
            log = ReadLog()
            assert_right(await snapshot(driver, log=log))
            assert log.requests <= 6  # three blocks of one shape, and one of another

    use_faulty(modbus_fault_factory, Fault.DUPLICATE, check)


def test_answers_that_come_again_are_never_those_to_later_requests(
    modbus_fault_factory: Make,
) -> None:
    peer = modbus_fault_factory(rtu=True, faults=[Fault.REPEATED], probability=0.2)
    ones = spoiled_registers()
    settings = config(
        1, ones, endpoint=f"rtu+tcp://127.0.0.1:{peer.port}", baudrate=115200, max_block_gap=0
    )

    async def use(driver: ModbusDriver) -> None:
        for _ in range(2):
            await driver.connect()
            assert_right(await snapshot(driver))

    with_driver(settings, use)
    assert peer.outcomes()["repeated"] > 5


def test_answers_in_pieces(modbus_fault_factory: Make) -> None:
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        for _ in range(5):
            assert_right(await snapshot(driver))

    use_faulty(modbus_fault_factory, Fault.SPLIT, check)


def test_a_lie_three_times_in_a_row_is_an_error(modbus_fault_factory: Make) -> None:
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        started = time.monotonic()
        with pytest.raises(ProtocolError, match="unit 0 answered function 3 with"):
            await snapshot(driver)
        assert time.monotonic() - started < 2
        assert not driver.connected

    use_faulty(modbus_fault_factory, Fault.WRONG_UNIT, check)


def test_answers_that_are_all_too_short_are_an_error(modbus_fault_factory: Make) -> None:
    # A shorter answer looks like a late one to a smaller question, so it is no answer at all.
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        started = time.monotonic()
        with pytest.raises((ProtocolError, SourceUnreachable), match=r"answer"):
            await snapshot(driver)
        assert time.monotonic() - started < 4

    use_faulty(modbus_fault_factory, Fault.SHORT, check)


def test_a_unit_that_is_silent_is_an_error_in_time(modbus_fault_factory: Make) -> None:
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        started = time.monotonic()
        with pytest.raises(SourceUnreachable, match=r"unit 1 did not answer within 0\.2 s"):
            await snapshot(driver)
        assert time.monotonic() - started < 3

    use_faulty(modbus_fault_factory, Fault.SILENT, check)


def test_a_late_answer_is_never_that_to_the_next_request(modbus_fault_factory: Make) -> None:
    # One request is asked for ten times, and answered after half of its time or twice as late.
    peer = modbus_fault_factory(rtu=True, faults=[Fault.LATE], probability=0.5, late=0.3)
    ones = spoiled_registers()
    settings = config(
        1, ones, endpoint=f"rtu+tcp://127.0.0.1:{peer.port}", baudrate=115200, max_block_gap=0
    )
    late = 0

    async def use(driver: ModbusDriver) -> None:
        nonlocal late
        for turn in range(16):
            tags = [one.tag for one in ones[PER_BLOCK * turn :][:PER_BLOCK]]
            try:
                async with asyncio.timeout(0.2):
                    await driver.connect()
                    rows = await snapshot(driver, tags)
            except TimeoutError:
                late += 1
                continue
            assert_right(rows)

    with_driver(settings, use)
    assert late


def test_an_idle_line_that_speaks_is_looked_at_before_the_next_request(
    modbus_fault_factory: Make,
) -> None:
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        link = driver._link
        assert link is not None
        link.data_received(framed(b"\x01\x03\x06\x00\x01\x00\x02\x00\x03"))  # type: ignore[attr-defined]
        assert_right(await snapshot(driver, ["U1_0", "U1_1", "U1_2"]))
        link.data_received(b"\xff" * 2000)  # type: ignore[attr-defined]
        assert not driver.connected

    use_faulty(modbus_fault_factory, Fault.SPLIT, check, probability=0.0)


def test_reads_of_one_shape_are_told_apart_by_another(modbus_fault_factory: Make) -> None:
    async def check(driver: ModbusDriver, peer: FaultPeer) -> None:
        counts = []
        for _ in range(4):
            log = ReadLog()
            assert_right(await snapshot(driver, ["U1_0", "U1_1", "U1_2"], log))
            counts.append(log.requests)
        # Each is like the one before, so a small question comes between.
        assert counts == [1, 2, 2, 2]

    use_faulty(modbus_fault_factory, Fault.SPLIT, check, probability=0.0)


def test_registers_of_two_units_on_one_line(modbus_fault_factory: Make) -> None:
    peer = modbus_fault_factory(rtu=True, units=(1, 2))
    ones = [*spoiled_registers(1), *spoiled_registers(2), register("gone", unit_id=9)]
    settings = config(
        1,
        ones,
        endpoint=f"rtu+tcp://127.0.0.1:{peer.port}",
        baudrate=115200,
        unit_timeout_seconds=0.2,
    )

    async def use(driver: ModbusDriver) -> None:
        for _ in range(3):
            rows = await snapshot(driver)
            assert rows.pop("gone")["failure"].startswith("unit 9 did not answer within 0.2 s")
            assert_right(rows)

    with_driver(settings, use)
    assert sum(one["unit"] == 9 for one in peer.requests()) == 1
