"""Values that callers give, checked against a column's type and written as OData literals."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.values import INTEGERS, is_calendar_date


def typed(column: Property, value: Any) -> Any:
    """``value`` as the column holds it; None stays. No type is guessed: 1000 is not ``"1000"``.

    Raises ValueError when it is of another type.
    """
    if value is None:
        return None
    if column.members:
        return _member(column, value)
    if is_calendar_date(column):
        return _date(value)
    if column.as_text and column.type in INTEGERS and isinstance(value, str):
        return _whole_number(value)
    check = _CHECKS.get(column.type)
    if check is None:
        raise ValueError(f"a column of type {column.type} cannot be compared")
    return check(value)


def literal(column: Property, value: Any, version: int) -> str:
    """A value made by :func:`typed`, as it stands in a ``$filter`` of that version."""
    if value is None:
        return "null"
    kind = column.type
    if column.members:
        return f"{kind}'{value}'"
    if kind == "Edm.String":
        return _quoted(value)
    if kind == "Edm.Boolean":
        return "true" if value else "false"
    if kind == "Edm.Guid":
        return f"guid'{value}'" if version == 2 else str(value)
    if kind in INTEGERS:
        return f"{value}L" if version == 2 and kind == "Edm.Int64" else str(value)
    if kind == "Edm.Decimal":
        return f"{value:f}M" if version == 2 else f"{value:f}"
    if kind in ("Edm.Double", "Edm.Single"):
        suffix = {"Edm.Double": "d", "Edm.Single": "f"}[kind] if version == 2 else ""
        return f"{value!r}{suffix}"
    if version == 4:
        return str(value.isoformat()).replace("+00:00", "Z")
    return _v2_moment(kind, value)


def _v2_moment(kind: str, value: Any) -> str:
    if kind in ("Edm.Time", "Edm.TimeOfDay"):
        fraction = f".{value.microsecond:06d}".rstrip("0").rstrip(".")
        return f"time'PT{value.hour:02d}H{value.minute:02d}M{value.second:02d}{fraction}S'"
    if kind == "Edm.DateTimeOffset":
        return f"datetimeoffset'{value.isoformat()}'".replace("+00:00", "Z")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return f"datetime'{moment.isoformat()}'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _member(column: Property, value: Any) -> str:
    if value not in column.members:
        raise ValueError(f"{value!r} is not one of {', '.join(column.members[:20])}")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the column holds text, such as {str(value)!r}")  # noqa: TRY004 - as all here
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("the column holds True and False")  # noqa: TRY004 - as all here
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("the column holds whole numbers")  # noqa: TRY004 - as all here
    return value


def _whole_number(text: str) -> int:
    """The number that stands as ``text`` in a frame: 7 is there as "7", and never as "007"."""
    if not text.isdecimal() or str(int(text)) != text:
        raise ValueError("the column holds whole numbers, such as '7'")
    return int(text)


def _decimal(value: Any) -> Decimal:
    try:
        found = None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise ValueError("the column holds decimal numbers")
    return found


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("the column holds numbers")
    return float(value)


def _guid(value: Any) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise ValueError("the column holds identifiers of 32 hexadecimal digits") from None


def _date(value: Any) -> date:
    found = date.fromisoformat(value) if isinstance(value, str) else value
    # How pandas and numpy write a day.
    if isinstance(found, datetime) and found.tzinfo is None and found.time() == time():
        return found.date()
    if not isinstance(found, date) or isinstance(found, datetime):
        raise ValueError("the column holds calendar dates, such as date(2024, 1, 31)")  # noqa: TRY004
    return found


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        raise ValueError("the column holds points in time")  # noqa: TRY004 - as all here
    return found


def _instant(value: Any) -> datetime:
    found = _moment(value)
    if found.tzinfo is None:
        raise ValueError("the column holds instants; give the time with its zone")
    return found.astimezone(UTC)


def _wall_clock(value: Any) -> datetime:
    found = _moment(value)
    if found.tzinfo is not None:
        raise ValueError("the column's times have no zone; give the time without one")
    return found


def _time(value: Any) -> time:
    found = time.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(found, time) or found.tzinfo is not None:
        raise ValueError("the column holds times of day")
    return found


_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "Edm.String": _text,
    "Edm.Boolean": _boolean,
    "Edm.Guid": _guid,
    "Edm.Decimal": _decimal,
    "Edm.Double": _number,
    "Edm.Single": _number,
    "Edm.DateTime": _wall_clock,
    "Edm.DateTimeOffset": _instant,
    "Edm.Time": _time,
    "Edm.TimeOfDay": _time,
    **dict.fromkeys(INTEGERS, _integer),
}
