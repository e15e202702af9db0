"""Arrow columns as the blocks of a frame: what numpy holds together, the rest one by one.

pandas makes a frame of ready blocks in a quarter of the time that it needs for a dict of columns,
which for few rows is most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

Block = tuple[Any, np.ndarray]

_FLOATS: Final = frozenset((pa.lib.Type_HALF_FLOAT, pa.lib.Type_FLOAT, pa.lib.Type_DOUBLE))
_NOT_A_TIME: Final = np.iinfo(np.int64).min
STACKED: Final = _FLOATS | {pa.lib.Type_TIMESTAMP}


def blocks_of(columns: Sequence[Any], rows: int, convert: Callable[[Any], Any]) -> list[Block]:
    """(values, places of their columns) for :func:`pandas.api.internals.create_dataframe_from_blocks`.

    Floats and timestamps of one type share a block; ``convert`` makes the array of any other.
    """
    together: dict[tuple[Any, ...], list[int]] = {}
    blocks: list[Block] = []
    for place, column in enumerate(columns):
        kind = column.type
        if kind.id in _FLOATS:
            together.setdefault((kind.id,), []).append(place)
        elif kind.id in STACKED:
            together.setdefault((kind.id, kind.unit, kind.tz is None), []).append(place)
        else:
            blocks.append((convert(column), np.array([place])))
    for places in together.values():
        block = stacked([columns[place] for place in places], rows)
        blocks.append((block, np.array(places)))
    return blocks


def stacked(columns: Sequence[Any], rows: int) -> Any:
    """Columns of the same float or timestamp type as one array, shape (columns, rows)."""
    kind, shape = columns[0].type, (len(columns), rows)
    block: Any
    null: Any
    if kind.id in _FLOATS:
        block = values = np.empty(shape, kind.to_pandas_dtype())
        null = np.nan
    elif kind.tz is None:
        block = values = np.empty(shape, f"M8[{kind.unit}]")
        null = np.datetime64("NaT")
    else:
        # pandas' own constructors look at every value, and cost most of a small frame's time.
        block = _no_times(kind.unit).repeat(len(columns) * rows).reshape(shape)
        values, null = block.asi8, _NOT_A_TIME
    for row, column in zip(values, columns, strict=True):
        copy_values(column, row)
        if column.null_count:
            row[missing(column)] = null
    return block


@lru_cache
def _no_times(unit: Literal["s", "ms", "us", "ns"]) -> Any:
    """One missing instant in UTC."""
    return pd.DatetimeIndex(["NaT"], tz=UTC).as_unit(unit).array


def copy_values(column: Any, into: np.ndarray) -> None:
    """The fixed-width values of ``column``, those under null as they happen to be.

    Always a copy: pandas writes in place, and would write into the table.
    """
    done = 0
    for chunk in column.chunks:
        if rows := len(chunk):
            start = chunk.offset * into.dtype.itemsize
            values = np.frombuffer(chunk.buffers()[1], into.dtype, rows, start)
            into[done : done + rows] = values
            done += rows


def missing(column: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which values of ``column`` are null."""
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    return np.array(column.is_null().to_numpy())
