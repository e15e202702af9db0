"""What has changed in a stretch that was read before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_COLUMNS = ("timestamp", "value", "text", "quality", "status")


def difference(
    before: Sequence[pa.RecordBatch], after: Sequence[pa.RecordBatch]
) -> tuple[int, int] | None:
    """How many samples were there and are there now between the first and the last change."""
    old, new = _whole(before), _whole(after)
    length = min(old.num_rows, new.num_rows)
    head = _same(old.slice(0, length), new.slice(0, length))
    if head == old.num_rows == new.num_rows:
        return None
    rest = length - head
    tail = _same(_reversed(old, rest), _reversed(new, rest))
    return old.num_rows - head - tail, new.num_rows - head - tail


def _whole(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [
        pa.concat_arrays([_plain(batch.column(name)) for batch in batches]) for name in _COLUMNS
    ]
    return pa.RecordBatch.from_arrays(columns, list(_COLUMNS))


def _reversed(batch: pa.RecordBatch, rows: int) -> pa.RecordBatch:
    last = np.arange(batch.num_rows - 1, batch.num_rows - 1 - rows, -1)
    return batch.take(pa.array(last, pa.int64()))


def _same(one: pa.RecordBatch, other: pa.RecordBatch) -> int:
    """How many of the first rows are alike."""
    alike = np.ones(one.num_rows, bool)
    for name in _COLUMNS:
        left, right = one.column(name), other.column(name)
        equal = np.asarray(pc.equal(left, right).fill_null(False))
        alike &= equal | (np.asarray(left.is_null()) & np.asarray(right.is_null()))
    return int(alike.argmin()) if not alike.all() else len(alike)


def _plain(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.DictionaryArray):
        return column.dictionary_decode()
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column
