"""From records to series: numbers checked against the dialect, flags given their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN, quality_array, series_batch
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.dahs import DahsColumn, DahsSettings

_QUALITY: Final = {
    "measured": GOOD,
    "substituted": UNCERTAIN,
    "unknown": UNCERTAIN,
    "calibration": BAD,
    "maintenance": BAD,
    "fault": BAD,
    "over_range": BAD,
    "missing": BAD,
    "unmapped": BAD,
}


def series_of(
    column: DahsColumn,
    moments: pa.Array,
    columns: Mapping[str, pa.Array],
    settings: DahsSettings,
    where: str,
    source: str,
) -> pa.RecordBatch:
    """One measurand's records. Raises ProtocolError for a number that is none.

    A flag that means calibration, maintenance, a fault or a value over range takes the value away,
    and so does a word that ``flags`` has no meaning for. Without a flag column a value is
    uncertain, unless the map says that it needs none.
    """
    numbers = _numbers(columns[column.column], column.column, settings, where, source)
    valued = np.asarray(numbers.is_valid())
    flags = _flags(column, columns, settings, len(numbers))
    meanings = np.array([_meaning(flag) for flag in flags], object)
    quality = np.array([_QUALITY[one] for one in meanings], np.int8)
    shown = np.array(flags, object)
    empty = ~valued & (quality != BAD)
    shown[empty], quality[empty] = "missing", BAD
    kept = pc.if_else(pa.array(quality == BAD), pa.scalar(None, pa.float64()), numbers)
    return series_batch(
        column.tag,
        moments,
        kept,
        quality_array(quality),
        pa.array(shown, pa.string()).dictionary_encode(),
        unit=column.unit,
    )


def _numbers(
    texts: pa.Array, name: str, settings: DahsSettings, where: str, source: str
) -> pa.Array:
    texts = pc.utf8_trim_whitespace(texts)
    null = pc.is_in(texts, value_set=pa.array(settings.null_values, pa.string()))
    texts = pc.if_else(null, pa.scalar(None, pa.string()), texts)
    point = settings.decimal or "."
    mark = "\\." if point == "." else ","
    right = pc.match_substring_regex(
        texts, f"^[+-]?([0-9]+({mark}[0-9]*)?|{mark}[0-9]+)([eE][+-]?[0-9]+)?$"
    )
    wrong = pc.invert(right).fill_null(False)
    if pc.any(wrong).as_py():
        example = texts.filter(wrong)[0].as_py()
        row = pc.index(wrong, True).as_py() + 1
        raise ProtocolError(
            f"{where}, record {row}: {name} is {example[:40]!r}, and no number with decimal {point!r}",
            source=source,
            remedy="Correct decimal, or name what means no value in null_values.",
        )
    return pc.replace_substring(texts, point, ".").cast(pa.float64())


def _flags(
    column: DahsColumn, columns: Mapping[str, pa.Array], settings: DahsSettings, rows: int
) -> list[str]:
    """For each record what its flag means, or ``unknown`` with the system's own word."""
    if column.flag_column is None:
        return ["measured" if column.without_flag else "unknown"] * rows
    known = {word: str(meaning) for word, meaning in settings.flags.items()}
    return [
        known.get(word, f"unknown:{word}")
        for word in ((one or "").strip() for one in columns[column.flag_column].to_pylist())
    ]


def _meaning(flag: str) -> str:
    return "unmapped" if flag.startswith("unknown:") else flag
