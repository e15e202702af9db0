"""Events as they are reported, and asked for where they are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.dnp3.batch import (
    UNSYNCHRONIZED,
    event_batch,
    failed_batch,
    is_integer_analog,
)
from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.drivers.dnp3.layout import Layout
from greenlang_data.drivers.dnp3.listener import Listener
from greenlang_data.drivers.dnp3.master import Answer, Master
from greenlang_data.drivers.dnp3.points import BY_GROUP, KINDS
from greenlang_data.drivers.dnp3.reader import Reader
from greenlang_data.drivers.dnp3.stack import Header
from greenlang_data.drivers.schema import SNAPSHOT

_CLASSES: Final = tuple(Header(60, variation) for variation in (2, 3, 4))
_GAPS: Final = {
    "EventBufferOverflow": "events were lost: the outstation's event buffer ran over",
    "DeviceRestart": "events may be lost: the outstation restarted",
}


class Watcher:
    """Yields batches for one ``watch``, after its first rows."""

    def __init__(self, master: Master, reader: Reader, layout: Layout, log: ReadLog) -> None:
        self._master = master
        self._reader = reader
        self._layout = layout
        self._log = log
        # The richest variations first, then coarser ones, then whatever the device likes.
        self._questions = [_with_variation(0), _with_variation(-1), _CLASSES]

    async def batches(self, every: float, *, unsolicited: bool) -> AsyncIterator[pa.RecordBatch]:
        """Without end; one at least every ``every`` seconds. Raises when the connection ends."""
        listener = Listener()
        loop = asyncio.get_running_loop()
        self._master.listen(listener)
        try:
            # Before reports begin: what waits is had in the variations that are asked for.
            await self._ask_for_events()
            if unsolicited and not await self._master.enable_reports():
                self._log.note(f"the outstation does not report by itself; asked every {every:g} s")
            following = loop.time()
            while True:
                if loop.time() >= following:
                    await self._ask_for_events()
                    following = max(following + every, loop.time())
                    yield await self._batch(listener)
                    continue
                await listener.wait(following - loop.time())
                batch = await self._batch(listener)
                if batch.num_rows:
                    yield batch
        finally:
            await self._master.unlisten(listener)

    async def _ask_for_events(self) -> None:
        """Read the events that are waiting; they arrive at the listener, not here."""
        answer = await self._read(self._questions[0])
        while answer.refused and len(self._questions) > 1:
            del self._questions[0]
            answer = await self._read(self._questions[0])
        if answer.refused:
            raise self._master.trouble.refused(
                "tell its events",
                answer.refused,
                "Give its points event classes, or take snapshots instead of watching.",
            )
        self._master.all_read()

    async def _read(self, headers: Sequence[Header]) -> Answer:
        """Goes on when the watch is cancelled, because others may use the same connection."""
        reading = asyncio.create_task(self._master.read(headers))
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(reading)

    async def _batch(self, listener: Listener) -> pa.RecordBatch:
        parts: list[pa.RecordBatch] = []
        blocks: list[Block] = []
        for news in listener.take():
            if isinstance(news, Block):
                blocks.append(news)
                self._tell(news)
                continue
            parts += [event_batch(self._layout, blocks), *await self._gap(news)]
            blocks = []
        parts.append(event_batch(self._layout, blocks))
        whole = [part for part in parts if part.num_rows]
        if len(whole) < 2:
            return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=SNAPSHOT)
        return pa.Table.from_batches(whole).combine_chunks().to_batches()[0]

    async def _gap(self, status: str) -> list[pa.RecordBatch]:
        """A row without a value for each tag, and then all values anew."""
        sentence = _GAPS[status]
        self._log.note(sentence)
        rows = sorted(row for row, one in enumerate(self._layout.addresses) if one is not None)
        marker = failed_batch(self._layout, rows, [sentence] * len(rows), status)
        found = await self._reader.read(self._layout.wanted(), self._log)
        return [marker, event_batch(self._layout, found.blocks)]

    def _tell(self, block: Block) -> None:
        kind = BY_GROUP[block.group].name
        which = f"events of type {kind} came as g{block.group}v{block.variation}"
        remedy = "set the device's default event variation, or unsolicited = false"
        if block.event and not block.has_times and kind in self._layout.rows:
            self._log.note(f"{which}, without time, and have the client's clock; {remedy}")
        if is_integer_analog(block) and kind in self._layout.rows:
            self._log.note(f"{which}, which cuts off fractions; {remedy}")
        if not block.synchronized:
            self._log.note(f"time stamps with {UNSYNCHRONIZED} are from a clock that was not set")


def _with_variation(which: int) -> tuple[Header, ...]:
    """All events by type in one of their variations with time, then those of any other type."""
    typed = tuple(Header(one.event_group, one.events[which]) for one in KINDS.values())
    return (*typed, *_CLASSES)
