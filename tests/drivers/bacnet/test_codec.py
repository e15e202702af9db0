"""The decoders: against bacpypes3's encoders, and against anything that may come instead."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from bacpypes3.apdu import ReadPropertyMultipleACK
from bacpypes3.basetypes import (
    ErrorType,
    PropertyIdentifier,
    ReadAccessResult,
    ReadAccessResultElement,
    ReadAccessResultElementChoice,
)
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.primitivedata import (
    BitString,
    Boolean,
    CharacterString,
    Date,
    Double,
    Enumerated,
    Integer,
    Null,
    ObjectIdentifier,
    OctetString,
    Real,
    Time,
    Unsigned,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.bacnet import messages
from greenlang_data.drivers.bacnet.assembly import Assembly
from greenlang_data.drivers.bacnet.messages import Kind, Message, parse, request
from greenlang_data.drivers.bacnet.records import read_records
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.services import (
    Confirmed,
    read_error,
    read_properties,
    read_properties_answer,
    read_property_answer,
    read_range_answer,
    read_report,
)
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError, read_tag
from greenlang_data.drivers.bacnet.values import Failure, read_value

ONE = Reference(1)


def answer_of_bacpypes3(results: list[tuple[Reference, Any]]) -> bytes:
    """A ReadPropertyMultiple answer, encoded by another library."""
    access = []
    for reference, value in results:
        failed = isinstance(value, ErrorType)
        choice = (
            ReadAccessResultElementChoice(propertyAccessError=value)
            if failed
            else ReadAccessResultElementChoice(propertyValue=AnyValue(value))
        )
        element = ReadAccessResultElement(
            propertyIdentifier=PropertyIdentifier(reference.property_id),
            propertyArrayIndex=reference.array_index,
            readResult=choice,
        )
        identifier = ObjectIdentifier((reference.object_type, reference.object_id & 0x3FFFFF))
        access.append(ReadAccessResult(objectIdentifier=identifier, listOfResults=[element]))
    return bytes(ReadPropertyMultipleACK(listOfReadAccessResults=access).encode().pduData)


numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
CASES = st.one_of(
    numbers.map(lambda one: (Real(one), one, None)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda one: (Double(one), one, None)),
    st.integers(0, 2**32 - 1).map(lambda one: (Unsigned(one), float(one), None)),
    st.integers(-(2**31), 2**31 - 1).map(lambda one: (Integer(one), float(one), None)),
    st.integers(0, 65535).map(lambda one: (Enumerated(one), float(one), None)),
    st.booleans().map(lambda one: (Boolean(one), float(one), None)),
    st.text(max_size=300).map(lambda one: (CharacterString(one), None, one)),
    st.binary(max_size=300).map(lambda one: (OctetString(one), None, f"0x{one.hex()}")),
    st.dates()
    .filter(lambda one: 1900 <= one.year < 2155)
    .map(
        lambda one: (Date((one.year - 1900, one.month, one.day, one.isoweekday())), None, str(one))
    ),
    st.just((Null(()), None, None)),
    st.just((Time((13, 5, 9, 7)), None, "13:05:09.070000")),
    st.just((ObjectIdentifier(("analog-input", 7)), None, "analog-input,7")),
    st.just((BitString([1, 0, 0, 1, 1, 0, 0, 0, 1]), None, "100110001")),
)
references = st.builds(
    Reference,
    st.integers(0, 2**32 - 2),
    st.integers(0, 511),
    st.one_of(st.none(), st.integers(0, 300)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(references, CASES), max_size=6, unique_by=lambda one: one[0].object_id))
def test_what_another_library_encodes(cases: list[tuple[Reference, Any]]) -> None:
    body = answer_of_bacpypes3([(reference, case[0]) for reference, case in cases])
    results = read_properties_answer(body, [reference for reference, _ in cases])
    for result, (_, (_, number, text)) in zip(results, cases, strict=True):
        assert not isinstance(result, Failure)
        assert (result.number, result.text) == (number, text)


def test_an_error_in_between() -> None:
    refused = ErrorType(errorClass="property", errorCode="readAccessDenied")
    other = Reference(2, 77)
    body = answer_of_bacpypes3([(ONE, refused), (other, CharacterString("tank"))])
    failure, name = read_properties_answer(body, [ONE, other])
    assert failure == Failure("read-access-denied", "the device says read-access-denied (property)")
    assert name.text == "tank"


@pytest.mark.parametrize(
    ("content", "number", "text", "status"),
    [
        (b"\x44\x7f\xc0\x00\x00", None, None, "NaN"),
        (b"\x44\xff\x80\x00\x00", None, None, "-Infinity"),
        (b"\x25\x08\x00\x20\x00\x00\x00\x00\x00\x01", None, "9007199254740993", None),
        (b"\x25\x08\x00\x20\x00\x00\x00\x00\x00\x00", 9007199254740992.0, None, None),
        (b"\x35\x08\x80\x00\x00\x00\x00\x00\x00\x00", None, "-9223372036854775808", None),
        (b"\x73\x04\x00\x41", None, "A", None),
        (b"\x72\x05\xe9", None, "é", None),
        (b"\x73\x01\x03\x52", None, None, "UnknownCharacterSet"),
        (b"\x72\x00\xff", None, None, "InvalidText"),
        (b"\xa4\xff\x03\xff\xff", None, "*-03-*", None),
        (b"\xa4\x7d\x01\x02\x04\xb4\x03\x04\x05\x06", None, "2025-01-02T03:04:05.060000", None),
        (b"\x91\x03\x91\x04", None, "[3, 4]", None),
        (b"", None, "[]", None),
        (b"\x0c\x00\x00\x00\x05\x19\x55", None, "0x0c000000051955", None),
    ],
)
def test_values_that_are_no_plain_number(
    content: bytes, number: float | None, text: str | None, status: str | None
) -> None:
    value, at = read_value(content + b"\x4f", 0, 4)
    assert (value.number, value.text, value.status) == (number, text, status)
    assert at == len(content) + 1


DECODERS: dict[str, Callable[[bytes], object]] = {
    "datagram": parse,
    "tag": lambda data: read_tag(data, 0),
    "value": lambda data: read_value(data, 0, 4),
    "error": read_error,
    "records": lambda data: read_records(data, 1),
    "report": read_report,
    "range": lambda data: read_range_answer(data, 20 << 22 | 1),
    "property": lambda data: read_property_answer(data, ONE),
    "properties": lambda data: read_properties_answer(data, [ONE, Reference(1, 111), Reference(2)]),
}
VALID = [
    messages.who_is(5),
    b"\x0c\x00\x00\x00\x01\x19\x55\x3e\x44\x00\x00\x00\x00\x3f",
    (
        b"\x0c\x00\x00\x00\x01\x1e\x29\x55\x4e\x44\x00\x00\x00\x00\x4f\x29\x6f\x5e\x91\x02\x91\x20\x5f\x1f"
        b"\x0c\x00\x00\x00\x02\x1e\x29\x55\x4e\x75\x03\x00\x61\x62\x4f\x1f"
    ),
    (
        b"\x0c\x05\x00\x00\x01\x19\x83\x3a\x05\xc0\x49\x01\x5e\x0e\xa4\x7d\x03\x01\x06\xb4\x0c\x00\x00\x00"
        b"\x0f\x1e\x2c\x41\x20\x00\x00\x1f\x2a\x04\x00\x5f\x69\x2a"
    ),
    (
        b"\x09\x01\x1c\x02\x00\x00\x07\x2c\x00\x00\x00\x05\x39\x3c\x4e\x09\x55\x2e\x44\x3f\x80\x00\x00\x2f"
        b"\x09\x6f\x2e\x82\x04\x00\x2f\x4f"
    ),
    b"\x0e\xa4\x7d\x03\x01\x06\xb4\x0c\x00\x00\x00\x0f\x1e\x8e\x91\x02\x91\x1b\x8f\x1f",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid message in which some bytes were changed, left out or added."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(data)


@pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
@settings(max_examples=300, deadline=None)
@given(data=st.one_of(st.binary(max_size=80), damaged()))
def test_nothing_but_a_broken_answer_comes_of_anything(
    decode: Callable[[bytes], object], data: bytes
) -> None:
    with contextlib.suppress(BrokenAnswerError):
        decode(data)


def test_valid_messages_are_read() -> None:
    assert read_property_answer(VALID[1], ONE).number == 0.0
    report = read_report(VALID[4])
    assert report[0] == 5
    assert report[1][Reference(5)].number == 1.0
    assert report[1][Reference(5, 111)].text == "0000"
    assert read_range_answer(VALID[3], 20 << 22 | 1).sequence == 42
    assert isinstance(read_records(VALID[5], 1)[0].value, Failure)


def test_declared_sizes_take_no_memory() -> None:
    hostile = [
        b"\x75\xff\xff\xff\xff\xff\x00a",
        b"\x85\xff\x7f\xff\xff\xff\x00",
        b"\x75\xfe\xff\xff\x00",
        b"\x2e" * 100_000,
    ]
    tracemalloc.start()
    for data in hostile:
        with pytest.raises(BrokenAnswerError):
            read_value(data, 0, 4)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=64), st.integers(1, 20))
def test_segments_in_order_become_the_whole(parts: list[bytes], window: int) -> None:
    assembly = Assembly()
    confirmed = -1
    for number, part in enumerate(parts):
        more = number + 1 < len(parts)
        told = assembly.add(Message(Kind.COMPLEX_ACK, 1, 14, part, number, window, more))
        confirmed = told.sequence if told is not None else confirmed
        assert number - confirmed <= window
        assert assembly.whole is not more
    assert assembly.body == b"".join(parts)
    assert confirmed == len(parts) - 1


def test_only_reading_and_subscribing_can_be_encoded() -> None:
    assert {int(one) for one in Confirmed} == {5, 12, 14, 26}
    for service in set(range(256)) - {5, 12, 14, 26}:
        with pytest.raises(ValueError, match="is not a valid Confirmed"):
            request(service, 1, b"")
    # Everything else that leaves is fixed: who-is, and the confirmations the protocol needs.
    others = [
        messages.who_is(None),
        messages.segment_ack(1, 2, 3, negative=False),
        messages.notification_ack(9),
    ]
    assert [datagram[6:] for datagram in others] == [
        b"\x10\x08", b"\x40\x01\x02\x03", b"\x20\x09\x01",
    ]  # fmt: skip


def test_a_request_as_the_standard_prints_it() -> None:
    # ASHRAE 135, annex F.3.7: present value and reliability of analog input 33.
    target = Reference(33), Reference(33, 103)
    assert read_properties(target) == bytes.fromhex("0c 00000021 1e 0955 0967 1f")
