"""From the bytes of a property to its value, exactly."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from datetime import date, time
from functools import lru_cache
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.references import object_name
from greenlang_data.drivers.bacnet.tags import (
    APPLICATION,
    CLOSING,
    OPENING,
    BrokenAnswerError,
    Tag,
    read_tag,
    unsigned,
)

_EXACT: Final = 2**53
_UNSPECIFIED: Final = 0xFF
_CENTURY: Final = 1900
_DEEPEST: Final = 16
# Application tags with up to four bytes of content, except booleans, whose value is in the tag.
_SHORT: Final = frozenset(number << 4 | size for number in (0, *range(2, 13)) for size in range(5))
_FOUR_BYTE_REAL: Final = 0x44
_REAL: Final = struct.Struct(">f")
_DOUBLE: Final = struct.Struct(">d")
_CHARACTER_SETS: Final = {0: "utf-8", 3: "utf-32-be", 4: "utf-16-be", 5: "latin-1"}


class Value(NamedTuple):
    """A value: a number, or its exact text where no float64 holds it.

    Both are None when ``status`` says why what came is no value; so it does for a Null.
    """

    data_type: str
    number: float | None = None
    text: str | None = None
    status: str | None = None


class Failure(NamedTuple):
    """Why there is no value: a short name for the column ``status``, and a sentence."""

    status: str | None
    text: str


def read_value(data: bytes, at: int, number: int) -> tuple[Value, int]:
    """What the context tag ``number`` encloses from ``at`` on, and the place after its end.

    Raises BrokenAnswerError when it is not whole.
    """
    # Nearly every value is one primitive of up to four bytes, and flags and states are few.
    end = at + 1 + (data[at] & 7) if at < len(data) else at
    if end < len(data) and data[end] == number << 4 | 0xF and data[at] in _SHORT:
        if data[at] == _FOUR_BYTE_REAL:
            return _finite("Real", _REAL.unpack_from(data, at + 1)[0]), end + 1
        return _short(data[at:end]), end + 1
    values: list[Value] = []
    first = at
    while True:
        tag = read_tag(data, at)
        if tag.form == CLOSING and tag.number == number:
            return _joined(values), tag.start
        if tag.form != APPLICATION:
            end = skip_enclosed(data, at, number)
            content = data[first:end]
            return Value("Constructed", text=f"0x{content.hex()}"), read_tag(data, end).start
        values.append(primitive(data, tag))
        at = tag.end


def skip_enclosed(data: bytes, at: int, number: int) -> int:
    """Where the closing tag ``number`` of what starts at ``at`` is. Raises BrokenAnswerError."""
    inner: list[int] = []
    while True:
        tag = read_tag(data, at)
        if tag.form == OPENING:
            inner.append(tag.number)
            if len(inner) > _DEEPEST:
                raise BrokenAnswerError("values lie too deep within one another")
        elif tag.form == CLOSING:
            if not inner and tag.number == number:
                return at
            if not inner or inner.pop() != tag.number:
                raise BrokenAnswerError(f"closing tag {tag.number} closes nothing")
        at = tag.end


def primitive(data: bytes, tag: Tag) -> Value:
    """The value of one application tag. Raises BrokenAnswerError."""
    decode = _DECODERS.get(tag.number)
    if decode is None:
        raise BrokenAnswerError(f"there is no data type {tag.number}")
    if tag.number == 1:
        if tag.size > 1:
            raise BrokenAnswerError(f"a boolean is {tag.size}")
        return Value("Boolean", float(tag.size))
    return decode(data[tag.start : tag.end])


@lru_cache(maxsize=4096)
def _short(encoded: bytes) -> Value:
    """The value that ``encoded`` is, tag included. Raises BrokenAnswerError."""
    return primitive(encoded, read_tag(encoded, 0))


def _joined(values: list[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    if [one.data_type for one in values] == ["Date", "Time"]:
        return Value("DateTime", text=f"{values[0].text}T{values[1].text}")
    return Value("List", text=json.dumps([_plain(one) for one in values], ensure_ascii=False))


def _plain(value: Value) -> str | int | float | None:
    if value.text is not None:
        return value.text
    if value.number is None:
        return value.status
    return int(value.number) if value.number.is_integer() else value.number


def _real(content: bytes) -> Value:
    return _floating("Real", _REAL, content)


def _double(content: bytes) -> Value:
    return _floating("Double", _DOUBLE, content)


def _floating(data_type: str, form: struct.Struct, content: bytes) -> Value:
    if len(content) != form.size:
        raise BrokenAnswerError(f"a {data_type} has {len(content)} bytes")
    return _finite(data_type, form.unpack(content)[0])


def _finite(data_type: str, number: float) -> Value:
    if math.isfinite(number):
        return Value(data_type, number)
    text = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return Value(data_type, status=text)


def _whole(data_type: str, number: int) -> Value:
    if abs(number) <= _EXACT:
        return Value(data_type, float(number))
    return Value(data_type, text=str(number))


def _signed(content: bytes) -> Value:
    unsigned(content)  # checks the size
    return _whole("Integer", int.from_bytes(content, signed=True))


def _characters(content: bytes) -> Value:
    encoding = _CHARACTER_SETS.get(content[0]) if content else None
    if encoding is None:
        return Value("CharacterString", status="UnknownCharacterSet")
    try:
        return Value("CharacterString", text=content[1:].decode(encoding))
    except UnicodeDecodeError:
        return Value("CharacterString", status="InvalidText")


def _bits(content: bytes) -> Value:
    bits = bit_string(content)
    return Value("BitString", text="".join("1" if bit else "0" for bit in bits))


def bit_string(content: bytes) -> list[bool]:
    """The bits, first one first. Raises BrokenAnswerError."""
    if not content or content[0] > 7 or (len(content) == 1 and content[0]):
        raise BrokenAnswerError("a bit string says that more bits are unused than it has")
    count = (len(content) - 1) * 8 - content[0]
    return [bool(content[1 + bit // 8] & 0x80 >> bit % 8) for bit in range(count)]


def _date(content: bytes) -> Value:
    return Value("Date", text=date_text(content))


def date_text(content: bytes) -> str:
    """ISO 8601, with ``*`` for what is not specified. Raises BrokenAnswerError."""
    day = read_date(content)
    if day is not None:
        return day.isoformat()
    year = "*" if content[0] == _UNSPECIFIED else str(_CENTURY + content[0])
    parts = ["*" if one == _UNSPECIFIED else f"{one:02}" for one in content[1:3]]
    weekday = "" if content[3] == _UNSPECIFIED else f" weekday {content[3]}"
    return f"{year}-{'-'.join(parts)}{weekday}"


def read_date(content: bytes) -> date | None:
    """A calendar day, or None for a pattern. Raises BrokenAnswerError."""
    if len(content) != 4:
        raise BrokenAnswerError(f"a date has {len(content)} bytes")
    if content[0] == _UNSPECIFIED:
        return None
    try:
        return date(_CENTURY + content[0], content[1], content[2])
    except ValueError:
        return None


def _time(content: bytes) -> Value:
    moment = read_time(content)
    if moment is not None:
        return Value("Time", text=moment.isoformat())
    parts = ["*" if one == _UNSPECIFIED else f"{one:02}" for one in content]
    return Value("Time", text=f"{':'.join(parts[:3])}.{parts[3]}")


def read_time(content: bytes) -> time | None:
    """A time of day to a hundredth of a second, or None for a pattern. Raises BrokenAnswerError."""
    if len(content) != 4:
        raise BrokenAnswerError(f"a time has {len(content)} bytes")
    try:
        hour, minute, second, hundredths = content
        return time(hour, minute, second, hundredths * 10_000)
    except ValueError:
        return None


def _object(content: bytes) -> Value:
    if len(content) != 4:
        raise BrokenAnswerError(f"an object identifier has {len(content)} bytes")
    return Value("ObjectIdentifier", text=object_name(int.from_bytes(content)))


_DECODERS: Final[dict[int, Callable[[bytes], Value]]] = {
    0: lambda _: Value("Null", status="Null"),
    1: lambda _: Value("Boolean"),  # its value is in its tag
    2: lambda content: _whole("Unsigned", unsigned(content)),
    3: _signed,
    4: _real,
    5: _double,
    6: lambda content: Value("OctetString", text=f"0x{content.hex()}"),
    7: _characters,
    8: _bits,
    9: lambda content: _whole("Enumerated", unsigned(content)),
    10: _date,
    11: _time,
    12: _object,
}
