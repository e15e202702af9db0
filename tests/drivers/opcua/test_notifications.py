"""Decoders of notifications, browse results and definitions, against bytes from the standard."""

from __future__ import annotations

import asyncio
import json
import struct
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader, numeric_node_id
from greenlang_data.drivers.opcua.browsing import Budget, Reference, _results, read_reference
from greenlang_data.drivers.opcua.definitions import (
    Builtin,
    DataType,
    Field,
    Structure,
    UndecodableError,
    decode_structure,
    read_enumeration,
    read_structure,
)
from greenlang_data.drivers.opcua.historyread import _page
from greenlang_data.drivers.opcua.nodes import canonical, encode_node_id
from greenlang_data.drivers.opcua.notifications import read_message, read_publication
from tests.drivers.opcua.encoder import EPOCH_TICKS, Value, number, string
from tests.drivers.opcua.test_datavalues import check_row, value_and_expected

handles = st.integers(0, 2**32 - 1)
items = st.lists(st.tuples(handles, value_and_expected()), max_size=30)


def extension(type_id: int, body: bytes) -> bytes:
    return numeric_node_id(type_id) + b"\x01" + string(body)


def data_change(pairs: list[tuple[int, Value]]) -> bytes:
    content = b"".join(struct.pack("<I", handle) + value.encode() for handle, value in pairs)
    return extension(811, struct.pack("<i", len(pairs)) + content + struct.pack("<i", -1))


def message(sequence: int, notifications: list[bytes]) -> bytes:
    head = struct.pack("<Iqi", sequence, EPOCH_TICKS, len(notifications))
    return head + b"".join(notifications)


def publication(subscription: int, content: bytes) -> bytes:
    available = struct.pack("<iII", 2, 4, 5)
    return (
        struct.pack("<I", subscription)
        + available
        + b"\x00"
        + content
        + struct.pack("<iii", 1, 0, 0)
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 2**32 - 1), st.lists(items, max_size=3))
def test_every_notification_is_decoded(sequence: int, groups: list[list[Any]]) -> None:
    parts = [data_change([(handle, pair[0]) for handle, pair in group]) for group in groups]
    found = read_publication(Reader(publication(7, message(sequence, parts))))
    assert found.subscription == 7
    assert found.message.sequence == sequence
    assert len(found.message.changes) == len(groups)
    assert found.message.keeps_alive == (not groups)
    for group, (numbers, columns) in zip(groups, found.message.changes, strict=True):
        assert numbers.tolist() == [handle for handle, _ in group]
        for row, (_, (value, variant)) in enumerate(group):
            check_row(columns, row, value, variant)


@settings(max_examples=40, deadline=None)
@given(value_and_expected(), value_and_expected(), st.integers(1000, 2500), st.integers(2, 9))
def test_many_notifications_are_decoded(
    first: tuple[Value, Any], second: tuple[Value, Any], rows: int, period: int
) -> None:
    pairs = [first if row % period else second for row in range(rows)]
    content = data_change([(row * 3, value) for row, (value, _) in enumerate(pairs)])
    ((numbers, columns),) = read_message(Reader(message(1, [content]))).changes
    assert numbers.tolist() == [row * 3 for row in range(rows)]
    for row in (0, 1, 1023, 1024, rows - 1):
        check_row(columns, min(row, rows - 1), *pairs[min(row, rows - 1)])


def test_other_notifications() -> None:
    ended = extension(820, struct.pack("<I", 0x800A0000) + b"\x00")
    assert read_message(Reader(message(3, [ended]))).status == 0x800A0000
    events = extension(916, struct.pack("<i", 0))
    assert read_message(Reader(message(3, [events]))).keeps_alive
    with pytest.raises(MalformedAnswerError, match="999"):
        read_message(Reader(message(3, [extension(999, b"")])))


def reference(kind: int, node: bytes, name: str, node_class: int = 2) -> bytes:
    return (
        numeric_node_id(kind) + b"\x01" + node + struct.pack("<H", 2) + string(name)
        + b"\x03" + string("de") + string(name.upper()) + struct.pack("<i", node_class) + b"\x00\x00"
    )  # fmt: skip


node_ids = st.one_of(
    st.integers(0, 255).map(lambda one: (bytes([0, one]), f"i={one}")),
    st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)).map(
        lambda one: (struct.pack("<BHI", 2, *one), f"ns={one[0]};i={one[1]}")
    ),
    st.text(min_size=1, max_size=20).map(
        lambda one: (struct.pack("<BH", 3, 5) + string(one), f"ns=5;s={one}")
    ),
)


@given(node_ids)
def test_the_same_node_has_the_same_bytes(node: tuple[bytes, str]) -> None:
    encoded, text = node
    assert canonical(encoded) == encode_node_id(text, lambda _: 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.tuples(node_ids, st.text(max_size=10)), max_size=8), max_size=5))
def test_every_browse_result_is_decoded(groups: list[list[Any]]) -> None:
    body = struct.pack("<i", len(groups))
    for group in groups:
        body += struct.pack("<I", 0) + string(b"point") + struct.pack("<i", len(group))
        body += b"".join(reference(46, node[0], name) for node, name in group)
    budget = Budget(1000, 1 << 20)
    found = asyncio.run(_results(Reader(body + struct.pack("<i", 0)), len(groups), budget))
    assert budget.references == 1000 - sum(len(group) for group in groups)
    for group, one in zip(groups, found, strict=True):
        assert one.continuation == b"point"
        assert one.references == [
            Reference(numeric_node_id(46), canonical(node[0]), name, name.upper() or name, 2)
            for node, name in group
        ]


