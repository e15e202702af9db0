"""Feed pandas columns and index levels into the digest of a column."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import infer_dtype

from greenlang_data.provenance.column import Column
from greenlang_data.provenance.from_arrow import UNITS, add_arrow
from greenlang_data.provenance.kinds import Booleans, Numbers, Times
from greenlang_data.provenance.texts import Texts

# Object columns of one type only, which Arrow converts without changing a value.
_UNIFORM: Final = frozenset(
    ("string", "bytes", "floating", "integer", "mixed-integer-float", "decimal", "boolean", "time")
)


def named_arrays(frame: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    """(name, array) of the named index levels and then of the columns."""
    index = frame.index
    for level, name in enumerate(index.names):
        if name is not None:
            yield name, _unwrapped(index.get_level_values(level).array)
    # `items` builds a Series per column, which costs more than hashing a small column.
    arrays = getattr(frame, "_iter_column_arrays", None)
    if arrays is None:
        yield from ((name, _unwrapped(column.array)) for name, column in frame.items())
    else:
        yield from zip(frame.columns.tolist(), arrays(), strict=True)


def add_pandas(column: Column, array: Any) -> None:
    """Add a numpy array or a pandas extension array of any dtype."""
    kind = array.dtype.kind if isinstance(array, np.ndarray) else ""
    if kind in ("f", "i", "u"):
        column.of(Numbers, "number").add(array)
    elif kind == "b":
        column.of(Booleans, "boolean").add(array)
    elif kind:
        _add_objects(column, np.asarray(array, dtype=object))
    elif isinstance(array, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)):
        _add_times(column, array)
    elif isinstance(array, pd.Categorical):
        _add_categories(column, array)
    elif hasattr(array, "__arrow_array__"):
        add_arrow(column, array.__arrow_array__())
    else:
        # Sparse, interval without Arrow support and what third parties define.
        _add_objects(column, np.asarray(array, dtype=object))


def _unwrapped(array: Any) -> Any:
    return array.to_numpy() if isinstance(array, pd.arrays.NumpyExtensionArray) else array


def _add_times(column: Column, array: Any) -> None:
    label = "instant" if getattr(array, "tz", None) is not None else "wall"
    if array.dtype.kind == "m":
        label = "duration"
    column.of(Times, label).add(array.asi8, UNITS[array.unit])


def _add_categories(column: Column, array: pd.Categorical) -> None:
    categories = array.categories
    if isinstance(categories.dtype, pd.StringDtype):
        texts = pa.array(categories.array)
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        column.of(Texts, "text").add_codes(array.codes, texts)
    else:
        values = categories.take(array.codes, allow_fill=True, fill_value=None)
        add_pandas(column, _unwrapped(values.array))


def _add_objects(column: Column, values: Any) -> None:
    uniform = _uniform_arrow(values)
    if uniform is None:
        column.objects(values)
    else:
        add_arrow(column, uniform)


def _uniform_arrow(values: Any) -> Any:
    """The objects as Arrow array, or None when their types are mixed, nested or not Arrow's."""
    family = infer_dtype(values, skipna=True)
    try:
        if family in ("date", "datetime", "datetime64"):
            return _moments(values)
        if family in ("timedelta", "timedelta64"):
            return pa.array(pd.to_timedelta(values).as_unit("ns"))
        if family in _UNIFORM or not len(values) or bool(pd.isna(values).all()):
            return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    return None


def _moments(values: Any) -> Any:
    present = values[~pd.isna(values)]
    if not len(present):
        return pa.nulls(len(values))
    if {type(value) for value in present} == {date}:
        return pa.array(values, pa.date32(), from_pandas=True)
    if not all(isinstance(value, datetime) for value in present):
        return None
    aware = {value.tzinfo is not None for value in present}
    if len(aware) > 1:
        return None
    zone = "UTC" if aware == {True} else None
    if any(getattr(value, "nanosecond", 0) for value in present):
        counts = [
            None if pd.isna(value) else pd.Timestamp(value).as_unit("ns").value for value in values
        ]
        return pa.array(counts, pa.int64()).cast(pa.timestamp("ns", zone))
    return pa.array(values, pa.timestamp("us", zone), from_pandas=True)
