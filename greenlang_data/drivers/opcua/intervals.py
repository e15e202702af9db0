"""Aggregates over intervals, computed here from raw samples as they come in.

Only good samples that are numbers enter (for a count, good samples of any type). An interval with
some left out is uncertain, as the standard has it; one with none is null, bad, ``NoData``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.opcua.arrow import first_type, time_array
from greenlang_data.drivers.opcua.datavalues import BLOCK_ROWS, Columns
from greenlang_data.drivers.opcua.reductions import REDUCTIONS
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN, quality_array, series_batch

_STATUSES: Final = pa.array(["Good", "UncertainDataSubNormal", "NoData"], pa.string())
_NO_VALUE: Final = 0


Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Times (ns since 1970 UTC), values and qualities of intervals; a bad one has no value."""


class NotNumbersError(Exception):
    """The samples are of a type that has no such aggregate."""


def rows_batch(tag: str, rows: Rows, unit: str | None, data_type: str) -> pa.RecordBatch:
    """Rows as a batch of the driver's shape."""
    times, values, quality = rows
    status = pa.DictionaryArray.from_arrays(pa.array(quality.astype(np.int32)), _STATUSES)
    missing = quality == BAD
    return series_batch(
        tag,
        time_array(times),
        pa.array(values, mask=missing if missing.any() else None),
        quality_array(quality),
        status,
        unit=unit,
        data_type=data_type,
    )


@dataclass(slots=True)
class _Sums:
    """Per interval, in order: its number, good samples, samples left out, what they reduce to.

    ``reduced`` has a row for each number that the aggregate is made of.
    """

    number: np.ndarray
    good: np.ndarray
    left_out: np.ndarray
    reduced: np.ndarray


class Intervals:
    """One aggregate of one series; intervals are ``[start + n * width, start + (n + 1) * width)``.

    Times are nanoseconds since 1970 UTC; ``first`` is the number of the first interval wanted and
    ``count`` the number of intervals, the last of which may be short.
    """

    def __init__(self, start: int, width: int, first: int, count: int, aggregation: str) -> None:
        self._start, self._width, self._count = start, width, count
        self._aggregation = aggregation
        self._reduction = REDUCTIONS[aggregation]
        self._first = self._next = first
        self._open: _Sums | None = None
        self._source_type: str | None = None

    @property
    def begun(self) -> bool:
        """Whether rows were yielded."""
        return self._next > self._first

    def add(self, columns: Columns) -> Iterator[Rows]:
        """Take samples in order of time; yields the rows of intervals that are complete."""
        if not len(columns):
            return
        self._source_type = self._source_type or first_type(columns)
        sums = self._merged(self._summed(columns))
        self._open = _cut(sums, len(sums.number) - 1, len(sums.number))
        yield from self._rows(_cut(sums, 0, len(sums.number) - 1), int(sums.number[-1]))

    def finish(self) -> Iterator[Rows]:
        """The rows of all intervals that are left."""
        last = self._open
        empty = np.empty(0, np.int64)
        sums = last or _Sums(empty, empty, empty, self._reduction.nothing(0))
        yield from self._rows(sums, self._count)

    @property
    def data_type(self) -> str:
        """The type of the values."""
        if self._aggregation == "count":
            return "UInt32"
        if self._aggregation in ("min", "max", "Start", "End"):
            return self._source_type or "Double"
        return "Double"

    def _summed(self, columns: Columns) -> _Sums:
        number = (columns.source - self._start) // self._width
        starts = np.concatenate(([0], np.flatnonzero(number[1:] != number[:-1]) + 1))
        used = self._usable(columns)
        good = np.add.reduceat(used.astype(np.int64), starts)
        sizes = np.diff(np.append(starts, len(number)))
        reduced = self._reduction.nothing(len(starts))
        if self._aggregation != "count" and good.any():
            # Only intervals with good samples: an empty slice would take its neighbour's value.
            ends = np.cumsum(good)
            filled = good > 0
            values = columns.numbers[used].astype(np.longdouble)
            reduced[:, filled] = self._reduction.reduce(values, (ends - good)[filled])
        return _Sums(number[starts], good, sizes - good, reduced)

    def _usable(self, columns: Columns) -> np.ndarray:
        good: np.ndarray = (columns.codes >> 30 == GOOD) & (columns.kinds != _NO_VALUE)
        if self._aggregation == "count":
            return good
        if (good & ~columns.valid).any():
            raise NotNumbersError(first_type(columns) or "")
        usable: np.ndarray = good & ~np.isnan(columns.numbers)
        return usable

    def _merged(self, sums: _Sums) -> _Sums:
        """With the interval that was left open by the samples before."""
        before = self._open
        if before is None:
            return sums
        if before.number[0] != sums.number[0]:
            return _Sums(
                *(
                    np.concatenate([getattr(before, name), getattr(sums, name)], axis=-1)
                    for name in _Sums.__slots__
                )
            )
        if before.good[0] and sums.good[0]:
            sums.reduced[:, 0] = self._reduction.merge(
                before.reduced[:, 0], sums.reduced[:, 0], int(before.good[0]), int(sums.good[0])
            )
        elif before.good[0]:
            sums.reduced[:, 0] = before.reduced[:, 0]
        sums.good[0] += before.good[0]
        sums.left_out[0] += before.left_out[0]
        return sums

    def _rows(self, sums: _Sums, until: int) -> Iterator[Rows]:
        """Dense rows up to interval ``until``, a block at a time; gaps become ``NoData``."""
        with np.errstate(all="ignore"):
            values = self._reduction.value(sums.reduced, sums.good)
        quality = np.where(sums.left_out > 0, UNCERTAIN, GOOD)
        quality[sums.good < self._reduction.least] = BAD
        while self._next < until:
            first, last = self._next, min(self._next + BLOCK_ROWS, until)
            low, high = np.searchsorted(sums.number, [first, last])
            at = sums.number[low:high] - first
            block = (
                self._start + np.arange(first, last, dtype=np.int64) * self._width,
                np.zeros(last - first),
                np.full(last - first, BAD, np.int8),
            )
            block[1][at], block[2][at] = values[low:high], quality[low:high]
            self._next = last
            yield block


def _cut(sums: _Sums, first: int, last: int) -> _Sums:
    return _Sums(*(getattr(sums, name)[..., first:last] for name in _Sums.__slots__))
