"""Averages of readings with flags: over the good ones, each counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.base import Window
from greenlang_data.drivers.intervals import EventIntervals
from greenlang_data.drivers.schema import series_batch

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS: Final = ("measured", "partly_measured", "missing")


def nanoseconds(moment: datetime) -> int:
    """An aware datetime as nanoseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def averaged(readings: pa.RecordBatch, window: Window) -> Iterator[pa.RecordBatch]:
    """The averages of ``window.interval``; partly measured where a reading was left out.

    Readings of bad quality are in none. Uncertain ones are, and make an interval so.
    """
    about = json.loads(readings.schema.metadata[b"series"])
    width = round((window.interval or 0.0) * 1e9)
    intervals = EventIntervals(nanoseconds(window.start), nanoseconds(window.end), width, "avg")
    intervals.add(readings)
    for batch in intervals.batches(about["tag"], about["unit"], about["data_type"]):
        status = pa.DictionaryArray.from_arrays(
            batch.column("status").indices, pa.array(_FLAGS, pa.string())
        )
        timestamps, values, quality = (
            batch.column(name) for name in ("timestamp", "value", "quality")
        )
        yield series_batch(
            about["tag"],
            timestamps,
            values,
            quality,
            status,
            unit=about["unit"],
            failure=about["failure"],
        )
