"""Columns of DataValues as Arrow arrays."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.statuses import quality_codes, status_array, status_name
from greenlang_data.drivers.opcua.times import NO_TIME
from greenlang_data.drivers.opcua.variants import TYPE_NAMES
from greenlang_data.drivers.schema import BAD, STATUS, TIMESTAMP, quality_array, series_batch

_TYPE_NAMES: Final = pa.array([None, *TYPE_NAMES[1:]], pa.string())


def value_array(columns: Columns, quality: np.ndarray) -> pa.Array:
    """The numbers; null where there is none and where the quality is bad."""
    missing = ~columns.valid | (quality == BAD)
    return pa.array(columns.numbers, mask=missing if missing.any() else None)


def text_array(columns: Columns, quality: np.ndarray) -> pa.Array | None:
    """The texts, or None when there is not one; null where the quality is bad."""
    texts: list[str | None] = [None] * len(columns)
    for row, text in columns.texts.items():
        if quality[row] != BAD:
            texts[row] = text
    return pa.array(texts, pa.string()) if columns.texts else None


def time_array(times: np.ndarray) -> pa.Array:
    """Nanoseconds since 1970 UTC as time stamps; NO_TIME is null."""
    missing = times == NO_TIME
    return pa.array(times, mask=missing if missing.any() else None).cast(TIMESTAMP)


def type_array(columns: Columns) -> pa.Array:
    """The names of the values' types; null where there is no value."""
    if not columns.type_names:
        return _TYPE_NAMES.take(pa.array(columns.kinds))
    names: list[str | None] = _TYPE_NAMES.take(
        pa.array(columns.kinds % len(TYPE_NAMES))
    ).to_pylist()
    for row, name in columns.type_names.items():
        names[row] = name
    return pa.array(names, pa.string())


def series_of(tag: str, columns: Columns, unit: str | None, data_type: str) -> pa.RecordBatch:
    """Samples of one tag, stamped with their ``source`` times."""
    quality = quality_codes(columns.codes)
    return series_batch(
        tag,
        time_array(columns.source),
        value_array(columns, quality),
        quality_array(quality),
        _edited(columns) if columns.edits else status_array(columns.codes),
        text=text_array(columns, quality),
        unit=unit,
        data_type=data_type,
    )


def _edited(columns: Columns) -> pa.DictionaryArray:
    """The statuses with what was done to the values, as in ``Good; replaced at ... by ...``."""
    names = [
        f"{status_name(code)}; {columns.edits[row]}" if row in columns.edits else status_name(code)
        for row, code in enumerate(columns.codes.tolist())
    ]
    return pa.array(names, pa.string()).dictionary_encode().cast(STATUS)


def first_type(columns: Columns) -> str | None:
    """The type name of the first row that has a value."""
    rows = np.flatnonzero(columns.kinds)
    if not len(rows):
        return None
    row = int(rows[0])
    name: Any = columns.type_names.get(row)
    return str(name) if name else TYPE_NAMES[int(columns.kinds[row]) % len(TYPE_NAMES)]
