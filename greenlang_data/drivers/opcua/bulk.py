"""Reading attributes of any number of nodes within the server's limits."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns, decode_values, join
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.limits import Limits
from greenlang_data.drivers.opcua.services import READ
from greenlang_data.drivers.opcua.statuses import TOO_LARGE, TOO_MANY

_T = TypeVar("_T")

# TimestampsToReturn
SOURCE, BOTH, NEITHER = 0, 2, 3
_MAX_AGE: Final = 0.0


class ReadPlan:
    """What to read, encoded once; bodies of requests are kept for the next time."""

    def __init__(self, entries: Sequence[bytes], timestamps: int) -> None:
        self._entries = entries
        self._timestamps = timestamps
        self._bodies: dict[tuple[int, int], bytes] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def body(self, start: int, stop: int) -> bytes:
        """The request for the nodes from ``start`` up to ``stop``, behind its header."""
        body = self._bodies.get((start, stop))
        if body is None:
            head = struct.pack("<dii", _MAX_AGE, self._timestamps, stop - start)
            body = head + b"".join(self._entries[start:stop])
            self._bodies[start, stop] = body
        return body


async def read_all(
    connection: Connection, plan: ReadPlan, log: ReadLog, *, optional: bool = False
) -> Columns:
    """One DataValue per entry of the plan, in order. ``optional`` is for what may go missing."""
    ask = connection.ask_if_possible if optional else connection.ask

    async def part(start: int, stop: int) -> Columns:
        reader = await ask(READ, plan.body(start, stop), log)
        count = reader.count(1)
        if count != stop - start:
            raise MalformedAnswerError(f"{max(count, 0)} values for {stop - start} nodes")
        columns = decode_values(reader, count)
        reader.finish()
        return columns

    return join(await in_chunks(len(plan), connection.limits, "read", part))


async def in_chunks(
    total: int, limits: Limits, kind: str, part: Callable[[int, int], Awaitable[_T]]
) -> list[_T]:
    """``part(start, stop)`` for ranges that cover ``total``, several at once, in their order.

    A range that the server finds too much is halved, and so is the limit for later ones.
    """

    async def attempt(start: int, stop: int) -> list[_T]:
        if stop - start > limits[kind]:
            return await halves(start, stop)
        try:
            return [await part(start, stop)]
        except ServiceFaultError as fault:
            if fault.code in TOO_MANY and not limits.one_at_a_time:
                # Some servers count what all requests under way ask for together.
                limits.one_at_a_time = True
                return await attempt(start, stop)
            if fault.code not in TOO_MANY | TOO_LARGE or stop - start == 1:
                raise
            limits.shrink(kind, (stop - start + 1) // 2)
            return await halves(start, stop)

    async def halves(start: int, stop: int) -> list[_T]:
        middle = (start + stop) // 2
        return await attempt(start, middle) + await attempt(middle, stop)

    step = limits[kind]
    ranges = [(start, min(start + step, total)) for start in range(0, total, step)]
    found = await all_or_none([attempt(start, stop) for start, stop in ranges])
    return [one for several in found for one in several]


async def all_or_none(work: Sequence[Awaitable[_T]]) -> list[_T]:
    """The results of all, or the first error, once none of the others is running any more."""
    if len(work) == 1:
        return [await work[0]]
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
