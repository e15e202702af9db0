"""Raw samples of a tag, with what the variants do to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from greenlang_data.drivers.mock.clock import (
    AUTUMN_CHANGES,
    RANGE_END,
    RANGE_START,
    SPRING_CHANGES,
    IntArray,
)
from greenlang_data.drivers.mock.noise import below, seed_of
from greenlang_data.drivers.mock.tag import FAILED, INACCURATE, NORMAL, Codes, Tag

CHUNK: Final = 50_000
"""Scans in one batch: small enough for the cache, and 100,000 rows where each comes twice."""

_HOUR: Final = 3_600


class Samples(NamedTuple):
    """``stamps`` in seconds; ``codes`` is None when all samples are normal."""

    stamps: IntArray
    counts: IntArray
    codes: Codes | None


@dataclass(frozen=True)
class Sampler:
    """Reads tags of the plant, as it is or with failing sensors or a confused clock.

    ``failing``: 3 % of the samples have no value (BadSensorFailure) and 2 % are inaccurate.

    ``local_clock``: the recorder stamps in the local time of Europe/Berlin without an offset. On
    the last Sunday of March it records nothing from 01:00 to 02:00 UTC, while the wall clock
    jumps. On the last Sunday of October the wall clock shows 02:00 to 03:00 twice and both hours
    are read as the second: there is nothing from 00:00 to 01:00 UTC, and from 01:00 to 02:00 UTC
    each time stamp comes twice, first with the value of an hour before.
    """

    failing: bool = False
    local_clock: bool = False

    def samples(self, tag: Tag, first: int, last: int) -> Samples:
        """Scans ``first`` to ``last`` (excluded), numbered from the epoch."""
        stamps = np.arange(first, last, dtype=np.int64)
        stamps *= tag.scan
        times = stamps
        if self.local_clock:
            stamps, times = _with_local_clock(stamps)
        codes = tag.codes(times) if tag.codes else None
        if self.failing:
            codes = _with_failures(tag, times, codes)
        return Samples(stamps, tag.counts(times), codes)

    def chunks(self, tag: Tag, first: int, last: int) -> Iterator[Samples]:
        """The same in pieces of at most ``CHUNK`` scans."""
        for begin in range(first, last, CHUNK):
            yield self.samples(tag, begin, min(begin + CHUNK, last))


def scans_between(tag: Tag, start: int, end: int) -> tuple[int, int]:
    """Numbers of the first scan at or after ``start`` and at or after ``end`` (microseconds)."""
    scan = tag.scan * 1_000_000
    first, last = (-(-moment // scan) for moment in (start, end))
    lowest, highest = RANGE_START // tag.scan, RANGE_END // tag.scan
    first = min(max(first, lowest), highest)
    return first, min(max(last, first), highest)


def _with_local_clock(times: IntArray) -> tuple[IntArray, IntArray]:
    begin, end = int(times[0]), int(times[-1])
    repeats = np.ones(len(times), np.int64)
    doubled: list[int] = []
    for change in SPRING_CHANGES:
        if begin < change + _HOUR and change <= end:
            repeats[(times >= change) & (times < change + _HOUR)] = 0
    for change in AUTUMN_CHANGES:
        if begin < change + _HOUR and change - _HOUR <= end:
            repeats[(times >= change - _HOUR) & (times < change)] = 0
            repeats[(times >= change) & (times < change + _HOUR)] = 2
            doubled.append(change)
    stamps = np.repeat(times, repeats)
    taken = stamps.copy()
    for change in doubled:
        low, high = np.searchsorted(stamps, [change, change + _HOUR])
        taken[low:high:2] -= _HOUR
    return stamps, taken


def _with_failures(tag: Tag, times: IntArray, codes: Codes | None) -> Codes:
    luck = below(seed_of(f"{tag.name}.failures"), times, 100)
    found = np.zeros(len(times), np.int8) if codes is None else codes.copy()
    normal = found == NORMAL
    found[normal & (luck < 3)] = FAILED
    found[normal & (luck >= 3) & (luck < 5)] = INACCURATE
    return found
