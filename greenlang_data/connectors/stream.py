"""A window of any length, batch by batch, each behind the pipeline.

When the source fails between two batches the read goes on from the last sample delivered, so a
retry neither loses nor repeats one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import Window
from greenlang_data.drivers.schema import about_series
from greenlang_data.errors import ProtocolError
from greenlang_data.frames.series import without_bad_values

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Step(Protocol):
    """Runs one attempt at the next batch behind the pipeline."""

    def __call__(
        self, attempt: Callable[[], Awaitable[pa.RecordBatch | None]]
    ) -> Awaitable[pa.RecordBatch | None]: ...


class WindowStream:
    """Reads ``window`` through ``read``, one batch for each ``step``."""

    def __init__(
        self,
        window: Window,
        read: Callable[[Window], AsyncIterator[pa.RecordBatch]],
        step: Step,
        source: str,
    ) -> None:
        self._window = window
        self._read = read
        self._step = step
        self._source = source
        self._place = 0  # of the tag that is being read
        self._position: _Position | None = None
        self._batches: AsyncIterator[pa.RecordBatch] | None = None

    async def __aiter__(self) -> AsyncIterator[pa.RecordBatch]:
        try:
            while (batch := await self._step(self._next)) is not None:
                yield batch
        finally:
            await self._drop()
        if self._place + 1 < len(self._window.tags) or self._position is None:
            raise ProtocolError(
                f"the answer ended before tag {self._window.tags[self._place]!r} was whole",
                source=self._source,
                remedy="None of it may be used; report this with the driver's name.",
            )

    async def _next(self) -> pa.RecordBatch | None:
        try:
            if self._batches is None:
                self._batches = self._from_here()
            batch = await anext(self._batches, None)
        except BaseException:
            # Also after a cancellation: an interrupted generator cannot be continued.
            await self._drop()
            raise
        return None if batch is None else self._advance(without_bad_values(batch))

    async def _drop(self) -> None:
        batches, self._batches = self._batches, None
        if batches is not None and hasattr(batches, "aclose"):
            await batches.aclose()

    async def _from_here(self) -> AsyncIterator[pa.RecordBatch]:
        """The rest of the current tag, without what was delivered, then the other tags."""
        tags, position = self._window.tags, self._position
        if position is not None:
            rest = replace(self._window, tags=tags[self._place : self._place + 1])
            skip = position.copy()
            async for batch in self._read(replace(rest, start=position.start(rest.start))):
                yield skip.without_delivered(batch)
            tags = tags[self._place + 1 :]
        if tags:
            async for batch in self._read(replace(self._window, tags=tags)):
                yield batch

    def _advance(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        tag = about_series(batch)["tag"]
        tags = self._window.tags
        if self._position is not None and tag != tags[self._place]:
            self._place, self._position = self._place + 1, None
        if self._place >= len(tags) or tag != tags[self._place]:
            raise ProtocolError(
                f"the answer holds tag {tag!r} out of turn",
                source=self._source,
                remedy="None of it may be used; report this with the driver's name.",
            )
        if self._position is None:
            self._position = _Position()
        self._position.add(batch)
        return batch


class _Position:
    """The last time stamp delivered of a tag, and how many samples had it."""

    def __init__(self, last: int | None = None, count: int = 0) -> None:
        self.last = last
        self.count = count

    def copy(self) -> _Position:
        return _Position(self.last, self.count)

    def start(self, otherwise: datetime) -> datetime:
        """Where to read on: at the last time stamp, whose other samples may be missing yet."""
        if self.last is None:
            return otherwise
        return max(otherwise, _EPOCH + timedelta(microseconds=self.last // 1000))

    def add(self, batch: pa.RecordBatch) -> None:
        moments = _moments(batch)
        if not len(moments):
            return
        last = int(moments[-1])
        same = int(np.count_nonzero(moments == last))
        self.count = self.count + same if last == self.last else same
        self.last = last

    def without_delivered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """``batch`` without the samples up to this position; uses the position up."""
        if self.last is None:
            return batch
        moments = _moments(batch)
        before = int(np.searchsorted(moments, self.last, side="left"))
        same = int(np.searchsorted(moments, self.last, side="right")) - before
        skipped = min(same, self.count)
        self.count -= skipped
        return batch.slice(before + skipped)


def _moments(batch: pa.RecordBatch) -> np.ndarray:
    return np.asarray(batch.column("timestamp").cast(pa.int64()))
