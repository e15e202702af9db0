"""Watching: subscriptions to reports of changes, and polling of what cannot be subscribed to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from itertools import count
from typing import Final, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.bacnet.device import Device
from greenlang_data.drivers.bacnet.names import RELIABILITY
from greenlang_data.drivers.bacnet.reader import Reader, all_of
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.refusals import RefusedError
from greenlang_data.drivers.bacnet.services import (
    Confirmed,
    Result,
    read_report,
    subscribe,
    unsubscribe,
)
from greenlang_data.drivers.bacnet.snapshot import Plan, batch_of
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError
from greenlang_data.drivers.bacnet.values import Failure
from greenlang_data.errors import SourceUnreachable

_CLOSE_SECONDS: Final = 1.0
_REPORTS_KEPT: Final = 100_000
_processes = count(1)
SMALL_CHANGES: Final = (
    "an object that reports its changes does so when they exceed its own COV increment"
)


class Terms(NamedTuple):
    """How to subscribe: with reports that are acknowledged or not, and for how many seconds."""

    confirmed: bool
    lifetime: int


class _Report(NamedTuple):
    object_id: int
    received: int
    results: Mapping[Reference, Result]


async def watch_reports(
    plan: Plan,
    first: pa.RecordBatch,
    reader: Reader,
    device: Device,
    every: float,
    terms: Terms,
) -> AsyncGenerator[pa.RecordBatch, None]:
    """The first values, then reports as they come and polled values every ``every`` seconds.

    A batch of no rows comes where nothing else does, after the device has shown that it is there.
    Raises SourceUnreachable when its objects are no longer those of the plan.
    """
    yield first
    failed = [row for row, why in enumerate(first.column("failure").to_pylist()) if why]
    subscriptions = _Subscriptions(plan, frozenset(failed), reader, terms)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        while True:
            step = began + ((loop.time() - began) // every + 1) * every
            while await subscriptions.wait(step - loop.time()):
                for batch in await subscriptions.batches():
                    yield batch
            yield await _step(plan, reader, device, subscriptions)
    finally:
        await subscriptions.close()


async def _step(
    plan: Plan, reader: Reader, device: Device, subscriptions: _Subscriptions
) -> pa.RecordBatch:
    rows = subscriptions.polled_rows()
    objects = {
        one.object_id for one in (plan.targets[row] for row in rows) if isinstance(one, Reference)
    }
    asked = {one: None for one in plan.wanted if one.object_id in objects}
    results = await reader.read([*(asked | {device.check: None})])
    if device.revised(results) is not None:
        reader.link.end("was given up because the device's objects changed")
        raise SourceUnreachable(
            "the device's objects changed while they were watched",
            source=reader.source,
            remedy="Watch anew.",
        )
    return await batch_of(plan, rows, results, time.time_ns(), reader)


class _Subscriptions:
    """The subscriptions of one watch, renewed at half their lifetime."""

    def __init__(self, plan: Plan, failed: frozenset[int], reader: Reader, terms: Terms) -> None:
        self._plan = plan
        self._reader = reader
        self._terms = terms
        self._process = next(_processes)
        self._rows: dict[int, list[int]] = {}
        self._others: list[int] = []
        for row, target in enumerate(plan.targets):
            if isinstance(target, Failure):
                continue
            # A device may choke on a subscription to what it cannot read.
            if target == Reference(target.object_id) and row not in failed:
                self._rows.setdefault(target.object_id, []).append(row)
            else:
                self._others.append(row)
        self._subscribed: set[int] = set()
        self._reports: deque[_Report] = deque()
        self._arrived = asyncio.Event()
        reader.link.listeners[self._process] = self._listen
        self._keeping = asyncio.create_task(self._keep())

    def polled_rows(self) -> list[int]:
        """The rows of tags that the device does not report."""
        refused = [
            row for one, rows in self._rows.items() if one not in self._subscribed for row in rows
        ]
        return sorted([*self._others, *refused])

    async def wait(self, seconds: float) -> bool:
        """Whether a report came within ``seconds``. Raises when subscribing failed."""
        waiting = asyncio.ensure_future(self._arrived.wait())
        try:
            await asyncio.wait(
                [waiting, self._keeping],
                timeout=max(0.0, seconds),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            waiting.cancel()
        if self._keeping.done():
            self._keeping.result()
        return seconds > 0 and self._arrived.is_set()

    async def batches(self) -> list[pa.RecordBatch]:
        """What was reported since the last call, in order; an object once in each batch."""
        reports, self._reports = list(self._reports), deque()
        self._arrived.clear()
        groups: list[dict[int, _Report]] = []
        for report in reports:
            if not groups or report.object_id in groups[-1]:
                groups.append({})
            groups[-1][report.object_id] = report
        return [await self._batch(group) for group in groups]

    async def _batch(self, group: Mapping[int, _Report]) -> pa.RecordBatch:
        rows = [row for one in group for row in self._rows[one]]
        received = [one.received for one in group.values() for _ in self._rows[one.object_id]]
        # A report has the value and its flags, and not the reason of a fault.
        results = await self._reader.read(
            [
                Reference(one, RELIABILITY)
                for one in group
                if RELIABILITY in self._plan.companions[one]
            ]
        )
        for one in group.values():
            results.update(one.results)
        return await batch_of(self._plan, rows, results, received, self._reader)

    async def close(self) -> None:
        """Stop renewing and tell the device, within a second."""
        self._keeping.cancel()
        with contextlib.suppress(Exception):  # the device forgets by itself after the lifetime
            async with asyncio.timeout(_CLOSE_SECONDS):
                await all_of(self._unsubscribe(one) for one in self._subscribed)
        self._reader.link.listeners.pop(self._process, None)

    async def _keep(self) -> None:
        while True:
            await all_of(self._subscribe(one) for one in self._rows)
            await asyncio.sleep(self._terms.lifetime / 2)

    async def _subscribe(self, object_id: int) -> None:
        body = subscribe(self._process, object_id, self._terms.confirmed, self._terms.lifetime)
        try:
            await self._reader.ask(Confirmed.SUBSCRIBE_COV, body)
        except RefusedError as refused:
            self._subscribed.discard(object_id)
            self._reader.log.note(
                f"some objects do not report their changes and are polled: {refused.failure.text}"
            )
        else:
            self._subscribed.add(object_id)

    async def _unsubscribe(self, object_id: int) -> None:
        with contextlib.suppress(RefusedError):
            body = unsubscribe(self._process, object_id)
            await self._reader.ask(Confirmed.SUBSCRIBE_COV, body)

    def _listen(self, body: bytes) -> None:
        try:
            object_id, results = read_report(body)
        except BrokenAnswerError:
            self._reader.log.note("reports that cannot be read came, and were left out")
            raise
        if Reference(object_id) not in results or object_id not in self._rows:
            return
        if len(self._reports) >= _REPORTS_KEPT:
            self._reports.popleft()
            self._reader.log.note("reports were lost, because they came faster than they were read")
        self._reports.append(_Report(object_id, time.time_ns(), results))
        self._arrived.set()
