"""Which groups and variations there are and how one object of each is written."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

from tests.peers.dnp3_truth import Kind, Number, Value, numeric

CLASSES_GROUP = 60
TIME_GROUP = 50
INDICATIONS_GROUP = 80
TIME_BYTES = 6
LARGEST_RELATIVE_MILLISECONDS = 0xFFFF


class Stamp(enum.Enum):
    """How an object carries its time."""

    NONE = "none"
    ABSOLUTE = "milliseconds since 1970"
    RELATIVE = "milliseconds since the common time of occurrence"


@dataclass(frozen=True)
class Form:
    """How an object of one variation looks; ``bits`` is set for the packed ones."""

    number: Number | None = None
    flags: bool = True
    stamp: Stamp = Stamp.NONE
    bits: int = 0


_TIMED = Stamp.ABSOLUTE


def _single(bits: int) -> dict[int, Form]:
    return {1: Form(flags=False, bits=bits), 2: Form()}


_STATE_EVENT = {1: Form(), 2: Form(stamp=_TIMED), 3: Form(stamp=Stamp.RELATIVE)}
_COUNTER_EVENT = {
    1: Form(Number.UINT32),
    2: Form(Number.UINT16),
    5: Form(Number.UINT32, stamp=_TIMED),
    6: Form(Number.UINT16, stamp=_TIMED),
}
_ANALOG_STATUS = {
    1: Form(Number.INT32),
    2: Form(Number.INT16),
    3: Form(Number.FLOAT32),
    4: Form(Number.FLOAT64),
}
_ANALOG_EVENT = {
    1: Form(Number.INT32),
    2: Form(Number.INT16),
    3: Form(Number.INT32, stamp=_TIMED),
    4: Form(Number.INT16, stamp=_TIMED),
    5: Form(Number.FLOAT32),
    6: Form(Number.FLOAT64),
    7: Form(Number.FLOAT32, stamp=_TIMED),
    8: Form(Number.FLOAT64, stamp=_TIMED),
}

STATIC: dict[Kind, tuple[int, dict[int, Form]]] = {
    Kind.BINARY_INPUT: (1, _single(1)),
    Kind.DOUBLE_BIT_INPUT: (3, _single(2)),
    Kind.BINARY_OUTPUT: (10, _single(1)),
    Kind.COUNTER: (
        20,
        {
            1: Form(Number.UINT32),
            2: Form(Number.UINT16),
            5: Form(Number.UINT32, flags=False),
            6: Form(Number.UINT16, flags=False),
        },
    ),
    Kind.FROZEN_COUNTER: (
        21,
        {
            **_COUNTER_EVENT,
            9: Form(Number.UINT32, flags=False),
            10: Form(Number.UINT16, flags=False),
        },
    ),
    Kind.ANALOG_INPUT: (
        30,
        {
            1: Form(Number.INT32),
            2: Form(Number.INT16),
            3: Form(Number.INT32, flags=False),
            4: Form(Number.INT16, flags=False),
            5: Form(Number.FLOAT32),
            6: Form(Number.FLOAT64),
        },
    ),
    Kind.ANALOG_OUTPUT: (40, _ANALOG_STATUS),
    Kind.TIME_INTERVAL: (TIME_GROUP, {4: Form(flags=False)}),
    Kind.OCTET_STRING: (110, {}),
}
EVENT: dict[Kind, tuple[int, dict[int, Form]]] = {
    Kind.BINARY_INPUT: (2, _STATE_EVENT),
    Kind.DOUBLE_BIT_INPUT: (4, _STATE_EVENT),
    Kind.BINARY_OUTPUT: (11, {1: Form(), 2: Form(stamp=_TIMED)}),
    Kind.COUNTER: (22, _COUNTER_EVENT),
    Kind.FROZEN_COUNTER: (23, _COUNTER_EVENT),
    Kind.ANALOG_INPUT: (32, _ANALOG_EVENT),
    Kind.ANALOG_OUTPUT: (42, _ANALOG_EVENT),
    Kind.OCTET_STRING: (111, {}),
}
STATIC_KINDS = {group: kind for kind, (group, _) in STATIC.items()}
EVENT_KINDS = {group: kind for kind, (group, _) in EVENT.items()}
_STATE_SHIFTS = {Kind.BINARY_INPUT: 7, Kind.DOUBLE_BIT_INPUT: 6, Kind.BINARY_OUTPUT: 7}
_RAW = Form(flags=False)  # octet strings: their variation is their length

DEFAULT_STATIC = {kind: 2 if kind in _STATE_SHIFTS else 1 for kind in Kind} | {
    Kind.TIME_INTERVAL: 4
}
"""As delivered devices have them: analogs lose their fraction, events their time."""
DEFAULT_EVENT = dict.fromkeys(Kind, 1)


def static_form(kind: Kind, variation: int) -> Form | None:
    """How a static object of this variation looks, or None when there is no such variation."""
    return _RAW if kind is Kind.OCTET_STRING else STATIC[kind][1].get(variation)


def event_form(kind: Kind, variation: int) -> Form | None:
    """How an event object of this variation looks, or None when there is no such variation."""
    return _RAW if kind is Kind.OCTET_STRING else EVENT[kind][1].get(variation)


def encode(kind: Kind, form: Form, value: Value, flags: int, time: int) -> bytes:
    """One object without its index, or the state of a packed one in an octet of its own.

    ``time`` is what the form's stamp asks for.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, tuple):
        milliseconds, interval, unit = value
        return milliseconds.to_bytes(TIME_BYTES, "little") + struct.pack("<IB", interval, unit)
    if form.bits:
        return bytes([int(value)])
    if form.number is None:
        shift = _STATE_SHIFTS[kind]
        body = bytes([flags & ((1 << shift) - 1) | int(value) << shift])
    else:
        number, quality = numeric(form.number, value, flags)
        body = struct.pack("<" + form.number, number)
        if form.flags:
            body = bytes([quality]) + body
    if form.stamp is Stamp.ABSOLUTE:
        return body + time.to_bytes(TIME_BYTES, "little")
    return body + time.to_bytes(2, "little") if form.stamp is Stamp.RELATIVE else body


def packed(values: list[int], bits: int) -> bytes:
    """States of one or two bits each, the first one in the lowest bits."""
    whole = 0
    for position, state in enumerate(values):
        whole |= state << (position * bits)
    return whole.to_bytes(-(-len(values) * bits // 8), "little")
