"""Canonical JSON of a single cell: for nested values and for columns of mixed types."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def cell_json(value: Any) -> str | None:
    """The canonical JSON of a cell, or None when it is missing.

    Numbers by their mathematical value (``1.0`` is ``1``), sequences of any type as arrays,
    mappings with sorted keys and without those that are null (Arrow gives every struct all fields),
    anything else as an object with one key that begins with ``$``.

    >>> cell_json({"b": (1.0, None), "a": None})
    '{"b":[1,null]}'
    """
    plain = _plain(value)
    if plain is None:
        return None
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    for kind, convert in _CONVERT:
        if isinstance(value, kind):
            return convert(value)
    if type(value).__name__ == "NAType":
        return None
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return {f"${type(value).__name__}": str(value)}


def _float(value: float) -> Any:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return {"$number": repr(float(value))}
    return int(value) if value.is_integer() else float(value)


def _numpy(value: Any) -> Any:
    if value.dtype.kind not in "mM":
        return _plain(value.tolist())
    label, unit = ("$wall", "M8[ns]") if value.dtype.kind == "M" else ("$duration", "m8[ns]")
    counts = np.atleast_1d(value.astype(unit))
    pairs = zip(counts.astype(np.int64).tolist(), np.isnat(counts).tolist(), strict=True)
    cells = [None if missing else {label: count} for count, missing in pairs]
    return cells if isinstance(value, np.ndarray) else cells[0]


def _mapping(value: Mapping[Any, Any]) -> Any:
    return {str(key): kept for key, item in value.items() if (kept := _plain(item)) is not None}


def _sequence(value: Any) -> Any:
    return [_plain(item) for item in value]


def _bytes(value: Any) -> Any:
    return {"$bytes": bytes(value).hex()}


def _decimal(value: Decimal) -> Any:
    return None if value.is_nan() else {"$decimal": f"{value:f}"}


def _datetime(value: datetime) -> Any:
    if type(value).__name__ == "NaTType":
        return None
    nanosecond = getattr(value, "nanosecond", 0)
    aware = value.tzinfo is not None
    utc = value.astimezone(UTC) if aware else value.replace(tzinfo=UTC)
    # Rebuilt field by field, because the difference of two pandas Timestamps may overflow.
    plain = datetime(*utc.timetuple()[:6], utc.microsecond, tzinfo=UTC)
    return {"$instant" if aware else "$wall": _nanoseconds(plain - _EPOCH) + nanosecond}


def _date(value: date) -> Any:
    return _datetime(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - a date has none


def _duration(value: timedelta) -> Any:
    # A pandas Timedelta counts nanoseconds, but its arithmetic may round them away.
    plain = timedelta(value.days, value.seconds, value.microseconds)
    return {"$duration": _nanoseconds(plain) + getattr(value, "nanoseconds", 0)}


def _clock(value: time) -> Any:
    return {"$clock": value.isoformat()}


def _nanoseconds(value: timedelta) -> int:
    return value // _MICROSECOND * 1000


# In this order: numpy's float64 is a float, and a datetime is a date.
_CONVERT: Final[list[tuple[Any, Callable[[Any], Any]]]] = [
    ((np.ndarray, np.generic), _numpy),
    (int, int),
    (float, _float),
    (Mapping, _mapping),
    ((list, tuple), _sequence),
    ((bytes, bytearray, memoryview), _bytes),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, _date),
    (timedelta, _duration),
    (time, _clock),
]
