"""Recorded values, each exactly once, however many there are.

A server ends a page at ``maxCount`` without a word, and it may end it in the middle of a burst of
equal time stamps. So from a full page all samples of its last time stamp are put back, and the
next page begins at that very time stamp. What was put back must be there again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import numpy as np

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.ahead import Ahead, ignored
from greenlang_data.drivers.http.limits import may_be_a_limit
from greenlang_data.drivers.http.stamps import written
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError, TooManyError
from greenlang_data.drivers.piwebapi.decode import selected
from greenlang_data.drivers.piwebapi.moments import between
from greenlang_data.drivers.piwebapi.pages import decode_page
from greenlang_data.drivers.piwebapi.points import Point
from greenlang_data.drivers.piwebapi.samples import Columns
from greenlang_data.drivers.piwebapi.streams import ask_streams, check_order, grouped
from greenlang_data.errors import ProtocolError, SourceError, TransientError

_PAGE: Final = 50_000
_LEAST_DOUBTFUL: Final = 100
_MOST_DOUBTS: Final = 3
_TICK: Final = 100
_FIELDS: Final = selected("Items")

Page = Columns | RefusedError


class RecordedReader:
    """Recorded values with ``start <= time < end``, in nanoseconds since 1970 UTC."""

    def __init__(self, api: PiApi, start: int, end: int, log: ReadLog) -> None:
        self._api = api
        self._start, self._end = start, end
        self._log = log
        self._doubts: dict[int, int] = {}

    async def each(
        self, points: Sequence[Point]
    ) -> AsyncGenerator[tuple[Point, AsyncGenerator[Columns, None] | RefusedError], None]:
        """Each point with its samples, in the points' order; use up one before the next."""
        params = [*self._window(self._start), ("maxCount", "999999"), _FIELDS]
        groups = grouped(self._api, "streamsets/recorded", points, params)
        starts = [partial(self._first_pages, group) for group in groups]
        async with Ahead(starts, self._api.width) as ahead:
            for group in groups:
                pages, size = await ahead.next()
                for point, page in zip(group, pages, strict=True):
                    if isinstance(page, RefusedError):
                        yield point, page
                        continue
                    async with aclosing(self._pages(point, page, size)) as samples:
                        yield point, samples

    async def _first_pages(self, group: Sequence[Point]) -> tuple[list[Page], int]:
        size = _PAGE
        while True:
            # Whether the server counts per call or per stream is not known; this holds for both.
            size = max(1, min(size, self._api.cap // len(group)))
            try:
                return await self._ask(group, self._start, size), size
            except TooManyError:
                size = self._smaller(size)

    async def _pages(self, point: Point, page: Columns, size: int) -> AsyncGenerator[Columns, None]:
        """All pages of one point, whose first is there already."""
        start = self._start
        following: asyncio.Task[tuple[Columns, int]] | None = None
        try:
            while True:
                self._check_order(point, page, start)
                rows, last = len(page), int(page.times[-1]) if len(page) else 0
                keep = int(np.searchsorted(page.times, last))
                if await self._is_last(point, page, keep, size):
                    keep = rows
                else:
                    asked, start = size, last
                    if keep:
                        size = max(size, min(_PAGE, self._api.cap))
                    else:
                        size = self._larger(point, size, rows)
                    following = asyncio.create_task(self._page(point, start, size))
                low = int(np.searchsorted(page.times[:keep], self._start))
                high = int(np.searchsorted(page.times[:keep], self._end))
                if high > low:
                    yield page.part(low, high)
                if following is None:
                    return
                page, size = await following
                following = None
                self._check_again(point, page, start, min(rows - keep, size))
                if rows < asked and len(page) > rows - keep:
                    self._found_silent(rows)
        finally:
            if following is not None:
                following.add_done_callback(ignored)
                following.cancel()

    async def _page(self, point: Point, start: int, size: int) -> tuple[Columns, int]:
        while True:
            try:
                (page,) = await self._ask([point], start, size)
            except TooManyError:
                size = self._smaller(size)
                continue
            if isinstance(page, RefusedError):
                raise SourceError(
                    f"{point.tag}: it refused a later page: {page.said}",
                    source=self._api.source,
                    remedy="None of it was used; ask again.",
                )
            return page, size

    async def _ask(self, points: Sequence[Point], start: int, size: int) -> list[Page]:
        params = [*self._window(start), ("maxCount", str(size)), _FIELDS]
        found = await ask_streams(self._api, "recorded", points, params, self._log, decode_page)
        lengths = [len(one) for one in found if isinstance(one, Columns)]
        self._api.longest = max(self._api.longest, *lengths, 0)
        return found

    def _window(self, start: int) -> list[tuple[str, str]]:
        return [*between(start, self._end), ("boundaryType", "Inside")]

    def _smaller(self, size: int) -> int:
        """The largest page that the server allows, or half of what it did not allow."""
        if size <= 1:
            raise ProtocolError(
                "it allows not even one sample",
                source=self._api.source,
                remedy="Have its MaxReturnedItemsPerCall raised.",
            )
        return self._api.cap if self._api.cap < size else size // 2

    def _larger(self, point: Point, size: int, rows: int) -> int:
        """A page that goes beyond a burst of samples of one time stamp."""
        if size >= self._api.cap:
            raise ProtocolError(
                f"{point.tag} has {rows} samples or more of one time stamp, and the server gives "
                f"no more than {self._api.cap} at once, so the rest of them cannot be reached",
                source=self._api.source,
                remedy="Have its MaxReturnedItemsPerCall raised, or read around that moment.",
            )
        return min(size * 2, self._api.cap)

    async def _is_last(self, point: Point, page: Columns, keep: int, size: int) -> bool:
        """Whether nothing can follow; ``keep`` samples are before the page's last time stamp.

        A server may also end a page early without a word. So a long page that was not full is
        only believed to be the last if its end is no farther from the window's end than its
        samples are from each other, and if it has no round number of samples, as caps are. Of
        short pages only those are doubted that are the longest of all, and a few of one length.
        """
        rows = len(page)
        if not rows or page.times[-1] >= self._end:
            return True
        last = int(page.times[-1])
        if rows >= min(size, self._api.cap):
            return False
        reaches = keep > 0 and self._end - last <= int(np.diff(page.times).max())
        if rows < _LEAST_DOUBTFUL:
            if reaches or rows < self._api.longest or self._doubts.get(rows, 0) >= _MOST_DOUBTS:
                return True
            self._doubts[rows] = self._doubts.get(rows, 0) + 1
        elif keep:
            return reaches and not may_be_a_limit(rows)
        # A burst, or few samples. Whatever comes after them should have been on the page too.
        if last + _TICK >= self._end:
            return True
        more, _ = await self._page(point, last + _TICK, 1)
        if not (more.times > last).any():
            return True
        self._found_silent(rows)
        return False

    def _found_silent(self, rows: int) -> None:
        self._api.cap = min(self._api.cap, rows)
        self._log.note(f"the server gives {rows} samples at once, without saying that it has more")

    def _check_again(self, point: Point, page: Columns, start: int, expected: int) -> None:
        """A page must begin with the samples that were put back for it."""
        found = int(np.searchsorted(page.times, start, side="right"))
        if found < expected:
            raise TransientError(
                f"{point.tag}: it left out {expected - found} samples of "
                f"{written(start, 7)} that were on the page before",
                source=self._api.source,
                remedy="None of it was used; ask again.",
            )

    def _check_order(self, point: Point, page: Columns, start: int) -> None:
        check_order(self._api, point, page)
        if len(page) and page.times[0] < start:
            raise ProtocolError(
                f"{point.tag}: its samples begin before {written(start, 7)}, which was asked for",
                source=self._api.source,
                remedy="None of it was used; report this with the server's version.",
            )
