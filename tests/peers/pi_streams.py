"""Stream calls of the PI emulator: one function each, from a stream and a request to a body."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import historian_series as series
from .historian_tags import NO_DATA, PT_CREATED, START, Event, State
from .pi_assets import convert
from .pi_call import Call, over_cap
from .pi_values import refuse, timed_value

CALC_FAILED = State("Calc Failed", 249, True)
SUMMARY_TYPES = (
    "Total", "Average", "Minimum", "Maximum", "Range", "StdDev", "PopulationStdDev", "Count",
    "PercentGood",
)  # fmt: skip
_FILTER = re.compile(r"\s*'\.'\s*(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)\s*")


def value(call: Call) -> dict[str, Any]:
    """The snapshot, or the value at ``time``."""
    if call.request.one("time"):
        return call.values([series.at(call.tag, call.time("time", "*"))])[0]
    event = call.tag.last_before(call.settings.now + 1)
    return call.values([event or Event(START, PT_CREATED, good=False)])[0]


def end(call: Call) -> dict[str, Any]:
    """The newest event of all, also of those in the future."""
    event = call.tag.last_before(1 << 62)
    return call.values([event or Event(START, PT_CREATED, good=False)])[0]


def recorded(call: Call) -> dict[str, Any]:
    """Recorded events; more than ``maxCount`` are left out without a word."""
    count = call.integer("maxCount", 1000)
    if count > call.settings.cap:
        raise over_cap("maxCount", call.settings.cap)
    start, stop = call.window()
    events = _bounded(call, start, stop, call.request.one("boundaryType", "Inside").lower())
    limit = min(count, call.settings.silent_cap or count)
    wanted = _filter(call.request.one("filterExpression"))
    return _list(call, itertools.islice(filter(wanted, events), limit))


def _bounded(call: Call, start: int, stop: int, boundary: str) -> Iterator[Event]:
    if boundary not in {"inside", "outside", "interpolated"}:
        raise refuse(400, f"The boundary type '{boundary}' is not valid.")
    tag, down = call.tag, stop < start
    inside = tag.backward(start, stop) if down else tag.forward(start, stop)
    if boundary == "inside":
        return inside
    edges = [
        _edge(call, moment, low, boundary) for moment, low in ((start, not down), (stop, down))
    ]
    return _join(edges, inside)


def _join(edges: list[Event | None], inside: Iterator[Event]) -> Iterator[Event]:
    first, last = edges
    if first is not None:
        yield first
    yield from inside
    if last is not None:
        yield last


def _edge(call: Call, moment: int, low: bool, boundary: str) -> Event | None:
    """What stands at one end of the range beside the events inside."""
    exact = next(call.tag.forward(moment, moment), None) is not None
    if boundary == "interpolated":
        return None if exact else series.at(call.tag, moment)
    if exact and call.settings.outside == "nearest":
        return None
    return call.tag.last_before(moment) if low else call.tag.first_after(moment)


def _filter(expression: str) -> Callable[[Event], bool]:
    if not expression:
        return lambda _: True
    match = _FILTER.fullmatch(expression)
    if match is None:
        raise refuse(400, f"The filter expression '{expression}' is not valid.")
    sign, limit = match[1], float(match[2])
    tests: dict[str, Callable[[float], bool]] = {
        "<": lambda number: number < limit,
        "<=": lambda number: number <= limit,
        ">": lambda number: number > limit,
        ">=": lambda number: number >= limit,
        "=": lambda number: number == limit,
        "<>": lambda number: number != limit,
    }
    return lambda event: event.number is not None and tests[sign](event.number)


def recorded_at_times(call: Call) -> dict[str, Any]:
    """One event for each ``time``, chosen by ``retrievalMode``."""
    return _list(call, [_retrieved(call, moment) for moment in call.times()])


def recorded_at_time(call: Call) -> dict[str, Any]:
    """The event for one ``time``."""
    return call.values([_retrieved(call, call.time("time", "*"))])[0]


def _retrieved(call: Call, moment: int) -> Event:
    mode, tag = call.request.one("retrievalMode", "Auto").lower(), call.tag
    exact = next(tag.forward(moment, moment), None)
    found = {
        "auto": lambda: exact or tag.last_before(moment),
        "atorbefore": lambda: exact or tag.last_before(moment),
        "before": lambda: tag.last_before(moment),
        "atorafter": lambda: exact or tag.first_after(moment),
        "after": lambda: tag.first_after(moment),
        "exact": lambda: exact,
        "interpolated": lambda: series.at(tag, moment),
    }.get(mode)
    if found is None:
        raise refuse(400, f"The retrieval mode '{mode}' is not valid.")
    return found() or Event(moment, NO_DATA, good=False)


def interpolated(call: Call) -> dict[str, Any]:
    """Values on a grid; days and longer steps follow the wall clock of the time zone."""
    start, stop = call.window()
    times = call.grid("interval", "1h", start, stop)
    return _list(call, [series.at(call.tag, moment) for moment in times])


def interpolated_at_times(call: Call) -> dict[str, Any]:
    """Values at each ``time``."""
    return _list(call, [series.at(call.tag, moment) for moment in call.times()])


def plot(call: Call) -> dict[str, Any]:
    """Up to five events of each interval."""
    intervals = call.integer("intervals", 24)
    if intervals * 5 > call.settings.cap:
        raise over_cap("intervals", call.settings.cap)
    start, stop = call.window()
    found = series.plot(call.tag, min(start, stop), max(start, stop), intervals)
    return _list(call, found if stop >= start else reversed(found))


def _list(call: Call, events: Iterable[Event]) -> dict[str, Any]:
    return {"Links": {}, "Items": call.values(events), "UnitsAbbreviation": call.unit}


def summary(call: Call) -> dict[str, Any]:
    """Summaries of each interval, grouped by type as they come out of AF."""
    start, stop = sorted(call.window())
    kinds = _kinds(call.request.all("summaryType") or ["Total"])
    bounds = [start, stop]
    if call.request.one("summaryDuration"):
        bounds = call.grid("summaryDuration", "", start, stop)
        bounds = bounds if bounds[-1] == stop and len(bounds) > 1 else [*bounds, stop]
    if (len(bounds) - 1) * len(kinds) > call.settings.cap:
        raise over_cap("summaryDuration", call.settings.cap)
    known = [
        (left, right, _summaries(call, left, right, closed=right == stop))
        for left, right in itertools.pairwise(bounds)
    ]
    items = [
        {"Type": kind, "Value": _summary_value(call, kind, left, right, results)}
        for kind in kinds
        for left, right, results in known
    ]
    return {"Links": {}, "Items": items}


def _kinds(asked: list[str]) -> list[str]:
    names = {kind.lower(): kind for kind in SUMMARY_TYPES}
    kinds: list[str] = []
    for text in itertools.chain.from_iterable(entry.split(",") for entry in asked):
        if text.lower() == "all":
            kinds += SUMMARY_TYPES
        elif text.lower() in names:
            kinds.append(names[text.lower()])
        else:
            raise refuse(400, f"The summary type '{text}' is not valid.")
    return list(dict.fromkeys(kinds))


def _summaries(call: Call, left: int, right: int, *, closed: bool) -> dict[str, tuple[int, float]]:
    basis = call.request.one("calculationBasis", "TimeWeighted").lower()
    if basis == "timeweighted":
        return series.time_weighted(call.tag, left, right)
    if basis == "eventweighted":
        return series.event_weighted(call.tag, left, right, closed=closed)
    raise refuse(400, f"The calculation basis '{basis}' is not supported.")


def _summary_value(
    call: Call, kind: str, left: int, right: int, results: dict[str, tuple[int, float]]
) -> dict[str, Any]:
    moment = {"earliesttime": left, "mostrecenttime": right}.get(
        call.request.one("timeType", "Auto").lower()
    )
    numeric = call.tag.point_type not in {"Digital", "String", "Timestamp", "Blob"}
    if not numeric and kind != "Count":
        if call.settings.non_numeric == "409":
            raise refuse(409, f"The summary type '{kind}' needs a numeric stream.")
        event = Event(left, CALC_FAILED, good=False)
    elif kind in results:
        event = Event(results[kind][0], results[kind][1])
    else:
        event = Event(left, NO_DATA, good=False)
    event = event._replace(ticks=event.ticks if moment is None else moment)
    unit = {"Count": "s", "PercentGood": "%"}.get(kind, call.unit)
    body = timed_value(event, unit, call.settings.order)
    if event.number is not None and call.unit != call.stream.unit:
        body["Value"] = _summary_in(call, kind, event.number)
    return body


def _summary_in(call: Call, kind: str, number: float) -> float:
    """A summary in the wanted unit; a difference takes the factor and not the offset."""
    if kind in {"Count", "PercentGood"}:
        return number
    if kind == "Total":
        raise refuse(409, "A total cannot be converted.")
    try:
        converted = convert(number, call.stream.unit, call.unit)
        zero = convert(0.0, call.stream.unit, call.unit)
    except ValueError as error:
        raise refuse(409, str(error)) from error
    return converted if kind in {"Average", "Minimum", "Maximum"} else converted - zero


CALLS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "value": value,
    "end": end,
    "recorded": recorded,
    "recordedattime": recorded_at_time,
    "recordedattimes": recorded_at_times,
    "interpolated": interpolated,
    "interpolatedattimes": interpolated_at_times,
    "plot": plot,
    "summary": summary,
}
SINGLE = {"value", "end", "recordedattime"}  # these answer one timed value
