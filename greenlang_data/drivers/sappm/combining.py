"""What the rows of a part come to for each record: sums, dates and the latest of its readings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.sappm.clock import parted
from greenlang_data.drivers.sappm.periods import latest
from greenlang_data.drivers.sappm.values import exact, without_zeros

HOURS_IN: Final[Mapping[str, Decimal | Fraction]] = MappingProxyType({
    "H": Decimal(1), "HR": Decimal(1), "HUR": Decimal(1), "STD": Decimal(1),
    "MIN": Fraction(1, 60), "S": Fraction(1, 3600), "SEC": Fraction(1, 3600),
})  # fmt: skip
"""Hours in a unit of work: SAP's codes, internal and external, and ISO's.

A day of work is not 24 hours, so days are not here; ``work_units`` tells what they are at a site.
"""

_Moment = tuple[Any, Any]
Filled = dict[str, dict[str, Any]]
"""By column, the value of each record; an instant is its day and its time on the plant's clock."""


def combined(part: str, table: pa.Table, units: Mapping[str, Decimal], log: ReadLog) -> Filled:
    """The columns that the rows of ``part`` fill."""
    if part == "operation":
        return {"labor_hours": _hours(table, {**HOURS_IN, **units}, log), **_execution(table, log)}
    return _MAKERS[part](table, log)


def _rows(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Rows of some columns, the record's number first; what is not there is None."""
    columns = [
        table.column(name).to_pylist() if name in table.schema.names else [None] * table.num_rows
        for name in ("record", *names)
    ]
    for record, *values in zip(*columns, strict=True):
        if record:
            yield without_zeros(record), *values


def _hours(
    table: pa.Table, units: Mapping[str, Decimal | Fraction], log: ReadLog
) -> dict[str, Decimal | None]:
    sums: dict[str, Fraction] = defaultdict(Fraction)
    unknown: set[str] = set()
    told: set[str] = set()
    for record, work, unit in _rows(table, "work", "unit"):
        amount = exact(work)
        sums[record] += 0
        if amount is not None:
            told.add(record)
        if not amount:
            continue
        hours = units.get(unit or "")
        if hours is None:
            unknown.add(record)
            log.caution(
                f"how many hours a {unit!r} of work is, is not known, so labor_hours of orders "
                "with such work are missing; name it in work_units"
            )
        else:
            sums[record] += Fraction(amount) * Fraction(hours)
    known = told - unknown
    return {one: _decimal(total) if one in known else None for one, total in sums.items()}


def _execution(table: pa.Table, log: ReadLog) -> Filled:
    """When the first operation of an order was begun, and when the last one was ended.

    The end is not known while an operation that was begun has none. Each is a day and a time.
    """
    starts: dict[str, _Moment] = {}
    ends: dict[str, _Moment | None] = {}
    dated = [name for name in ("start_day", "end_day") if name in table.schema.names]
    for name in dated:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, _days(table, name))
    for record, *moments in _rows(table, "start_day", "start_time", "end_day", "end_time"):
        start, end = (moments[0], moments[1]), (moments[2], moments[3])
        if start[0] is not None:
            starts[record] = min(start, starts.get(record, start), key=_in_order)
        if end[0] is not None:
            last = ends.get(record, end)
            ends[record] = None if last is None else max(end, last, key=_in_order)
        elif start[0] is not None:
            ends[record] = None
    if dated:
        log.note(
            "actual_start is when the first operation was begun, actual_finish when the last one "
            "was ended, of orders whose work is done"
        )
    return {"actual_start": starts, "actual_finish": ends}


def _in_order(moment: _Moment) -> tuple[Any, str]:
    return moment[0], str(moment[1] or "")


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _costs(table: pa.Table, log: ReadLog) -> Filled:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    currencies: dict[str, set[str]] = defaultdict(set)
    for record, amount, currency in _rows(table, "amount", "currency"):
        exactly = exact(amount)
        if exactly is not None:
            sums[record] += exactly
            currencies[record].add(currency or "")
    mixed = {one for one, found in currencies.items() if len(found) > 1}
    if mixed:
        log.caution(
            f"cost_total of {len(mixed)} orders is missing, as their costs are in several "
            "currencies"
        )
    told = sorted({one for found in currencies.values() for one in found} - {""})
    log.note(f"cost_total is in {', '.join(told) or 'a currency that is not told'}")
    return {"cost_total": {one: None if one in mixed else sum_ for one, sum_ in sums.items()}}


