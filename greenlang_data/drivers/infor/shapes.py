"""Values as entities write them: dates and numbers in parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from greenlang_data.drivers.cmms.columns import number_of, text_of
from greenlang_data.drivers.cmms.entities import Kind

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def part_of(record: Any, path: str) -> Any:
    """What is at a path of names, such as ``WORKORDERID.JOBNUM``; None when nothing is."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def plain(value: Any, wanted: Kind) -> Any:
    """A part of an entity for a column. Raises ValueError for a shape that is none."""
    if isinstance(value, Mapping):
        if "YEAR" in value:
            moment = instant(value)
            return moment[:10] if wanted is Kind.DAY else moment
        if "NUMOFDEC" in value:
            return number(value)
        raise ValueError(f"{str(value)[:60]} is neither a date nor a number")
    if wanted is Kind.TEXT:
        return text_of(value)
    return None if value == "" else value


def instant(parts: Mapping[str, Any]) -> str:
    """A date in parts as ISO 8601 with its offset.

    ``YEAR`` is not the year but the milliseconds since 1970 at which it began on that clock.
    """
    offset = _offset(str(parts.get("TIMEZONE")))
    year = (_EPOCH + timedelta(milliseconds=int(parts["YEAR"])) + offset).year
    day = f"{year:04d}-{_part(parts, 'MONTH'):02d}-{_part(parts, 'DAY'):02d}"
    time = ":".join(f"{_part(parts, name):02d}" for name in ("HOUR", "MINUTE", "SECOND"))
    thousandths = _part(parts, "SUBSECOND")
    if not 0 <= thousandths <= 999:
        raise ValueError(f"{thousandths} is no part of a second")
    sign = "-" if offset < timedelta(0) else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{day}T{time}.{thousandths:03d}{sign}{hours:02d}:{minutes:02d}"


def number(parts: Mapping[str, Any]) -> Decimal:
    """A number in parts: ``VALUE`` 12345 with ``NUMOFDEC`` 2 is 123.45."""
    value = number_of(parts.get("VALUE"))
    sign = parts.get("SIGN", "+")
    if value is None or sign not in ("+", "-"):
        raise ValueError(f"{str(dict(parts))[:60]} is no number")
    value = value.scaleb(-int(parts["NUMOFDEC"]))
    return value if sign == "+" else -value


def _part(parts: Mapping[str, Any], name: str) -> int:
    return int(parts.get(name) or 0)


def _offset(text: str) -> timedelta:
    if len(text) != 5 or text[0] not in "+-" or not text[1:].isdigit():
        raise ValueError(f"{text!r} is no offset such as +0100")
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return offset if text[0] == "+" else -offset
