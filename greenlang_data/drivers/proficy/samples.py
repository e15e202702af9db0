"""Proficy's samples, all of which are text on the wire, as columns of their tag's type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    TIMESTAMP,
    UNCERTAIN,
    quality_array,
    series_batch,
)

_QUALITY: Final = np.array([BAD, UNCERTAIN, BAD, GOOD], np.int8)
_STATUS: Final = pa.array(["Bad", "Uncertain", "NA", "Good"], pa.string())
_UNKNOWN_QUALITY: Final = 2
GOOD_CODE: Final = 3
_INTEGERS: Final = {
    "integer": "Int16",
    "doubleinteger": "Int32",
    "int64": "Int64",
    "uint64": "UInt64",
    "uint32": "UInt32",
    "uint16": "UInt16",
    "byte": "Byte",
}
_FLOATS: Final = {"scaled": "Double", "float": "Float", "doublefloat": "Double"}
_LARGEST_EXACT: Final = 2.0**53


class Sample(Struct, rename={"timestamp": "TimeStamp", "value": "Value", "quality": "Quality"},
             gc=False):  # fmt: skip
    """One sample as it is sent."""

    timestamp: str
    value: str | int | float | bool | None = None
    quality: int | None = None


class TagData(Struct, rename="pascal"):
    """All samples of one tag in an answer."""

    tag_name: str
    error_code: int = 0
    data_type: str | int | None = None
    samples: list[Sample] | None = None


class DataAnswer(Struct, rename="pascal"):
    """An answer of a data call; an error is told in it, with status 200."""

    error_code: int
    error_message: str | None = None
    data: list[TagData] | None = None


@dataclass(slots=True)
class Columns:
    """Samples of one tag. ``text`` is None when all values are numbers."""

    times: np.ndarray
    value: pa.Array
    text: pa.Array | None
    codes: np.ndarray
    kind: str

    def __len__(self) -> int:
        return len(self.times)

    def part(self, first: int, last: int) -> Columns:
        """Rows ``first`` to ``last``, excluded, without a copy."""
        text = None if self.text is None else self.text.slice(first, last - first)
        value = self.value.slice(first, last - first)
        return Columns(self.times[first:last], value, text, self.codes[first:last], self.kind)

    def batch(
        self, tag: str, unit: str | None = None, *, data_type: str | None = None
    ) -> pa.RecordBatch:
        """As the batch that drivers yield. The interface tells no unit with its samples."""
        return series_batch(
            tag,
            pa.array(self.times).cast(TIMESTAMP),
            self.value,
            quality_array(_QUALITY[self.codes]),
            pa.DictionaryArray.from_arrays(pa.array(self.codes.astype(np.int32)), _STATUS),
            text=self.text,
            unit=unit,
            data_type=data_type or self.kind,
        )


@dataclass(slots=True)
class Item:
    """What an answer holds about one tag; ``columns`` is None where it has no list of samples."""

    tag: str
    error_code: int
    columns: Columns | None


@dataclass(slots=True)
class Answered:
    """An answer, decoded."""

    error_code: int
    message: str
    items: list[Item]


_answer = json_decoder(DataAnswer)


def decode_data(body: bytes | bytearray) -> Answered:
    """The body of a data call. Raises ValueError when it is something else."""
    answer = _answer(body)
    items = [item_of(one) for one in answer.data or []]
    return Answered(answer.error_code, answer.error_message or "", items)


def item_of(one: TagData) -> Item:
    """What is answered about one tag."""
    columns = None if one.samples is None else columns_of(one.samples, one.data_type)
    return Item(one.tag_name, one.error_code, columns)


def numeric_kind(data_type: str | int | None) -> str | None:
    """The type of a tag whose values are numbers, by our name for it; None for others."""
    name = data_type.lower() if isinstance(data_type, str) else ""
    return _FLOATS.get(name) or _INTEGERS.get(name)


def columns_of(samples: Sequence[Sample], data_type: str | int | None) -> Columns:
    """Columns of these samples. Raises ValueError for a time stamp or quality that is none."""
    times = read_stamps([one.timestamp for one in samples])
    codes = _codes([one.quality for one in samples])
    bad = _QUALITY[codes] == BAD
    texts = _texts([one.value for one in samples])
    empty = np.asarray(texts.is_null())
    # A good sample without a value is none.
    codes[empty & ~bad] = _UNKNOWN_QUALITY
    bad |= empty
    if bad.any():
        texts = pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), texts)
    name = data_type.lower() if isinstance(data_type, str) else ""
    kind = numeric_kind(data_type)
    if kind is not None:
        return _numbers(times, texts, codes, kind, exact=name in _INTEGERS)
    if name == "bool":
        return _booleans(times, texts, codes)
    nothing = pa.nulls(len(times), pa.float64())
    return Columns(times, nothing, texts, codes, str(data_type or "Unknown"))


def _codes(qualities: Sequence[int | None]) -> np.ndarray:
    """The qualities as numbers. Raises ValueError for one that is not known."""
    known = range(len(_QUALITY))
    odd = next((one for one in set(qualities) if one not in known), 0)
    if odd != 0:
        raise ValueError(f"a quality is {odd!r}, which is not among the known ones")
    return np.array(qualities, np.int32)


def _texts(values: Sequence[str | float | bool | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # some were sent as numbers
        written = [repr(one) if isinstance(one, int | float) else one for one in values]
        return pa.array(written, pa.string())


def _numbers(
    times: np.ndarray, texts: pa.Array, codes: np.ndarray, kind: str, *, exact: bool
) -> Columns:
    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:  # some are no numbers
        numbers = pa.array([_number(text) for text in texts.to_pylist()], pa.float64())
    values = np.asarray(numbers.fill_null(0.0))
    odd = ~np.isfinite(values) | np.asarray(numbers.is_null()) & np.asarray(texts.is_valid())
    codes = np.where(odd, _UNKNOWN_QUALITY, codes)
    missing = odd | np.asarray(numbers.is_null())
    text = None
    if exact and (large := ~missing & (np.abs(values) >= _LARGEST_EXACT)).any():
        text = pa.array(
            [one if keep else None for one, keep in zip(texts.to_pylist(), large, strict=True)],
            pa.string(),
        )
        missing |= large
    return Columns(times, pa.array(values, mask=missing), text, codes, kind)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        # Python itself would read 1_0, and the digits of every script.
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _booleans(times: np.ndarray, texts: pa.Array, codes: np.ndarray) -> Columns:
    known = {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}
    values = [None if text is None else known.get(text.lower()) for text in texts.to_pylist()]
    numbers = pa.array(values, pa.float64())
    codes = np.where(np.asarray(numbers.is_null()) & (codes == GOOD_CODE), _UNKNOWN_QUALITY, codes)
    return Columns(times, numbers, None, codes, "Boolean")
