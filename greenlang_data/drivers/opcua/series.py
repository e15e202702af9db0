"""Raw history of one node, page by page, whatever the server's way of paging.

Met in the field: a null continuation point ends a series, and so does an empty one; some servers
give the same point with every page; some take the page size for a total and end there without a
word; some forget points, or refuse pages that become too large. All of these end in asking anew
from the last sample that was delivered, whose duplicates are then dropped exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import numpy as np
from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.bulk import BOTH, SOURCE
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.historyread import Page, history_read, raw_details, release
from greenlang_data.drivers.opcua.statuses import BAD, TOO_LARGE
from greenlang_data.drivers.opcua.times import NO_TIME, ticks_at

NO_DATA: Final = frozenset({StatusCodes.GoodNoData, StatusCodes.BadNoData})
_POINT_LOST: Final = frozenset(
    {StatusCodes.BadContinuationPointInvalid, StatusCodes.BadNoContinuationPoints}
)
_MOST_EMPTY_PAGES: Final = 100
_MOST_IN_VAIN: Final = 40
_LARGEST_BURST: Final = 1 << 20


class UnreadableError(Exception):
    """The node's history cannot be read at all; ``code`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class RawSeries:
    """The samples of one node with ``start <= time < end``, in nanoseconds since 1970 UTC."""

    def __init__(
        self,
        connection: Connection,
        node: bytes,
        start: int,
        end: int,
        log: ReadLog,
        *,
        modified: bool = False,
    ) -> None:
        self._modified = modified
        self._connection = connection
        self._node = node
        self._start, self._end = start, end
        self._log = log
        self._timestamps = SOURCE
        self._size = connection.limits["page"]
        self._continuation: bytes | None = None
        self._next: asyncio.Task[Page] | None = None
        # The last sample delivered, and how many were delivered that have its very time.
        self._last: int | None = None
        self._repeats = 0
        # After asking anew: from when, whether what comes was delivered before, and how many of
        # the last sample's time are still to be dropped.
        self._from = start
        self._resumed = False
        self._to_drop = 0
        self._in_vain = 0
        self._over = False

    async def pages(self, first: Page | None, first_size: int) -> AsyncGenerator[Columns, None]:
        """All samples, a page at a time. ``first`` is the first page, if it is there already.

        Raises UnreadableError when there is nothing to be had, ServiceFaultError when it fails later.
        """
        page, size = first, first_size
        run_rows = empty_pages = 0
        try:
            while True:
                if page is None:
                    page, size = await self._fetch(), self._size
                if self._start_over(page):
                    page, run_rows = None, 0
                    continue
                self._check_progress(page, empty_pages)
                empty_pages = 0 if page.rows else empty_pages + 1
                self._continuation = page.continuation
                self._fetch_ahead()
                fresh = 0
                for block in page.blocks:
                    accepted = self._accept(block)
                    fresh += len(accepted)
                    if len(accepted):
                        yield accepted
                run_rows += page.rows
                if self._over or not (
                    self._continuation or self._may_go_on(page.rows, run_rows, size, fresh)
                ):
                    return
                if not self._continuation:
                    run_rows = 0
                page = None
        finally:
            self._stop()

    async def _fetch(self) -> Page:
        """The next page, from the request that is under way if there is one."""
        if self._next is not None:
            task, self._next = self._next, None
            return await task
        return await self._ask()

    def _fetch_ahead(self) -> None:
        """Let the server work on the next page while this one is used."""
        if self._continuation is not None:
            self._next = asyncio.create_task(self._ask())

    async def _ask(self) -> Page:
        try:
            pages = await history_read(
                self._connection,
                self._details(),
                [(self._node, self._continuation)],
                self._timestamps,
                self._log,
            )
        except ServiceFaultError as fault:
            if fault.code not in TOO_LARGE:
                raise
            return Page(fault.code, None, [], 0)
        return pages[0]

    def _details(self) -> bytes:
        first, last = ticks_at(self._from), ticks_at(self._end)
        return raw_details(first, last, self._size, modified=self._modified)

    def _start_over(self, page: Page) -> bool:
        """Whether this page is of no use and what comes is to be asked for anew."""
        code = page.code & 0xFFFF0000
        if code in TOO_LARGE and self._size > 1:
            self._size //= 2
            self._connection.limits.shrink("page", self._size)
        elif code in _POINT_LOST and self._continuation is not None and self._last is not None:
            self._log.note("the server forgot where it was in a history, which was asked for anew")
        elif code & BAD and code not in NO_DATA:
            if self._last is None:
                raise UnreadableError(page.code)
            raise ServiceFaultError(page.code)
        elif self._timestamps == SOURCE and self._last is None and _lacks_times(page):
            self._timestamps = BOTH
            self._continuation = page.continuation
        else:
            return False
        self._ask_anew()
        return True

    def _ask_anew(self) -> None:
        self._let_go()
        self._in_vain += 1
        if self._in_vain > _MOST_IN_VAIN:
            raise MalformedAnswerError("its history gets no further, however often it is asked for")
        if self._last is not None:
            self._from, self._resumed, self._to_drop = self._last, True, self._repeats

    def _check_progress(self, page: Page, empty_pages: int) -> None:
        if page.rows or page.continuation is None:
            return
        if page.continuation == self._continuation or empty_pages >= _MOST_EMPTY_PAGES:
            raise MalformedAnswerError("its history goes on and on without samples")

    def _may_go_on(self, rows: int, run_rows: int, size: int, fresh: int) -> bool:
        """Whether an end without a continuation point may be a cap and not the end.

        So it is when a page is as long as was asked for, and to be sure also at round numbers,
        which is what caps are. It is settled by asking from the last sample on.
        """
        if not fresh:
            if rows < size:
                return False
            # More samples of one time than fit on a page: only a larger page gets past them.
            self._size = size * 2
            if self._size > _LARGEST_BURST:
                raise MalformedAnswerError(f"more than {size} samples have one and the same time")
        if rows < size and not _looks_like_a_cap(run_rows):
            return False
        self._ask_anew()
        return True

    def _accept(self, block: Columns) -> Columns:
        """The samples of a block that are new and within the window, in order of time."""
        times = self._times(block)
        if len(times) and (times == NO_TIME).any():
            dated = np.flatnonzero(times != NO_TIME)
            self._log.note(f"{len(times) - len(dated)} samples without any time were left out")
            block = block.take(dated)
            times = block.source
        if len(times) > 1 and (times[1:] < times[:-1]).any():
            raise MalformedAnswerError("its samples are out of order")
        first = int(np.searchsorted(times, self._start))
        last = int(np.searchsorted(times, self._end))
        self._over = self._over or last < len(times)
        first = max(first, self._known(times))
        if first >= last:
            return Columns.empty(0)
        self._remember(times[first:last])
        return block.part(first, last)

    def _times(self, block: Columns) -> np.ndarray:
        if self._timestamps == BOTH:
            missing = block.source == NO_TIME
            if missing.any():
                self._log.note(
                    "the server's time stamps stand in where samples have none of their source"
                )
                block.source = np.where(missing, block.server, block.source)
        return block.source

    def _known(self, times: np.ndarray) -> int:
        """How many of these leading samples were delivered before."""
        if self._last is None or not len(times) or times[0] > self._last:
            return 0
        older = int(np.searchsorted(times, self._last))
        if older and not self._resumed:
            raise MalformedAnswerError("its samples go back in time")
        same = int(np.searchsorted(times, self._last, "right")) - older
        dropped = min(same, self._to_drop)
        self._to_drop -= dropped
        return older + dropped

    def _remember(self, times: np.ndarray) -> None:
        last = int(times[-1])
        same = len(times) - int(np.searchsorted(times, last))
        self._repeats = self._repeats + same if last == self._last else same
        self._last = last
        self._resumed, self._to_drop, self._in_vain = False, 0, 0

    def _let_go(self) -> None:
        """Release the continuation point, if there is one; needs no answer and no waiting."""
        if self._continuation is not None and self._connection.alive:
            release(self._connection, self._details(), self._node, self._continuation)
        self._continuation = None

    def _stop(self) -> None:
        """Leave nothing behind on the server; also right in the middle of a cancellation."""
        if self._next is not None:
            self._next.add_done_callback(self._release_late)
            self._next = None
        else:
            self._let_go()

    def _release_late(self, task: asyncio.Task[Page]) -> None:
        # Only the answer to the request under way tells which point is the last one.
        if not task.cancelled() and task.exception() is None:
            self._continuation = task.result().continuation
            self._let_go()


def _lacks_times(page: Page) -> bool:
    return any((block.source == NO_TIME).any() for block in page.blocks)


def _looks_like_a_cap(rows: int) -> bool:
    return rows >= 100 and (rows % 100 == 0 or rows & (rows - 1) == 0)
