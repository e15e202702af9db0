"""Bytes to values: types, word orders, bits, texts and what is no good value."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.modbus.decode import Decoder, decoded_type
from greenlang_data.drivers.modbus.places import Decoded, Place
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import register

FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


def on_the_wire(big_endian: bytes, order: str) -> bytes:
    """Another way to say what the orders mean: cut into words, reverse them, swap in each."""
    cut = [big_endian[at : at + 2] for at in range(0, len(big_endian), 2)]
    if order in ("CDAB", "DCBA"):
        cut.reverse()
    if order in ("BADC", "DCBA"):
        cut = [word[::-1] for word in cut]
    return b"".join(cut)


def decode(data: bytes, one: Register, offset: int = 0) -> Decoded:
    return Decoder([Place(0, one, offset)], 1).decode(np.frombuffer(data, np.uint8))


def value_of(data: bytes, **fields: Any) -> float:
    decoded = decode(data, register("T", **fields))
    assert (decoded.texts, decoded.statuses, decoded.failures) == ({}, {}, {})
    return float(decoded.values[0])


@settings(max_examples=800)
@given(st.data(), st.sampled_from(sorted(FORMATS)), st.sampled_from(ORDERS))
def test_every_type_in_every_order(data: st.DataObject, kind: str, order: str) -> None:
    raw = data.draw(st.binary(min_size=struct.calcsize(FORMATS[kind]), max_size=8))
    raw = raw[: struct.calcsize(FORMATS[kind])]
    expected = struct.unpack(FORMATS[kind], raw)[0]
    one = register("T", type=kind, word_order=order)
    decoded = decode(b"\xee" * 3 + on_the_wire(raw, order), one, offset=3)
    if isinstance(expected, float) and not math.isfinite(expected):
        assert decoded.statuses == {0: "NaN" if math.isnan(expected) else decoded.statuses[0]}
    elif abs(expected) > 2**53 and isinstance(expected, int):
        assert decoded.texts == {0: str(expected)}
    else:
        assert (decoded.statuses, decoded.texts) == ({}, {})
        assert math.copysign(1, decoded.values[0]) == math.copysign(1, expected)
        assert decoded.values[0] == expected


def test_the_four_orders_of_one_number() -> None:
    spelled = {
        "ABCD": bytes.fromhex("42f6e979"),
        "CDAB": bytes.fromhex("e97942f6"),
        "BADC": bytes.fromhex("f64279e9"),
        "DCBA": bytes.fromhex("79e9f642"),
    }
    for order, data in spelled.items():
        assert value_of(data, type="float32", word_order=order) == pytest.approx(123.456)


@given(st.integers(0, 65535), st.integers(0, 15))
def test_bits_count_from_the_least_significant(word: int, bit: int) -> None:
    data = struct.pack(">H", word)
    assert value_of(data, type="bool", bit=bit) == (word >> bit) & 1
    swapped = struct.pack("<H", word)
    assert value_of(swapped, type="bool", bit=bit, word_order="BADC") == (word >> bit) & 1


@given(st.binary(min_size=6, max_size=6))
def test_texts_are_utf8_or_a_failure(raw: bytes) -> None:
    decoded = decode(raw, register("T", type="string", length=3))
    try:
        assert decoded.texts == {0: raw.rstrip(b"\0 ").decode()}
    except UnicodeDecodeError:
        assert decoded.statuses == {0: "InvalidText"}
        assert "not UTF-8" in decoded.failures[0]


@pytest.mark.parametrize(
    ("raw", "text"), [(b"AB\0\0", "AB"), (b"AB  ", "AB"), (b" A\0 ", " A"), (b"\0\0\0\0", "")]
)
def test_padding_at_the_end_of_a_text_is_cut(raw: bytes, text: str) -> None:
    assert decode(raw, register("T", type="string", length=2)).texts == {0: text}


def test_swapped_text() -> None:
    one = register("T", type="string", length=2, word_order="BADC")
    assert decode(b"BA\0C", one).texts == {0: "ABC"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [("7fc00000", "NaN"), ("ffffffff", "NaN"), ("7f800000", "Infinity"), ("ff800000", "-Infinity")],
)
def test_no_number_is_no_value(raw: str, status: str) -> None:
    for scale in (1.0, 0.1):
        one = register("T", type="float32", word_order="ABCD", scale=scale)
        assert decode(bytes.fromhex(raw), one).statuses == {0: status}


def test_large_integers_are_exact_text() -> None:
    for number in (2**53 + 1, 2**64 - 1):
        one = register("T", type="uint64", word_order="ABCD")
        assert decode(struct.pack(">Q", number), one).texts == {0: str(number)}
    assert value_of(struct.pack(">Q", 2**53), type="uint64", word_order="ABCD") == 2**53


def test_an_overflowing_result_is_bad() -> None:
    one = register("T", type="float64", word_order="ABCD", scale=1000.0)
    assert decode(struct.pack(">d", 1e308), one).statuses == {0: "Overflow"}


def test_the_type_tells_whether_values_are_whole() -> None:
    assert decoded_type(register("T", type="int16")) == "int16"
    assert decoded_type(register("T", type="int16", scale=10.0, offset=-5.0)) == "int16"
    assert decoded_type(register("T", type="int16", scale=0.1)) == "float64"
    assert decoded_type(register("T", type="float32", word_order="ABCD", scale=0.1)) == "float32"


def test_overlapping_values_of_all_kinds_in_one_image() -> None:
    data = struct.pack(">f", 1.5) + b"OK"
    ones = [
        register("float", type="float32", word_order="ABCD"),
        register("high", type="uint16"),
        register("bit", type="bool", bit=7),
        register("text", type="string", length=1),
    ]
    places = [Place(row, one, 4 if one.tag == "text" else 0) for row, one in enumerate(ones)]
    decoded = Decoder(places, 4).decode(np.frombuffer(data, np.uint8))
    assert decoded.values[:3].tolist() == [1.5, 0x3FC0, 1.0]
    assert decoded.texts == {3: "OK"}