def test_nodes_of_other_servers_are_told_apart() -> None:
    far = bytes([0x41, 0]) + struct.pack("<H", 85) + struct.pack("<I", 1)
    assert read_reference(Reader(reference(46, far, "x"))) is None
    named = bytes([0x81, 0]) + struct.pack("<H", 85) + string("urn:x")
    assert read_reference(Reader(reference(46, named, "x"))) is None


DECODERS: list[Callable[[Reader], object]] = [
    read_publication,
    read_message,
    read_reference,
    read_enumeration,
    _page,
    lambda reader: read_structure("x", reader),
    lambda reader: asyncio.run(_results(reader, 1, Budget(1000, 1 << 20))),
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(range(len(DECODERS))), st.binary(max_size=200))
def test_no_bytes_crash_or_hang_a_decoder(which: int, content: bytes) -> None:
    began = time.perf_counter()
    with suppress(MalformedAnswerError):
        DECODERS[which](Reader(content))
    assert time.perf_counter() - began < 2


@settings(max_examples=150, deadline=None)
@given(items.filter(bool), st.data())
def test_a_message_that_is_cut_off_is_refused(group: list[Any], data: st.DataObject) -> None:
    whole = message(1, [data_change([(handle, pair[0]) for handle, pair in group])])
    keep = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(MalformedAnswerError):
        read_message(Reader(whole[:keep]))


def _declaring(length: int) -> list[tuple[Callable[[Reader], object], bytes]]:
    count = struct.pack("<i", length)
    modified = struct.pack("<Ii", 0, -1) + extension(11227, count + b"\x00" * 40)
    return [
        (read_message, message(1, [extension(811, count + b"\x00" * 40)])),
        (read_message, struct.pack("<Iq", 1, 0) + count + b"\x00" * 40),
        (read_publication, struct.pack("<I", 1) + count + b"\x00" * 40),
        (read_enumeration, count + b"\x00" * 40),
        (_page, modified),
        (DECODERS[5], b"\x00\x00\x00\x00" + struct.pack("<i", 0) + count + b"\x00" * 40),
        (DECODERS[6], struct.pack("<iIi", 1, 0, -1) + count + b"\x00" * 40),
        (DECODERS[6], count + b"\x00" * 40),
    ]


@pytest.mark.parametrize("length", [-(2**31), 2**31 - 1, 1_000_000])
@pytest.mark.parametrize("place", range(len(_declaring(0))))
def test_hostile_lengths_cost_nothing(place: int, length: int) -> None:
    decode, content = _declaring(length)[place]
    tracemalloc.start()
    try:
        with pytest.raises(MalformedAnswerError):
            decode(Reader(content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


# --- structures --------------------------------------------------------------------------

DOUBLE, INT16, STRING = numeric_node_id(11), numeric_node_id(4), numeric_node_id(12)
TYPES: dict[bytes, DataType] = {DOUBLE: Builtin(11), INT16: Builtin(4), STRING: Builtin(12)}
FIELDS = (
    Field("A", DOUBLE, -1, False),
    Field("B", INT16, 1, True),
    Field("C", STRING, -1, True),
)


@given(
    st.floats(allow_nan=False),
    st.none() | st.lists(st.integers(-(2**15), 2**15 - 1), max_size=5),
    st.none() | st.text(max_size=10),
)
def test_optional_fields(a: float, b: list[int] | None, c: str | None) -> None:
    body = struct.pack("<Id", (b is not None) | (c is not None) << 1, a)
    if b is not None:
        body += struct.pack(f"<i{len(b)}h", len(b), *b)
    if c is not None:
        body += string(c)
    found = decode_structure(Reader(body), Structure("S", 1, FIELDS), TYPES)
    assert found == {"A": a, "B": b, "C": c}
    with pytest.raises(UndecodableError):
        decode_structure(Reader(body + b"\x00"), Structure("S", 1, FIELDS), TYPES)
    with pytest.raises(UndecodableError):
        decode_structure(Reader(body[:-1]), Structure("S", 1, FIELDS), TYPES)


def test_unions_and_unknown_shapes() -> None:
    union = Structure("U", 2, FIELDS)
    assert decode_structure(Reader(struct.pack("<I", 0)), union, TYPES) == {}
    assert decode_structure(Reader(struct.pack("<I", 3) + string("x")), union, TYPES) == {"C": "x"}
    for body, structure in (
        (struct.pack("<I", 4), union),
        (b"", Structure("S", 3, FIELDS)),
        (b"\x00" * 8, Structure("S", 0, (Field("X", numeric_node_id(9999), -1, False),))),
        (b"\x00" * 8, Structure("S", 0, (Field("X", DOUBLE, 2, False),))),
    ):
        with pytest.raises(UndecodableError):
            decode_structure(Reader(body), structure, TYPES)


def test_a_structure_that_holds_itself_ends() -> None:
    own = numeric_node_id(5000)
    endless = Structure("S", 0, (Field("Again", own, -1, False),))
    with pytest.raises(UndecodableError, match="nested"):
        decode_structure(Reader(b""), endless, {own: endless})
    many = Structure("S", 0, (Field("All", own, 1, False),))
    empty = Structure("E", 0, ())
    with pytest.raises(UndecodableError):
        decode_structure(Reader(struct.pack("<i", 2**31 - 1)), many, {own: empty})


def test_handles_that_were_never_given_are_kept_as_they_are() -> None:
    content = data_change([(2**32 - 1, Value(number(11, 1.5)))])
    ((numbers, columns),) = read_message(Reader(message(1, [content]))).changes
    assert numbers.dtype == np.uint32
    assert numbers.tolist() == [2**32 - 1]
    assert json.loads(str(columns.numbers[0])) == 1.5
