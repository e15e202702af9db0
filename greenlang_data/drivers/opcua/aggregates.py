"""One value per interval: from the server where it can, else computed here from raw samples.

The server's answer is taken only when its intervals are exactly the ones asked for. A last, short
interval is always computed here, because servers differ in what they make of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

import numpy as np
import pyarrow as pa
from asyncua.ua.status_codes import StatusCodes as S

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.arrow import first_type, series_of
from greenlang_data.drivers.opcua.bounds import NoBoundsError, samples_before, samples_from
from greenlang_data.drivers.opcua.bulk import SOURCE, in_chunks
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns, join
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.historyread import Page, history_read, processed_details
from greenlang_data.drivers.opcua.interpolation import interpolations
from greenlang_data.drivers.opcua.intervals import Intervals, NotNumbersError, Rows, rows_batch
from greenlang_data.drivers.opcua.raw import RawReader, Tag
from greenlang_data.drivers.opcua.reductions import REDUCTIONS
from greenlang_data.drivers.opcua.series import NO_DATA, UnreadableError
from greenlang_data.drivers.opcua.statuses import BAD, TOO_LARGE, history_failure, status_name
from greenlang_data.drivers.opcua.times import ticks_at
from greenlang_data.drivers.opcua.weighted import WEIGHTED, Interpolation, Weighted
from greenlang_data.drivers.schema import failed_series
from greenlang_data.errors import UnsupportedError

# Node ids of the standard's aggregates: Average, Minimum, Maximum and Count under the names that
# they have everywhere, the others under the standard's own. There is none for sum: what OPC UA
# calls Total is the integral over time.
AGGREGATES: Final = {
    "avg": 2342,
    "min": 2346,
    "max": 2347,
    "count": 2352,
    "Interpolative": 2341,
    "TimeAverage": 2343,
    "Total": 2344,
    "MinimumActualTime": 2348,
    "MaximumActualTime": 2349,
    "Range": 2350,
    "AnnotationCount": 2351,
    "NumberOfTransitions": 2355,
    "Start": 2357,
    "End": 2358,
    "Delta": 2359,
    "DurationGood": 2360,
    "DurationBad": 2361,
    "PercentGood": 2362,
    "PercentBad": 2363,
    "WorstQuality": 2364,
    "TimeAverage2": 11285,
    "Minimum2": 11286,
    "Maximum2": 11287,
    "Range2": 11288,
    "WorstQuality2": 11292,
    "Total2": 11304,
    "MinimumActualTime2": 11305,
    "MaximumActualTime2": 11306,
    "DurationInStateZero": 11307,
    "DurationInStateNonZero": 11308,
    "StandardDeviationSample": 11426,
    "StandardDeviationPopulation": 11427,
    "VarianceSample": 11428,
    "VariancePopulation": 11429,
    "StartBound": 11505,
    "EndBound": 11506,
    "DeltaBounds": 11507,
}
# How a value goes on between two samples, and from before the first, only the server knows, so
# these are computed here at most where it tells.
_SERVER_ONLY: Final = AGGREGATES.keys() - REDUCTIONS.keys()
# Stamped with the time of the sample that they tell, which is somewhere in the interval.
_OCCURRENCES: Final = frozenset(
    {
        "Start",
        "End",
        "MinimumActualTime",
        "MaximumActualTime",
        "MinimumActualTime2",
        "MaximumActualTime2",
    }
)
_LARGEST_PIECE: Final = 10_000
# The server will not do it, but its raw samples may be there all the same.
_NOT_THERE: Final = frozenset(
    {
        S.BadAggregateNotSupported,
        S.BadAggregateInvalidInputs,
        S.BadAggregateConfigurationRejected,
        S.BadAggregateListMismatch,
        S.BadHistoryOperationUnsupported,
        S.BadHistoryOperationInvalid,
        S.BadServiceUnsupported,
        S.BadNotSupported,
        S.BadNotImplemented,
        S.BadInvalidArgument,
        *NO_DATA,
        *TOO_LARGE,
    }
)

# Where the unit is not the tag's own. Of squares and of integrals over time it is not spelt here,
# because what the source calls its unit may be any text.
_UNITS: Final[dict[str, str | None]] = {
    **dict.fromkeys(("count", "AnnotationCount", "NumberOfTransitions"), None),
    **dict.fromkeys(("WorstQuality", "WorstQuality2"), None),
    **dict.fromkeys(("Total", "Total2", "VarianceSample", "VariancePopulation"), None),
    **dict.fromkeys(("PercentGood", "PercentBad"), "%"),
    **dict.fromkeys(("DurationGood", "DurationBad"), "ms"),
    **dict.fromkeys(("DurationInStateZero", "DurationInStateNonZero"), "ms"),
}

_Answer = Columns | UnreadableError | None


class AggregateReader:
    """One aggregate over intervals of ``width`` nanoseconds, counted from ``start``."""

    def __init__(
        self,
        connection: Connection,
        start: int,
        end: int,
        *,
        width: int,
        aggregation: str,
        log: ReadLog,
    ) -> None:
        self._connection = connection
        self._start, self._end, self._width = start, end, width
        self._aggregation = aggregation
        self._log = log
        # Whole intervals, which a server may be asked for, and all.
        self._whole = (end - start) // width
        self._count = -(-(end - start) // width)
        self._why_not = "it gives no data"
        self._server_only = aggregation in _SERVER_ONLY
        self._asked = self._count if self._server_only else self._whole

    async def read(self, tags: Sequence[Tag]) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of every tag, at least one each."""
        refused = self._connection.limits.refused_aggregates
        aggregate = AGGREGATES.get(self._aggregation)
        if aggregate is None:
            self._note_computed("OPC UA has none, its Total being an integral over time")
        elif aggregate in refused:
            self._note_computed("the server does not offer it")
        if aggregate is None or aggregate in refused or not self._asked:
            async with aclosing(self._computed(tags, 0)) as batches:
                async for batch in batches:
                    yield batch
            return
        most = max(1, _LARGEST_PIECE // min(self._asked, _LARGEST_PIECE))
        size = min(most, self._connection.limits["history"])
        for first in range(0, len(tags), size):
            group = tags[first : first + size]
            answers = await self._ask_server(aggregate, group, 0)
            for tag, answer in zip(group, answers, strict=True):
                async with aclosing(self._one(aggregate, tag, answer)) as batches:
                    async for batch in batches:
                        yield batch

    async def _one(
        self, aggregate: int, tag: Tag, answer: _Answer
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """One tag, whose first piece the server has answered."""
        if isinstance(answer, UnreadableError):
            yield failed_series(tag.tag, history_failure(answer.code, tag.text))
            return
        done = 0
        while answer is not None:
            yield series_of(tag.tag, answer, self._unit(tag), first_type(answer) or "Double")
            done += len(answer)
            if done == self._asked:
                break
            answer = (await self._ask_server(aggregate, [tag], done))[0]
            if isinstance(answer, UnreadableError):
                raise ServiceFaultError(answer.code)
        if done < self._count:
            if done == self._whole:
                self._log.note("the last interval is short and was computed here from raw samples")
            async with aclosing(self._computed([tag], done)) as batches:
                async for batch in batches:
                    yield batch

    async def _ask_server(self, aggregate: int, tags: Sequence[Tag], first: int) -> list[_Answer]:
        """A piece from interval ``first`` on of each tag; None where it has to be computed here."""
        last = min(first + _LARGEST_PIECE, self._whole if first < self._whole else self._count)
        start, end = self._start + first * self._width, self._start + last * self._width
        # A short last interval is asked for alone, where it is asked for at all.
        end = min(end, self._end)
        width = min(self._width, end - start)

        async def part(low: int, high: int) -> list[_Answer]:
            details = processed_details(
                ticks_at(start), ticks_at(end), width / 1e6, aggregate, high - low
            )
            nodes = [(tag.node, None) for tag in tags[low:high]]
            try:
                pages = await history_read(
                    self._connection, details, nodes, SOURCE, self._log, apart=False
                )
            except ServiceFaultError as fault:
                if fault.code not in _NOT_THERE or (fault.code in TOO_LARGE and high - low > 1):
                    raise
                self._note_refused(aggregate, fault.code)
                return [None] * (high - low)
            answers = []
            for tag, page in zip(tags[low:high], pages, strict=True):
                alone = processed_details(ticks_at(start), ticks_at(end), width / 1e6, aggregate, 1)
                whole = await self._with_the_rest(alone, tag, page)
                answers.append(self._checked(aggregate, whole, first, last))
            return answers

        found = await in_chunks(len(tags), self._connection.limits, "history", part)
        return [answer for answers in found for answer in answers]

    async def _with_the_rest(self, details: bytes, tag: Tag, page: Page) -> Page:
        """The page and those that follow it."""
        blocks, rows = list(page.blocks), page.rows
        while page.continuation is not None and page.rows and rows < _LARGEST_PIECE:
            nodes = [(tag.node, page.continuation)]
            page = (await history_read(self._connection, details, nodes, SOURCE, self._log))[0]
            blocks += page.blocks
            rows += page.rows
        return Page(page.code, page.continuation, blocks, rows)

    def _checked(self, aggregate: int, page: Page, first: int, last: int) -> _Answer:
        code = page.code & 0xFFFF0000
        if code in _NOT_THERE:
            self._note_refused(aggregate, code)
            return None
        if code & BAD:
            return UnreadableError(page.code)
        grid = self._start + np.arange(first, last, dtype=np.int64) * self._width
        columns = join(page.blocks) if page.blocks else Columns.empty(0)
        if len(columns) == len(grid) and (self._starts(columns.source) == grid).all():
            return columns
        self._note_computed("the server's intervals are not the ones asked for")
        return None

    def _starts(self, times: np.ndarray) -> np.ndarray:
        """The starts of the intervals that the server's time stamps stand for."""
        if self._aggregation not in _OCCURRENCES:
            return times
        starts: np.ndarray = times - (times - self._start) % self._width
        return starts

    def _note_refused(self, aggregate: int, code: int) -> None:
        if code == S.BadAggregateNotSupported:
            self._connection.limits.refused_aggregates.add(aggregate)
        if code not in NO_DATA:
            self._note_computed(f"the server does not offer it ({status_name(code)})")

    def _note_computed(self, why: str) -> None:
        if self._server_only:
            self._why_not = why
            return
        stamp = ", stamped at the interval's start" if self._aggregation in _OCCURRENCES else ""
        self._log.note(f"{self._aggregation} computed here from good raw samples{stamp}: {why}")

    async def _computed(
        self, tags: Sequence[Tag], first: int
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """From interval ``first`` on, from raw samples."""
        start = self._start + first * self._width
        if self._server_only:
            async for batch in self._weighed(tags, first):
                yield batch
            return
        raw = RawReader(self._connection, start, self._end, self._log)
        async with aclosing(raw.each(tags)) as series:
            async for tag, parts in series:
                async for batch in self._compute(tag, parts, first):
                    yield batch

    async def _weighed(
        self, tags: Sequence[Tag], first: int
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """Those of which the server tells how they go on, if it is one that can be made of that."""
        nodes = [tag.node for tag in tags] if self._aggregation in WEIGHTED else []
        told = await interpolations(self._connection, nodes, self._log) or [None] * len(tags)
        for tag, how in zip(tags, told, strict=True):
            if how is None:
                yield self._without(tag, begun=first > 0)
                continue
            self._log.note(f"{self._aggregation} {how}: {self._why_not}")
            weighted = self._weighted(how, first)
            try:
                async for rows in self._weigh(tag, weighted, first):
                    yield rows_batch(tag.tag, rows, self._unit(tag), weighted.data_type)
            except UnreadableError as error:
                if weighted.begun:
                    raise ServiceFaultError(error.code) from None
                yield failed_series(tag.tag, history_failure(error.code, tag.text))
            except NoBoundsError as error:
                why = f"{self._aggregation} cannot be computed here: {error}"
                yield self._failed(tag, why, begun=weighted.begun)
            except NotNumbersError as error:
                yield self._without_numbers(tag, str(error), begun=weighted.begun)

    def _weighted(self, how: Interpolation, first: int) -> Weighted:
        return Weighted(
            self._start,
            self._width,
            first=first,
            count=self._count,
            end=self._end,
            aggregation=self._aggregation,
            interpolation=how,
        )

    async def _weigh(self, tag: Tag, weighted: Weighted, first: int) -> AsyncGenerator[Rows, None]:
        connection, log = self._connection, self._log
        start = self._start + first * self._width
        for rows in weighted.add(await samples_before(connection, tag.node, start, log)):
            yield rows
        raw = RawReader(connection, start, self._end, log)
        async with aclosing(raw.each([tag])) as series:
            async for _, parts in series:
                async for columns in parts:
                    for rows in weighted.add(columns):
                        yield rows
        for rows in weighted.add(await samples_from(connection, tag.node, self._end, log)):
            yield rows
        for rows in weighted.finish():
            yield rows

    def _unit(self, tag: Tag) -> str | None:
        return _UNITS.get(self._aggregation, tag.unit)

    async def _compute(
        self, tag: Tag, parts: AsyncGenerator[Columns, None], first: int
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        intervals = Intervals(self._start, self._width, first, self._count, self._aggregation)
        try:
            async for columns in parts:
                for rows in intervals.add(columns):
                    yield rows_batch(tag.tag, rows, self._unit(tag), intervals.data_type)
        except UnreadableError as error:
            if first:
                raise ServiceFaultError(error.code) from None
            yield failed_series(tag.tag, history_failure(error.code, tag.text))
            return
        except NotNumbersError as error:
            yield self._without_numbers(tag, str(error), begun=intervals.begun or first > 0)
            return
        for rows in intervals.finish():
            yield rows_batch(tag.tag, rows, self._unit(tag), intervals.data_type)

    def _without(self, tag: Tag, *, begun: bool) -> pa.RecordBatch:
        """The failure of an aggregate that the server does not give, and that is not made here."""
        why = (
            f"{self._aggregation} is not to be had from the server ({self._why_not}), and not "
            "computed here, because the server does not say how values go on between samples"
        )
        return self._failed(tag, why, begun=begun)

    def _without_numbers(self, tag: Tag, kind: str, *, begun: bool) -> pa.RecordBatch:
        why = f"{self._aggregation} is not defined for values of type {kind}, or not exactly"
        return self._failed(tag, why, begun=begun)

    def _failed(self, tag: Tag, why: str, *, begun: bool) -> pa.RecordBatch:
        if begun:
            # A failure after rows would contradict them.
            raise UnsupportedError(
                f"{tag.tag}: {why}",
                source=self._connection.source,
                remedy="Ask for raw samples, or leave the tag out.",
            )
        return failed_series(tag.tag, why)
