"""The services the driver can ask for, and their answers.

These are all that it can encode: they read, or subscribe to reports of changes. Nothing that
writes, commands, acknowledges alarms or restarts is within reach, whatever a query says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.names import DEVICE, LOG_BUFFER, name_of
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.tags import (
    APPLICATION,
    CLOSING,
    CONTEXT,
    OPENING,
    BrokenAnswerError,
    closing,
    context,
    context_object,
    context_unsigned,
    expect,
    expect_unsigned,
    is_tag,
    minimal_signed,
    opening,
    read_tag,
)
from greenlang_data.drivers.bacnet.values import (
    Failure,
    Value,
    bit_string,
    read_value,
    skip_enclosed,
)

# Around the properties of an object, in requests and answers: a context tag with the object's
# identifier and the opening tag 1; the closing tag 1. Before a value: the opening tag 4.
_OBJECT: Final = struct.Struct(">BIB")
_OBJECT_END: Final = closing(1)
_VALUE: Final = opening(4)


class Confirmed(IntEnum):
    """The confirmed services that can be asked for."""

    SUBSCRIBE_COV = 5
    READ_PROPERTY = 12
    READ_PROPERTY_MULTIPLE = 14
    READ_RANGE = 26


class RangeAnswer(NamedTuple):
    """The answer to a ReadRange: its flags, the records still encoded, the first one's number."""

    is_first: bool
    is_last: bool
    quantity: int
    records: bytes
    sequence: int | None


class IAm(NamedTuple):
    """What a device says of itself when it is asked who it is."""

    object_id: int
    vendor: int


Result = Value | Failure


def read_property(reference: Reference) -> bytes:
    """The request for one property."""
    _, property_id, index = reference
    return context_object(0, reference.object_id) + _property(1, property_id, index)


def read_properties(references: Iterable[Reference]) -> bytes:
    """The request for many properties; those of an object that follow each other share it."""
    parts = []
    for object_id, group in groupby(references, key=lambda one: one.object_id):
        parts.append(_OBJECT.pack(0x0C, object_id, 0x1E))
        parts += [_property(0, one.property_id, one.array_index) for one in group]
        parts.append(_OBJECT_END)
    return b"".join(parts)


@lru_cache(maxsize=4096)
def _property(tag: int, property_id: int, index: int | None) -> bytes:
    encoded = context_unsigned(tag, property_id)
    return encoded if index is None else encoded + context_unsigned(tag + 1, index)


def read_range_by_sequence(object_id: int, sequence: int, count: int) -> bytes:
    """The request for log records from the number ``sequence`` on."""
    number = struct.pack(">BI", 0x24, sequence)
    return _range(object_id, 6, number, count)


def read_range_by_time(object_id: int, date_and_time: bytes, count: int) -> bytes:
    """The request for log records after a date and time, four bytes each."""
    moment = b"\xa4" + date_and_time[:4] + b"\xb4" + date_and_time[4:]
    return _range(object_id, 7, moment, count)


def _range(object_id: int, tag: int, reference: bytes, count: int) -> bytes:
    signed = minimal_signed(count)
    return b"".join(
        [
            context_object(0, object_id),
            context_unsigned(1, LOG_BUFFER),
            opening(tag),
            reference,
            bytes([0x30 | len(signed)]),
            signed,
            closing(tag),
        ]
    )


def subscribe(process: int, object_id: int, confirmed: bool, lifetime: int) -> bytes:
    """The request to report changes of an object for ``lifetime`` seconds."""
    flags = context(2, bytes([confirmed])) + context_unsigned(3, lifetime)
    return unsubscribe(process, object_id) + flags


def unsubscribe(process: int, object_id: int) -> bytes:
    """The request to stop it."""
    return context_unsigned(0, process) + context_object(1, object_id)


def read_property_answer(body: bytes, reference: Reference) -> Value:
    """The value in the answer to :func:`read_property`. Raises BrokenAnswerError."""
    request = read_property(reference)
    if not body.startswith(request):
        raise BrokenAnswerError(f"it is not about {reference}")
    tag = expect(body, len(request), 3, OPENING)
    value, at = read_value(body, tag.start, 3)
    _expect_end(body, at)
    return value


