"""One value per interval: from the server where it has the very aggregate, else computed here.

The server's answer is used only when its intervals are exactly the ones asked for. One interval
more is asked for than is wanted: of several, all but the last hold the samples from their start to
before their end, while a single one would also hold a sample at its end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.ahead import Ahead
from greenlang_data.drivers.intervals import EVENT_WEIGHTED, EventIntervals, NotNumbersError
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError, TooManyError
from greenlang_data.drivers.piwebapi.decode import Answered, selected, summaries_decoder
from greenlang_data.drivers.piwebapi.moments import between
from greenlang_data.drivers.piwebapi.pages import decode_page
from greenlang_data.drivers.piwebapi.points import Point
from greenlang_data.drivers.piwebapi.recorded import RecordedReader
from greenlang_data.drivers.piwebapi.samples import Columns
from greenlang_data.drivers.piwebapi.streams import ask_streams, grouped
from greenlang_data.drivers.schema import failed_series
from greenlang_data.errors import ProtocolError, UnsupportedError

_SECOND: Final = 1_000_000_000
_PIECE: Final = 20_000
_LEFT_OUT: Final = (
    "aggregated by PI, which leaves bad samples out and does not tell; percent_good tells"
)
_OF_ANY_TYPE: Final = frozenset({"count", "first", "last", "interpolated", "percent_good"})


@dataclass(frozen=True, slots=True)
class Served:
    """How the server is asked for an aggregate: a streamset's action and its own parameters."""

    action: str
    params: tuple[tuple[str, str], ...]
    decode: Callable[[bytes | bytearray], Answered]
    width_key: str
    fields: tuple[str, str]


def _summary(kind: str, basis: str) -> Served:
    params = (
        ("summaryType", kind),
        ("calculationBasis", basis),
        ("timeType", "EarliestTime"),
    )
    fields = selected("Items.Value", "Items.Type")
    return Served("summary", params, summaries_decoder(kind), "summaryDuration", fields)


# Not its Total, which is an integral per day, nor its first and last, which it does not have.
SERVED: Final = {
    "avg": _summary("Average", "EventWeighted"),
    "time_avg": _summary("Average", "TimeWeighted"),
    "min": _summary("Minimum", "EventWeighted"),
    "max": _summary("Maximum", "EventWeighted"),
    "range": _summary("Range", "EventWeighted"),
    "std": _summary("StdDev", "EventWeighted"),
    "count": _summary("Count", "EventWeighted"),
    "percent_good": _summary("PercentGood", "TimeWeighted"),
    "interpolated": Served("interpolated", (), decode_page, "interval", selected("Items")),
}
AGGREGATIONS: Final = EVENT_WEIGHTED | SERVED.keys() | {"plot"}

_Answer = Columns | RefusedError


