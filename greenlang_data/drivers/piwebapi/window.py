"""A window of a few points: raw, thinned for a plot, or one aggregate per interval."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.http.ahead import Ahead
from greenlang_data.drivers.http.stamps import nanoseconds
from greenlang_data.drivers.piwebapi.aggregates import AggregateReader
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.decode import selected
from greenlang_data.drivers.piwebapi.moments import between
from greenlang_data.drivers.piwebapi.pages import decode_page
from greenlang_data.drivers.piwebapi.points import Point
from greenlang_data.drivers.piwebapi.recorded import RecordedReader
from greenlang_data.drivers.piwebapi.samples import columns_of
from greenlang_data.drivers.piwebapi.streams import ask_streams, check_order, grouped
from greenlang_data.drivers.schema import failed_series


async def read_window(
    api: PiApi, points: Sequence[Point], window: Window, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Batches of every point in order, at least one each."""
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    if window.interval is None:
        batches = _raw(api, points, start, end, log)
    elif window.aggregation == "plot":
        count = -(-(end - start) // round(window.interval * 1e9))
        batches = _plot(api, points, (start, end), count, log)
    else:
        reader = AggregateReader(
            api,
            start,
            end,
            width=round(window.interval * 1e9),
            aggregation=window.aggregation or "avg",
            log=log,
        )
        batches = reader.read(points)
    async with aclosing(batches) as answered:
        async for batch in answered:
            yield batch


async def _raw(
    api: PiApi, points: Sequence[Point], start: int, end: int, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    reader = RecordedReader(api, start, end, log)
    async with aclosing(reader.each(points)) as series:
        async for point, samples in series:
            if isinstance(samples, RefusedError):
                yield failed_series(point.tag, samples.said)
                continue
            begun = False
            async for columns in samples:
                begun = True
                yield columns.batch(point.tag, point.unit, point.data_type)
            if not begun:
                yield columns_of([]).batch(point.tag, point.unit, point.data_type)


async def _plot(
    api: PiApi, points: Sequence[Point], ends: tuple[int, int], count: int, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    """At most five samples of each interval, chosen by the server so that a plot looks the same."""
    log.note("thinned by the server for a plot: up to five samples of each interval, not all")
    params = [*between(*ends), ("intervals", str(count)), selected("Items")]
    most = max(1, api.cap // (5 * count))
    groups = grouped(api, "streamsets/plot", points, params, most)
    starts = [
        partial(ask_streams, api, "plot", group, params, log, decode_page) for group in groups
    ]
    async with Ahead(starts, api.width) as ahead:
        for group in groups:
            for point, answer in zip(group, await ahead.next(), strict=True):
                if isinstance(answer, RefusedError):
                    yield failed_series(point.tag, answer.said)
                    continue
                check_order(api, point, answer)
                low, high = np.searchsorted(answer.times, ends)
                part = answer.part(int(low), int(high))
                yield part.batch(point.tag, point.unit, point.data_type)
