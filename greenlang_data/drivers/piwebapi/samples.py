"""Timed values as Arrow columns.

A number stays a number and a state a state: whatever is not good carries no value at all, and
the status column tells every flag that the server set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.piwebapi.wire import Sample, State
from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    TIMESTAMP,
    UNCERTAIN,
    constant_dictionary,
    quality_array,
    series_batch,
)

_LARGEST_EXACT: Final = 2**53
# One bit per flag, in the order in which a status names them.
_QUESTIONABLE, _SUBSTITUTED, _ANNOTATED = 4, 8, 16
_FLAGS: Final = {
    _QUESTIONABLE: "Questionable",
    _SUBSTITUTED: "Substituted",
    _ANNOTATED: "Annotated",
}
_FLOATS: Final = frozenset({"float16", "float32", "float64", "single", "double"})
_NOT_FINITE: Final = pa.array(["NaN", "Infinity", "-Infinity"], pa.string())
_WORDS: Final = ("Good", "Unknown", "Bad")
_NOT_SAID = 1


@dataclass(slots=True)
class Columns:
    """Samples of one stream in order of arrival. ``kind`` is the type that the values have."""

    times: np.ndarray
    value: pa.Array
    text: pa.Array | None
    quality: np.ndarray
    status: pa.DictionaryArray
    kind: str
    substituted: bool

    def __len__(self) -> int:
        return len(self.times)

    def part(self, first: int, last: int) -> Columns:
        """Rows ``first`` to ``last``, excluded, without a copy."""
        length = last - first
        return Columns(
            self.times[first:last],
            self.value.slice(first, length),
            self.text if self.text is None else self.text.slice(first, length),
            self.quality[first:last],
            self.status.slice(first, length),
            self.kind,
            self.substituted,
        )

    def of_type(self, data_type: str | None) -> Columns:
        """Where a number was wanted, what is none is bad; JSON can tell it as a text only."""
        if self.text is None or (data_type or "").lower() not in _FLOATS:
            return self
        none = np.asarray(pc.is_in(self.text, value_set=_NOT_FINITE))
        if not none.any():
            return self
        rows = zip(none, self.status.to_pylist(), self.text.to_pylist(), strict=True)
        status = [_as_bad(words, text) if odd else words for odd, words, text in rows]
        text = pc.if_else(pa.array(none), pa.scalar(None, pa.string()), self.text)
        return replace(
            self,
            text=text if text.null_count < len(text) else None,
            quality=np.where(none, BAD, self.quality).astype(np.int8),
            status=pa.array(status, pa.string()).dictionary_encode(),
        )

    def without_zeros(self) -> Columns:
        """Where nothing was counted there is no value, as for every other aggregate."""
        zero = np.asarray(self.value.fill_null(1.0)) == 0.0
        if not zero.any():
            return self
        quality = np.where(zero, BAD, self.quality).astype(np.int8)
        status = [
            "NoData" if none else text
            for none, text in zip(zero, self.status.to_pylist(), strict=True)
        ]
        return replace(
            self,
            value=pa.array(
                np.asarray(self.value.fill_null(0.0)), mask=zero | np.asarray(self.value.is_null())
            ),
            quality=quality,
            status=pa.array(status, pa.string()).dictionary_encode(),
        )

    def batch(self, tag: str, unit: str | None, data_type: str | None) -> pa.RecordBatch:
        """As the batch that drivers yield."""
        typed = self.of_type(data_type)
        return series_batch(
            tag,
            pa.array(self.times).view(TIMESTAMP),
            typed.value,
            quality_array(typed.quality),
            typed.status,
            text=typed.text,
            unit=unit,
            data_type=data_type or self.kind,
        )


def good_numbers(times: np.ndarray, values: pa.Array) -> Columns:
    """Columns of samples that are good in every way and have float64 values."""
    quality, status = _good(len(times))
    return Columns(times, values, None, quality, status, "Double", substituted=False)


@lru_cache(maxsize=8)
def _good(rows: int) -> tuple[np.ndarray, pa.DictionaryArray]:
    # The many streams of one length share it, so it is not to be written to.
    quality: np.ndarray = np.full(rows, GOOD, np.int8)
    quality.flags.writeable = False
    return quality, constant_dictionary(_words(0), rows)


def columns_of(samples: Sequence[Sample]) -> Columns:
    """Columns of these samples. Raises ValueError for a time stamp that is none."""
    times = read_stamps([one.timestamp for one in samples])
    plain = False not in [
        one.good is True
        and not (one.questionable or one.substituted or one.annotated or one.errors)
        for one in samples
    ]
    try:
        # An integer that no float64 holds, a text, a state or a boolean is refused by Arrow.
        numbers = pa.array([one.value for one in samples], pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _mixed(samples, times, _flags(samples))
    if plain and not numbers.null_count:
        return good_numbers(times, numbers)
    return _mixed(samples, times, _flags(samples))


def _flags(samples: Sequence[Sample]) -> np.ndarray:
    """0 good, 1 not said, 2 bad; and a bit for each of the other flags."""
    good = pa.array([one.good for one in samples], pa.bool_())
    flags = np.where(np.asarray(good.fill_null(True)), 0, 2)
    flags[np.asarray(good.is_null())] = _NOT_SAID
    for name, bit in (
        ("questionable", _QUESTIONABLE),
        ("substituted", _SUBSTITUTED),
        ("annotated", _ANNOTATED),
    ):
        found = [getattr(one, name) for one in samples]
        if True in found:
            flags |= np.where(found, bit, 0)
    return flags


def _quality(flags: np.ndarray) -> np.ndarray:
    quality = np.zeros(len(flags), np.int8)
    quality[(flags & (_QUESTIONABLE | _NOT_SAID)) != 0] = UNCERTAIN
    quality[(flags & 2) != 0] = BAD
    return quality


def _statuses(flags: np.ndarray, names: Sequence[str | None] = ()) -> pa.DictionaryArray:
    """The flags in words, followed by the name of the state that stands for a value."""
    if not any(names):
        codes, places = np.unique(flags, return_inverse=True)
        words = pa.array([_words(int(code)) for code in codes], pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), words)
    texts = [
        f"{_words(int(code))}: {name}" if name else _words(int(code))
        for code, name in zip(flags, names, strict=True)
    ]
    return pa.array(texts, pa.string()).dictionary_encode()


def _as_bad(words: str, what: str | None) -> str:
    """``Good, Questionable`` as ``Bad, Questionable: NaN``."""
    _, comma, flags = words.partition(",")
    return f"Bad{comma}{flags}: {what}"


def _words(code: int) -> str:
    flags = [word for bit, word in _FLAGS.items() if code & bit]
    return ", ".join([_WORDS[code & 3], *flags])


def _mixed(samples: Sequence[Sample], times: np.ndarray, flags: np.ndarray) -> Columns:
    """Samples of which some are states, texts, booleans, large integers or errors."""
    rows = len(samples)
    numbers: list[float | None] = [None] * rows
    texts: list[str | None] = [None] * rows
    names: list[str | None] = [None] * rows
    kinds = set()
    substituted = bool((flags & _SUBSTITUTED).any())
    for row, one in enumerate(samples):
        problem = _problem(one)
        if problem is not None:
            flags[row] = flags[row] & ~3 | 2
            names[row] = problem
        if flags[row] & 2 == 0:
            kind, numbers[row], texts[row] = _typed(one.value)
            kinds.add(kind)
        elif problem is None and isinstance(one.value, str):
            names[row] = one.value[:100]
    text = pa.array(texts, pa.string())
    return Columns(
        times,
        pa.array(numbers, pa.float64()),
        text if text.null_count < rows else None,
        _quality(flags),
        _statuses(flags, names),
        kinds.pop() if len(kinds) == 1 else ("Variant" if kinds else "Double"),
        substituted,
    )


def _problem(one: Sample) -> str | None:
    """Why there is no value to be used, in the server's words, or None."""
    if one.errors:
        found = one.errors[0].message
        return "; ".join(found) if isinstance(found, list) else str(found or "Error")
    value = one.value
    if isinstance(value, State) and (value.is_system or not value.name):
        return value.name or "an object that is no state"
    return "no value" if value is None and one.good is not False else None


def _typed(value: Any) -> tuple[str, float | None, str | None]:
    """The kind of a good value, its number, and its text where no float64 holds it."""
    if isinstance(value, bool):
        return "Boolean", float(value), None
    if isinstance(value, float):
        return "Double", value, None
    if isinstance(value, int):
        if abs(value) <= _LARGEST_EXACT:
            return "Double", float(value), None
        return "Int64", None, str(value)
    if isinstance(value, str):
        return "String", None, value
    if isinstance(value, State):
        return "Digital", None, value.name
    return "Array", None, msgspec.json.encode(value).decode()