class AggregateReader:
    """One aggregate over intervals of ``width`` nanoseconds, counted from ``start``."""

    def __init__(
        self, api: PiApi, start: int, end: int, *, width: int, aggregation: str, log: ReadLog
    ) -> None:
        self._api = api
        self._start, self._end, self._width = start, end, width
        self._aggregation = aggregation
        self._log = log
        # Whole intervals, which the server may be asked for, and all.
        self._whole = (end - start) // width
        self._count = -(-(end - start) // width)

    async def read(self, points: Sequence[Point]) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of every point, at least one each."""
        served = SERVED.get(self._aggregation)
        why = None
        if served is None:
            why = "PI has no such summary"
        elif self._width % _SECOND:
            why = "PI has intervals of whole seconds only"
        if served is None or why:
            self._computable(why or "")
            async with aclosing(self._computed(points)) as batches:
                async for batch in batches:
                    yield batch
            return
        usable = [one for one in points if not self._undefined(one)]
        rows = max(1, min(self._count, _PIECE) + 1)
        params = self._params(served, 0, 1)
        most = max(1, self._api.cap // rows)
        groups = grouped(self._api, f"streamsets/{served.action}", usable, params, most)
        starts = [partial(self._answers, served, group) for group in groups]
        answers: dict[str, list[_Answer]] = {}
        async with Ahead(starts, self._api.width) as ahead:
            for point in points:
                if self._undefined(point):
                    yield self._not_defined(point)
                    continue
                if point.tag not in answers:
                    group = groups.pop(0)
                    found = await ahead.next()
                    answers = {one.tag: part for one, part in zip(group, found, strict=True)}
                async with aclosing(self._one(point, answers.pop(point.tag))) as batches:
                    async for batch in batches:
                        yield batch

    async def _answers(self, served: Served, group: Sequence[Point]) -> list[list[_Answer]]:
        """All pieces of every point in the group."""
        found: list[list[_Answer]] = [[] for _ in group]
        first = 0
        size = min(_PIECE, max(1, self._api.cap // len(group) - 1))
        while first < self._count:
            last = min(first + size, self._count)
            try:
                answers = await ask_streams(
                    self._api,
                    served.action,
                    group,
                    self._params(served, first, last),
                    self._log,
                    served.decode,
                )
            except TooManyError:
                smaller = min(size // 2, max(1, self._api.cap // len(group) - 1))
                if smaller < 1:
                    raise ProtocolError(
                        "it allows fewer items in a call than one interval of these tags",
                        source=self._api.source,
                        remedy="Ask for fewer tags, or have its limit of items in a call raised.",
                    ) from None
                size = smaller
                continue
            for place, answer in enumerate(answers):
                found[place].append(self._checked(answer, first, last))
            first = last
        return found

    def _params(self, served: Served, first: int, last: int) -> list[tuple[str, str]]:
        start = self._start + first * self._width
        # A short last interval is asked for at its full width and computed apart.
        end = self._start + (last + 1) * self._width
        width = (served.width_key, f"{self._width // _SECOND}s")
        return [*between(start, end), width, *served.params, served.fields]

    def _checked(self, answer: _Answer, first: int, last: int) -> _Answer:
        """The rows of the wanted intervals, if they are all there and where they should be."""
        if isinstance(answer, RefusedError):
            return answer
        grid = self._start + np.arange(first, last, dtype=np.int64) * self._width
        rows = len(grid)
        if len(answer) >= rows and (answer.times[:rows] == grid).all():
            found = answer.part(0, rows)
            return found.without_zeros() if self._aggregation == "count" else found
        return RefusedError(0, "the server's intervals are not the ones asked for")

    async def _one(
        self, point: Point, pieces: Sequence[_Answer]
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        refused = next((one for one in pieces if isinstance(one, RefusedError)), None)
        if refused is not None:
            if self._aggregation not in EVENT_WEIGHTED:
                yield failed_series(point.tag, refused.said)
                return
            self._computable(refused.said)
            async with aclosing(self._computed([point])) as batches:
                async for batch in batches:
                    yield batch
            return
        short = self._count > self._whole and self._aggregation != "interpolated"
        done = 0
        for piece in pieces:
            assert isinstance(piece, Columns)
            rows = min(len(piece), (self._whole if short else self._count) - done)
            done += rows
            if rows:
                self._tell_left_out()
            yield piece.part(0, rows).batch(point.tag, self._unit(point), self._type(point))
        if short:
            async with aclosing(self._short(point)) as batches:
                async for batch in batches:
                    yield batch

    async def _short(self, point: Point) -> AsyncGenerator[pa.RecordBatch, None]:
        """The last interval, which is shorter than the others."""
        start = self._start + self._whole * self._width
        if self._aggregation in EVENT_WEIGHTED:
            self._log.note("the last interval is short and was computed here from raw samples")
            rest = AggregateReader(
                self._api,
                start,
                self._end,
                width=self._width,
                aggregation=self._aggregation,
                log=self._log,
            )
            async with aclosing(rest._computed([point])) as batches:
                async for batch in batches:
                    yield batch
            return
        served = SERVED[self._aggregation]
        params = [*between(start, self._end), *served.params, served.fields]
        (answer,) = await ask_streams(
            self._api, served.action, [point], params, self._log, served.decode
        )
        if isinstance(answer, RefusedError) or len(answer) != 1 or answer.times[0] != start:
            said = answer.said if isinstance(answer, RefusedError) else "it has other times"
            raise ProtocolError(
                f"{point.tag}: no value for the last, short interval ({said})",
                source=self._api.source,
                remedy="Let the window end at the end of an interval.",
            )
        self._tell_left_out()
        yield answer.batch(point.tag, self._unit(point), self._type(point))

    async def _computed(self, points: Sequence[Point]) -> AsyncGenerator[pa.RecordBatch, None]:
        raw = RecordedReader(self._api, self._start, self._end, self._log)
        async with aclosing(raw.each(points)) as series:
            async for point, samples in series:
                if isinstance(samples, RefusedError):
                    yield failed_series(point.tag, samples.said)
                    continue
                intervals = EventIntervals(self._start, self._end, self._width, self._aggregation)
                kind = point.data_type
                try:
                    async for columns in samples:
                        kind = kind or columns.kind
                        intervals.add(columns.batch(point.tag, point.unit, kind))
                except NotNumbersError:
                    yield self._not_defined(point)
                    continue
                for batch in intervals.batches(point.tag, point.unit, kind or "Double"):
                    yield batch

    def _computable(self, why: str) -> None:
        if self._aggregation not in EVENT_WEIGHTED:
            raise UnsupportedError(
                f"{self._aggregation} cannot be had: {why}",
                source=self._api.source,
                remedy="Take an interval of whole seconds, or another aggregation.",
            )
        self._log.note(f"{self._aggregation} computed here from raw samples: {why}")

    def _tell_left_out(self) -> None:
        """Of what the server has computed; not of a refusal, after which it is computed here."""
        if self._aggregation not in ("interpolated", "percent_good"):
            self._log.note(_LEFT_OUT)

    def _undefined(self, point: Point) -> bool:
        return point.textual and self._aggregation not in _OF_ANY_TYPE

    def _not_defined(self, point: Point) -> pa.RecordBatch:
        kind = point.data_type or "this type"
        return failed_series(
            point.tag, f"{self._aggregation} is not defined for values of type {kind}"
        )

    def _unit(self, point: Point) -> str | None:
        return {"count": None, "percent_good": "%"}.get(self._aggregation, point.unit)

    def _type(self, point: Point) -> str | None:
        if self._aggregation == "count":
            return "UInt32"
        same = self._aggregation in ("min", "max", "interpolated")
        return point.data_type if same else "Double"
