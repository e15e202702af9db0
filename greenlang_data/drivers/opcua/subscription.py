"""One subscription: made, followed without gaps, and deleted."""

from __future__ import annotations

import asyncio
import math
import struct
from dataclasses import dataclass
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.bulk import BOTH, in_chunks
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.notifications import Message, read_message, republish_body
from greenlang_data.drivers.opcua.services import (
    CREATE_ITEMS,
    CREATE_SUBSCRIPTION,
    DELETE_SUBSCRIPTIONS,
    REPUBLISH,
)
from greenlang_data.drivers.opcua.statuses import status_name
from greenlang_data.errors import SourceUnreachable

# How often a silent server says that it is there, and after how long it may forget us.
_KEEP_ALIVE_SECONDS: Final = 5.0
_LIFETIME_SECONDS: Final = 60.0
_MOST_PER_MESSAGE: Final = 10_000
# Messages that wait for a slow reader; behind them the server's own queues fill.
_MOST_WAITING: Final = 64
_MOST_REPUBLISHED: Final = 1_000
# A value that waits in the server's queue while a slow line or reader catches up.
_QUEUED_STEPS: Final = 10
_REPORTING: Final = 2
_LARGEST_SEQUENCE: Final = 0xFFFFFFFF
_SMALLEST_ITEM_RESULT: Final = 4 + 4 + 8 + 4 + 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What the server made of the wishes; seconds."""

    publishing: float
    keep_alive: float


class Subscription:
    """Messages of one subscription in the order of their numbers, from :meth:`next_message`."""

    def __init__(self, connection: Connection, number: int, rhythm: Rhythm, log: ReadLog) -> None:
        self.number = number
        self._connection = connection
        self._rhythm = rhythm
        self._log = log
        self._next = 1
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(_MOST_WAITING)
        self._failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._heard = asyncio.get_running_loop().time()

    @classmethod
    async def create(cls, connection: Connection, every: float, log: ReadLog) -> Subscription:
        """A subscription that publishes every ``every`` seconds.

        Raises ServiceFaultError when the server has none to give.
        """
        keep_alive = max(1, round(_KEEP_ALIVE_SECONDS / every))
        lifetime = max(3 * keep_alive, math.ceil(_LIFETIME_SECONDS / every))
        wishes = struct.pack("<dIIIBB", every * 1000, lifetime, keep_alive, _MOST_PER_MESSAGE, 1, 0)
        reader = await connection.ask(CREATE_SUBSCRIPTION, wishes, log)
        number = reader.uint32()
        interval = struct.unpack_from("<d", reader.data, reader.skip(8))[0]
        reader.uint32()
        count = reader.uint32()
        if not 0 < interval < math.inf:
            raise MalformedAnswerError(f"a subscription that publishes every {interval} ms")
        rhythm = Rhythm(interval / 1000, interval / 1000 * max(count, 1))
        return cls(connection, number, rhythm, log)

    async def add_items(self, entries: list[bytes], every: float) -> list[int]:
        """Monitor ``entries`` (ReadValueIds), whose numbers are their handles.

        Returns the status of each.
        """
        sampling = every * 1000

        async def part(start: int, stop: int) -> list[int]:
            head = struct.pack("<Iii", self.number, BOTH, stop - start)
            items = [
                entries[handle]
                + struct.pack("<iId", _REPORTING, handle, sampling)
                # No filter; when the queue is full the oldest value goes, marked as overflow.
                + struct.pack("<HBIB", 0, 0, _QUEUED_STEPS, 1)
                for handle in range(start, stop)
            ]
            reader = await self._connection.ask(CREATE_ITEMS, head + b"".join(items), self._log)
            return _item_codes(reader, stop - start)

        parts = await in_chunks(len(entries), self._connection.limits, "items", part)
        return [code for codes in parts for code in codes]

    async def take(self, message: Message) -> None:
        """Accept a message from the publisher, after those that were missed before it."""
        self._heard = asyncio.get_running_loop().time()
        ahead = (message.sequence - self._next) % _LARGEST_SEQUENCE
        if ahead > _LARGEST_SEQUENCE // 2:
            return
        if ahead:
            await self._fetch_missed(ahead)
        if message.keeps_alive:
            self._next = message.sequence
            return
        self._next = message.sequence % _LARGEST_SEQUENCE + 1
        await self._waiting.put(message)

    async def _fetch_missed(self, count: int) -> None:
        """Ask again for messages that got lost; say which the server no longer has."""
        lost = max(0, count - _MOST_REPUBLISHED)
        for step in range(lost, count):
            sequence = (self._next - 1 + step) % _LARGEST_SEQUENCE + 1
            try:
                body = republish_body(self.number, sequence)
                reader = await self._connection.ask(REPUBLISH, body, self._log)
            except ServiceFaultError:
                lost += 1
                continue
            await self._waiting.put(read_message(reader))
        if lost:
            self._log.note(
                f"{lost} of {count} missed notifications could not be had again, so values "
                "are missing there"
            )

    def fail(self, error: BaseException) -> None:
        """No more messages will come, because of ``error``."""
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # it is raised when the messages before it are used up

    async def next_message(self, seconds: float) -> Message | None:
        """The next message, or None when there is none within ``seconds``.

        Raises what ended the subscription.
        """
        if not self._waiting.empty():
            return self._handed_out(self._waiting.get_nowait())
        waiter: asyncio.Future[Any] = asyncio.ensure_future(self._waiting.get())
        try:
            await asyncio.wait(
                {waiter, self._failed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            if not waiter.done():
                waiter.cancel()
        if waiter.done() and not waiter.cancelled():
            return self._handed_out(waiter.result())
        if self._failed.done():
            self._failed.result()
        return None

    def _handed_out(self, message: Message) -> Message:
        # A reader that was slow has not made the server silent.
        self._heard = asyncio.get_running_loop().time()
        if message.status is not None:
            raise SourceUnreachable(
                f"the server ended the subscription ({status_name(message.status)})",
                source=self._connection.source,
            )
        return message

    def check_silence(self) -> None:
        """Raise SourceUnreachable, and drop the connection, when the server is silent too long."""
        silent = asyncio.get_running_loop().time() - self._heard
        if silent > self._rhythm.keep_alive + self._connection.patience:
            self._connection.drop()
            raise SourceUnreachable(
                f"the server has been silent for {silent:.1f} s, although it should have told "
                f"every {self._rhythm.keep_alive:g} s that it is there",
                source=self._connection.source,
            )

    def delete(self) -> None:
        """Let the server forget it; waits for nothing, so that it is safe in a cancellation."""
        if self._connection.alive:
            body = struct.pack("<iI", 1, self.number)
            self._connection.send_and_forget(DELETE_SUBSCRIPTIONS, body)
        self._failed.cancel()


def _item_codes(reader: Reader, expected: int) -> list[int]:
    count = reader.count(_SMALLEST_ITEM_RESULT)
    if count != expected:
        raise MalformedAnswerError(f"{max(count, 0)} monitored items instead of {expected}")
    codes = []
    for _ in range(count):
        codes.append(reader.uint32())
        reader.skip(4 + 8 + 4)
        reader.extension_object()
    reader.finish()
    return codes
