"""A window of Proficy tags: raw, interpolated, time-weighted, or computed here from raw samples.

The interface knows milliseconds. A raw read may leave out a sample exactly at its start, so it is
asked from a millisecond earlier and cut here; and it refuses whole answers that are too large, so
the window is halved until they fit.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.goodtime import PERCENT_GOOD, GoodTime, good_of
from greenlang_data.drivers.http.ahead import Ahead
from greenlang_data.drivers.http.limits import may_be_a_limit
from greenlang_data.drivers.http.stamps import nanoseconds, written
from greenlang_data.drivers.intervals import EVENT_WEIGHTED, EventIntervals, NotNumbersError
from greenlang_data.drivers.proficy.api import ProficyApi, RefusedError, Result, TooLargeError
from greenlang_data.drivers.proficy.samples import Columns
from greenlang_data.drivers.schema import failed_series
from greenlang_data.errors import ProtocolError, TransientError, UnsupportedError

# What the server is asked for, and by which call.
_CALLS: Final = {
    "time_avg": "calculated",
    "interpolated": "interpolated",
    "held": "sampled",
    "plot": "trend",
}
AGGREGATIONS: Final = EVENT_WEIGHTED | _CALLS.keys() | {PERCENT_GOOD}
_MS: Final = 1_000_000
_TOO_MANY: Final = "more intervals than the server gives at once; ask for fewer"
_FORWARD: Final = [("direction", "0"), ("count", "0")]
# Calculation and sampling modes as the vendor numbers them: average, and the lab's stepped values.
_MODES: Final = {
    "calculated": [("calculationMode", "1")],
    "sampled": [("samplingMode", "7"), ("direction", "0")],
    "trend": [("direction", "0")],
}
_AT_TIMES: Final = frozenset({"interpolated", "sampled"})


class WindowReader:
    """One window; ``start`` and ``end`` are nanoseconds since 1970 UTC."""

    def __init__(
        self, api: ProficyApi, window: Window, units: Mapping[str, str | None], log: ReadLog
    ) -> None:
        self._api = api
        self._units = units
        self._log = log
        self._start, self._end = nanoseconds(window.start), nanoseconds(window.end)
        self._width = round((window.interval or 0) * 1e9)
        self._aggregation = window.aggregation
        self._limit: int | None = None  # of samples at once, where it was found out

    async def read(self, tags: Sequence[str]) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of every tag in order, at least one each."""
        served = self._width and self._aggregation in _CALLS
        if served and (self._width % _MS or self._start % _MS or self._end % _MS):
            raise UnsupportedError(
                f"{self._aggregation} has intervals of whole milliseconds only",
                source=self._api.source,
                remedy="Take such an interval and start, or another aggregation.",
            )
        if self._width and not served:
            self._log.note(f"{self._aggregation} computed here from raw samples")
        call = _CALLS[self._aggregation or ""] if served else "raw"
        params = self._params(call, self._start, self._end, self._width)
        groups = list(self._api.groups(call, tags, params))
        starts = [partial(self._api.data, call, group, params, self._log) for group in groups]
        async with Ahead(starts) as ahead:
            for group in groups:
                for tag, result in zip(group, await ahead.next(), strict=True):
                    batches = (
                        self._trend(tag, result)
                        if call == "trend"
                        else self._served(call, tag, result)
                        if served
                        else self._raw(tag, result)
                    )
                    async with aclosing(batches) as answered:
                        async for batch in answered:
                            yield batch

    def _params(self, call: str, start: int, end: int, width: int) -> list[tuple[str, str]]:
        if call == "raw":
            return [("start", written(start - _MS, 3)), ("end", written(end + _MS, 3)), *_FORWARD]
        # Values at times are those of their own time stamps; the first may be left out.
        early = start - width if call in _AT_TIMES else start
        params = [("start", written(early, 3)), ("end", written(end, 3)), ("count", "0")]
        return [*params, *_MODES.get(call, []), ("intervalMs", str(width // _MS))]

    async def _pieces(
        self, tag: str, result: Result, start: int, end: int
    ) -> AsyncGenerator[Columns, None]:
        """Raw samples with ``start <= time < end``. Raises RefusedError when there are none."""
        if isinstance(result, RefusedError):
            raise result
        if isinstance(result, TooLargeError):
            middle = (start + end) // 2 // _MS * _MS
            if middle <= start:
                raise self._too_dense(tag)
            for first, last in ((start, middle), (middle, end)):
                params = self._params("raw", first, last, 0)
                (half,) = await self._api.data("raw", [tag], params, self._log)
                async with aclosing(self._pieces(tag, half, first, last)) as pieces:
                    async for piece in pieces:
                        yield piece
            return
        while True:
            self._check_order(tag, result)
            low, high = (int(place) for place in np.searchsorted(result.times, [start, end]))
            rest = await self._rest(tag, result, end)
            if rest is None:
                yield result.part(low, high)
                return
            start = _millisecond(result.times[-1])
            yield result.part(low, max(low, int(np.searchsorted(result.times, start))))
            if not isinstance(rest, Columns):
                break
            result = rest
        async with aclosing(self._pieces(tag, rest, start, end)) as pieces:
            async for piece in pieces:
                yield piece

    async def _rest(self, tag: str, result: Columns, end: int) -> Result | None:
        """What there is from the last millisecond of an answer on, if that is more than it had.

        A server that gives no more at once may not say so, and end in the middle of samples of one
        time stamp.
        """
        rows = len(result)
        if not may_be_a_limit(rows) or result.times[-1] >= end:
            return None
        start = _millisecond(result.times[-1])
        had = int((result.times >= start).sum())
        (rest,) = await self._api.data("raw", [tag], self._params("raw", start, end, 0), self._log)
        if not isinstance(rest, Columns):
            return rest
        again = int((rest.times >= start).sum())
        if again > had:
            if had == rows:
                raise self._too_dense(tag)
            self._limit = min(rows, self._limit or rows)
            self._log.note(
                f"the server gives {rows} samples at once, without saying that it has more"
            )
            return rest
        if again < had:
            raise TransientError(
                f"{tag}: it left out samples of {written(start, 3)} that it had given before",
                source=self._api.source,
                remedy="None of it was used; ask again.",
            )
        known = self._limit is not None and rows >= self._limit
        if had == rows and (known or await self._is_anything(tag, start + _MS, end)):
            raise self._too_dense(tag)
        return None

    async def _is_anything(self, tag: str, start: int, end: int) -> bool:
        (found,) = await self._api.data("raw", [tag], self._params("raw", start, end, 0), self._log)
        return not isinstance(found, Columns) or bool(
            ((found.times >= start) & (found.times < end)).any()
        )

    async def _raw(self, tag: str, result: Result) -> AsyncGenerator[pa.RecordBatch, None]:
        if self._aggregation == PERCENT_GOOD:
            async with aclosing(self._good_time(tag, result)) as batches:
                async for batch in batches:
                    yield batch
            return
        intervals = None
        if self._width:
            intervals = EventIntervals(
                self._start, self._end, self._width, self._aggregation or "avg"
            )
        kind = ""
        try:
            async with aclosing(self._pieces(tag, result, self._start, self._end)) as pieces:
                async for piece in pieces:
                    kind = kind or piece.kind
                    batch = piece.batch(tag, self._units[tag])
                    if intervals is None:
                        yield batch
                    else:
                        intervals.add(batch)
        except RefusedError as error:
            yield failed_series(tag, error.said)
            return
        except NotNumbersError:
            why = f"{self._aggregation} is not defined for values of type {kind}"
            yield failed_series(tag, why)
            return
        if intervals is not None:
            for batch in intervals.batches(tag, self._units[tag], kind):
                yield batch

    async def _good_time(self, tag: str, result: Result) -> AsyncGenerator[pa.RecordBatch, None]:
        # The newest sample not after the start, which holds until the first one of the window.
        params = [("start", written(self._start, 3)), ("direction", "1"), ("count", "1")]
        try:
            (before,) = await self._api.data("raw", [tag], params, self._log)
            if isinstance(before, RefusedError):
                raise before
            held = before.batch(tag) if isinstance(before, Columns) else None
            good = held is not None and held.num_rows > 0 and bool(good_of(held)[0])
            share = GoodTime(self._start, self._end, self._width, good_before=good)
            async with aclosing(self._pieces(tag, result, self._start, self._end)) as pieces:
                async for piece in pieces:
                    share.add(piece.batch(tag))
        except RefusedError as error:
            yield failed_series(tag, error.said)
            return
        for batch in share.batches(tag):
            yield batch

    async def _trend(self, tag: str, result: Result) -> AsyncGenerator[pa.RecordBatch, None]:
        """The lowest and the highest of each interval, at their own times."""
        self._log.note(
            "thinned by the server for a plot: the lowest and highest of each interval, where the "
            "line between two samples counts too"
        )
        if not isinstance(result, Columns):
            large = isinstance(result, TooLargeError)
            yield failed_series(tag, _TOO_MANY if large else str(result))
            return
        self._check_order(tag, result)
        ends = [self._start, self._end]
        low, high = (int(place) for place in np.searchsorted(result.times, ends))
        yield result.part(low, high).batch(tag, self._units[tag])

    async def _served(
        self, call: str, tag: str, result: Result
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """Values of whole intervals from the server, and of a short last one."""
        count = -(-(self._end - self._start) // self._width)
        whole = (self._end - self._start) // self._width
        wanted = count if call in _AT_TIMES else whole
        if isinstance(result, TooLargeError):
            result = RefusedError(_TOO_MANY)
        if isinstance(result, RefusedError):
            yield failed_series(tag, result.said)
            return
        grid = self._start + np.arange(wanted, dtype=np.int64) * self._width
        found = self._on_grid(call, result, grid, self._width)
        if found is None:
            yield failed_series(tag, "the server's intervals are not the ones asked for")
            return
        kind = None if call in _AT_TIMES else "Double"
        if wanted:
            yield found.batch(tag, self._units[tag], data_type=kind)
        if wanted < count:
            start = self._start + whole * self._width
            params = self._params(call, start, self._end, self._end - start)
            (last,) = await self._api.data(call, [tag], params, self._log)
            if isinstance(last, Columns):
                grid = np.array([start], np.int64)
                found = self._on_grid(call, last, grid, self._end - start)
            if not isinstance(last, Columns) or found is None:
                raise ProtocolError(
                    f"{tag}: no value for the last, short interval",
                    source=self._api.source,
                    remedy="Let the window end at the end of an interval.",
                )
            yield found.batch(tag, self._units[tag], data_type=kind)

    def _check_order(self, tag: str, result: Columns) -> None:
        if len(result) > 1 and (result.times[1:] < result.times[:-1]).any():
            raise ProtocolError(
                f"{tag}: its samples are out of order",
                source=self._api.source,
                remedy="None of it was used; report this with the server's version.",
            )

    def _too_dense(self, tag: str) -> ProtocolError:
        return ProtocolError(
            f"{tag} has more samples in one millisecond than the server gives at once",
            source=self._api.source,
            remedy="Have its limit raised, or read around that moment.",
        )

    def _on_grid(self, call: str, columns: Columns, grid: np.ndarray, width: int) -> Columns | None:
        """The rows that belong to the grid; None if they are not all there.

        A calculated value may be stamped with either end of its interval, and all must agree.
        """
        times = columns.times
        if call == "calculated":
            rows = len(grid)
            if len(times) >= rows and (times[:rows] == grid).all():
                return columns.part(0, rows)
            if len(times) >= rows and (times[:rows] == grid + width).all():
                found = columns.part(0, rows)
                found.times = grid
                return found
            return None
        places = np.searchsorted(times, grid)
        inside = places < len(times)
        if not inside.all() or (times[places] != grid).any():
            return None
        if len(places) and (np.diff(places) != 1).any():
            return None
        return columns.part(int(places[0]), int(places[-1]) + 1) if len(places) else columns


def _millisecond(time: int) -> int:
    """The millisecond that a time is in."""
    return int(time) // _MS * _MS
