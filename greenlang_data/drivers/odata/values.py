"""What each Edm type is on the wire, and the Arrow column that its values become, exactly."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, UnsetType

from greenlang_data.drivers.http.jsons import UnheldError
from greenlang_data.drivers.odata.decimals import decimal_array, decimals_of, plain_decimals
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.moments import (
    INSTANT,
    TIME,
    WALL_CLOCK,
    date_array,
    instant_array,
    time_array,
    wall_clock_array,
)

Convert = Callable[[Sequence[Any]], pa.Array]

INTEGERS: Final = {
    "Edm.Byte": pa.uint8(),
    "Edm.SByte": pa.int8(),
    "Edm.Int16": pa.int16(),
    "Edm.Int32": pa.int32(),
    "Edm.Int64": pa.int64(),
}
_FLOATS: Final = {"Edm.Single": pa.float32(), "Edm.Double": pa.float64()}
_NOT_FINITE: Final = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_INFINITE: Final = ("INF", "-INF")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
ABSENT: Final = msgspec.Raw(b"")
"""Stands for JSON that is missing, as UNSET does for a value."""

_PLAINLY_WHOLE: Final = r"^-?[0-9]+$"
_WHOLE: Final = re.compile(r"[+-]?\d+")

_Text = str | None | UnsetType


class Wire(NamedTuple):
    """How a column is read: what the JSON decoder may find, and what is made of a page of it.

    ``of_texts`` makes the same of an Arrow array of the texts, or None of those that it cannot.
    """

    found: Any
    convert: Convert
    empty: pa.DataType
    of_texts: Callable[[pa.StringArray], pa.Array | None] = lambda texts: None


def is_calendar_date(column: Property) -> bool:
    """Whether the column holds days, in place of points in time."""
    return column.type == "Edm.Date" or (column.type == "Edm.DateTime" and column.date_only)


def wire_of(column: Property) -> Wire:
    """How ``column`` is read. What is no single value is kept as its JSON text."""
    kind = column.type
    if column.members:
        return _TEXT
    if is_calendar_date(column):
        return Wire(_Text, date_array, pa.date32(), date_array)
    if kind == "Edm.Decimal":
        precision, scale = column.precision, column.scale
        return Wire(
            msgspec.Raw,
            lambda values: decimals_of(values, precision, scale),
            decimal_array([], precision, scale).type,
            lambda texts: plain_decimals(texts, precision, scale),
        )
    if kind in INTEGERS:
        return Wire(int | _Text, _integers(INTEGERS[kind]), INTEGERS[kind])
    if kind in _FLOATS:
        return Wire(float | int | _Text, _floats(_FLOATS[kind]), _FLOATS[kind])
    return _PLAIN.get(kind, _JSON)


def convert(column: Property, wire: Wire, values: Sequence[Any]) -> pa.Array | None:
    """A page of one column, or None when the server left it out of every row.

    Raises ValueError, naming the column, for a value that is none of its type, and for a column
    that only some rows have.
    """
    try:
        return wire.convert(values)
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        # Only looked for now, since hardly any server leaves a column out.
        missing = sum(one is UNSET or one is ABSENT for one in values)
        if missing == len(values):
            return None
        if missing:
            raise ValueError(
                f"{column.name} is missing in {missing} of {len(values)} rows"
            ) from None
        told = f"{column.name} ({column.type}): {str(error)[:150]}"
        if isinstance(error, UnheldError):
            raise UnheldError(told, error.remedy) from None
        raise ValueError(told) from None


def _texts(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def _booleans(values: Sequence[bool | None]) -> pa.Array:
    return pa.array(values, pa.bool_())


def _integers(kind: pa.DataType) -> Convert:
    def converted(values: Sequence[Any]) -> pa.Array:
        try:
            return pa.array(values, kind)
        except pa.ArrowInvalid:
            pass
        try:
            return _digits(values).cast(kind)
        except pa.ArrowException:
            return pa.array([_whole(one) if isinstance(one, str) else one for one in values], kind)

    return converted


def _digits(values: Sequence[Any]) -> pa.Array:
    """Texts that are whole numbers. Raises ArrowException for any others, which a cast may take."""
    texts = pa.array(values, pa.string())
    if not pc.all(pc.match_substring_regex(texts, _PLAINLY_WHOLE), min_count=0).as_py():
        raise pa.ArrowInvalid("not all are digits")
    return texts


def _whole(text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no whole number")
    return int(text)


def _floats(kind: pa.DataType) -> Convert:
    def converted(values: Sequence[Any]) -> pa.Array:
        try:
            found = pa.array(values, kind)
        except pa.ArrowInvalid:
            numbers = [_float(one) if isinstance(one, str) else one for one in values]
            found = pa.array(numbers, kind)
        infinite = pc.sum(pc.is_inf(found)).as_py() or 0
        if infinite != sum(one in _INFINITE for one in values):
            raise ValueError(f"a number is larger than a {kind} can be")
        return found

    return converted


def _float(text: str) -> float:
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no number")
    return float(text)


def _binaries(values: Sequence[str | None]) -> pa.Array:
    return pa.array([None if one is None else _binary(one) for one in values], pa.binary())


def _binary(text: str) -> bytes:
    # V4 has the alphabet of URLs, often without padding.
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        raise ValueError("a binary value is no base64") from None


def _json_texts(values: Sequence[msgspec.Raw]) -> pa.Array:
    texts = [bytes(one).decode() for one in values]
    if "" in texts:
        raise ValueError("it is missing")
    return pa.array([None if one == "null" else one for one in texts], pa.string())


_TEXT: Final = Wire(_Text, _texts, pa.string(), _texts)
_JSON: Final = Wire(msgspec.Raw, _json_texts, pa.string())
_PLAIN: Final = {
    "Edm.String": _TEXT,
    "Edm.Guid": _TEXT,
    "Edm.Duration": _TEXT,
    "Edm.Boolean": Wire(bool | None | UnsetType, _booleans, pa.bool_()),
    "Edm.DateTime": Wire(_Text, wall_clock_array, WALL_CLOCK, wall_clock_array),
    "Edm.DateTimeOffset": Wire(_Text, instant_array, INSTANT, instant_array),
    "Edm.Time": Wire(_Text, time_array, TIME, time_array),
    "Edm.TimeOfDay": Wire(_Text, time_array, TIME, time_array),
    "Edm.Binary": Wire(_Text, _binaries, pa.binary()),
}
