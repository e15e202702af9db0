"""Arrow columns as the blocks of a frame: what numpy holds together, the rest one by one.

pandas makes a frame of ready blocks in a quarter of the time that it needs for a dict of columns,
which for few rows is most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

Block = tuple[Any, np.ndarray]

_FLOATS: Final = frozenset((pa.lib.Type_HALF_FLOAT, pa.lib.Type_FLOAT, pa.lib.Type_DOUBLE))
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
    kind = columns[0].type
    is_float = kind.id in _FLOATS
    dtype = np.dtype(kind.to_pandas_dtype() if is_float else f"M8[{kind.unit}]")
    block = np.empty((len(columns), rows), dtype)
    for values, column in zip(block, columns, strict=True):
        copy_values(column, values)
        if column.null_count:
            values[missing(column)] = np.nan if is_float else np.datetime64("NaT")
    return block if is_float or kind.tz is None else _in_utc(block)


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


def _in_utc(block: np.ndarray) -> Any:
    moments = pd.DatetimeIndex(block.ravel(), copy=False, tz=UTC)
    return moments.array.reshape(block.shape)  # type: ignore[attr-defined]  # its own, in two dimensions
