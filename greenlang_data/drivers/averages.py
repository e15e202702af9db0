"""Averages of readings with flags: over the good ones, each counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import Window
from greenlang_data.drivers.intervals import EventIntervals
from greenlang_data.drivers.schema import GOOD, UNCERTAIN, quality_array, series_batch

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS: Final = ("measured", "partly_measured", "missing")


def nanoseconds(moment: datetime) -> int:
    """An aware datetime as nanoseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def averaged(
    readings: pa.RecordBatch, window: Window, period: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The averages of ``window.interval``; partly measured where a reading was left out.

    Readings of bad quality are in none. Uncertain ones are, and make an interval so; and so does a
    reading that is not there, where there should be one every ``period`` nanoseconds.
    """
    about = json.loads(readings.schema.metadata[b"series"])
    width = round((window.interval or 0.0) * 1e9)
    intervals = EventIntervals(nanoseconds(window.start), nanoseconds(window.end), width, "avg")
    intervals.add(readings)
    short = _short(readings, window, width, period)
    for batch in intervals.batches(about["tag"], about["unit"], about["data_type"]):
        # A status stands at the place of its quality.
        codes = np.asarray(batch.column("status").indices)
        part, short = short[: len(codes)], short[len(codes) :]
        codes = np.where(part & (codes == GOOD), UNCERTAIN, codes)
        status = pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32)), pa.array(_FLAGS, pa.string())
        )
        yield series_batch(
            about["tag"],
            batch.column("timestamp"),
            batch.column("value"),
            quality_array(codes.astype(np.int8)),
            status,
            unit=about["unit"],
            failure=about["failure"],
        )


def _short(readings: pa.RecordBatch, window: Window, width: int, period: int | None) -> np.ndarray:
    """Which intervals have fewer readings than one every ``period``, good or not."""
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    edges = np.append(np.arange(start, end, width, dtype=np.int64), end)
    if period is None:
        return np.zeros(len(edges) - 1, bool)
    times = np.asarray(readings.column("timestamp").cast(pa.int64()))
    there = np.bincount((times - start) // width, minlength=len(edges) - 1)
    short: np.ndarray = there < np.diff(edges) // period
    return short
