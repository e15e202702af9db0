"""One value per interval, computed here from raw samples: for what a historian cannot do itself.

Every sample counts once (event-weighted), in the interval ``[start + n * width, start + (n + 1) *
width)``. A sample of bad quality is left out; an interval with some left out, or with uncertain
ones in it, is uncertain; one with none is null, bad, ``NoData``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    QUALITIES,
    TIMESTAMP,
    UNCERTAIN,
    quality_array,
    series_batch,
)

EVENT_WEIGHTED: Final = frozenset(
    {"avg", "min", "max", "sum", "count", "std", "first", "last", "range", "delta"}
)
"""The aggregates that can be computed here."""

_OF_ANY_TYPE: Final = frozenset({"count", "first", "last"})
_STATUSES: Final = pa.array(["Good", "UncertainDataSubNormal", "NoData"], pa.string())
_BLOCK: Final = 50_000


class NotNumbersError(Exception):
    """The samples are of a type that has no such aggregate, or not exactly."""


class EventIntervals:
    """One aggregate of one series, taking batches of samples in order of time.

    Times are nanoseconds since 1970 UTC; the last interval may be cut short by ``end``.
    """

    def __init__(self, start: int, end: int, width: int, aggregation: str) -> None:
        self._start, self._width, self._aggregation = start, width, aggregation
        self.count = -(-(end - start) // width)
        self._used = np.zeros(self.count, np.int64)
        self._doubtful = np.zeros(self.count, bool)
        # More digits than a double has, so that a sum of many is right to the last one.
        self._sum = np.zeros(self.count, np.longdouble)
        self._squares = np.zeros(self.count, np.longdouble)
        self._low = np.full(self.count, np.inf)
        self._high = np.full(self.count, -np.inf)
        # For first and last, of any type: where each is in the samples kept for it.
        self._first = np.full(self.count, -1, np.int64)
        self._last = np.full(self.count, -1, np.int64)
        self._kept: list[pa.RecordBatch] = []
        self._kept_rows = 0
        self._types: set[str] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Take samples. Raises NotNumbersError when they have no such aggregate."""
        if not batch.num_rows:
            return
        times = np.asarray(batch.column("timestamp").cast(pa.int64()))
        number = (times - self._start) // self._width
        quality = _codes(batch.column("quality"))
        numeric = np.asarray(batch.column("value").is_valid())
        textual = np.asarray(batch.column("text").is_valid())
        usable = (quality != BAD) & (numeric | textual)
        if self._aggregation not in _OF_ANY_TYPE and (usable & ~numeric).any():
            raise NotNumbersError
        self._doubtful[number[(quality == UNCERTAIN) | ~usable]] = True
        if not usable.any():
            return
        rows = np.flatnonzero(usable)
        number = number[rows]
        starts = np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))
        sizes = np.diff(np.append(starts, len(rows)))
        where = number[starts]
        if self._aggregation in ("first", "last", "delta"):
            self._keep(batch, rows[starts], rows[starts + sizes - 1], where)
        elif self._aggregation != "count":
            values = np.asarray(batch.column("value").fill_null(0.0))[rows]
            self._reduce(values, where, starts, sizes)
        self._used[where] += sizes

    def _reduce(
        self, values: np.ndarray, where: np.ndarray, starts: np.ndarray, sizes: np.ndarray
    ) -> None:
        self._low[where] = np.minimum(self._low[where], np.minimum.reduceat(values, starts))
        self._high[where] = np.maximum(self._high[where], np.maximum.reduceat(values, starts))
        wide = values.astype(np.longdouble)
        sums = np.add.reduceat(wide, starts)
        if self._aggregation == "std":
            self._merge_squares(wide, sums, where, starts, sizes)
        self._sum[where] += sums

    def _merge_squares(
        self,
        wide: np.ndarray,
        sums: np.ndarray,
        where: np.ndarray,
        starts: np.ndarray,
        sizes: np.ndarray,
    ) -> None:
        """Squared distances from the mean, joined as Chan, Golub and LeVeque do."""
        distance = wide - np.repeat(sums / sizes, sizes)
        before = self._used[where]
        apart = sums / sizes - self._sum[where] / np.maximum(before, 1)
        between = apart * apart * before * sizes / (before + sizes)
        self._squares[where] += np.add.reduceat(distance * distance, starts) + between

    def _keep(
        self, batch: pa.RecordBatch, firsts: np.ndarray, lasts: np.ndarray, where: np.ndarray
    ) -> None:
        rows = np.unique(np.concatenate((firsts, lasts)))
        kept = batch.select(["value", "text"]).take(pa.array(rows))
        self._kept.append(
            pa.RecordBatch.from_arrays(
                [kept.column(0), kept.column(1).cast(pa.string())], ["value", "text"]
            )
        )
        fresh = self._first[where] < 0
        places = self._kept_rows + np.searchsorted(rows, firsts)
        self._first[where[fresh]] = places[fresh]
        self._last[where] = self._kept_rows + np.searchsorted(rows, lasts)
        self._kept_rows += len(rows)

    def batches(self, tag: str, unit: str | None, data_type: str) -> Iterator[pa.RecordBatch]:
        """All intervals, in blocks; ``data_type`` is that of the samples."""
        values, text = self._results()
        enough = self._used >= (2 if self._aggregation == "std" else 1)
        quality = np.where(self._doubtful, UNCERTAIN, GOOD).astype(np.int8)
        quality[~enough] = BAD
        times = self._start + np.arange(self.count, dtype=np.int64) * self._width
        for first in range(0, self.count, _BLOCK):
            part = slice(first, first + _BLOCK)
            missing = quality[part] == BAD
            status = pa.DictionaryArray.from_arrays(
                pa.array(quality[part].astype(np.int32)), _STATUSES
            )
            yield series_batch(
                tag,
                pa.array(times[part]).cast(TIMESTAMP),
                values.slice(first, _BLOCK) if text is not None else _masked(values, part, missing),
                quality_array(quality[part]),
                status,
                text=None if text is None else text.slice(first, _BLOCK),
                unit=None if self._aggregation == "count" else unit,
                data_type=self._type(data_type),
            )

    def _type(self, data_type: str) -> str:
        if self._aggregation == "count":
            return "UInt32"
        return data_type if self._aggregation in ("min", "max", "first", "last") else "Double"

    def _results(self) -> tuple[pa.Array, pa.Array | None]:
        kind = self._aggregation
        if kind in ("first", "last", "delta"):
            return self._ends()
        with np.errstate(all="ignore"):  # where there are no samples, whose rows become null
            results: dict[str, np.ndarray] = {
                "avg": self._sum / self._used,
                "sum": self._sum,
                "min": self._low,
                "max": self._high,
                "range": self._high - self._low,
                "std": np.sqrt(self._squares / (self._used - 1)),
                "count": self._used,
            }
            return pa.array(results[kind].astype(np.float64)), None

    def _ends(self) -> tuple[pa.Array, pa.Array | None]:
        if not self._kept:
            return pa.nulls(self.count, pa.float64()), pa.nulls(self.count, pa.string())
        table = pa.Table.from_batches(self._kept).combine_chunks()
        value, text = (table.column(name).combine_chunks() for name in ("value", "text"))
        if self._aggregation != "delta":
            places = self._first if self._aggregation == "first" else self._last
            index = pa.array(places, mask=places < 0)
            return value.take(index), text.take(index)
        ends = [
            np.asarray(value.take(pa.array(places, mask=places < 0)).fill_null(0.0))
            for places in (self._last, self._first)
        ]
        return pa.array(ends[0] - ends[1]), None


def _masked(values: pa.Array, part: slice, missing: np.ndarray) -> pa.Array:
    return pa.array(np.asarray(values)[part], mask=missing if missing.any() else None)


def _codes(quality: pa.DictionaryArray) -> np.ndarray:
    """Quality codes, whatever order the dictionary has."""
    order = np.array([QUALITIES.index(name) for name in quality.dictionary.to_pylist()], np.int8)
    codes: np.ndarray = order[np.asarray(quality.indices)]
    return codes
