"""Windows, wide: one row per time stamp, one column per tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.schema import TIMESTAMP
from greenlang_data.errors import QueryError
from greenlang_data.frames.series import Series
from greenlang_data.frames.shaped import NO_DIGESTS, Shaped, table_of
from greenlang_data.frames.values import typed_column


def wide_table(series: Sequence[Series], digests: Mapping[str, bytes] = NO_DIGESTS) -> Shaped:
    """``timestamp`` and a column per tag in the order asked; a missing or bad value is null.

    Tags need not share their time stamps. Where a tag has several samples of one time stamp
    (bursts, a repeated hour) that time stamp has as many rows, so no sample is lost; the first
    samples of all tags share the first row, and so on. Raises QueryError for a tag of that name.
    ``digests`` are those of the columns of all samples; a single tag in order keeps them.
    """
    if any(one.tag == "timestamp" for one in series):
        raise QueryError(
            "a tag called 'timestamp' cannot be a column beside the time stamps",
            remedy="Ask with shape='long', or give the tag another name in the configuration.",
        )
    times = [_sorted_times(one) for one in series]
    index, places = _align([moments for moments, _ in times])
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"timestamp": pa.array(index).cast(TIMESTAMP)}
    for one, (_, order), place in zip(series, times, places, strict=True):
        column = _column(one)
        columns[one.tag] = _spread(
            column if order is None else column.take(order), place, len(index)
        )
    units = {one.tag: one.unit for one in series}
    table = table_of(columns, units)
    # Any other type than the wire's own was converted.
    as_read = len(times) == 1 and times[0][1] is None and table.schema.types[1] == pa.float64()
    kept = [digests.get("timestamp"), digests.get("value")] if as_read else []
    return Shaped(table, "wide", index="timestamp", digests=kept)


def _sorted_times(one: Series) -> tuple[np.ndarray, np.ndarray | None]:
    """Time stamps in order, and the order that sorts them unless they are sorted already."""
    moments = one.timestamps()
    if len(moments) < 2 or not np.any(moments[1:] < moments[:-1]):
        return moments, None
    order = np.argsort(moments, kind="stable")
    return moments[order], order


def _align(times: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray | None]]:
    """The common index, and for each series its rows in it (None: all of them, in order)."""
    filled = [moments for moments in times if len(moments)]
    if not filled:
        return np.empty(0, np.int64), [None] * len(times)
    first = filled[0]
    if all(np.array_equal(moments, first) for moments in filled[1:]):
        none: np.ndarray = np.empty(0, np.int64)
        return first, [None if len(moments) else none for moments in times]
    return _union(times)


def _union(times: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray | None]]:
    moments = np.unique(np.concatenate(times))
    needed = np.ones(len(moments), np.int64)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for one in times:
        place = np.searchsorted(moments, one)
        rank = _rank(one)
        if rank.any():
            np.maximum.at(needed, place, rank + 1)
        found.append((place, rank))
    offsets = np.concatenate(([0], np.cumsum(needed)[:-1]))
    return np.repeat(moments, needed), [offsets[place] + rank for place, rank in found]


def _rank(moments: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... within each run of equal time stamps."""
    positions = np.arange(len(moments))
    starts = np.ones(len(moments), bool)
    starts[1:] = moments[1:] != moments[:-1]
    result: np.ndarray = positions - np.maximum.accumulate(np.where(starts, positions, 0))
    return result


def _column(one: Series) -> pa.Array | pa.ChunkedArray:
    if not one.batches or one.rows == 0:
        return pa.array([], pa.float64())
    value, text = one.column("value"), one.column("text")
    typed = typed_column(value, text, [one.data_type])
    if typed is not None:
        return typed
    # Numbers among texts: exact as text, while as numbers the texts would be lost.
    return pc.coalesce(text.cast(pa.string()), value.cast(pa.string()))


def _spread(
    column: pa.Array | pa.ChunkedArray, place: np.ndarray | None, rows: int
) -> pa.Array | pa.ChunkedArray:
    if place is None and len(column) == rows:
        return column
    source = np.full(rows, -1, np.int64)
    if place is not None:
        source[place] = np.arange(len(place))
    return column.take(pa.array(source, mask=source < 0))
