"""The decoder against values written from the standard, and against asyncua where that is right."""

from __future__ import annotations

import math
import struct
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.datavalues import Columns, decode_values
from greenlang_data.drivers.opcua.times import NO_TIME
from greenlang_data.drivers.opcua.variants import TYPE_NAMES
from tests.drivers.opcua.encoder import EPOCH_TICKS, NUMBER_FORMATS, Value, array, number, string

RANGES = {2: (8, True), 3: (8, False), 4: (16, True), 5: (16, False), 6: (32, True), 7: (32, False),
          8: (64, True), 9: (64, False)}  # fmt: skip


def numbers(kind: int) -> st.SearchStrategy[Any]:
    if kind == 1:
        return st.booleans()
    if kind in RANGES:
        bits, signed = RANGES[kind]
        low = -(2 ** (bits - 1)) if signed else 0
        return st.integers(low, low + 2**bits - 1)
    return st.floats(width=32 if kind == 10 else 64)


ticks = st.integers(0, 2**63 - 1) | st.integers(EPOCH_TICKS, EPOCH_TICKS + 10**17)
picoseconds = st.integers(0, 9999)
scalars = st.sampled_from(sorted(NUMBER_FORMATS)).flatmap(
    lambda kind: st.tuples(st.just(kind), numbers(kind))
)
variants = st.one_of(
    st.none(),
    st.just((0, None)),
    scalars,
    st.tuples(st.just(12), st.none() | st.text(max_size=20)),
    st.tuples(st.just(15), st.binary(max_size=20)),
)


def encoded(kind: int, content: Any) -> bytes:
    if kind == 0:
        return b"\x00"
    if kind in NUMBER_FORMATS:
        return number(kind, content)
    return bytes([kind]) + string(content)


@st.composite
def value_and_expected(draw: st.DrawFn) -> tuple[Value, Any]:
    variant = draw(variants)
    return (
        Value(
            variant=None if variant is None else encoded(*variant),
            status=draw(st.none() | st.integers(0, 2**32 - 1)),
            source=draw(st.none() | ticks),
            source_pico=draw(st.none() | picoseconds),
            server=draw(st.none() | ticks),
            server_pico=draw(st.none() | picoseconds),
        ),
        variant,
    )


def nanoseconds(time_ticks: int | None, pico: int | None) -> int:
    if time_ticks is None:
        return NO_TIME
    exact = (time_ticks - EPOCH_TICKS) * 100
    if not -(2**63) < exact <= 2**63 - 200:
        return NO_TIME
    return exact + (pico or 0) // 100


def check_row(columns: Columns, row: int, value: Value, variant: Any) -> None:
    kind, content = variant or (0, None)
    assert columns.codes[row] == (value.status or 0)
    assert columns.source[row] == nanoseconds(value.source, value.source_pico)
    assert columns.server[row] == nanoseconds(value.server, value.server_pico)
    assert columns.kinds[row] == kind
    text = columns.texts.get(row)
    if kind in NUMBER_FORMATS and not (isinstance(content, int) and abs(content) > 2**53):
        assert columns.valid[row]
        assert text is None
        found = columns.numbers[row]
        assert found == content or (math.isnan(found) and math.isnan(content))
        return
    assert not columns.valid[row]
    expected = content.hex() if isinstance(content, bytes) else content
    assert text == (None if expected is None else str(expected))


def decode(values: list[Value], tail: bytes = b"\x00\x00\x00\x00") -> tuple[Columns, Reader]:
    reader = Reader(b"".join(value.encode() for value in values) + tail)
    return decode_values(reader, len(values)), reader


@settings(max_examples=300, deadline=None)
@given(st.lists(value_and_expected(), max_size=40))
def test_every_mask_and_type_is_decoded(pairs: list[tuple[Value, Any]]) -> None:
    columns, reader = decode([value for value, _ in pairs])
    assert reader.position == reader.end - 4
    for row, (value, variant) in enumerate(pairs):
        check_row(columns, row, value, variant)


@settings(max_examples=60, deadline=None)
@given(value_and_expected(), value_and_expected(), st.integers(1, 300), st.integers(2, 9))
def test_runs_and_patterns_are_decoded(
    first: tuple[Value, Any], second: tuple[Value, Any], rows: int, period: int
) -> None:
    pairs = [first if row % period else second for row in range(rows)]
    columns, _ = decode([value for value, _ in pairs])
    for row, (value, variant) in enumerate(pairs):
        check_row(columns, row, value, variant)


