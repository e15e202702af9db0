"""Points in time as users write them, turned into UTC without guessing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from greenlang_data.errors import QueryError

_RELATIVE = re.compile(
    r"(?:\*|now)?\s*(?:([+-])\s*(\d+(?:\.\d+)?)\s*(s|sec|min|m|h|d|w))?", re.IGNORECASE
)


def is_relative(value: Any) -> bool:
    """Whether ``value`` is a time counted from the present, such as ``*-1d``, ``-7d`` or ``*``."""
    return isinstance(value, str) and bool(value.strip()) and bool(_matched(value))


def relative_moment(value: str, now: datetime) -> datetime:
    """What ``value`` means at ``now``. Raises QueryError for anything but a relative time.

    >>> relative_moment("*-90min", datetime(2025, 1, 1, tzinfo=UTC)).isoformat()
    '2024-12-31T22:30:00+00:00'
    """
    match = _matched(value)
    if match is None:
        raise QueryError(
            f"{value!r} is not relative to the present", remedy="Use '*', '*-8h' or '-7d'."
        )
    sign, amount, unit = match.groups()
    if sign is None:
        return now
    seconds = float(amount) * _UNITS[unit.lower()]
    try:
        return now + timedelta(seconds=seconds if sign == "+" else -seconds)
    except OverflowError as error:
        raise QueryError(
            f"{value!r} is too far away", remedy="Stay between the years 1 and 9999."
        ) from error


def _matched(value: str) -> re.Match[str] | None:
    # A capital M is minutes to some tools and months to others.
    match = _RELATIVE.fullmatch(value.strip())
    return None if match is None or match[3] == "M" else match


def parse_moment(value: Any) -> datetime:
    """A datetime, date, ISO 8601 string, pandas Timestamp or numpy datetime64 as a datetime.

    Stays naive when it has no zone; a date is its midnight. Raises QueryError for anything else,
    and for fractions finer than a microsecond, which a query cannot carry.
    """
    if isinstance(value, datetime):
        return _plain_datetime(value)
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, str):
        return _parse_text(value)
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _from_numpy(value)
    raise QueryError(
        f"{value!r} is not a point in time",
        remedy="Give a datetime, a date, a pandas Timestamp or an ISO 8601 string.",
    )


def to_utc(moment: datetime, zone: tzinfo) -> datetime:
    """``moment`` in UTC; a naive one is wall-clock time in ``zone``.

    Raises QueryError for wall-clock times that a change of the clocks skips or repeats.
    """
    try:
        if moment.tzinfo is None:
            _check_wall_clock(moment, zone)
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise QueryError(
            f"{moment} is before year 1 or after year 9999 in UTC",
            remedy="Stay a day away from both.",
        ) from error


def utc_window(
    start: datetime | None, end: datetime | None, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """Both ends in UTC, checked: same kind, ``end`` after ``start``, no end without a start."""
    if start is None:
        if end is not None:
            raise QueryError("an end without a start", remedy="Give start too.")
        return None, None
    if end is not None and (start.tzinfo is None) != (end.tzinfo is None):
        raise QueryError(
            f"start {start} and end {end}: one has a time zone and the other has none",
            remedy="Give both with a zone, or both without (then the session's tz holds).",
        )
    utc_start = to_utc(start, zone)
    utc_end = to_utc(end, zone) if end is not None else None
    if utc_end is not None and utc_end <= utc_start:
        raise QueryError(
            f"end {end} is not after start {start}", remedy="Swap them, or widen the window."
        )
    return utc_start, utc_end


def zone_named(name: str) -> tzinfo:
    """The time zone called ``name`` in the IANA database. Raises QueryError when there is none."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise QueryError(
            f"there is no time zone {name!r}", remedy="Use a name such as 'Europe/Berlin'."
        ) from error


def _check_wall_clock(moment: datetime, zone: tzinfo) -> None:
    """Refuse a time that the zone skips or repeats; ``fold=1`` picks the second of two."""
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return
    skipped = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != moment.replace(
        fold=0
    )
    if skipped or moment.fold == 0:
        raise QueryError(
            f"{moment} {'does not exist' if skipped else 'happens twice'} in {zone}, "
            "because the clocks change",
            remedy="Give the time with an offset, such as 2025-10-26T02:30:00+01:00.",
        )


_UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_interval(value: str | float | timedelta) -> float:
    """An interval in seconds: a number of seconds, a timedelta, or text such as ``15min``.

    Text is a number and one of ms, s, min (or m), h, d, w. Raises QueryError for anything else.
    """
    seconds: float | None = None
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str):
        seconds = _interval_seconds(value.strip())
    if seconds is None or not seconds > 0 or seconds == float("inf"):
        raise QueryError(
            f"{value!r} is not an interval", remedy="Use for example '10s', '15min', '1h' or '1d'."
        )
    return seconds


def _interval_seconds(text: str) -> float | None:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(number) :].strip()
    if unit == "M":  # minutes to some tools and months to others
        return None
    unit = unit.lower()
    try:
        amount = float(number) if number else 1.0
    except ValueError:
        return None
    if unit == "ms":
        return amount / 1000
    return amount * _UNITS[unit] if unit in _UNITS else None


def _plain_datetime(value: datetime) -> datetime:
    if type(value) is datetime:
        return value
    if str(value) == "NaT":  # pandas' own is a datetime too; pandas is not imported for this
        raise QueryError("NaT is not a point in time", remedy="Give a real start and end.")
    if getattr(value, "nanosecond", 0):
        raise QueryError(
            f"{value} is finer than a microsecond", remedy="Round it with .floor('us')."
        )
    plain: datetime = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return plain


def _from_numpy(value: Any) -> datetime:
    # numpy gives an int for nanoseconds, so ask for microseconds, and refuse what that would cut.
    coarse = value.astype("datetime64[us]") if value.dtype.kind == "M" else None
    if coarse is None or coarse != value:
        raise QueryError(
            f"{value!r} is not a point in time in whole microseconds",
            remedy="Give a datetime64 of microseconds or coarser.",
        )
    moment: datetime = coarse.item()
    return moment


def _parse_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise QueryError(
            f"{text!r} is not a date or time in ISO 8601",
            remedy="Write 2025-01-31, 2025-01-31T06:00:00 or 2025-01-31T06:00:00+01:00.",
        ) from error
