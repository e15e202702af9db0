"""Columns of DataValues as Arrow arrays."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.opcua.datavalues import Columns, whole_numbers
from greenlang_data.drivers.opcua.meanings import ENUMERATION, NO_NAMES, Names
from greenlang_data.drivers.opcua.statuses import quality_codes, status_array, status_name
from greenlang_data.drivers.opcua.times import NO_TIME
from greenlang_data.drivers.opcua.variants import TYPE_NAMES
from greenlang_data.drivers.schema import BAD, STATUS, TIMESTAMP, quality_array, series_batch

_TYPE_NAMES: Final = pa.array([None, *TYPE_NAMES[1:]], pa.string())


def value_array(columns: Columns, quality: np.ndarray) -> pa.Array:
    """The numbers; null where there is none and where the quality is bad."""
    missing = ~columns.valid | (quality == BAD)
    return pa.array(columns.numbers, mask=missing if missing.any() else None)


def text_array(columns: Columns, quality: np.ndarray, names: Names = NO_NAMES) -> pa.Array | None:
    """The texts, or None when there is not one; null where the quality is bad.

    Whole numbers that ``names`` names have their name for a text.
    """
    named = _named(columns, quality, names) if any(names.values()) else None
    if not columns.texts:
        return named
    texts: list[str | None] = [None] * len(columns) if named is None else named.to_pylist()
    for row, text in columns.texts.items():
        if quality[row] != BAD:
            texts[row] = text
    return pa.array(texts, pa.string())


def _named(columns: Columns, quality: np.ndarray, names: Names) -> pa.Array:
    numbers = np.array(sorted(number for number, name in names.items() if name), np.int64)
    places = np.minimum(np.searchsorted(numbers, columns.numbers), len(numbers) - 1)
    hit = whole_numbers(columns) & (quality != BAD) & (numbers[places] == columns.numbers)
    texts = pa.array([names[number] for number in numbers.tolist()], pa.string())
    return texts.take(pa.array(places, mask=~hit))


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


def series_of(
    tag: str, columns: Columns, unit: str | None, data_type: str, names: Names = NO_NAMES
) -> pa.RecordBatch:
    """Samples of one tag, stamped with their ``source`` times; ``names`` are of its numbers."""
    quality = quality_codes(columns.codes)
    return series_batch(
        tag,
        time_array(columns.source),
        value_array(columns, quality),
        quality_array(quality),
        _edited(columns) if columns.edits else status_array(columns.codes),
        text=text_array(columns, quality, names),
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


def first_type(columns: Columns, names: Names = NO_NAMES) -> str | None:
    """The type name of the first row that has a value; ``names`` are of the tag's numbers."""
    rows = np.flatnonzero(columns.kinds)
    if not len(rows):
        return None
    row = int(rows[0])
    if names and whole_numbers(columns)[row]:
        return ENUMERATION
    name: Any = columns.type_names.get(row)
    return str(name) if name else TYPE_NAMES[int(columns.kinds[row]) % len(TYPE_NAMES)]
