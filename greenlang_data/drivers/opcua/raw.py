"""Raw samples of many tags: several at once on the wire, one after the other in the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import pyarrow as pa
from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.arrow import first_type, series_of
from greenlang_data.drivers.opcua.bulk import SOURCE, in_chunks
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns, whole_numbers
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.historyread import Page, history_read, raw_details, release
from greenlang_data.drivers.opcua.meanings import NO_NAMES, Meanings, Names
from greenlang_data.drivers.opcua.series import RawSeries, UnreadableError
from greenlang_data.drivers.opcua.statuses import TOO_LARGE, history_failure
from greenlang_data.drivers.opcua.times import ticks_at
from greenlang_data.drivers.schema import failed_series


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with its node, encoded and as text."""

    tag: str
    node: bytes
    text: str
    unit: str | None


class RawReader:
    """Raw samples. The first pages of a group of tags come with one request."""

    def __init__(
        self,
        connection: Connection,
        start: int,
        end: int,
        log: ReadLog,
        *,
        modified: bool = False,
        meanings: Meanings | None = None,
    ) -> None:
        """``start`` and ``end``, which is excluded, in nanoseconds since 1970 UTC.

        ``modified``: the history of modifications instead of the values that hold.
        ``meanings`` gives structures their fields, and numbers their names.
        """
        self._meanings = meanings
        self._modified = modified
        self._connection = connection
        self._start, self._end = start, end
        self._log = log

    async def read(self, tags: Sequence[Tag]) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of every tag, at least one each."""
        async with aclosing(self.each(tags)) as series:
            async for tag, parts in series:
                async for batch in self._batches(tag, parts):
                    yield batch

    async def each(
        self, tags: Sequence[Tag]
    ) -> AsyncGenerator[tuple[Tag, AsyncGenerator[Columns, None]], None]:
        """Every tag with its samples, which raise UnreadableError when there are none to be had.

        They are to be used before the next tag is asked for.
        """
        size = self._group_size()
        groups = [tags[start : start + size] for start in range(0, len(tags), size)]
        ahead: asyncio.Task[list[Page | None]] | None = None
        try:
            for number, group in enumerate(groups):
                pages = await (ahead or self._first_pages(group))
                following = groups[number + 1 : number + 2]
                ahead = asyncio.create_task(self._first_pages(following[0])) if following else None
                async with aclosing(self._group(group, pages)) as series:
                    async for one in series:
                        yield one
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _group(
        self, group: Sequence[Tag], pages: list[Page | None]
    ) -> AsyncGenerator[tuple[Tag, AsyncGenerator[Columns, None]], None]:
        size = self._page_size(len(group))
        try:
            await self._learn_names(group, pages)
            for tag in group:
                one = RawSeries(
                    self._connection,
                    tag.node,
                    self._start,
                    self._end,
                    self._log,
                    modified=self._modified,
                )
                async with aclosing(one.pages(pages.pop(0), size)) as parts:
                    yield tag, parts
        finally:
            self._forget(group, pages)

    async def _batches(
        self, tag: Tag, parts: AsyncGenerator[Columns, None]
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        data_type: str | None = None
        names = NO_NAMES
        try:
            async for columns in parts:
                names = await self._explained(tag, columns) or names
                kind = first_type(columns, names) or data_type or ""
                if data_type and kind != data_type:
                    self._log.note(f"the type of {tag.tag} changes from {data_type} to {kind}")
                data_type = kind
                yield series_of(tag.tag, columns, tag.unit, kind, names)
        except UnreadableError as error:
            what = "history of modifications" if self._modified else "history"
            yield failed_series(tag.tag, history_failure(error.code, tag.text, what))
            return
        if data_type is None:
            yield series_of(tag.tag, Columns.empty(0), tag.unit, "")

    async def _explained(self, tag: Tag, columns: Columns) -> Names:
        """Give structures their fields; the names of the numbers, if there are any."""
        if self._meanings is None:
            return NO_NAMES
        if columns.texts:
            await self._meanings.explain(columns, None, self._log)
        if not whole_numbers(columns).any():
            return NO_NAMES
        return (await self._meanings.names([tag.node], self._log))[0]

    async def _learn_names(self, group: Sequence[Tag], pages: Sequence[Page | None]) -> None:
        """Those of all tags of a group at once, as far as their first pages are there."""
        if self._meanings is None:
            return
        whole = [
            tag.node
            for tag, page in zip(group, pages, strict=True)
            if page is not None and any(whole_numbers(one).any() for one in page.blocks)
        ]
        await self._meanings.names(whole, self._log)

    def _group_size(self) -> int:
        # Two groups are under way, and each tag may hold a continuation point.
        limits = self._connection.limits
        return max(1, min(limits["history"], limits["points"] // 2))

    async def _first_pages(self, group: Sequence[Tag]) -> list[Page | None]:
        """The first page of each; None for one that has to be asked for alone."""
        if len(group) == 1:
            return [None]
        size = self._page_size(len(group))

        async def part(start: int, stop: int) -> list[Page | None]:
            nodes = [(tag.node, None) for tag in group[start:stop]]
            try:
                pages = await history_read(
                    self._connection, self._details(size), nodes, SOURCE, self._log
                )
            except ServiceFaultError as fault:
                if fault.code in TOO_LARGE and stop - start == 1:
                    return [None]
                raise
            return [_unless_alone(page) for page in pages]

        found = await in_chunks(len(group), self._connection.limits, "history", part)
        return [page for pages in found for page in pages]

    def _page_size(self, tags: int) -> int:
        return max(1, self._connection.limits["page"] // tags)

    def _details(self, size: int) -> bytes:
        first, last = ticks_at(self._start), ticks_at(self._end)
        return raw_details(first, last, size, modified=self._modified)

    def _forget(self, group: Sequence[Tag], pages: Sequence[Page | None]) -> None:
        """Release the continuation points of the last tags of a group, which were not begun."""
        if not self._connection.alive:
            return
        for tag, page in zip(group[len(group) - len(pages) :], pages, strict=True):
            if page is not None and page.continuation is not None:
                release(self._connection, self._details(1), tag.node, page.continuation)


def _unless_alone(page: Page) -> Page | None:
    """The page, or None when the tag will fare better in a request of its own."""
    code = page.code & 0xFFFF0000
    if code in TOO_LARGE or code == StatusCodes.BadNoContinuationPoints:
        return None
    return page
