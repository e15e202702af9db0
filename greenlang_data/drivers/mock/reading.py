"""Answers to snapshots and windows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import Window
from greenlang_data.drivers.mock.aggregate import Intervals, aggregate_batches, refusal
from greenlang_data.drivers.mock.arrows import raw_batch, single
from greenlang_data.drivers.mock.clock import NOW, microseconds
from greenlang_data.drivers.mock.names import find_tag, plain, unknown
from greenlang_data.drivers.mock.sampling import Sampler, Samples, scans_between
from greenlang_data.drivers.mock.tag import CODE_QUALITY, Tag
from greenlang_data.drivers.schema import BAD, QUALITIES, SNAPSHOT, failed_series
from greenlang_data.errors import QueryError

AGGREGATIONS: Final = ("avg", "min", "max", "sum", "count")

# Time stamps of nanoseconds in 64 bits begin in 1677 and end in 2262.
_NANOSECOND_YEARS: Final = range(1678, 2262)


def snapshot_batch(
    tags: tuple[str, ...], stack: str, sampler: Sampler, now: datetime = NOW
) -> pa.RecordBatch:
    """A row per tag at ``now``, usually the plant's present."""
    rows = [_row(name, find_tag(name, stack), sampler, now) for name in tags]
    return pa.RecordBatch.from_pylist(rows, schema=SNAPSHOT)


def _row(asked: str, tag: Tag | None, sampler: Sampler, now: datetime) -> dict[str, Any]:
    row = {"tag_id": asked, "tag_name": plain(asked), "server_timestamp": now}
    if tag is None:
        wrong = {"quality": QUALITIES[BAD], "status": "BadNodeIdUnknown", "data_type": ""}
        return row | wrong | {"failure": unknown(asked)}
    scan = microseconds(now) // 1_000_000 // tag.scan
    samples = sampler.samples(tag, scan, scan + 1)
    code = 0 if samples.codes is None else int(samples.codes[0])
    value, text = single(tag, samples)
    return row | {
        "value": value,
        "text": text,
        "unit": tag.unit,
        "quality": QUALITIES[CODE_QUALITY[code]],
        "status": tag.statuses[code],
        "timestamp": now,
        "data_type": tag.data_type,
    }


def check_window(window: Window, source: str) -> None:
    """Raise QueryError for a window that means nothing."""
    if window.end <= window.start:
        raise QueryError(
            f"the window ends at {window.end}, not after its start {window.start}",
            source=source,
            remedy="Swap them, or widen the window.",
        )
    if (window.interval is None) != (window.aggregation is None):
        raise QueryError(
            "an interval and an aggregation go together",
            source=source,
            remedy=f"Give both, or neither; aggregations: {', '.join(AGGREGATIONS)}.",
        )
    if window.aggregation is not None and window.aggregation not in AGGREGATIONS:
        raise QueryError(
            f"there is no aggregation {window.aggregation!r}",
            source=source,
            remedy=f"Use {', '.join(AGGREGATIONS)}.",
        )
    if window.interval is not None:
        _check_grid(window, window.interval, source)


def _check_grid(window: Window, interval: float, source: str) -> None:
    if not 0 < interval < float("inf") or _step(interval) / 1_000_000 != interval:
        raise QueryError(
            f"an interval of {interval} s",
            source=source,
            remedy="Give a positive number of seconds in whole microseconds.",
        )
    if {window.start.year, window.end.year} - set(_NANOSECOND_YEARS):
        raise QueryError(
            f"the window {window.start} to {window.end} has no 64-bit time stamps",
            source=source,
            remedy="Stay between 1678 and 2261.",
        )


def _step(interval: float) -> int:
    return round(interval * 1_000_000)


def window_batches(window: Window, stack: str, sampler: Sampler) -> Iterator[pa.RecordBatch]:
    """The series of all tags, one after the other, each of at least one batch."""
    for name in window.tags:
        tag = find_tag(name, stack)
        if tag is None:
            yield failed_series(name, unknown(name))
            continue
        refused = refusal(tag, window.aggregation) if window.aggregation else None
        if refused:
            yield failed_series(name, refused)
            continue
        yield from _series(name, tag, window, sampler)


def _series(name: str, tag: Tag, window: Window, sampler: Sampler) -> Iterator[pa.RecordBatch]:
    empty = True
    for batch in _pieces(name, tag, window, sampler):
        empty = False
        yield batch
    if empty:
        nothing = np.empty(0, np.int64)
        yield raw_batch(name, tag, Samples(nothing, nothing, None))


def _pieces(name: str, tag: Tag, window: Window, sampler: Sampler) -> Iterator[pa.RecordBatch]:
    start, end = microseconds(window.start), microseconds(window.end)
    if window.interval is not None and window.aggregation is not None:
        grid = Intervals(start, end, _step(window.interval))
        yield from aggregate_batches(name, tag, grid, window.aggregation, sampler)
        return
    for samples in sampler.chunks(tag, *scans_between(tag, start, end)):
        if len(samples.stamps):
            yield raw_batch(name, tag, samples)
