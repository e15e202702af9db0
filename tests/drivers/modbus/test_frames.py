"""Requests as bytes, and answers that are judged by their header before they are waited for."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.modbus.frames import (
    READ_REQUESTS,
    BrokenAnswerError,
    Frame,
    check_answer,
    encode_request,
    take_frames,
)
from greenlang_data.drivers.modbus.plan import Span

SPAN = Span(7, "holding", 100, 3)
ANSWER = bytes.fromhex("0005 0000 0009 07 03 06 0001 0002 0003")


def test_only_four_functions_and_all_of_them_read() -> None:
    assert sorted(one.function_code for one in READ_REQUESTS.values()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("table", "function"), [("coil", 1), ("discrete", 2), ("holding", 3), ("input", 4)]
)
def test_request_bytes(table: str, function: int) -> None:
    span = Span(7, table, 0x1234, 9)  # type: ignore[arg-type]
    expected = struct.pack(">HHHBBHH", 0xBEEF, 0, 6, 7, function, 0x1234, 9)
    assert encode_request(span, 0xBEEF) == expected


@pytest.mark.parametrize("table", ["file", "write", 5, 6, 15, 16, 22, 23])
def test_no_other_request_can_be_made(table: object) -> None:
    with pytest.raises(KeyError):
        encode_request(Span(1, table, 0, 1), 1)  # type: ignore[arg-type]


def take(data: bytes, spans: dict[int, Span] | None = None) -> tuple[list[Frame], bytes]:
    buffer = bytearray(data)
    return list(take_frames(buffer, {5: SPAN} if spans is None else spans)), bytes(buffer)


@given(st.integers(0, len(ANSWER)))
def test_an_answer_may_come_in_pieces(cut: int) -> None:
    buffer = bytearray(ANSWER[:cut])
    frames = list(take_frames(buffer, {5: SPAN}))
    buffer += ANSWER[cut:]
    frames += list(take_frames(buffer, {5: SPAN}))
    assert frames == [Frame(5, 7, ANSWER[7:])]
    assert not buffer
    assert check_answer(frames[0], SPAN) is None


def test_two_answers_at_once_and_the_start_of_a_third() -> None:
    frames, rest = take(ANSWER + ANSWER + ANSWER[:4])
    assert len(frames) == 2
    assert rest == ANSWER[:4]


@pytest.mark.parametrize(
    "header",
    [
        "0005 0007 0009 07",  # another protocol
        "0005 0000 0002 07",  # too short for any answer
        "0005 0000 ffff 07",  # longer than any answer
        "0004 0000 00ff 07",
        "0005 0000 0007 07",  # two registers where three were asked for
        "0005 0000 000b 07",  # four
    ],
)
def test_a_header_alone_is_enough_to_refuse(header: str) -> None:
    with pytest.raises(BrokenAnswerError):
        take(bytes.fromhex(header))


@given(st.binary(min_size=7, max_size=600))
def test_any_bytes_are_refused_or_waited_for_within_a_frame(data: bytes) -> None:
    try:
        frames, rest = take(data)
    except BrokenAnswerError:
        return
    assert len(rest) < 260
    assert all(len(frame.body) <= 253 for frame in frames)


def test_an_exception_answer() -> None:
    assert check_answer(Frame(5, 7, bytes([0x83, 2])), SPAN) == 2


@pytest.mark.parametrize(
    ("unit", "body", "message"),
    [
        (8, ANSWER[7:], "unit 8 answered for unit 7"),
        (7, b"\x04" + ANSWER[8:], "function 4 answered function 3"),
        (7, b"\x84\x02", "function 132"),
        (7, b"\x83\x02\x00", "function 131"),
        (7, b"\x03\x04" + ANSWER[9:], "4 bytes came for holding 100-102 where 6 belong"),
        (7, b"\x03\x08" + ANSWER[9:], "8 bytes came"),
        (7, b"\x03\x00", "0 bytes came"),
        (7, ANSWER[7:-2], "6 bytes came"),
    ],
)
def test_an_answer_to_something_else(unit: int, body: bytes, message: str) -> None:
    with pytest.raises(BrokenAnswerError, match=message):
        check_answer(Frame(5, unit, body), SPAN)