@pytest.mark.parametrize("mask", range(64))
def test_every_mask_alone(mask: int) -> None:
    value = Value(
        number(11, 2.5) if mask & 1 else None,
        0x40000000 if mask & 2 else None,
        EPOCH_TICKS + 7 if mask & 4 else None,
        1234 if mask & 16 else None,
        EPOCH_TICKS + 9 if mask & 8 else None,
        5678 if mask & 32 else None,
    )
    assert value.encode()[0] == mask
    variant = (11, 2.5) if mask & 1 else None
    for rows in (1, 70, 1500):
        columns, _ = decode([value] * rows)
        check_row(columns, 0, value, variant)
        check_row(columns, rows - 1, value, variant)


@settings(max_examples=150, deadline=None)
@given(st.lists(value_and_expected(), min_size=1, max_size=10))
def test_asyncua_agrees_where_its_field_order_is_right(pairs: list[tuple[Value, Any]]) -> None:
    kept = [
        (value, variant) for value, variant in pairs
        if (value.source_pico is None or value.server is None)
    ]  # fmt: skip
    columns, _ = decode([value for value, _ in kept])
    for row, (value, variant) in enumerate(kept):
        other = struct_from_binary(ua.DataValue, Buffer(value.encode()))
        assert columns.codes[row] == (other.StatusCode.value if other.StatusCode else 0)
        if variant is not None and variant[0] in NUMBER_FORMATS and columns.valid[row]:
            content = other.Value.Value
            found = columns.numbers[row]
            assert found == content or (math.isnan(found) and math.isnan(content))
        if value.source is not None and columns.source[row] != NO_TIME and other.SourceTimestamp:
            micros = int(
                np.datetime64(other.SourceTimestamp.replace(tzinfo=None), "us").astype(int)
            )
            assert abs(columns.source[row] // 1000 - micros) <= 1


@settings(max_examples=200, deadline=None)
@given(st.lists(value_and_expected(), min_size=1, max_size=8), st.data())
def test_an_answer_that_is_cut_off_is_refused(
    pairs: list[tuple[Value, Any]], data: st.DataObject
) -> None:
    content = b"".join(value.encode() for value, _ in pairs)
    keep = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(MalformedAnswerError):
        decode_values(Reader(content[:keep]), len(pairs))
    # Also when other bytes follow within the message, which must not be read.
    with pytest.raises(MalformedAnswerError):
        decode_values(Reader(content[:keep] + b"\x00" * 64, 0, keep), len(pairs))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**31 - 1))
def test_no_bytes_crash_or_hang_it(content: bytes, count: int) -> None:
    began = time.perf_counter()
    with suppress(MalformedAnswerError):
        decode_values(Reader(content), count)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("length", [-(2**31), -2, 2**31 - 1, 1_000_000])
@pytest.mark.parametrize("kind", [12, 15, 16, 22, 0x80 | 11, 0x80 | 12, 0xC0 | 6, 0x80 | 24])
def test_hostile_lengths_cost_nothing(kind: int, length: int) -> None:
    type_id = b"\x00\x05\x01" if kind == 22 else b""
    content = bytes([0x01, kind]) + type_id + struct.pack("<i", length) + b"\x00" * 40
    tracemalloc.start()
    try:
        with pytest.raises(MalformedAnswerError):
            decode_values(Reader(content), 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000


def test_nested_values_without_end_are_refused() -> None:
    with pytest.raises(MalformedAnswerError, match="nested"):
        decode_values(Reader(b"\x01" + b"\x18" * 200 + b"\x00"), 1)


def test_reserved_mask_bits_are_refused() -> None:
    with pytest.raises(MalformedAnswerError, match="reserved"):
        decode_values(Reader(b"\x41\x0b" + b"\x00" * 20), 1)


def test_too_many_dimensions_are_refused() -> None:
    content = array(6, [struct.pack("<i", 1)], [1] * 5000)
    with pytest.raises(MalformedAnswerError, match="dimensions"):
        decode_values(Reader(b"\x01" + content), 1)


def test_take_and_part_keep_texts_with_their_rows() -> None:
    contents: list[Any] = ["a", 5, "c", None, "e"]
    values = [
        Value(encoded(12 if isinstance(one, str) or one is None else 6, one)) for one in contents
    ]
    columns, _ = decode(values)
    assert columns.take(np.array([4, 1, 0])).texts == {0: "e", 2: "a"}
    assert columns.part(2, 5).texts == {0: "c", 2: "e"}
    assert columns.part(1, 2).numbers.tolist() == [5.0]


def test_types_have_the_standard_s_names() -> None:
    for kind, name in enumerate(TYPE_NAMES):
        assert ua.VariantType(kind).name == name
