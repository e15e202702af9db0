"""How many may do something at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from greenlang_data.errors import SessionClosedError


class ConcurrencySlots:
    """At most ``limit`` holders at a time, first come, first served.

    Unlike ``asyncio.Semaphore`` its limit may change at run time (a lower one takes effect as
    holders leave), and it may be used on one event loop after another.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def limit(self) -> int:
        """Return the largest number of holders; may be assigned."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._grant()

    @property
    def active(self) -> int:
        """Return the number of holders."""
        return self._active

    async def acquire(self) -> None:
        """Wait for a slot. A cancelled wait takes none.

        Raises
        ------
        SessionClosedError : the slots are in use on another event loop.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        if self._active < self._limit:  # then nobody waits: a slot given back is granted at once
            self._active += 1
            return
        ticket: asyncio.Future[None] = loop.create_future()
        self._waiting.append(ticket)
        try:
            await ticket
        except BaseException:
            if ticket.done() and not ticket.cancelled():
                self.release()  # granted, and cancelled before it could be used
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(ticket)
            raise

    def release(self) -> None:
        """Give a slot back; the longest waiting call gets it."""
        self._active -= 1
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self._active < self._limit:
            ticket = self._waiting.popleft()
            if not ticket.done():
                self._active += 1
                ticket.set_result(None)

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        in_use = self._active or self._waiting
        if in_use and self._loop is not None and not self._loop.is_closed():
            raise SessionClosedError(
                "the connector is in use on another event loop",
                remedy="Wait for those calls, or make a connector of its own for this loop.",
            )
        # Holders on a loop that is closed will never come back.
        self._active = 0
        self._waiting.clear()
        self._loop = loop
