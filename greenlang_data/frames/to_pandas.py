"""Arrow tables to pandas frames, with the same dtype for the same Arrow type, always."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.internals import (  # type: ignore[import-not-found]  # not in the stubs
    create_dataframe_from_blocks,
)

from greenlang_data.errors import QueryError
from greenlang_data.frames.blocks import STACKED, blocks_of, copy_values, missing, stacked
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
    columns = [_stored(column) for column in table.columns]
    rows: pd.Index[Any] = pd.RangeIndex(table.num_rows)
    if index is not None:
        rows = _index(columns.pop(names.index(index)), index)
        names.remove(index)
    # A view, because whoever names the columns' axis would name it in the cache.
    header = _columns(tuple(names)).view()
    blocks = blocks_of(columns, table.num_rows, _converted)
    frame: pd.DataFrame = create_dataframe_from_blocks(blocks, rows, header)
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


def _stored(column: Any) -> Any:
    """The column itself, or that in which an extension type keeps its values."""
    while isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    return column


def _index(column: Any, name: str) -> pd.Index[Any]:
    stackable = column.type.id in STACKED
    values = stacked([column], len(column))[0] if stackable else _converted(column)
    index: pd.Index[Any] = pd.Index(values, name=name)
    return index


def _converted(column: Any) -> Any:
    convert = _CONVERT.get(column.type.id, pd.arrays.ArrowExtensionArray)
    return convert(column)


def _integer(column: Any) -> Any:
    dtype = np.dtype(column.type.to_pandas_dtype())
    values = np.empty(len(column), dtype)
    copy_values(column, values)
    return pd.arrays.IntegerArray(values, missing(column))


def _boolean(column: Any) -> Any:
    filled = column.fill_null(False) if column.null_count else column
    return pd.arrays.BooleanArray(filled.to_numpy().astype(np.bool_), missing(column))


def _text(column: Any) -> Any:
    if column.type.id == pa.lib.Type_STRING and column.num_chunks == 1:
        column = _with_long_offsets(column.chunk(0))
    elif column.type.id == pa.lib.Type_NA:
        column = column.cast(pa.large_string())
    return pd.arrays.ArrowStringArray(column, dtype=_TEXT)  # type: ignore[call-arg]  # old stubs


def _with_long_offsets(array: Any) -> Any:
    """What a cast to large_string makes, in a third of its time when there are few rows."""
    nulls, offsets, texts = array.buffers()
    if array.offset or texts is None:
        return array
    long = np.frombuffer(offsets, "<i4", len(array) + 1).astype("<i8")
    return pa.LargeStringArray.from_buffers(
        len(array), pa.py_buffer(long), texts, nulls, array.null_count
    )


def _dictionary(column: Any) -> Any:
    if column.type.value_type.id not in (pa.lib.Type_STRING, pa.lib.Type_LARGE_STRING):
        return _converted(column.cast(column.type.value_type))
    chunks, texts = _one_dictionary(column)
    ordered = column.type.ordered
    small = len(texts) <= _FEW
    dtype = (
        _few_categories(tuple(texts.to_pylist()), ordered) if small else _categories(texts, ordered)
    )
    # A copy, because a categorical is written in place.
    codes: Any = np.empty(len(column), np.int8 if small else np.int32)
    done = 0
    for chunk in chunks:
        indices = chunk.indices.fill_null(-1) if chunk.indices.null_count else chunk.indices
        codes[done : done + len(chunk)] = indices.to_numpy()
        done += len(chunk)
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)


def _repeats(texts: Any) -> bool:
    distinct = set(texts.to_pylist()) if len(texts) <= _FEW else texts.unique()
    return len(distinct) < len(texts)


def _categories(texts: Any, ordered: bool) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(pd.Index(_text(pa.chunked_array([texts]))), ordered=ordered)


@lru_cache(maxsize=256)
def _few_categories(texts: tuple[str, ...], ordered: bool) -> pd.CategoricalDtype:
    # Building an index costs more than converting all the rest of a small frame.
    return _categories(pa.array(texts, pa.large_string()), ordered)


def _one_dictionary(column: Any) -> tuple[list[Any], Any]:
    """Chunks whose signed codes are places in the texts, which are distinct and none is null."""
    if not pa.types.is_signed_integer(column.type.index_type):
        column = column.cast(pa.dictionary(pa.int32(), column.type.value_type))
    # A dictionary may hold null or a text twice, categories may not.
    if any(chunk.dictionary.null_count or _repeats(chunk.dictionary) for chunk in column.chunks):
        column = column.cast(column.type.value_type).dictionary_encode()
    if column.num_chunks > 1:
        column = column.unify_dictionaries()
    texts = column.chunk(0).dictionary if column.num_chunks else pa.array([], pa.string())
    return column.chunks, texts


_CONVERT: Final[dict[int, Callable[[Any], Any]]] = {
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
    pa.lib.Type_DICTIONARY: _dictionary,
}
