"""Watching tags: what a subscription reports, as batches of SNAPSHOT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import numpy as np
import pyarrow as pa
from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.bulk import BOTH, ReadPlan, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.faults import SESSION_LOST, ServiceFaultError
from greenlang_data.drivers.opcua.meanings import Meanings
from greenlang_data.drivers.opcua.metadata import Metadata
from greenlang_data.drivers.opcua.nodes import read_value_id
from greenlang_data.drivers.opcua.notifications import Message
from greenlang_data.drivers.opcua.publishing import Publisher
from greenlang_data.drivers.opcua.snapshot import SnapshotPlan, snapshot_batch
from greenlang_data.drivers.opcua.statuses import (
    BAD,
    UNREADABLE,
    failure_text,
    overflows,
    status_name,
)
from greenlang_data.drivers.opcua.subscription import Subscription
from greenlang_data.drivers.schema import SNAPSHOT

# A first value that is not reported by then is read.
_FIRST_SECONDS: Final = 5.0
# The server has no more room for items; polling has.
_NO_ROOM: Final = frozenset(
    {
        StatusCodes.BadTooManyMonitoredItems,
        StatusCodes.BadMonitoredItemIdInvalid,
        StatusCodes.BadOutOfMemory,
        StatusCodes.BadResourceUnavailable,
        StatusCodes.BadServiceUnsupported,
        StatusCodes.BadNotSupported,
        StatusCodes.BadNotImplemented,
    }
)


class NoSubscriptionError(Exception):
    """The server reports nothing by itself, for the reason in the message."""


class Watcher:
    """One watch over one subscription."""

    def __init__(
        self,
        connection: Connection,
        publisher: Publisher,
        plan: SnapshotPlan,
        request: Watch,
        log: ReadLog,
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._plan = plan
        self._every = request.every
        self._log = log
        self._entries: list[bytes] = []
        self._seen = np.zeros(len(plan.tags), np.bool_)

    async def batches(
        self, metadata: Metadata, meanings: Meanings
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches without end. Raises NoSubscriptionError before the first one."""
        await self._plan.describe(metadata, self._log)
        self._entries = [read_value_id(node) for node in self._plan.encoded]
        subscription = await self._subscribe()
        self._publisher.add(subscription.number, subscription)
        try:
            failed = self._failures(await self._monitor(subscription))
            if failed.num_rows:
                yield failed
            async for batch in self._follow(subscription, meanings):
                yield batch
        finally:
            self._publisher.remove(subscription.number)
            subscription.delete()

    async def _subscribe(self) -> Subscription:
        try:
            return await Subscription.create(self._connection, self._every, self._log)
        except ServiceFaultError as fault:
            if fault.code in SESSION_LOST:
                raise
            raise NoSubscriptionError(str(fault)) from None

    async def _monitor(self, subscription: Subscription) -> list[int]:
        try:
            codes = await subscription.add_items(self._entries, self._every)
        except ServiceFaultError as fault:
            raise NoSubscriptionError(str(fault)) from None
        without_room = next((code for code in codes if code & 0xFFFF0000 in _NO_ROOM), None)
        if without_room is not None:
            raise NoSubscriptionError(status_name(without_room))
        return codes

    async def _follow(
        self, subscription: Subscription, meanings: Meanings
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        loop = asyncio.get_running_loop()
        first_due: float | None = loop.time() + max(_FIRST_SECONDS, 2 * self._every)
        heartbeat = loop.time() + self._every
        while True:
            message = await subscription.next_message(max(heartbeat - loop.time(), 0))
            if message is not None:
                for batch in await self._changes(message, meanings):
                    yield batch
                    heartbeat = loop.time() + self._every
            elif not self._publisher.held_up:
                subscription.check_silence()
            if loop.time() >= heartbeat:
                yield _nothing()
                heartbeat = loop.time() + self._every
            if first_due is not None and (self._seen.all() or loop.time() > first_due):
                first_due = None
                if not self._seen.all():
                    yield await self._read_unreported(meanings)

    async def _changes(self, message: Message, meanings: Meanings) -> list[pa.RecordBatch]:
        batches = []
        for handles, columns in message.changes:
            if len(handles) and int(handles.max()) >= len(self._seen):
                raise MalformedAnswerError("a value was reported that was never asked for")
            if not len(handles):
                continue
            self._seen[handles] = True
            lost = overflows(columns.codes)
            if lost:
                self._log.note(
                    "the server's queues overflowed, so values before those marked "
                    "(Overflow) are missing"
                )
            nodes = [self._plan.encoded[handle] for handle in handles.tolist()]
            await meanings.explain(columns, nodes, self._log)
            batches.append(self._batch(handles.astype(np.int64), columns))
        return batches

    def _batch(self, rows: np.ndarray, columns: Columns) -> pa.RecordBatch:
        failures: list[str | None] | None = None
        for place in np.flatnonzero(columns.codes & BAD).tolist():
            code = int(columns.codes[place])
            if code & 0xFFFF0000 in UNREADABLE:
                failures = failures or [None] * len(columns)
                failures[place] = failure_text(code, self._plan.nodes[int(rows[place])])
        column = pa.array(failures, pa.string()) if failures else pa.nulls(len(rows), pa.string())
        return snapshot_batch(self._plan, columns, rows, column)

    def _failures(self, codes: list[int]) -> pa.RecordBatch:
        """A row for each tag that the server does not monitor."""
        rows = [row for row, code in enumerate(codes) if code & BAD]
        self._seen[rows] = True
        columns = Columns.empty(len(rows))
        columns.codes[:] = [codes[row] for row in rows]
        texts = [self._why(codes[row], self._plan.nodes[row]) for row in rows]
        failures = pa.array(texts, pa.string())
        return snapshot_batch(self._plan, columns, np.array(rows, np.int64), failures)

    def _why(self, code: int, node: str) -> str:
        if code & 0xFFFF0000 in UNREADABLE:
            return failure_text(code, node)
        return f"the server cannot watch {node} ({status_name(code)})"

    async def _read_unreported(self, meanings: Meanings) -> pa.RecordBatch:
        """The values of tags of which the server has reported none."""
        rows = np.flatnonzero(~self._seen)
        self._seen[rows] = True
        plan = ReadPlan([self._entries[row] for row in rows.tolist()], BOTH)
        columns = await read_all(self._connection, plan, self._log)
        nodes = [self._plan.encoded[row] for row in rows.tolist()]
        await meanings.explain(columns, nodes, self._log)
        return self._batch(rows, columns)


def _nothing() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=SNAPSHOT)
