"""What a client must find in the historian emulators, computed another way than they do.

Lists of whole events and exact fractions instead of walks and floats; nothing is shared with the emulators
but the formulas of the tags.  Times are ISO texts or aware datetimes, answers carry ticks of
100 ns since 1970 or nanoseconds.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from .historian_tags import DAY, SECOND, Event, catalogue, ticks_of

Moment = str | datetime | int
NANOSECONDS_PER_TICK = 100


def ticks(moment: Moment) -> int:
    """Ticks of an ISO text (with zone), an aware datetime, or ticks themselves."""
    if isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        whole, _, fraction = moment.removesuffix("Z").partition(".")
        base = ticks_of(datetime.fromisoformat(whole).replace(tzinfo=UTC))
        return base + int(fraction.ljust(7, "0") or 0)
    return ticks_of(moment.astimezone(UTC))


def nanoseconds(events: Iterable[Event]) -> list[int]:
    """The time stamps as pandas keeps them."""
    return [event.ticks * NANOSECONDS_PER_TICK for event in events]


def every_event(name: str) -> list[Event]:
    """All events of a tag, one after the other."""
    tag = catalogue()[name]
    return [event for index in range(tag.slots) for event in tag.slot(index)]


@functools.lru_cache(maxsize=8)
def _times(name: str) -> list[int]:
    tag = catalogue()[name]
    return [tag.time(index) for index in range(tag.slots)]


def around(name: str, low: int, high: int) -> list[Event]:
    """The events from low to high and those of one slot more on either side."""
    tag, times = catalogue()[name], _times(name)
    first = max(0, bisect.bisect_left(times, low) - 1)
    last = min(tag.slots, bisect.bisect_right(times, high) + 1)
    return [event for index in range(first, last) for event in tag.slot(index)]


def recorded(
    name: str, start: Moment, end: Moment, boundary: str = "inside", outside: str = "nearest"
) -> list[Event]:
    """Recorded events, both ends included; ``boundary`` and ``outside`` as the emulator's."""
    low, high = ticks(start), ticks(end)
    events = around(name, low, high)
    found = [event for event in events if low <= event.ticks <= high]
    if boundary == "inside":
        return found
    at_low = any(event.ticks == low for event in found)
    at_high = any(event.ticks == high for event in found)
    if boundary == "interpolated":
        first = [] if at_low else [interpolated(name, low)]
        last = [] if at_high else [interpolated(name, high)]
        return [*first, *found, *last]
    strict = outside == "strict"
    before = [e for e in events if e.ticks < low][-1:] if strict or not at_low else []
    after = [e for e in events if e.ticks > high][:1] if strict or not at_high else []
    return [*before, *found, *after]


def interpolated(name: str, moment: Moment) -> Event:
    """The value at one time: a line between good numbers, else what was there before."""
    time, tag = ticks(moment), catalogue()[name]
    events = around(name, time, time)
    earlier = [event for event in events if event.ticks <= time]
    later = [event for event in events if event.ticks > time]
    if not earlier:
        return Event(time, None, good=False)
    left = earlier[-1]
    if left.ticks == time or tag.step or not later or not _numeric(left) or not _numeric(later[0]):
        return Event(time, left.value, left.good, left.questionable, left.substituted)
    start, end = Fraction(str(left.value)), Fraction(str(later[0].value))
    share = Fraction(time - left.ticks, later[0].ticks - left.ticks)
    return Event(time, float(start + (end - start) * share), True, left.questionable)


def _numeric(event: Event) -> bool:
    return event.good and isinstance(event.value, int | float)


def wall_clock_grid(start: datetime, end: datetime, days: int, zone: str) -> list[int]:
    """Ticks of every ``days`` days from start to end at the same time of the wall clock."""
    found: list[int] = []
    count = 0
    local = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    while True:
        moved = (local + timedelta(days=days * count)).replace(tzinfo=ZoneInfo(zone))
        if moved.astimezone(UTC) > end.astimezone(UTC):
            return found
        found.append(ticks(moved))
        count += 1


# --- summaries ---------------------------------------------------------------------------


def _segments(
    name: str, low: int, high: int
) -> list[tuple[Fraction, Fraction, Fraction, Fraction]]:
    """Straight pieces (start, end, first value, last value) of the good curve, exact."""
    tag = catalogue()[name]
    found: list[tuple[Fraction, Fraction, Fraction, Fraction]] = []
    events = around(name, low, high)
    for left, right in zip(events, [*events[1:], None], strict=True):
        start = Fraction(max(left.ticks, low))
        end = Fraction(min(right.ticks if right else high, high))
        if end <= start or not _numeric(left):
            continue
        value = Fraction(str(left.value))
        slope = Fraction(0)
        if right is not None and _numeric(right) and not tag.step:
            slope = (Fraction(str(right.value)) - value) / (right.ticks - left.ticks)
        found.append(
            (start, end, value + slope * (start - left.ticks), value + slope * (end - left.ticks))
        )
    return found


def time_weighted(name: str, start: Moment, end: Moment) -> dict[str, float]:
    """Time-weighted summaries; only those that have a value."""
    low, high = ticks(start), ticks(end)
    pieces = _segments(name, low, high)
    covered = sum((stop - begin for begin, stop, _, _ in pieces), Fraction(0))
    known = {
        "Count": float(covered / SECOND),
        "PercentGood": float(100 * covered / (high - low)),
    }
    if not covered:
        return known
    area = sum((stop - begin) * (a + b) / 2 for begin, stop, a, b in pieces)
    mean = area / covered
    # The mean of the square of a straight piece is (a^2 + ab + b^2) / 3.
    square = sum((stop - begin) * (a * a + a * b + b * b) / 3 for begin, stop, a, b in pieces)
    variance = square / covered - mean * mean
    values = [value for _, _, a, b in pieces for value in (a, b)]
    return known | {
        "Average": float(mean),
        "Total": float(area / DAY),
        "Minimum": float(min(values)),
        "Maximum": float(max(values)),
        "Range": float(max(values) - min(values)),
        "StdDev": math.sqrt(variance),
    }


def event_weighted(
    name: str, start: Moment, end: Moment, *, closed: bool = False
) -> dict[str, float]:
    """Event-weighted summaries over start <= time < end, the end too when ``closed``."""
    low, high = ticks(start), ticks(end)
    events = [
        e
        for e in around(name, low, high)
        if low <= e.ticks and (e.ticks <= high if closed else e.ticks < high)
    ]
    values = [Fraction(str(event.value)) for event in events if _numeric(event)]
    known = {"Count": float(sum(event.good for event in events))}
    if not values:
        return known
    mean = sum(values) / len(values)
    known |= {
        "Average": float(mean),
        "Total": float(sum(values)),
        "Minimum": float(min(values)),
        "Maximum": float(max(values)),
        "Range": float(max(values) - min(values)),
    }
    if len(values) > 1:
        known["StdDev"] = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return known
