"""The mock driver: answers every kind of request from one simulated plant, offline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import ClassVar, Final

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Records, Request, Snapshot, Watch, Window
from greenlang_data.drivers.mock.clock import FIRST_YEAR, LAST_YEAR, NOW, RANGE_END, RANGE_START
from greenlang_data.drivers.mock.clock import microseconds as microseconds_of
from greenlang_data.drivers.mock.entities import ENTITIES
from greenlang_data.drivers.mock.maintained import canonical, meant
from greenlang_data.drivers.mock.names import checked_stack
from greenlang_data.drivers.mock.reading import check_window, snapshot_batch, window_batches
from greenlang_data.drivers.mock.records import entity_table, field_table, find_entity, select
from greenlang_data.drivers.mock.sampling import Sampler
from greenlang_data.drivers.mock.tag_table import tag_table
from greenlang_data.drivers.places import Place
from greenlang_data.errors import SourceUnreachable, UnsupportedError
from greenlang_data.settings import ConnectorConfig
from greenlang_data.settings.cmms import CmmsSettings

SLOWNESS: Final = 0.2
"""Seconds by which the variant ``slow`` delays each request."""

SIMULATED: Final = "The data are simulated: they come from the mock plant and from no real source."


class MockDriver(Driver):
    """A driver like any other, whose source is the simulated plant.

    The same request gives the same bytes on every machine and at any time. ``mock_variants`` of
    the config make it worse in documented ways: ``bad-quality`` and ``dst`` as told in
    :class:`~greenlang_data.drivers.mock.sampling.Sampler`; ``slow`` delays each request by
    ``SLOWNESS`` seconds; with ``flaky`` the first attempt at each distinct request loses the
    connection, and all later ones work.
    """

    name: ClassVar[str] = "mock"

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        self._connected = False
        self._attempts: dict[str, int] = {}

    async def connect(self) -> None:
        """Always works."""
        self._connected = True

    async def close(self) -> None:
        """Reads after it fail until the next ``connect``."""
        self._connected = False

    async def ping(self) -> None:
        """Raises SourceUnreachable before ``connect`` and after a lost connection."""
        if not self._connected:
            raise SourceUnreachable(
                "not connected to the simulated plant", source=self.source, remedy="Connect first."
            )

    @property
    def connected(self) -> bool:
        """False before ``connect``, after ``close`` and after a lost connection."""
        return self._connected

    @property
    def mode(self) -> str:
        """Always ``mock``."""
        return "mock"

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """Batches of at most 100,000 rows; see :meth:`Driver.read`."""
        await self._receive(request, log)
        for batch in self._answer(request, log):
            yield batch
            # Lets a cancellation and the other reads in between two batches.
            await asyncio.sleep(0)

    async def watch(self, request: Watch, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A row per tag for each step from the plant's present on; no step is left out.

        Plant time goes on by ``every`` with each step, however long the steps take here, so that
        the rows are the same on every machine.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        stack, sampler = self._stack(), self._sampler()
        for step in count():
            await asyncio.sleep(began + step * request.every - loop.time())
            await self._receive(request, log)
            now = NOW + timedelta(seconds=step * request.every)
            yield snapshot_batch(request.tags, stack, sampler, now)

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """All tags of the plant as one batch."""
        await self._receive("list_tags", log)
        yield tag_table()

    async def list_entities(
        self, places: Mapping[str, tuple[Place, ...]], log: ReadLog
    ) -> AsyncIterator[pa.RecordBatch]:
        """All kinds of records of the plant as one batch."""
        await self._receive("list_entities", log)
        yield entity_table(ENTITIES)

    async def list_fields(self, request: Records, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The columns of one kind of record."""
        await self._receive(request, log)
        yield field_table(find_entity(request.entity, ENTITIES, self.source))

    async def _receive(self, request: Request | Watch | str, log: ReadLog) -> None:
        """What happens to every request before it is answered."""
        await self.ping()
        log.requests += 1
        log.note(SIMULATED)
        if "slow" in self.config.mock_variants:
            await asyncio.sleep(SLOWNESS)
        if "flaky" in self.config.mock_variants:
            self._fail_once(request)

    def _stack(self) -> str:
        return checked_stack(getattr(self.config, "stack_id", None), self.source)

    def _sampler(self) -> Sampler:
        variants = self.config.mock_variants
        return Sampler(failing="bad-quality" in variants, local_clock="dst" in variants)

    def _fail_once(self, request: Request | Watch | str) -> None:
        key = repr(request)
        self._attempts[key] = self._attempts.get(key, 0) + 1
        if self._attempts[key] == 1:
            self._connected = False
            raise SourceUnreachable(
                "the simulated plant closed the connection (mock variant 'flaky')",
                source=self.source,
                remedy="Try again; the next attempt at this request works.",
            )

    def _answer(self, request: Request, log: ReadLog) -> Iterator[pa.RecordBatch]:
        if isinstance(request, Records):
            entity = find_entity(request.entity, ENTITIES, self.source)
            if not isinstance(self.config, CmmsSettings):
                yield from select(entity, request, log, self.source)
                return
            for batch in select(entity, meant(request, log, self.source), log, self.source):
                yield canonical(batch, entity.name)
            return
        stack, sampler = self._stack(), self._sampler()
        if isinstance(request, Snapshot):
            yield snapshot_batch(request.tags, stack, sampler)
        elif isinstance(request, Window):
            check_window(request, self.source)
            _note_limits(request, log)
            yield from window_batches(request, stack, sampler)
        else:
            raise UnsupportedError(
                f"the simulated plant cannot answer a {type(request).__name__}",
                source=self.source,
                remedy="Use Snapshot, Window or Records.",
            )


def _note_limits(window: Window, log: ReadLog) -> None:
    begin, end = microseconds_of(window.start), microseconds_of(window.end)
    if begin < RANGE_START * 1_000_000 or end > RANGE_END * 1_000_000:
        log.note(f"The simulated plant has data of {FIRST_YEAR} to {LAST_YEAR} only.")
