"""What the DNP3 outstation holds at start: pure functions of a point's kind and index.

Tests import this without starting anything.  ``value`` and ``flags`` say what a point is,
``numeric`` says what a variation that cannot hold it must report instead.  A restarted outstation
holds these values again.
"""

from __future__ import annotations

import enum
import math
import struct
from datetime import UTC, datetime

Value = bool | int | float | bytes | tuple[int, int, int]


class Kind(enum.StrEnum):
    """The point types, in the order a class 0 poll reports them."""

    BINARY_INPUT = "binary_input"
    DOUBLE_BIT_INPUT = "double_bit_input"
    BINARY_OUTPUT = "binary_output"
    COUNTER = "counter"
    FROZEN_COUNTER = "frozen_counter"
    ANALOG_INPUT = "analog_input"
    ANALOG_OUTPUT = "analog_output"
    TIME_INTERVAL = "time_interval"
    OCTET_STRING = "octet_string"


class Number(enum.StrEnum):
    """The number formats of the counter and analog variations, by their struct letters."""

    INT16 = "h"
    INT32 = "i"
    UINT16 = "H"
    UINT32 = "I"
    FLOAT32 = "f"
    FLOAT64 = "d"


ONLINE = 0x01
RESTART = 0x02
COMM_LOST = 0x04
REMOTE_FORCED = 0x08
LOCAL_FORCED = 0x10
CHATTER_FILTER = 0x20  # binary and double-bit inputs
ROLLOVER = 0x20  # counters
OVER_RANGE = 0x20  # analogs
DISCONTINUITY = 0x40  # counters
REFERENCE_ERROR = 0x40  # analogs

START = datetime(2025, 6, 15, 12, 34, 56, 789000, tzinfo=UTC)
START_MILLISECONDS = 1_749_990_896_789

POINT_COUNTS = {
    Kind.BINARY_INPUT: 40,
    Kind.DOUBLE_BIT_INPUT: 40,
    Kind.BINARY_OUTPUT: 40,
    Kind.COUNTER: 40,
    Kind.FROZEN_COUNTER: 40,
    Kind.ANALOG_INPUT: 100,
    Kind.ANALOG_OUTPUT: 40,
    Kind.TIME_INTERVAL: 2,
    Kind.OCTET_STRING: 10,
}
"""How many points of each kind there are unless the test asks for others."""

ANALOG_SPECIALS: tuple[float, ...] = (
    0.0,
    3.5,  # g30v1 truncates it to 3
    -1.25,  # g30v1 truncates it to -1
    2147483647.0,
    -2147483648.0,
    math.nan,
    math.inf,
    -math.inf,
    1e300,  # beyond float32
    2147483648.0,  # just beyond int32
    32768.0,  # just beyond int16
    0.1,  # float32 rounds it
    -0.0,
    16777217.0,  # the first whole number float32 rounds
    5e-324,  # float32 makes it 0
    1e-40,  # subnormal in float32
)
COUNTER_SPECIALS = (0, 4_294_967_295, 65_535, 65_536, 2_147_483_648)
OCTET_SPECIALS = (
    b"GREENLANG",
    b"\xff\xfe\x80caf\xe9",  # not UTF-8
    b"\x00",
    bytes(range(255)),  # the longest there is
    "W\u00e4rme \u00b0C".encode(),
    b"PADDED\x00\x00",
)
FIRST_FLAGGED_INDEX = 20
FLAG_SPECIALS = (
    0x00,
    ONLINE | RESTART,
    COMM_LOST,
    ONLINE | COMM_LOST,
    ONLINE | REMOTE_FORCED,
    ONLINE | LOCAL_FORCED,
    ONLINE | OVER_RANGE,
    ONLINE | REFERENCE_ERROR,
)
"""The flags of points 20 to 27; binaries have no 0x40, so there point 27 is plain ONLINE."""

_BITS = (Kind.BINARY_INPUT, Kind.DOUBLE_BIT_INPUT, Kind.BINARY_OUTPUT)
_INTEGER_RANGES = {
    Number.INT16: (-(2**15), 2**15 - 1),
    Number.INT32: (-(2**31), 2**31 - 1),
}
_LARGEST_FLOAT32 = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]


def value(kind: Kind, index: int) -> Value:
    """The point's value; double-bit states are 0 intermediate, 1 off, 2 on, 3 indeterminate.

    A time interval is (milliseconds since 1970, interval count, interval unit code).
    """
    if kind is Kind.BINARY_INPUT:
        return index % 3 == 0
    if kind is Kind.DOUBLE_BIT_INPUT:
        return index % 4
    if kind is Kind.BINARY_OUTPUT:
        return index % 2 == 1
    if kind is Kind.TIME_INTERVAL:
        return (START_MILLISECONDS + index * 60_000, index + 1, 2)
    if kind is Kind.OCTET_STRING:
        return OCTET_SPECIALS[index] if index < len(OCTET_SPECIALS) else b"TAG %d" % index
    return number(kind, index)


def number(kind: Kind, index: int) -> int | float:
    """The value of a counter or an analog."""
    if kind is Kind.COUNTER:
        return COUNTER_SPECIALS[index] if index < len(COUNTER_SPECIALS) else index * 1000
    if kind is Kind.FROZEN_COUNTER:
        return COUNTER_SPECIALS[index] if index < len(COUNTER_SPECIALS) else index * 7 + 3
    if index < len(ANALOG_SPECIALS):
        return ANALOG_SPECIALS[index]
    return index * 0.5 - 100 if kind is Kind.ANALOG_INPUT else index * 0.25 - 10


def flags(kind: Kind, index: int) -> int:
    """The point's quality octet without state bits; octet strings and intervals have none."""
    special = index - FIRST_FLAGGED_INDEX
    if kind in (Kind.OCTET_STRING, Kind.TIME_INTERVAL) or not 0 <= special < len(FLAG_SPECIALS):
        return ONLINE
    return FLAG_SPECIALS[special] & (0x3F if kind in _BITS else 0x7F)


def time(kind: Kind, index: int) -> int:
    """When the point last changed, in milliseconds; static objects show it only in g21v5/v6."""
    del kind  # the same for all of them
    return START_MILLISECONDS + index * 1000


def event_class(kind: Kind, index: int) -> int:
    """The event class the point is in: 1, 2 or 3."""
    del kind  # the same for all of them
    return 1 + index % 3


def numeric(form: Number, exact: float, quality: int) -> tuple[int | float, int]:
    """What a variation of this number format reports for a value: (value, flags).

    Integers are truncated toward zero and, like float32, limited to their range with OVER_RANGE;
    NaN as an integer is 0 with OVER_RANGE.  A 16-bit counter shows its low 16 bits.
    """
    if form is Number.FLOAT64:
        return exact, quality
    if form is Number.FLOAT32:
        return _single(exact, quality)
    if form in (Number.UINT16, Number.UINT32):
        return int(exact) & (0xFFFF if form is Number.UINT16 else 0xFFFFFFFF), quality
    lowest, highest = _INTEGER_RANGES[form]
    if math.isnan(exact):
        return 0, quality | OVER_RANGE
    if lowest <= exact <= highest:
        return int(exact), quality
    return (highest if exact > 0 else lowest), quality | OVER_RANGE


def _single(exact: float, quality: int) -> tuple[float, int]:
    try:
        return struct.unpack("<f", struct.pack("<f", exact))[0], quality
    except OverflowError:
        return math.copysign(_LARGEST_FLOAT32, exact), quality | OVER_RANGE
