"""What the ways to a PHD have in common: raw samples in, windows and current values out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import (
    Driver,
    ReadLog,
    Records,
    Request,
    Snapshot,
    Window,
    no_records,
)
from greenlang_data.drivers.http.stamps import nanoseconds
from greenlang_data.drivers.intervals import EVENT_WEIGHTED, EventIntervals, NotNumbersError
from greenlang_data.drivers.phd.samples import Samples
from greenlang_data.drivers.schema import about_series, failed_series
from greenlang_data.settings.phd import PhdSettings


class PhdDriver(Driver):
    """Reads PHD's raw samples; aggregates are computed here from them."""

    kinds: ClassVar[frozenset[str]] = frozenset(EVENT_WEIGHTED)
    config: PhdSettings

    @abstractmethod
    def samples(
        self, tags: Sequence[str], start: int, end: int, log: ReadLog
    ) -> AsyncGenerator[Samples, None]:
        """Samples of every tag in order, ``start <= time < end`` in nanoseconds, at least one each."""

    @abstractmethod
    def newest(self, tags: Sequence[str], log: ReadLog) -> AsyncGenerator[Samples, None]:
        """The newest sample of every tag in order."""

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of a Snapshot or Window. Raises UnsupportedError for Records."""
        good = self.config.good_confidence
        if isinstance(request, Records):
            raise no_records(self.source)
        if isinstance(request, Snapshot):
            async with aclosing(self.newest(request.tags, log)) as found:
                async for one in found:
                    yield one.row(good)
            return
        start, end = nanoseconds(request.start), nanoseconds(request.end)
        async with aclosing(self.samples(request.tags, start, end, log)) as found:
            raw = (one.batch(good) async for one in found)
            batches = raw if request.interval is None else self._reduced(raw, request, log)
            async with aclosing(batches) as answered:
                async for batch in answered:
                    yield batch

    async def _reduced(
        self, raw: AsyncGenerator[pa.RecordBatch, None], window: Window, log: ReadLog
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """One value of each interval, tag by tag."""
        log.note(f"{window.aggregation} computed here from raw samples")
        one: _Reduction | None = None
        async for batch in raw:
            tag = str(about_series(batch)["tag"])
            if one is None or one.tag != tag:
                for reduced in one.batches() if one else ():
                    yield reduced
                one = _Reduction(tag, window)
            one.add(batch)
        for reduced in one.batches() if one else ():
            yield reduced


class _Reduction:
    """The samples of one tag, as far as they have come."""

    def __init__(self, tag: str, window: Window) -> None:
        self.tag = tag
        self._aggregation = window.aggregation or "avg"
        width = round((window.interval or 0) * 1e9)
        start, end = nanoseconds(window.start), nanoseconds(window.end)
        self._intervals = EventIntervals(start, end, width, self._aggregation)
        self._about: dict[str, str | None] = {}
        self._failure: str | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._about = self._about or about_series(batch)
        self._failure = self._failure or self._about["failure"]
        try:
            self._intervals.add(batch)
        except NotNumbersError:
            kind = about_series(batch)["data_type"]
            self._failure = f"{self._aggregation} is not defined for values of type {kind}"

    def batches(self) -> list[pa.RecordBatch]:
        if self._failure is not None:
            return [failed_series(self.tag, self._failure)]
        unit, kind = self._about["unit"], self._about["data_type"] or "Double"
        return list(self._intervals.batches(self.tag, unit, kind))
