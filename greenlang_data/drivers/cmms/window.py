"""The bounds in time of a request, applied here to what a system could not select."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.entities import Kind
from greenlang_data.drivers.cmms.selection import Selection


def within(batch: pa.RecordBatch, selection: Selection, log: ReadLog) -> pa.RecordBatch:
    """The rows whose date is in the window; those without one are in no window."""
    name = selection.date_field
    if name is None:
        return batch
    values = batch.column(name)
    if values.null_count:
        log.note(f"records without {name} were left out, as they are in no window")
    start, end = selection.start, selection.end
    if selection.entity.columns[name] is Kind.DAY:
        mask = _days(values, start, end, last_included=True)
    else:
        dates = _days(values.cast(pa.date32()), start, end, last_included=_is_within_a_day(end))
        mask = pc.if_else(batch.column(f"{name}_is_date"), dates, _instants(values, start, end))
    return batch.filter(mask)


def _days(values: pa.Array, start: Any, end: Any, *, last_included: bool) -> pa.Array:
    mask = pc.is_valid(values)
    if start is not None:
        mask = pc.and_kleene(mask, pc.greater_equal(values, _day(start)))
    if end is not None:
        test = pc.less_equal if last_included else pc.less
        mask = pc.and_kleene(mask, test(values, _day(end)))
    return mask


def _instants(values: pa.Array, start: Any, end: Any) -> pa.Array:
    mask = pc.is_valid(values)
    if start is not None:
        mask = pc.and_kleene(mask, pc.greater_equal(values, _instant(start, 0)))
    if end is not None:
        mask = pc.and_kleene(mask, pc.less(values, _instant(end, 1)))
    return mask


def _is_within_a_day(end: datetime | date | None) -> bool:
    """Whether the day of the end is a part of the window: not when that ends with its midnight."""
    return not isinstance(end, datetime) or end.time() != time()


def _day(bound: datetime | date) -> pa.Scalar:
    return pa.scalar(bound.date() if isinstance(bound, datetime) else bound, pa.date32())


def _instant(bound: datetime | date, days: int) -> pa.Scalar:
    if not isinstance(bound, datetime):
        midnight = datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
        bound = midnight + timedelta(days)
    return pa.scalar(bound.astimezone(UTC), Kind.INSTANT.value)
