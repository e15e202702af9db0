"""Aggregates that depend on how a value goes on between samples, as OPC UA part 13 defines them.

- Interpolative (5.4.3.4): the interpolated bounding value (3.1.8) at the start of each interval.
- TimeAverage (5.4.3.6): the area under straight lines between the samples that are used, whatever
  ``Stepped`` says, divided by the time for which there is a line.
- TimeAverage2 (5.4.3.7): the same between neighbours, stepped or sloped; the time after a sample
  that is not used counts not at all, and simple bounding values (3.1.9) end at the last sample.

An interval that is not wholly known is uncertain; one of which nothing is known has no value, and
neither has one that lies behind the last sample, where the standard leaves it to the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from greenlang_data.drivers.opcua.arrow import first_type
from greenlang_data.drivers.opcua.datavalues import BLOCK_ROWS, Columns, join
from greenlang_data.drivers.opcua.intervals import NotNumbersError, Rows
from greenlang_data.drivers.opcua.variants import BOOLEAN
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN

_NO_VALUE: Final = 0


class Interpolation(NamedTuple):
    """How a server treats a node's samples; percentages are of an interval's time."""

    stepped: bool
    uncertain_is_bad: bool = True
    sloped_extrapolation: bool = False
    percent_bad: float = 100.0
    percent_good: float = 100.0

    def __str__(self) -> str:
        kept = "" if self.uncertain_is_bad else ", uncertain ones among them,"
        return (
            f"computed here from raw samples{kept} as OPC UA part 13 defines it, with the server's "
            f"{'stepped' if self.stepped else 'sloped'} interpolation and "
            f"{'sloped' if self.sloped_extrapolation else 'stepped'} extrapolation"
        )


class Samples(NamedTuple):
    """Samples in order of time: ns since 1970 UTC, values, and GOOD, UNCERTAIN or BAD (not used)."""

    times: np.ndarray
    values: np.ndarray
    quality: np.ndarray

    @property
    def used(self) -> np.ndarray:
        """The places of those that are used."""
        return np.flatnonzero(self.quality != BAD)


Computed = tuple[np.ndarray, np.ndarray]
"""A value and a quality for each interval."""


class Weighted:
    """One of these aggregates of one series, from samples that come in order of time.

    Intervals are ``[start + n * width, start + (n + 1) * width)`` in ns, from number ``first`` up
    to ``count``, the last of which ends at ``end``.
    """

    def __init__(
        self,
        start: int,
        width: int,
        *,
        first: int,
        count: int,
        end: int,
        aggregation: str,
        interpolation: Interpolation,
    ) -> None:
        self._start, self._width, self._count, self._end = start, width, count, end
        self._next = first
        self._aggregation = aggregation
        self._interpolation = interpolation
        self._parts = [Columns.empty(0)]
        self._type: str | None = None

    @property
    def begun(self) -> bool:
        """Whether rows were yielded, or there were others before them."""
        return self._next > 0

    @property
    def data_type(self) -> str:
        """That of the source where no line was drawn through its values, else Double."""
        raw = self._aggregation == "Interpolative" and self._interpolation.stepped
        return (self._type if raw else None) or "Double"

    def add(self, columns: Columns) -> Iterator[Rows]:
        """Take samples; yields the rows of intervals that no later sample changes."""
        if not len(columns):
            return
        self._type = self._type or first_type(columns)
        self._parts.append(columns)
        fresh = self._samples(columns)
        known = fresh.times[fresh.used[-1:]]
        until = min(int((known.max(initial=self._start) - self._start) // self._width), self._count)
        if until > self._next:
            whole = join(self._parts)
            samples = self._samples(whole)
            yield from self._rows(samples, until)
            used = samples.used
            before = int(np.searchsorted(samples.times[used], self._edge(until), "right"))
            # Two, because a line may have to be drawn on beyond the last.
            self._parts = [whole.part(int(used[max(before - 2, 0)]), len(whole))]

    def finish(self) -> Iterator[Rows]:
        """The rows of all intervals that are left."""
        yield from self._rows(self._samples(join(self._parts)), self._count)

    def _samples(self, columns: Columns) -> Samples:
        quality = np.minimum(columns.codes >> 30, BAD).astype(np.int8)
        quality[(quality == UNCERTAIN) & self._interpolation.uncertain_is_bad] = BAD
        quality[columns.kinds == _NO_VALUE] = BAD
        told = quality != BAD
        whole = columns.kinds == BOOLEAN
        if (told & ~columns.valid).any() or (told & whole & (not self._is_stepped)).any():
            raise NotNumbersError(first_type(columns) or "")
        quality[np.isnan(columns.numbers)] = BAD
        return Samples(columns.source, columns.numbers, quality)

    @property
    def _is_stepped(self) -> bool:
        return self._interpolation.stepped and self._aggregation != "TimeAverage"

    def _edge(self, number: int) -> int:
        return min(self._start + number * self._width, self._end)

    def _rows(self, samples: Samples, until: int) -> Iterator[Rows]:
        compute = WEIGHTED[self._aggregation]
        while self._next < until:
            first, last = self._next, min(self._next + BLOCK_ROWS, until)
            edges = np.minimum(
                self._start + np.arange(first, last + 1, dtype=np.int64) * self._width, self._end
            )
            values, quality = compute(edges, samples, self._interpolation)
            self._next = last
            yield edges[:-1], values, quality


def interpolative(edges: np.ndarray, samples: Samples, how: Interpolation) -> Computed:
    """The value at the start of each interval between ``edges``."""
    at, used = edges[:-1], samples.used
    if not len(used):
        return _nothing(len(at))
    times, values = samples.times[used], samples.values[used]
    doubt = samples.quality[used] == UNCERTAIN
    before = np.searchsorted(times, at, "right") - 1
    known, before = before >= 0, np.maximum(before, 0)
    exact = known & (times[before] == at)
    if how.stepped:
        last = np.searchsorted(samples.times, at, "left") - 1
        value = values[before]
        unsure = doubt[before] | (last > used[before]) | (at > samples.times[-1])
    else:
        after = np.minimum(before + 1, len(used) - 1)
        value = values[before] + (at - times[before]) * _slopes(times, values, how)[before]
        unsure = _unclean(samples, used)[before] | (after == before)
    value = np.where(exact, values[before], value)
    unsure = np.where(exact, doubt[before], unsure)
    quality = np.where(unsure, UNCERTAIN, GOOD)
    return np.where(known, value, np.nan), np.where(known, quality, BAD).astype(np.int8)


def time_average(edges: np.ndarray, samples: Samples, how: Interpolation) -> Computed:
    """The mean of the lines between the samples that are used, over each interval."""
    used = samples.used
    if not len(used):
        return _nothing(len(edges) - 1)
    times, values = samples.times[used], samples.values[used]
    left, seconds, number = _pieces(edges, times)
    line = np.searchsorted(times, left, "right") - 1
    drawn, line = line >= 0, np.maximum(line, 0)
    slope = _slopes(times, values, how)[line]
    middle = values[line] + (left - times[line] + seconds / 2) * slope
    unsure = _unclean(samples, used)[line]
    lasted = _sum(number, seconds * drawn, edges)
    with np.errstate(all="ignore"):
        value = _sum(number, middle * seconds * drawn, edges) / lasted
    doubtful = _sum(number, seconds * (unsure | ~drawn), edges) > 0
    nothing = (lasted == 0) | (edges[:-1] > samples.times[-1])
    quality = np.where(nothing, BAD, np.where(doubtful, UNCERTAIN, GOOD))
    return np.where(nothing, np.nan, value), quality.astype(np.int8)


def time_average_2(edges: np.ndarray, samples: Samples, how: Interpolation) -> Computed:
    """The mean over the time that follows samples that are used, up to the next of any kind."""
    times, values, quality = samples
    if not len(times):
        return _nothing(len(edges) - 1)
    left, seconds, number = _pieces(edges, times)
    line = np.searchsorted(times, left, "right") - 1
    after = np.minimum(line + 1, len(times) - 1)
    # Before the first sample and behind the last nothing is known.
    drawn = (line >= 0) & (after > line)
    line = np.maximum(line, 0)
    drawn &= quality[line] != BAD
    good = drawn & (quality[line] == GOOD)
    slope = np.zeros(len(left))
    if not how.stepped:
        sloped = quality[after] != BAD
        good &= quality[after] == GOOD
        span = np.maximum(times[after] - times[line], 1)
        slope = np.where(sloped & drawn, (values[after] - values[line]) / span, 0.0)
    middle = values[line] + (left - times[line] + seconds / 2) * slope
    lasted = _sum(number, seconds * drawn, edges)
    with np.errstate(all="ignore"):
        value = _sum(number, np.where(drawn, middle * seconds, 0.0), edges) / lasted
    # Rounded, because what is left of a year of ns must not make it uncertain.
    bad = np.round(100 - 100 * lasted / np.diff(edges), 9)
    whole = np.round(100 * _sum(number, seconds * good, edges) / np.diff(edges), 9)
    nothing = (lasted == 0) | ((bad > 0) & (bad >= how.percent_bad))
    told = np.where(nothing, BAD, np.where(whole >= how.percent_good, GOOD, UNCERTAIN))
    return np.where(nothing, np.nan, value), told.astype(np.int8)


WEIGHTED: Final[dict[str, Callable[[np.ndarray, Samples, Interpolation], Computed]]] = {
    "Interpolative": interpolative,
    "TimeAverage": time_average,
    "TimeAverage2": time_average_2,
}


def _nothing(intervals: int) -> Computed:
    return np.full(intervals, np.nan), np.full(intervals, BAD, np.int8)


def _slopes(times: np.ndarray, values: np.ndarray, how: Interpolation) -> np.ndarray:
    """Of the line from each sample to the next, and of the one that goes on behind the last."""
    spans = np.diff(times)
    slopes = np.append(np.diff(values) / np.maximum(spans, 1), 0.0)
    if how.sloped_extrapolation and not how.stepped and len(spans) and spans[-1]:
        slopes[-1] = slopes[-2]
    return slopes


def _unclean(samples: Samples, used: np.ndarray) -> np.ndarray:
    """Whether the line from each used sample leads over others, or to or from uncertain ones."""
    doubt = samples.quality[used] == UNCERTAIN
    to_next = (np.diff(used) > 1) | doubt[:-1] | doubt[1:]
    return np.append(to_next, True)


def _pieces(edges: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The time from the first edge to the last, cut at every edge and every sample.

    Where each piece begins, how long it is (ns), and in which interval it lies.
    """
    inside = times[(times > edges[0]) & (times < edges[-1])]
    cuts = np.unique(np.concatenate([edges, inside]))
    left = cuts[:-1]
    return left, np.diff(cuts).astype(float), np.searchsorted(edges, left, "right") - 1


def _sum(number: np.ndarray, what: np.ndarray, edges: np.ndarray) -> np.ndarray:
    summed: np.ndarray = np.bincount(number, weights=what, minlength=len(edges) - 1)
    return summed
