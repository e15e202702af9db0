"""The share of each interval in which the newest sample was not bad, computed here from raw samples.

A sample holds until the next one. Before the first there is nothing, which is not good.
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
    constant_dictionary,
    quality_array,
    series_batch,
)

PERCENT_GOOD: Final = "percent_good"


class GoodTime:
    """Takes the batches of one series in order of time; times are nanoseconds since 1970 UTC.

    ``good_before`` is whether the newest sample not after ``start`` was good. The last interval may
    be cut short by ``end``.
    """

    def __init__(self, start: int, end: int, width: int, *, good_before: bool) -> None:
        edges = np.arange(start, end, width, dtype=np.int64)
        self._edges = np.append(edges, end)
        self._times = [np.array([start], np.int64)]
        self._good = [np.array([good_before])]

    def add(self, batch: pa.RecordBatch) -> None:
        """Take samples, of any type."""
        self._times.append(np.asarray(batch.column("timestamp").cast(pa.int64())))
        self._good.append(good_of(batch))

    def batches(self, tag: str) -> Iterator[pa.RecordBatch]:
        """All intervals, stamped with their starts."""
        times, good = np.concatenate(self._times), np.concatenate(self._good)
        spans = np.diff(times) * good[:-1]
        until = np.concatenate(([0], np.cumsum(spans)))  # good time until each sample
        newest = np.searchsorted(times, self._edges, side="right") - 1
        reached = until[newest] + good[newest] * (self._edges - times[newest])
        share = 100.0 * np.diff(reached) / np.diff(self._edges)
        rows = len(share)
        yield series_batch(
            tag,
            pa.array(self._edges[:-1]).cast(TIMESTAMP),
            pa.array(share),
            quality_array(np.full(rows, GOOD, np.int8)),
            constant_dictionary("Good", rows),
            unit="%",
        )


def good_of(batch: pa.RecordBatch) -> np.ndarray:
    """Whether each sample is not bad."""
    quality = batch.column("quality")
    bad = np.array([name == QUALITIES[BAD] for name in quality.dictionary.to_pylist()], bool)
    good: np.ndarray = ~bad[np.asarray(quality.indices)]
    return good
