"""One value per interval, computed from exactly the raw samples in it.

Averages are event-weighted (sum over count) and only good samples count. An interval without any
has no value and the status NoData; one in which some samples are not good is uncertain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from greenlang_data.drivers.mock.arrows import numbers, timestamp_array, value_arrays
from greenlang_data.drivers.mock.clock import RANGE_END, RANGE_START, IntArray
from greenlang_data.drivers.mock.sampling import Sampler, Samples, scans_between
from greenlang_data.drivers.mock.tag import NORMAL, Tag
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN, quality_array, series_batch

BLOCK: Final = 50_000
"""Intervals in one batch."""

# OPC UA Part 13 calls an aggregate of partly good data so; NoData is its GoodNoData made bad,
# because a value that is not there is no good value.
_STATUSES: Final = ("UncertainDataSubNormal", "NoData")
_HIGHEST: Final = np.iinfo(np.int64).max
_LOWEST: Final = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Intervals:
    """Intervals of ``step`` counted from ``start``; the last may be cut by ``end``. Microseconds.

    Those that lie wholly outside the plant's years are left out.
    """

    start: int
    end: int
    step: int

    @property
    def numbers(self) -> range:
        """Numbers of the intervals that touch the plant's years."""
        first = max(RANGE_START * 1_000_000 - self.start, 0) // self.step
        last = -(-(min(self.end, RANGE_END * 1_000_000) - self.start) // self.step)
        return range(first, max(last, first))

    def edges(self, first: int, last: int) -> IntArray:
        """Starts of the intervals ``first`` to ``last`` (excluded), and the end of the last."""
        edges = np.arange(first, last + 1, dtype=np.int64) * self.step + self.start
        edges[-1] = min(int(edges[-1]), self.end)
        return edges


def refusal(tag: Tag, aggregation: str) -> str | None:
    """Why the tag has no such aggregate, or None when it has."""
    if aggregation == "count" or not tag.textual:
        return None
    if tag.states:
        return f"{aggregation} of {tag.name!r} is not defined: its values are texts; use count"
    if aggregation in ("avg", "sum"):
        return (
            f"{aggregation} of {tag.name!r} is not given: it counts beyond 2**53; "
            "use min, max or count"
        )
    return None


def aggregate_batches(
    asked: str, tag: Tag, intervals: Intervals, aggregation: str, sampler: Sampler
) -> Iterator[pa.RecordBatch]:
    """The series of ``aggregation`` in batches; none when no interval touches the plant's years."""
    places = intervals.numbers
    for begin in range(places.start, places.stop, BLOCK):
        edges = intervals.edges(begin, min(begin + BLOCK, places.stop))
        sums = _Sums(edges, aggregation)
        first, last = scans_between(tag, int(edges[0]), int(edges[-1]))
        for samples in sampler.chunks(tag, first, last):
            sums.add(samples)
        yield _batch(asked, tag, sums)


@dataclass
class _Sums:
    """What is known of a block of intervals after some chunks of samples, in time order."""

    edges: IntArray
    aggregation: str
    good: IntArray = field(init=False)
    seen: IntArray = field(init=False)
    result: IntArray = field(init=False)

    def __post_init__(self) -> None:
        rows = len(self.edges) - 1
        self.good, self.seen = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.result = np.full(rows, self._neutral, np.int64)

    @property
    def _neutral(self) -> int:
        return {"min": _HIGHEST, "max": _LOWEST}.get(self.aggregation, 0)

    def add(self, samples: Samples) -> None:
        stamps = samples.stamps
        if not len(stamps):
            return
        # Only the intervals that this chunk touches, so that a long block stays linear.
        span = stamps[[0, -1]] * 1_000_000
        low = int(np.searchsorted(self.edges, span[0], "right")) - 1
        high = int(np.searchsorted(self.edges, span[1], "right"))
        starts = np.searchsorted(stamps, -(-self.edges[low : high + 1] // 1_000_000))
        filled = starts[:-1] < starts[1:]
        where, starts = low + np.flatnonzero(filled), starts[:-1][filled]
        lengths = np.diff(starts, append=len(stamps))
        self.seen[where] += lengths
        usable = None if samples.codes is None else samples.codes == NORMAL
        if usable is None or usable.all():
            self.good[where] += lengths
            usable = None
        else:
            self.good[where] += np.add.reduceat(usable, starts, dtype=np.int64)
        self._combine(where, starts, samples.counts, usable)

    def _combine(
        self, where: IntArray, starts: IntArray, counts: IntArray, usable: NDArray[np.bool_] | None
    ) -> None:
        if self.aggregation == "count":
            return
        if usable is not None:
            counts = np.where(usable, counts, self._neutral)
        if self.aggregation == "min":
            low = np.minimum.reduceat(counts, starts)
            self.result[where] = np.minimum(self.result[where], low)
        elif self.aggregation == "max":
            high = np.maximum.reduceat(counts, starts)
            self.result[where] = np.maximum(self.result[where], high)
        else:
            self.result[where] += np.add.reduceat(counts, starts)


def _batch(asked: str, tag: Tag, sums: _Sums) -> pa.RecordBatch:
    empty = sums.good == 0
    values, text = _values(tag, sums, empty)
    codes = np.where(empty, 2, np.where(sums.good < sums.seen, 1, 0))
    counting = sums.aggregation == "count"
    kind = {"count": "Int32", "avg": "Double", "sum": "Double"}
    return series_batch(
        asked,
        timestamp_array(sums.edges[:-1]),
        values,
        quality_array(np.array([GOOD, UNCERTAIN, BAD], np.int8)[codes]),
        pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32)), pa.array((tag.good_status, *_STATUSES), pa.string())
        ),
        text=text,
        unit="1" if counting else tag.unit,
        data_type=kind.get(sums.aggregation, tag.data_type),
    )


def _values(tag: Tag, sums: _Sums, empty: NDArray[np.bool_]) -> tuple[pa.Array, pa.Array | None]:
    if sums.aggregation == "count":
        return pa.array(numbers(sums.good, 1), mask=empty), None
    counts = np.where(empty, 0, sums.result)
    if sums.aggregation == "avg":
        divisors = 10**tag.decimals * np.maximum(sums.good, 1)
        return pa.array(numbers(counts, divisors), mask=empty), None
    return value_arrays(tag, counts, empty)
