"""PHD's samples as columns: a number, a text or nothing, and a confidence of 0 to 100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    SNAPSHOT,
    TIMESTAMP,
    UNCERTAIN,
    constant_dictionary,
    failed_series,
    quality_array,
    series_batch,
)

_LARGEST_EXACT: Final = 2.0**53
_MOST: Final = 100  # what is beyond means nothing known


@dataclass(slots=True)
class Samples:
    """Samples of one tag in order; ``times`` are nanoseconds since 1970 UTC.

    ``levels`` are what was told of the quality of each: here PHD's confidence. ``failure`` says why
    there are none.
    """

    tag: str
    times: np.ndarray
    values: pa.Array
    text: pa.Array | None
    levels: np.ndarray
    unit: str | None = None
    failure: str | None = None

    def batch(self, good: int) -> pa.RecordBatch:
        """As the batch that drivers yield; ``good`` is the least confidence of a good sample."""
        if self.failure is not None:
            return failed_series(self.tag, self.failure)
        quality, status = self._judged(good)
        return series_batch(
            self.tag,
            pa.array(self.times).cast(TIMESTAMP),
            self.values,
            quality_array(quality),
            status,
            text=self.text,
            unit=self.unit,
            data_type="Double" if self.text is None else "String",
        )

    def row(self, good: int) -> pa.RecordBatch:
        """The newest sample as the row of a snapshot."""
        none = len(self.times) == 0
        failure = self.failure or ("PHD gave no value" if none else None)
        last = self.batch(good).slice(len(self.times) - 1) if failure is None else None

        def of(name: str, otherwise: pa.Array) -> pa.Array:
            return otherwise if last is None else last.column(name)

        nothing = pa.nulls(1, pa.string())
        arrays = [
            pa.array([self.tag]),
            pa.array([self.tag]),
            of("value", pa.nulls(1, pa.float64())),
            of("text", nothing).cast(pa.string()),
            pa.array([self.unit], pa.string()),
            of("quality", quality_array(np.array([BAD], np.int8))),
            of("status", constant_dictionary(None, 1)),
            of("timestamp", pa.nulls(1, TIMESTAMP)),
            pa.nulls(1, TIMESTAMP),
            pa.array(["Double" if self.text is None else "String"]) if last else nothing,
            pa.array([failure], pa.string()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=SNAPSHOT)

    def chosen(self, places: slice | np.ndarray) -> Self:
        """Those at ``places``, a slice or the ascending places themselves."""
        every = np.arange(len(self.times))[places]
        text = self.text
        return replace(
            self,
            times=self.times[every],
            values=self.values.take(pa.array(every)),
            text=text if text is None else text.take(pa.array(every)),
            levels=self.levels[every],
        )

    def _judged(self, good: int) -> tuple[np.ndarray, pa.DictionaryArray]:
        missing = np.asarray(self.values.is_null())
        if self.text is not None:
            missing &= np.asarray(self.text.is_null())
        levels, places = np.unique(self.levels, return_inverse=True)
        words, qualities = self._meaning(levels, good)
        quality = qualities[places]
        quality[missing] = BAD
        status = pa.DictionaryArray.from_arrays(
            pa.array(places.astype(np.int32)), pa.array(words, pa.string())
        )
        return quality, status

    def _meaning(self, levels: np.ndarray, good: int) -> tuple[list[str], np.ndarray]:
        """The words for each of the ``levels``, and its quality."""
        qualities = np.where((levels >= good) & (levels <= _MOST), GOOD, UNCERTAIN)
        qualities[levels <= 0] = BAD
        return [f"Confidence {level}" for level in levels], qualities.astype(np.int8)


TSamples = TypeVar("TSamples", bound=Samples)


def joined(parts: Sequence[TSamples]) -> TSamples:
    """Samples of one tag one after another."""
    if len(parts) == 1:
        return parts[0]
    nothing = [pa.nulls(len(one.times), pa.string()) for one in parts]
    texts = [
        none if one.text is None else one.text for one, none in zip(parts, nothing, strict=True)
    ]
    return replace(
        parts[0],
        times=np.concatenate([one.times for one in parts]),
        values=pa.concat_arrays([one.values for one in parts]),
        text=None if all(one.text is None for one in parts) else pa.concat_arrays(texts),
        levels=np.concatenate([one.levels for one in parts]),
    )


def failed(tag: str, failure: str) -> Samples:
    """No samples, and why."""
    nothing = np.empty(0, np.int64)
    return Samples(tag, nothing, pa.array([], pa.float64()), None, nothing, failure=failure)


def columns_of(values: Sequence[Any]) -> tuple[pa.Array, pa.Array | None]:
    """Numbers, and the texts of what no float64 holds, if there is any."""
    try:
        return pa.array(values, pa.float64()), None
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        numbers = [one if _fits(one) else None for one in values]
        texts = [None if one is None or _fits(one) else str(one) for one in values]
        return pa.array(numbers, pa.float64()), pa.array(texts, pa.string())


def _fits(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= _LARGEST_EXACT