def read_properties_answer(body: bytes, references: Sequence[Reference]) -> list[Result]:
    """The results in the answer to :func:`read_properties`, in the order asked.

    Raises BrokenAnswerError unless exactly these properties are answered in this order.
    """
    results: list[Result] = []
    at = 0
    for head in _heads(tuple(references)):
        if not body.startswith(head, at):
            raise BrokenAnswerError(f"{references[len(results)]} is missing at byte {at}")
        at += len(head)
        result: Result
        if body.startswith(_VALUE, at):
            result, at = read_value(body, at + 1, 4)
        else:
            result, at = read_error(body, expect(body, at, 5, OPENING).start)
            at = expect(body, at, 5, CLOSING).start
        results.append(result)
    if body[at:] != (_OBJECT_END if results else b""):
        raise BrokenAnswerError(f"it does not end at byte {at}")
    return results


@lru_cache(maxsize=1024)
def _heads(references: tuple[Reference, ...]) -> tuple[bytes, ...]:
    """What stands before the result of each in the answer, from the result before on."""
    heads = []
    last = None
    for object_id, property_id, index in references:
        head = _property(2, property_id, index)
        if object_id != last:
            head = _OBJECT.pack(0x0C, object_id, 0x1E) + head
            head = head if last is None else _OBJECT_END + head
        heads.append(head)
        last = object_id
    return tuple(heads)


def read_error(body: bytes, at: int = 0) -> tuple[Failure, int]:
    """An error's class and code, as a failure, and the place after. Raises BrokenAnswerError."""
    error_class, at = expect_unsigned(body, at, 9, APPLICATION)
    code, at = expect_unsigned(body, at, 9, APPLICATION)
    code_name = name_of("error code", code)
    text = f"the device says {code_name} ({name_of('error class', error_class)})"
    return Failure(code_name, text), at


def read_range_answer(body: bytes, object_id: int) -> RangeAnswer:
    """The answer to a ReadRange of a log buffer. Raises BrokenAnswerError."""
    head = context_object(0, object_id) + context_unsigned(1, LOG_BUFFER)
    if not body.startswith(head):
        raise BrokenAnswerError("it is about another log")
    tag = expect(body, len(head), 3, CONTEXT)
    flags = bit_string(body[tag.start : tag.end])
    if len(flags) != 3:
        raise BrokenAnswerError(f"there are {len(flags)} result flags")
    count, at = expect_unsigned(body, tag.end, 4)
    start = expect(body, at, 5, OPENING).start
    at, sequence = skip_enclosed(body, start, 5), None
    records = body[start:at]
    at = expect(body, at, 5, CLOSING).start
    if is_tag(body, at, 6, CONTEXT):
        sequence, at = expect_unsigned(body, at, 6)
    _expect_end(body, at)
    return RangeAnswer(flags[0], flags[1], count, records, sequence)


def read_report(body: bytes) -> tuple[int, dict[Reference, Result]]:
    """The object that a report of a change is about, and its properties. Raises BrokenAnswerError."""
    _, at = expect_unsigned(body, 0, 0)
    at = expect(body, at, 1, CONTEXT).end
    tag = expect(body, at, 2, CONTEXT)
    if tag.size != 4:
        raise BrokenAnswerError("an object identifier has a wrong size")
    object_id = int.from_bytes(body[tag.start : tag.end])
    _, at = expect_unsigned(body, tag.end, 3)
    at = expect(body, at, 4, OPENING).start
    values: dict[Reference, Result] = {}
    while not is_tag(body, at, 4, CLOSING):
        property_id, at = expect_unsigned(body, at, 0)
        index = None
        if is_tag(body, at, 1, CONTEXT):
            index, at = expect_unsigned(body, at, 1)
        at = expect(body, at, 2, OPENING).start
        values[Reference(object_id, property_id, index)], at = read_value(body, at, 2)
        if is_tag(body, at, 3, CONTEXT):
            at = read_tag(body, at).end
    _expect_end(body, read_tag(body, at).start)
    return object_id, values


def read_i_am(body: bytes) -> IAm:
    """The device and its vendor in an I-Am. Raises BrokenAnswerError."""
    tag = expect(body, 0, 12, APPLICATION)
    object_id = int.from_bytes(body[tag.start : tag.end])
    if tag.size != 4 or Reference(object_id).object_type != DEVICE:
        raise BrokenAnswerError("it is from no device")
    _, at = expect_unsigned(body, tag.end, 2, APPLICATION)  # its largest APDU
    _, at = expect_unsigned(body, at, 9, APPLICATION)  # whether it segments
    vendor, at = expect_unsigned(body, at, 2, APPLICATION)
    _expect_end(body, at)
    return IAm(object_id, vendor)


def _expect_end(body: bytes, at: int) -> None:
    if at != len(body):
        raise BrokenAnswerError(f"{len(body) - at} bytes too many")
