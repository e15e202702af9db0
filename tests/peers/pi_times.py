"""PI time strings, intervals and grids for the emulator, in ticks of 100 ns since 1970 UTC."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .historian_tags import DAY, EPOCH, HOUR, MINUTE, SECOND, ticks_of

OPEN_END = "9999-12-31T23:59:59.9999999Z"
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "ms": SECOND // 1000}
_CALENDAR_UNITS = ("mo", "d", "w", "y")
_STEP = re.compile(r"([+-]?)\s*(\d+(?:\.\d+)?)\s*(ms|mo|[smhdwy])[a-z]*", re.IGNORECASE)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7})\d*)?)?)?\s*(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_FORMATS = ("%d-%b-%Y %H:%M:%S", "%d-%b-%y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d-%b-%Y", "%d-%b-%y")
_NAMED = {"*": "now", "t": "today", "y": "yesterday"}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def text_of(ticks: int) -> str:
    """ISO text with ``Z`` and 0 to 7 fractional digits, zeros at the end trimmed."""
    seconds, part = divmod(ticks, SECOND)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{part:07d}".rstrip("0") if part else ""
    return f"{_minute_text(minutes)}:{seconds:02d}{fraction}Z"


@functools.lru_cache(maxsize=1 << 14)
def _minute_text(minutes: int) -> str:
    return f"{EPOCH + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"


def parse(text: str, now: int, zone: ZoneInfo) -> int:
    """The ticks of a time string; a ValueError when it is none."""
    text = text.strip()
    match = _ISO.fullmatch(text)
    if match:
        return _iso(match, zone)
    head = re.match(r"\*|[A-Za-z]+", text)
    if head or text[:1] in {"+", "-"}:
        base = _base(head.group() if head else "*", now, zone)
        return _moved(base, text[head.end() if head else 0 :], zone)
    for form in _FORMATS:
        try:
            naive = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the request's
        except ValueError:
            continue
        return ticks_of(naive.replace(tzinfo=zone).astimezone(UTC))
    raise ValueError(f"The specified time '{text}' is not valid.")


def _iso(match: re.Match[str], zone: ZoneInfo) -> int:
    day, clock, seconds, fraction, offset = match.groups()
    local = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{seconds or '00'}")
    if offset:
        aware = datetime.fromisoformat(f"{local:%Y-%m-%dT%H:%M:%S}{offset.upper()}")
    else:
        aware = local.replace(tzinfo=zone)
    return ticks_of(aware.astimezone(UTC)) + int((fraction or "").ljust(7, "0"))


def _base(word: str, now: int, zone: ZoneInfo) -> int:
    name = _NAMED.get(word.lower(), word.lower())
    if name == "now":
        return now
    local = (EPOCH + timedelta(microseconds=now // 10)).astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if name in {"today", "yesterday"}:
        days = 1 if name == "yesterday" else 0
    else:
        found = [day for day, full in enumerate(_WEEKDAYS) if full.startswith(name)]
        if len(name) < 3 or not found:
            raise ValueError(f"The specified time '{word}' is not valid.")
        days = (midnight.weekday() - found[0]) % 7
    return _local_ticks(midnight - timedelta(days=days), zone)


def _local_ticks(naive: datetime, zone: ZoneInfo) -> int:
    return ticks_of(naive.replace(tzinfo=zone).astimezone(UTC))


def _moved(base: int, rest: str, zone: ZoneInfo) -> int:
    rest = rest.strip()
    while rest:
        match = _STEP.match(rest)
        if match is None or not match.group(1):
            raise ValueError(f"The specified time offset '{rest}' is not valid.")
        sign = -1 if match.group(1) == "-" else 1
        base = step(base, float(match.group(2)) * sign, match.group(3).lower(), zone)
        rest = rest[match.end() :].strip()
    return base


def interval(text: str) -> tuple[float, str]:
    """Count and unit of an interval such as ``1h``, ``30s`` or ``1d``."""
    match = _STEP.fullmatch(text.strip())
    if match is None or float(match.group(2)) == 0:
        raise ValueError(f"The specified interval '{text}' is not valid.")
    count = float(match.group(2))
    return (-count if match.group(1) == "-" else count), match.group(3).lower()


def step(ticks: int, count: float, unit: str, zone: ZoneInfo) -> int:
    """A time moved by an interval: wall clock for days and longer, even for the others."""
    if unit not in _CALENDAR_UNITS:
        return ticks + round(count * _UNITS[unit])
    if count != int(count):
        return ticks + round(count * {"d": DAY, "w": 7 * DAY}.get(unit, 30 * DAY))
    seconds, part = divmod(ticks, SECOND)
    local = (EPOCH + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None)
    if unit in {"d", "w"}:
        moved = local + timedelta(days=int(count) * (7 if unit == "w" else 1))
    else:
        months = local.month - 1 + int(count) * (12 if unit == "y" else 1)
        moved = local.replace(year=local.year + months // 12, month=months % 12 + 1)
    return _local_ticks(moved, zone) + part


def grid(start: int, end: int, text: str, zone: ZoneInfo, limit: int) -> list[int]:
    """Times from start to end in steps; each from the start, so that days do not drift.

    One more than ``limit`` at most, which tells the caller that there are too many.
    """
    count, unit = interval(text)
    if end < start:
        count = -abs(count)
    times: list[int] = []
    while len(times) <= limit:
        moment = step(start, count * len(times), unit, zone)
        if moment > end if end >= start else moment < end:
            break
        times.append(moment)
    return times