def _dates(table: pa.Table, log: ReadLog) -> Filled:
    """Of a plan's calls: the first that is still to come, and the last that was done."""
    coming: dict[str, date] = {}
    done: dict[str, tuple[date, date | None]] = {}
    table = pa.table({name: _days(table, name) for name in table.schema.names})
    for record, planned, completed in _rows(table, "planned", "completed"):
        if completed is not None:
            if record not in done or completed > done[record][0]:
                done[record] = (completed, planned)
        elif planned is not None:
            coming[record] = min(planned, coming.get(record, planned))
    log.note(
        "next_date is the earliest planned date of the calls that are not completed, "
        "last_start_date the planned date of the last that is"
    )
    return {
        "next_date": coming,
        "last_completed_date": {one: when for one, (when, _) in done.items()},
        "last_start_date": {one: planned for one, (_, planned) in done.items()},
    }


def _sites(table: pa.Table, log: ReadLog) -> Filled:
    if "period" in table.schema.names:
        table = latest(table, "record", "period")
    return {"site": {record: site or None for record, site in _rows(table, "site")}}


def _agreed(table: pa.Table, names: tuple[str, ...], what: str, log: ReadLog) -> Filled:
    """The values of each record of which all its rows tell the same; where they differ, none."""
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    differing: dict[str, set[str]] = {name: set() for name in names}
    for record, *values in _rows(table, *names):
        for name, value in zip(names, values, strict=True):
            if found[name].setdefault(record, value) != value:
                differing[name].add(record)
    for name, records in differing.items():
        if records:
            log.caution(f"{name} of {len(records)} plans is missing, as their {what} differ in it")
            found[name].update(dict.fromkeys(records))
    return {
        name: {one: value or None for one, value in told.items()} for name, told in found.items()
    }


def _items(table: pa.Table, log: ReadLog) -> Filled:
    found = _agreed(table, ("site", "asset_id", "location_id"), "items", log)
    found["asset_id"] = {one: without_zeros(asset) for one, asset in found["asset_id"].items()}
    return found


def _cycles(table: pa.Table, log: ReadLog) -> Filled:
    found = _agreed(table, ("frequency", "frequency_unit"), "cycles", log)
    found["frequency"] = {one: exact(value) for one, value in found["frequency"].items()}
    return found


def _readings(table: pa.Table, log: ReadLog) -> Filled:
    """The latest document of each point; of several of one time the last that was entered."""
    best: dict[str, tuple[tuple[Any, ...], Any, Any]] = {}
    taken_back = 0
    table = table.set_column(table.schema.get_field_index("day"), "day", _days(table, "day"))
    for record, day, time, number, reading, unit, is_reversed in _rows(
        table, "day", "time", "number", "reading", "unit", "reversed"
    ):
        if is_reversed:
            taken_back += 1
        elif day is not None:
            order = (day, str(time or ""), (number or "").zfill(20))
            if record not in best or order > best[record][0]:
                best[record] = (order, (day, time), (reading, unit))
    if taken_back:
        log.note(f"{taken_back} measurement documents that were reversed are not counted")
    return {
        "reading_at": {one: moment for one, (_, moment, _) in best.items()},
        "reading": {one: exact(value[0]) for one, (_, _, value) in best.items()},
        "unit": {one: value[1] or None for one, (_, _, value) in best.items()},
    }


def _days(table: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    """A column; of points in time without a zone the days."""
    column = table.column(name)
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        return parted(pc.cast(column, pa.timestamp("us")).combine_chunks())[0]
    return column


_MAKERS: Final[Mapping[str, Callable[[pa.Table, ReadLog], Filled]]] = MappingProxyType(
    {
        "cost": _costs,
        "item": _items,
        "cycle": _cycles,
        "schedule": _dates,
        "equipment": _sites,
        "measurement": _readings,
    }
)
