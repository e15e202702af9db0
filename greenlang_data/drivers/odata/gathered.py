"""The pages of one read, put together: one type for each column, each row once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.http.jsons import UnheldError
from greenlang_data.drivers.odata.decimals import widest_decimal
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.moments import no_unit
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.values import wire_of
from greenlang_data.errors import ProtocolError

_RELEASED: Final = 8  # batches
_FARTHEST: Final = (2**63 - 1) // 1000  # microseconds


def put_together(
    columns: Sequence[Property], pages: Sequence[Page], source: str
) -> tuple[pa.Table, list[str]]:
    """All rows under the system's names, and the columns that the server left out of all of them.

    Raises ProtocolError for values that no one type can hold.
    """
    try:
        return _together(columns, pages)
    except (ValueError, pa.ArrowInvalid) as error:
        raise ProtocolError(
            f"its values are of no one type: {str(error)[:150]}",
            source=source,
            remedy=error.remedy if isinstance(error, UnheldError) else "",
        ) from None


def _together(columns: Sequence[Property], pages: Sequence[Page]) -> tuple[pa.Table, list[str]]:
    absent = []
    arrays = []
    for place, column in enumerate(columns):
        parts = [page.columns[place] for page in pages]
        present = [part for part in parts if part is not None and len(part)]
        if not present and any(part is None for part in parts):
            absent.append(column.name)
        kind = _common(column.name, present) if present else wire_of(column).empty
        filled = [
            pa.nulls(page.rows, kind) if part is None else _as(kind, part)
            for part, page in zip(parts, pages, strict=True)
        ]
        arrays.append(pa.chunked_array(filled, kind))
    return table_of([one.name for one in columns], arrays), absent


def table_of(names: Sequence[str | pa.Field], columns: Sequence[pa.ChunkedArray]) -> pa.Table:
    """A table of at least one column.

    Each is added to one that only tells how many rows there are, because Arrow looks into every
    page of the columns that it makes a table of, and these may be on disk.
    """
    table = pa.table([pa.nulls(len(columns[0]))], names=[""])
    for name, column in zip(names, columns, strict=True):
        table = table.append_column(name, column)
    return table.remove_column(0)


def _as(kind: pa.DataType, part: pa.Array) -> pa.Array:
    # A cast to its own type would still go through all values.
    return part if part.type == kind else part.cast(kind)


def _common(name: str, parts: Sequence[pa.Array]) -> pa.DataType:
    first, *others = dict.fromkeys(part.type for part in parts)
    if not others:
        return first
    if pa.types.is_decimal(first):
        return widest_decimal([first, *others])
    # Else only time stamps differ: a page with finer ones is in nanoseconds, one with an end of
    # time in microseconds.
    finest = next(one for one in [first, *others] if one.unit == "ns")
    if all(map(_in_reach, parts)):
        return finest
    coarser = pa.timestamp("us", finest.tz)
    for part in parts:
        try:
            part.cast(coarser)
        except pa.ArrowInvalid:
            raise no_unit(name) from None
    return coarser


def _in_reach(moments: pa.Array) -> bool:
    """Whether nanoseconds reach these."""
    if moments.type.unit == "ns":
        return True
    ends = pc.min_max(moments.cast(pa.int64())).values()
    return all(one.as_py() is None or abs(one.as_py()) <= _FARTHEST for one in ends)


def distinct_rows(table: pa.Table, columns: Sequence[str], release: Callable[[], None]) -> int:
    """How many different values ``columns`` have together.

    ``release`` gives back the memory of what was looked at, now and then.
    """
    if _ascends(table.select(list(columns)), release):
        return int(table.num_rows)  # without a hash table of all keys in memory
    return int(table.group_by(list(columns)).aggregate([]).num_rows)


def _ascends(table: pa.Table, release: Callable[[], None]) -> bool:
    """Whether each row is greater than the one before it; nothing that is missing is."""
    last: list[Any] = []
    batches = (one for one in table.to_batches() if one.num_rows)
    for number, batch in enumerate(batches):
        if number % _RELEASED == 0:
            release()
        ends = [[column[place].as_py() for column in batch.columns] for place in (0, -1)]
        if None in ends[0] or not (last < ends[0] and _ascend(batch)):
            return False
        last = ends[1]
    return True


def _ascend(batch: pa.RecordBatch) -> bool:
    greater: Any = pa.scalar(False)
    for column in reversed(batch.columns):
        before, after = column[:-1], column[1:]
        same = pc.and_(pc.equal(after, before), greater)
        greater = pc.or_(pc.greater(after, before), same)
    return pc.all(greater, skip_nulls=False, min_count=0).as_py() is True


def first_of_each(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The first row of each value of ``columns``, in the order in which they came."""
    places = table.append_column("\0place", pa.array(range(table.num_rows), pa.int64()))
    grouped = places.group_by(list(columns)).aggregate([("\0place", "min")])
    return table.take(grouped.column("\0place_min").combine_chunks().sort())


def as_days(moments: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The calendar dates of points in time that are all noon or midnight, else None."""
    days = moments.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    midnights = days.cast(pa.timestamp("us")).cast(moments.type)
    noons = pc.add(midnights, _HALF_DAY.cast(pa.duration(moments.type.unit)))
    right = pc.or_(pc.equal(moments, midnights), pc.equal(moments, noons))
    return days if pc.all(right, min_count=0).as_py() else None


_HALF_DAY: Final = pa.scalar(timedelta(hours=12), pa.duration("us"))
