"""PHD's samples as columns: a number, a text or nothing, and a confidence of 0 to 100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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

    ``failure`` says why there are none.
    """

    tag: str
    times: np.ndarray
    values: pa.Array
    text: pa.Array | None
    confidence: np.ndarray
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

    def _judged(self, good: int) -> tuple[np.ndarray, pa.DictionaryArray]:
        missing = np.asarray(self.values.is_null())
        if self.text is not None:
            missing &= np.asarray(self.text.is_null())
        bad = missing | (self.confidence <= 0)
        is_good = (self.confidence >= good) & (self.confidence <= _MOST)
        quality = np.where(is_good, GOOD, UNCERTAIN).astype(np.int8)
        quality[bad] = BAD
        levels, places = np.unique(self.confidence, return_inverse=True)
        words = pa.array([f"Confidence {level}" for level in levels], pa.string())
        return quality, pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), words)


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
