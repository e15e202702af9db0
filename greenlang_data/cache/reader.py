"""A window of raw samples: out of files where they are final, else from the source, and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pyarrow as pa

from greenlang_data.cache.late import difference
from greenlang_data.cache.segment import (
    DamagedError,
    Kept,
    Segment,
    SegmentWriter,
    read_segment,
)
from greenlang_data.cache.store import Piece, Store, plan, remove
from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.http.stamps import nanoseconds
from greenlang_data.drivers.http.worker import on_thread
from greenlang_data.drivers.schema import about_series
from greenlang_data.errors import ProtocolError

T = TypeVar("T")
Source = Callable[[Window, ReadLog], AsyncIterator[pa.RecordBatch]]

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CachedReader:
    """Answers one window of raw samples like the driver whose ``source`` it asks for the rest."""

    def __init__(self, store: Store, source: Source, window: Window, log: ReadLog) -> None:
        self._store = store
        self._source = source
        self._window = window
        self._log = log
        # In whole seconds, and from before anything is asked: what comes meanwhile is later.
        self._now = int(time.time()) * _SECOND
        self._rows = self._oldest = 0
        self._gaps: dict[tuple[int, int], _ByTag] = {}

    async def read(self) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of every tag in order, at least one each."""
        window, store = self._window, self._store
        start, end = nanoseconds(window.start), nanoseconds(window.end)
        known = {tag: store.segments(tag, self._now) for tag in window.tags}
        plans = {tag: plan(start, end, known[tag], store.late) for tag in window.tags}
        asked: dict[tuple[int, int], list[str]] = {}
        for tag, pieces in plans.items():
            for low, high, segment in pieces:
                if segment is None:
                    asked.setdefault((low, high), []).append(tag)
        self._gaps = {gap: self._asked(tuple(tags), *gap) for gap, tags in asked.items()}
        for gap in list(self._gaps.values())[:1]:
            gap.begin()  # so that the files are read while the source is waited for
        try:
            for tag in window.tags:
                async with aclosing(self._tag(tag, plans[tag], known[tag])) as batches:
                    async for batch in batches:
                        yield batch
        finally:
            for gap in self._gaps.values():
                await gap.close()
        if self._rows:
            when = _moment(self._oldest).isoformat()
            self._log.note(f"{self._rows} samples are from the cache, read at {when} or later")

    def _asked(self, tags: tuple[str, ...], low: int, high: int) -> _ByTag:
        part = replace(self._window, tags=tags, start=_moment(low), end=_moment(high))
        return _ByTag(self._source(part, self._log))

    async def _tag(
        self, tag: str, pieces: list[Piece], known: list[Segment]
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        async with AsyncExitStack() as own:
            kept = await self._kept(tag, pieces)
            readers = {
                place: self._gaps[piece[:2]]
                if piece.segment is None
                else self._alone(tag, piece, own)
                for place, piece in enumerate(pieces)
                if place not in kept
            }
            firsts = [await reader.first(tag) for reader in readers.values()]
            failed = [one for one in firsts if about_series(one)["failure"]]
            changed = any(_other(one, old) for one in firsts for old in kept.values())
            if failed or changed:
                for reader in readers.values():
                    await reader.skip(tag)
            if failed:
                yield failed[0]
                return
            if changed:
                self._log.note(f"{tag}: its unit or type is not what it was, so all was read anew")
                pieces = [Piece(pieces[0].start, pieces[-1].end, None)]
                kept, readers = {}, {0: self._alone(tag, pieces[0], own)}
            for place, piece in enumerate(pieces):
                if place in kept:
                    self._rows += kept[place].rows
                    for batch in kept[place].batches:
                        yield batch
                    continue
                async with aclosing(self._fresh(tag, piece, known, readers[place])) as batches:
                    async for batch in batches:
                        yield batch

    def _alone(self, tag: str, piece: Piece, own: AsyncExitStack) -> _ByTag:
        """A reader for this tag only, closed with it."""
        reader = self._asked((tag,), piece.start, piece.end)
        own.push_async_callback(reader.close)
        return reader

    async def _kept(self, tag: str, pieces: list[Piece]) -> dict[int, Kept]:
        """What the files hold, by place; not what is damaged, which is to be read instead."""
        kept: dict[int, Kept] = {}
        for place, (low, high, segment) in enumerate(pieces):
            found = segment and await self._load(segment, tag, low, high)
            if segment and found:
                kept[place] = found
                self._oldest = min(self._oldest or segment.read_at, segment.read_at)
        return kept

    async def _load(self, segment: Segment, tag: str, low: int, high: int) -> Kept | None:
        source = self._store.source
        try:
            return await on_thread(lambda _: read_segment(segment, source, tag, low, high))
        except FileNotFoundError:  # removed by another process, or here since it was listed
            return None
        except DamagedError as error:
            remove(segment)
            self._log.note(f"{tag}: a file of the cache was not used and removed ({error})")
            return None

    async def _fresh(
        self, tag: str, piece: Piece, known: list[Segment], reader: _ByTag
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """Samples from the source, kept as they pass."""
        window = (piece.start, piece.end, self._now)
        keeper = _Keeper(self._store, window, tag, self._log)
        try:
            async with aclosing(reader.of(tag)) as batches:
                async for batch in batches:
                    keeper.add(batch)
                    yield batch
            segment = keeper.finish()
            if segment is not None:
                await self._tell_late(tag, segment, known)
                self._store.outdate(segment, known)
        finally:
            keeper.discard()

    async def _tell_late(self, tag: str, new: Segment, known: list[Segment]) -> None:
        """Say what has changed since the newest file that had some of it."""
        for old in known:
            low, high = max(old.start, new.start), min(old.end, new.end, old.read_at)
            if low >= high:
                continue
            before = await self._load(old, tag, low, high)
            after = await self._load(new, tag, low, high)
            changed = difference(before.batches, after.batches) if before and after else None
            if changed is not None:
                self._log.note(
                    f"{tag}: late data: {changed[0]} samples became {changed[1]} since they were "
                    f"read at {_moment(old.read_at).isoformat()}"
                )
            return


class _Keeper:
    """Keeps what passes; where that fails the read goes on, and a note says so."""

    def __init__(self, store: Store, window: tuple[int, int, int], tag: str, log: ReadLog) -> None:
        self._log = log
        self._writer: SegmentWriter | None = None
        self._writer = self._try(
            lambda: SegmentWriter(store.folder(tag), window, store.source, tag)
        )

    def add(self, batch: pa.RecordBatch) -> None:
        if self._writer is not None:
            writer = self._writer
            self._try(lambda: writer.add(batch))

    def finish(self) -> Segment | None:
        """The file, if all went well."""
        return None if self._writer is None else self._try(self._writer.finish)

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.discard()

    def _try(self, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except OSError as error:
            self._log.note(f"not kept in the cache: {error.strerror or error}")
            self.discard()
            self._writer = None
            return None


class _ByTag:
    """A driver's answer, tag by tag in the order asked."""

    def __init__(self, batches: AsyncIterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._ahead: pa.RecordBatch | None = None
        self._begun: asyncio.Task[pa.RecordBatch | None] | None = None

    def begin(self) -> None:
        """Ask for the first batch already, without waiting for it."""
        self._begun = asyncio.create_task(self._next())

    async def first(self, tag: str) -> pa.RecordBatch:
        """The first batch of ``tag``, which :meth:`of` gives again.

        Raises ProtocolError when the answer goes on with another tag, or not at all.
        """
        await self._look()
        if self._ahead is None or about_series(self._ahead)["tag"] != tag:
            raise ProtocolError(
                f"the answer holds no samples of tag {tag!r} where they should be",
                remedy="None of it was used; report this with the driver's name.",
            )
        return self._ahead

    async def of(self, tag: str) -> AsyncGenerator[pa.RecordBatch, None]:
        """All batches of ``tag``."""
        while True:
            await self._look()
            if self._ahead is None or about_series(self._ahead)["tag"] != tag:
                return
            batch, self._ahead = self._ahead, None
            yield batch

    async def _look(self) -> None:
        """Have the next batch ahead, if there is one."""
        if self._begun is not None:
            begun, self._begun = self._begun, None
            self._ahead = await begun
        elif self._ahead is None:
            self._ahead = await self._next()

    async def _next(self) -> pa.RecordBatch | None:
        return await anext(self._batches, None)

    async def skip(self, tag: str) -> None:
        """Go on to the next tag."""
        async for _ in self.of(tag):
            pass

    async def close(self) -> None:
        """Ask for nothing more."""
        if self._begun is not None:
            self._begun.cancel()
            # What it would have raised is nobody's concern any more.
            await asyncio.gather(self._begun, return_exceptions=True)
        if hasattr(self._batches, "aclose"):
            await self._batches.aclose()


def _other(batch: pa.RecordBatch, kept: Kept) -> bool:
    """Whether the samples are of another unit or type than those that were kept."""
    about = about_series(batch)
    other_type = batch.num_rows and about["data_type"] != kept.about.data_type
    return bool(other_type) or about["unit"] != kept.about.unit


def _moment(time_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_ns // 1000)
