"""Feed Arrow arrays into the digest of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.provenance.column import Column
from greenlang_data.provenance.kinds import Array, Booleans, Decimals, Mask, Numbers, Times
from greenlang_data.provenance.texts import LIMIT, SLICE, Texts

UNITS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}
_TEXTS: Final = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_GATHERED: Final = 1 << 24  # bytes, far from what one array can hold
_DAY: Final = 86_400 * UNITS["s"]


def digest_of(name: str, array: Any) -> bytes:
    """The digest of a column that is whole; ``array`` as for :func:`add_arrow`."""
    column = Column(name)
    add_arrow(column, array)
    return column.digest()


def add_arrow(column: Column, array: Any) -> None:
    """Add an Array or ChunkedArray of any type.

    Timestamps with a zone are instants, without one (and dates, as their midnight) wall-clock
    times. Dictionaries count as their values, extension types as their storage, lists, structs and
    maps as canonical JSON.
    """
    for chunk in _chunks(array):
        if chunk.null_count == len(chunk):
            column.nulls(len(chunk))
        else:
            _ADD.get(chunk.type.id, _add_other)(column, chunk)


def _chunks(array: Any) -> Iterable[Any]:
    if not isinstance(array, pa.ChunkedArray):
        return (array,)
    return _gathered(array.chunks) if array.type in _TEXTS else array.chunks


def _gathered(chunks: Iterable[Any]) -> Iterator[Any]:
    """Short ones together, because to look up texts takes time for each."""
    some: list[Any] = []
    rows = size = 0
    for chunk in chunks:
        rows, size = rows + len(chunk), size + chunk.nbytes
        if some and (rows > SLICE or size > _GATHERED):
            yield pa.concat_arrays(some)
            some, rows, size = [], len(chunk), chunk.nbytes
        some.append(chunk)
    if some:
        yield pa.concat_arrays(some)


def _missing(array: Any) -> Mask | None:
    if not array.null_count:
        return None
    mask: Mask = array.is_null().to_numpy(zero_copy_only=False)
    return mask


def _buffer(array: Any, dtype: np.dtype[Any]) -> Array:
    start = array.offset * dtype.itemsize
    return np.frombuffer(array.buffers()[1], dtype, len(array), start)


def _add_number(column: Column, array: Any) -> None:
    dtype = np.dtype(array.type.to_pandas_dtype())
    column.of(Numbers, "number").add(_buffer(array, dtype), _missing(array))


def _add_boolean(column: Column, array: Any) -> None:
    values = array.fill_null(False) if array.null_count else array
    kind = column.of(Booleans, "boolean")
    kind.add(values.to_numpy(zero_copy_only=False), _missing(array))


def _times(label: str, width: int, unit: int | None = None) -> Callable[[Column, Any], None]:
    dtype = np.dtype(f"<i{width}")

    def add(column: Column, array: Any) -> None:
        scale = UNITS[array.type.unit] if unit is None else unit
        column.of(Times, label).add(_buffer(array, dtype), scale, _missing(array))

    return add


def _add_timestamp(column: Column, array: Any) -> None:
    label = "wall" if array.type.tz is None else "instant"
    _times(label, 8)(column, array)


def _add_decimal(column: Column, array: Any) -> None:
    if array.type.bit_width < 128 or array.type.scale < 0:
        array = array.cast(pa.decimal128(38, max(array.type.scale, 0)))
    words = array.type.bit_width // 64
    values = _buffer(array, np.dtype(f"V{words * 8}")).view("<i8").reshape(-1, words)
    column.of(Decimals, f"decimal:{array.type.scale}").add(values, _missing(array))


def _add_text(column: Column, array: Any) -> None:
    column.of(Texts, "text").add_arrow(array)


def _add_bytes(column: Column, array: Any) -> None:
    column.of(Texts, "bytes").add_arrow(array)


def _add_text_view(column: Column, array: Any) -> None:
    _add_text(column, array.cast(pa.large_string()))


def _add_bytes_view(column: Column, array: Any) -> None:
    _add_bytes(column, array.cast(pa.large_binary()))


def _add_dictionary(column: Column, array: Any) -> None:
    values, codes = array.dictionary, array.indices
    is_text = values.type.id in (pa.lib.Type_STRING, pa.lib.Type_LARGE_STRING)
    if is_text and len(values) <= LIMIT and not values.null_count:
        if not pa.types.is_signed_integer(codes.type):
            codes = codes.cast(pa.int64())  # so that -1 can stand for null
        if codes.null_count:
            codes = codes.fill_null(-1)
        column.of(Texts, "text").add_codes(codes.to_numpy(zero_copy_only=False), values)
    else:
        add_arrow(column, array.dictionary_decode())


def _add_run_ends(column: Column, array: Any) -> None:
    add_arrow(column, pc.run_end_decode(array))


def _add_other(column: Column, array: Any) -> None:
    if isinstance(array, pa.ExtensionArray):
        add_arrow(column, array.storage)
    else:
        column.objects(array.to_pylist())


_INTEGERS: Final = [f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
_NUMBERS: Final = [*_INTEGERS, "HALF_FLOAT", "FLOAT", "DOUBLE"]
_DECIMALS: Final = [f"DECIMAL{bits}" for bits in (32, 64, 128, 256)]
_BY_NAME: Final[dict[str, Callable[[Column, Any], None]]] = {
    **dict.fromkeys(_NUMBERS, _add_number),
    **dict.fromkeys(_DECIMALS, _add_decimal),
    "BOOL": _add_boolean,
    "TIMESTAMP": _add_timestamp,
    "DATE32": _times("wall", 4, _DAY),
    "DATE64": _times("wall", 8, UNITS["ms"]),
    "TIME32": _times("clock", 4),
    "TIME64": _times("clock", 8),
    "DURATION": _times("duration", 8),
    "STRING": _add_text,
    "LARGE_STRING": _add_text,
    "STRING_VIEW": _add_text_view,
    "BINARY": _add_bytes,
    "LARGE_BINARY": _add_bytes,
    "BINARY_VIEW": _add_bytes_view,
    "FIXED_SIZE_BINARY": _add_bytes_view,
    "DICTIONARY": _add_dictionary,
    "RUN_END_ENCODED": _add_run_ends,
}
_ADD: Final = {getattr(pa.lib, f"Type_{name}"): add for name, add in _BY_NAME.items()}
