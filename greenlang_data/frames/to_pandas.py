"""Arrow tables to pandas frames, with the same dtype for the same Arrow type, always."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from greenlang_data.errors import QueryError
from greenlang_data.provenance.record import record_of

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT: Final = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_FEW: Final = 64


def to_frame(table: pa.Table, index: str | None = None) -> pd.DataFrame:
    """The rows of ``table`` as a frame, with a row counter or the column ``index`` as its index.

    ==================================  ===========================================
    Arrow                               pandas
    ==================================  ===========================================
    float16, float32, float64           the same; null is NaN
    int8 … uint64                       nullable Int8 … UInt64, with or without nulls
    bool                                boolean
    string, null                        str
    dictionary of strings               category
    timestamp with a time zone          datetime64[unit, UTC]
    timestamp without                   datetime64[unit]
    date, time, decimal, binary, list,  ArrowDtype of the same
    struct, duration
    ==================================  ===========================================

    The frame has no memory in common with the table that a write to the frame could change.
    Raises QueryError when there is no such column to be the index.

    >>> table = pa.table({"timestamp": pa.array([0], pa.timestamp("ns", "UTC")), "flow": [1.5]})
    >>> frame = to_frame(table, index="timestamp")
    >>> frame.index.name, str(frame.index.dtype)
    ('timestamp', 'datetime64[ns, UTC]')
    """
    names = table.schema.names
    if index is not None and names.count(index) != 1:
        raise QueryError(f"there is no single column {index!r} to be the index, only {names}")
    # By position and not by name: names may be there twice, and integers are cheaper to check.
    arrays: dict[int, Any] = {}
    rows: Any = pd.RangeIndex(table.num_rows)
    for position, (name, column) in enumerate(zip(names, table.columns, strict=True)):
        array = _converted(column)
        if name == index:
            rows = pd.Index(array, name=name)
        else:
            arrays[position] = array
    frame = pd.DataFrame(arrays, index=rows, copy=False)
    # A view, because whoever names the columns' axis would name it in the cache.
    frame.columns = _columns(tuple(names[position] for position in arrays)).view()
    return frame


def units_of_table(table: pa.Table | pa.Schema) -> dict[str, str]:
    """{column: unit} from the ``unit`` in the metadata of the fields; columns without are left out.

    >>> units_of_table(pa.schema([pa.field("t", pa.float64(), metadata={"unit": "Cel"})]))
    {'t': 'Cel'}
    """
    schema = table if isinstance(table, pa.Schema) else table.schema
    return {
        field.name: field.metadata[b"unit"].decode()
        for field in schema
        if field.metadata and b"unit" in field.metadata
    }


def units(frame: pd.DataFrame) -> dict[str, str | None]:
    """{column: unit} of a frame, from its provenance; None where the unit is not known.

    Columns that never had a unit are left out. Empty without provenance.
    """
    record = record_of(frame)
    known = record.full.get("units", {}) if record is not None else {}
    return {str(name): known[str(name)] for name in frame.columns if str(name) in known}


@lru_cache(maxsize=256)
def _columns(names: tuple[str, ...]) -> pd.Index[Any]:
    return pd.Index(names, dtype=_TEXT)


def _converted(column: Any) -> Any:
    convert = _CONVERT.get(column.type.id)
    if convert is not None:
        return convert(column)
    if isinstance(column.type, pa.BaseExtensionType):
        return _converted(column.cast(column.type.storage_type))
    return pd.arrays.ArrowExtensionArray(column)


def _parts(column: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    # Always a copy: pandas writes in place, and would write into the table.
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _missing(column: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    return np.array(column.is_null().to_numpy())


def _float(column: Any) -> Any:
    values = _parts(column, np.dtype(column.type.to_pandas_dtype()))
    if column.null_count:
        values[_missing(column)] = np.nan
    return values


def _integer(column: Any) -> Any:
    dtype = np.dtype(column.type.to_pandas_dtype())
    return pd.arrays.IntegerArray(_parts(column, dtype), _missing(column))


def _boolean(column: Any) -> Any:
    filled = column.fill_null(False) if column.null_count else column
    return pd.arrays.BooleanArray(filled.to_numpy().astype(np.bool_), _missing(column))


def _text(column: Any) -> Any:
    return _TEXT.__from_arrow__(column)  # type: ignore[attr-defined]  # pandas' protocol


def _timestamp(column: Any) -> Any:
    values = _parts(column, np.dtype(f"M8[{column.type.unit}]"))
    if column.null_count:
        values[_missing(column)] = np.datetime64("NaT")
    zone = None if column.type.tz is None else "UTC"
    return pd.DatetimeIndex(values, copy=False, tz=zone).array


def _dictionary(column: Any) -> Any:
    if not (
        pa.types.is_string(column.type.value_type)
        or pa.types.is_large_string(column.type.value_type)
    ):
        return _converted(column.cast(column.type.value_type))
    whole = _one_dictionary(column)
    texts = whole.dictionary
    # A dictionary may hold null or a text twice, categories may not.
    if texts.null_count or len(texts.unique()) < len(texts):
        whole = whole.dictionary_decode().dictionary_encode()
        texts = whole.dictionary
    codes = whole.indices.fill_null(-1) if whole.null_count else whole.indices
    ordered = column.type.ordered
    small = len(texts) <= _FEW
    dtype = (
        _few_categories(tuple(texts.to_pylist()), ordered) if small else _categories(texts, ordered)
    )
    # A copy, because a categorical is written in place.
    return pd.Categorical.from_codes(np.array(codes.to_numpy()), dtype=dtype, validate=False)


def _categories(texts: Any, ordered: bool) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(pd.Index(_text(texts)), ordered=ordered)


@lru_cache(maxsize=256)
def _few_categories(texts: tuple[str, ...], ordered: bool) -> pd.CategoricalDtype:
    # Building an index costs more than converting all the rest of a small frame.
    return _categories(pa.array(texts, pa.large_string()), ordered)


def _one_dictionary(column: Any) -> Any:
    signed = pa.types.is_signed_integer(column.type.index_type)
    if not signed:
        column = column.cast(pa.dictionary(pa.int32(), column.type.value_type))
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.unify_dictionaries().combine_chunks()


_CONVERT: Final[dict[int, Callable[[Any], Any]]] = {
    **dict.fromkeys((pa.lib.Type_HALF_FLOAT, pa.lib.Type_FLOAT, pa.lib.Type_DOUBLE), _float),
    **{
        getattr(pa.lib, f"Type_{sign}INT{bits}"): _integer
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
    **{
        getattr(pa.lib, f"Type_{name}"): _text
        for name in ("STRING", "LARGE_STRING", "STRING_VIEW", "NA")
    },
    pa.lib.Type_BOOL: _boolean,
    pa.lib.Type_TIMESTAMP: _timestamp,
    pa.lib.Type_DICTIONARY: _dictionary,
}
