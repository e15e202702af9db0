"""What a historian computes from events: interpolated values and summaries.

Linear between two good numbers unless the tag is stepped; a good value is held until a bad
event comes, and from a bad event until the next good one there is no value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from .historian_tags import DAY, NO_DATA, SECOND, Event, State, Tag


def at(tag: Tag, ticks: int) -> Event:
    """The value at a time, interpolated where the tag allows it."""
    before = _newest_not_after(tag, ticks)
    if before is None:
        return Event(ticks, NO_DATA, good=False)
    after = tag.first_after(ticks)
    left = before.number
    if before.ticks == ticks or tag.step or left is None or after is None:
        return _moved(before, ticks)
    right = after.number
    if right is None:
        return _moved(before, ticks)
    share = (ticks - before.ticks) / (after.ticks - before.ticks)
    return Event(ticks, left + (right - left) * share, questionable=before.questionable)


def _newest_not_after(tag: Tag, ticks: int) -> Event | None:
    return tag.last_before(ticks + 1)


def _moved(event: Event, ticks: int) -> Event:
    return Event(
        ticks, event.value, event.good, event.questionable, event.substituted, False, event.error
    )


@dataclass(frozen=True)
class Piece:
    """A straight stretch of the curve: from one time and value to the next."""

    start: int
    end: int
    first: float
    last: float

    @property
    def span(self) -> int:
        return self.end - self.start


def pieces(tag: Tag, start: int, end: int) -> Iterator[Piece]:
    """The good stretches of the curve between two times."""
    inner = [event for event in tag.forward(start, end) if start < event.ticks < end]
    before = _newest_not_after(tag, start)
    after = tag.first_after(end - 1)
    bounds = [before, *inner, after]
    for left, right in itertools.pairwise(bounds):
        piece = _piece(tag, left, right, start, end)
        if piece is not None and piece.span > 0:
            yield piece


def _piece(tag: Tag, left: Event | None, right: Event | None, start: int, end: int) -> Piece | None:
    value = left.number if left else None
    if left is None or value is None:
        return None
    first, last = max(left.ticks, start), min(right.ticks, end) if right else end
    target = right.number if right else None
    if right is None or target is None or tag.step or right.ticks == left.ticks:
        return Piece(first, last, value, value)
    slope = (target - value) / (right.ticks - left.ticks)
    return Piece(
        first, last, value + slope * (first - left.ticks), value + slope * (last - left.ticks)
    )


def good_span(tag: Tag, start: int, end: int) -> int:
    """The ticks for which the newest event was a good one, whatever its type."""
    events = [e for e in (_newest_not_after(tag, start),) if e is not None]
    events += [e for e in tag.forward(start, end) if start < e.ticks < end]
    marks = [max(event.ticks, start) for event in events] + [end]
    return sum(
        right - left
        for event, (left, right) in zip(events, itertools.pairwise(marks), strict=True)
        if event.good
    )


def time_weighted(tag: Tag, start: int, end: int) -> dict[str, tuple[int, float]]:
    """Every time-weighted summary that has a value, as (time, value) by PI's name."""
    curve = list(pieces(tag, start, end))
    covered = good_span(tag, start, end)
    known: dict[str, tuple[int, float]] = {
        "Count": (start, covered / SECOND),
        "PercentGood": (start, 100.0 * covered / (end - start) if end > start else 0.0),
    }
    if not curve:
        return known
    area = math.fsum((piece.first + piece.last) / 2 * piece.span for piece in curve)
    mean = area / covered
    spread = math.fsum(_square(piece, mean) for piece in curve) / covered
    corners = [(piece.first, piece.start) for piece in curve]
    corners += [(piece.last, piece.end) for piece in curve]
    lowest = min(corners)
    highest = max(corners, key=lambda corner: (corner[0], -corner[1]))
    return known | {
        "Average": (start, mean),
        "Total": (start, mean * covered / DAY),
        "Minimum": (lowest[1], lowest[0]),
        "Maximum": (highest[1], highest[0]),
        "Range": (start, highest[0] - lowest[0]),
        "StdDev": (start, math.sqrt(spread)),
        "PopulationStdDev": (start, math.sqrt(spread)),
    }


def _square(piece: Piece, mean: float) -> float:
    """The integral of the squared distance from the mean over one straight piece."""
    low, high = piece.first - mean, piece.last - mean
    return piece.span * (low * low + low * high + high * high) / 3


def event_weighted(tag: Tag, start: int, end: int, *, closed: bool) -> dict[str, tuple[int, float]]:
    """Every event-weighted summary that has a value; the end counts only when ``closed``."""
    events = [e for e in tag.forward(start, end) if closed or e.ticks < end]
    good = [(event.number, event.ticks) for event in events if event.number is not None]
    known = {"Count": (start, float(sum(event.good for event in events)))}
    if events:
        known["PercentGood"] = (start, 100.0 * sum(e.good for e in events) / len(events))
    if not good:
        return known
    numbers = [number for number, _ in good]
    mean = math.fsum(numbers) / len(numbers)
    squares = math.fsum((number - mean) ** 2 for number in numbers)
    lowest = min(good)
    highest = max(good, key=lambda corner: (corner[0], -corner[1]))
    known |= {
        "Average": (start, mean),
        "Total": (start, math.fsum(numbers)),
        "Minimum": (lowest[1], lowest[0]),
        "Maximum": (highest[1], highest[0]),
        "Range": (start, highest[0] - lowest[0]),
        "PopulationStdDev": (start, math.sqrt(squares / len(numbers))),
    }
    if len(numbers) > 1:
        known["StdDev"] = (start, math.sqrt(squares / (len(numbers) - 1)))
    return known


def plot(tag: Tag, start: int, end: int, intervals: int) -> list[Event]:
    """First, last, lowest, highest and one exceptional event of each interval."""
    found: list[Event] = []
    bounds = [start + (end - start) * index // intervals for index in range(intervals + 1)]
    for left, right in itertools.pairwise(bounds):
        last = right == end
        inside = [e for e in tag.forward(left, right) if last or e.ticks < right]
        found += _chosen(inside)
    return found


def _chosen(inside: list[Event]) -> list[Event]:
    if not inside:
        return []
    places = {0, len(inside) - 1}
    numbers = [(e.number, place) for place, e in enumerate(inside) if e.number is not None]
    if numbers:
        places |= {min(numbers)[1], max(numbers)[1]}
    places |= set([place for place, e in enumerate(inside) if _exceptional(e)][:1])
    return [inside[place] for place in sorted(places)]


def _exceptional(event: Event) -> bool:
    return not event.good or (isinstance(event.value, State) and event.value.is_system)
