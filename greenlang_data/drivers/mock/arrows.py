"""Samples as Arrow arrays."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from greenlang_data.drivers.mock.clock import IntArray
from greenlang_data.drivers.mock.sampling import CHUNK, Samples
from greenlang_data.drivers.mock.tag import CODE_QUALITY, Codes, Tag
from greenlang_data.drivers.schema import (
    BAD,
    TIMESTAMP,
    constant_dictionary,
    quality_array,
    series_batch,
)

_EXACT: Final = 2**53  # every whole number up to here is a double


def timestamp_array(microseconds: IntArray) -> pa.Array:
    """Time stamps from microseconds since the epoch."""
    return pa.array((microseconds * 1_000).view("M8[ns]")).cast(TIMESTAMP)


def numbers(counts: IntArray, divisor: int | IntArray) -> NDArray[np.float64]:
    """The double nearest to each quotient of whole numbers.

    One division of two exact doubles is rounded once, so every machine gets the same bits.
    """
    if not len(counts) or max(int(counts.max()), -int(counts.min())) <= _EXACT:
        return np.true_divide(counts, divisor)
    # Python divides integers of any size with a single rounding.
    divisors = np.broadcast_to(np.asarray(divisor), counts.shape).tolist()
    pairs = zip(counts.tolist(), divisors, strict=True)
    return np.array([count / by for count, by in pairs], np.float64)


def value_arrays(
    tag: Tag, counts: IntArray, missing: NDArray[np.bool_] | None
) -> tuple[pa.Array, pa.Array | None]:
    """``value`` and ``text`` for counts of a tag, null where ``missing``."""
    if not tag.textual:
        return pa.array(numbers(counts, 10**tag.decimals), mask=missing), None
    empty = pa.nulls(len(counts), pa.float64())
    places = pa.array(counts, mask=missing)
    if tag.states:
        return empty, pa.array(tag.states, pa.string()).take(places)
    return empty, places.cast(pa.string())


def raw_batch(asked: str, tag: Tag, samples: Samples) -> pa.RecordBatch:
    """One piece of a raw series, under the name that was asked for."""
    rows = len(samples.stamps)
    codes = samples.codes
    if codes is not None and not codes.any():
        codes = None
    missing = None if codes is None else CODE_QUALITY[codes] == BAD
    values, text = value_arrays(tag, samples.counts, missing)
    return series_batch(
        asked,
        timestamp_array(samples.stamps * 1_000_000),
        values,
        _good(rows) if codes is None else quality_array(CODE_QUALITY[codes]),
        _constant(tag.good_status, rows) if codes is None else status_array(tag, codes),
        text=text,
        unit=tag.unit,
        data_type=tag.data_type,
    )


def status_array(tag: Tag, codes: Codes) -> pa.DictionaryArray:
    """Status texts of codes."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(tag.statuses, pa.string())
    )


@cache
def _all_good() -> pa.DictionaryArray:
    return quality_array(np.zeros(2 * CHUNK, np.int8))


@cache
def _all_same(status: str) -> pa.DictionaryArray:
    return constant_dictionary(status, 2 * CHUNK)


def _good(rows: int) -> pa.DictionaryArray:
    return _all_good().slice(0, rows)


def _constant(status: str, rows: int) -> pa.DictionaryArray:
    return _all_same(status).slice(0, rows)


def single(tag: Tag, samples: Samples) -> tuple[float | None, str | None]:
    """Value and text of the only sample, for a snapshot."""
    code = 0 if samples.codes is None else int(samples.codes[0])
    values, text = value_arrays(tag, samples.counts, np.array([CODE_QUALITY[code] == BAD]))
    return values[0].as_py(), None if text is None else text[0].as_py()
