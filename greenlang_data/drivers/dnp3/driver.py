"""DNP3: current values, events as they happen, and the list of an outstation's points."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import ClassVar, Final

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Request, Snapshot, Watch
from greenlang_data.drivers.dnp3.batch import snapshot_batch
from greenlang_data.drivers.dnp3.carried import Carried
from greenlang_data.drivers.dnp3.endpoint import parse_endpoint
from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.drivers.dnp3.indications import refusal
from greenlang_data.drivers.dnp3.layout import Layout
from greenlang_data.drivers.dnp3.master import Master
from greenlang_data.drivers.dnp3.points import BY_GROUP, Address, data_type
from greenlang_data.drivers.dnp3.reader import Found, Reader
from greenlang_data.drivers.dnp3.stack import Header
from greenlang_data.drivers.dnp3.tls import tls_context
from greenlang_data.drivers.dnp3.watching import Watcher
from greenlang_data.drivers.schema import TAGS, UNKNOWN_TAG
from greenlang_data.errors import ConfigurationError, SourceUnreachable, UnsupportedError
from greenlang_data.settings.dnp3 import Dnp3Settings
from greenlang_data.settings.point import Point, PointType

CLIENT_CLOCK: Final = (
    "timestamps of static values are the client's clock when they arrived, because DNP3 sends none"
)
# One attempt connects and reads, so connecting may take half of its time.
_CONNECT_SHARE: Final = 0.5
_LAYOUTS_KEPT: Final = 32
_STATIC_VALUES: Final = Header(60, 1)


class Dnp3Driver(Driver):
    """Reads one outstation over TCP or TLS.

    A connection starts with a poll of the static values. Events are left alone until somebody
    watches: an event that is read is confirmed, and the outstation forgets it, so a snapshot reads
    static values only, and unsolicited reports are off. It can only read; see
    :mod:`~greenlang_data.drivers.dnp3.guard` for what may be sent.
    """

    name: ClassVar[str] = "dnp3"
    config: Dnp3Settings

    def __init__(self, config: Dnp3Settings) -> None:
        super().__init__(config)
        self._master: Master | None = None
        self._reader: Reader | None = None
        self._connecting = asyncio.Lock()
        self._carried = Carried()
        self._points: tuple[Point, ...] | None = None
        self._by_tag: dict[str, Point] = {}
        self._layouts: dict[tuple[str, ...], Layout] = {}

    @property
    def connected(self) -> bool:
        """Whether the next read can start without ``connect``."""
        return self._master is not None and self._master.ended is None

    async def connect(self) -> None:
        """Open the connection, unless it is open, and poll the static values once.

        Raises ConfigurationError for an endpoint, point list or certificate that is wrong or when
        yadnp3 is missing, SourceTimeout after half of ``timeout_seconds``, SourceUnreachable,
        AuthenticationError when TLS fails, or ProtocolError.
        """
        async with self._connecting:
            if self.connected:
                return
            self._refresh_points()
            endpoint = parse_endpoint(self.config.endpoint, source=self.source)
            context = tls_context(self.config)
            master = Master(self.config, endpoint, self._carried)
            await master.open(context, self.config.timeout_seconds * _CONNECT_SHARE)
            self._master = master
            self._reader = Reader(master, self.config.static_variations)

    async def close(self) -> None:
        """Close the connection at once; never raises, may be called twice."""
        master, self._master = self._master, None
        if master is not None:
            master.close()

    async def ping(self) -> None:
        """Ask for one point. Any answer is a sign of life.

        Raises SourceTimeout, SourceUnreachable or ProtocolError.
        """
        master, _ = self._open()
        await master.read([Header(1, 0, 0, 0)])

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The current values of ``request.tags`` as one batch; no event is read.

        Raises UnsupportedError for anything but a snapshot, SourceTimeout, SourceUnreachable or
        ProtocolError.
        """
        if not isinstance(request, Snapshot):
            raise UnsupportedError(
                "DNP3 has no history: an outstation keeps only events that nobody has read yet",
                source=self.source,
                remedy="Record by watching, or ask the historian that collects from it.",
            )
        master, reader = self._open()
        yield await self._snapshot(master, reader, self._layout(request.tags), log)

    async def watch(self, request: Watch, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A row for each tag, and then their events, each once, with the outstation's time.

        Events that the outstation kept since before come first. They are reported by the
        outstation by itself where it can (unless ``unsolicited`` is off), and asked for every
        ``every`` seconds. Where events were lost there is a row with a failure for each tag, and
        then all values anew. Raises what ``read`` raises.
        """
        master, reader = self._open()
        layout = self._layout(request.tags)
        yield await self._snapshot(master, reader, layout, log)
        watcher = Watcher(master, reader, layout, log)
        before = master.requests
        async for batch in watcher.batches(request.every, unsolicited=self.config.unsolicited):
            log.requests += master.requests - before
            before = master.requests
            yield batch

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """All points among the static values of the outstation, with their names if they have any.

        Raises SourceTimeout, SourceUnreachable or ProtocolError.
        """
        master, _ = self._open()
        self._refresh_points()
        before = master.requests
        answer = await master.read([_STATIC_VALUES])
        log.requests += master.requests - before
        if answer.refused and not answer.blocks:
            raise master.trouble.refused(
                "list its static values", answer.refused, "Name the points in the configuration."
            )
        if answer.refused:
            log.note(f"the list of points may be short: {refusal(answer.refused)}")
        named = {Address(one.type, one.index): one for one in self._by_tag.values()}
        rows = [
            _about(Address(BY_GROUP[block.group].name, index), block, named)
            for block in answer.blocks
            for index in block.indices.tolist()
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=TAGS)

    async def _snapshot(
        self, master: Master, reader: Reader, layout: Layout, log: ReadLog
    ) -> pa.RecordBatch:
        before = master.requests
        found = await reader.read(layout.wanted(), log)
        log.requests += master.requests - before
        if not all(block.has_times for block in found.blocks):
            log.note(CLIENT_CLOCK)
        return snapshot_batch(
            layout, found.blocks, lambda row: _failure(layout, row, found, master)
        )

    def _open(self) -> tuple[Master, Reader]:
        if self._master is None or self._reader is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect again."
            )
        if self._master.ended is not None:
            raise self._master.lost()
        return self._master, self._reader

    def _layout(self, tags: tuple[str, ...]) -> Layout:
        self._refresh_points()
        layout = self._layouts.get(tags)
        if layout is None:
            if len(self._layouts) >= _LAYOUTS_KEPT:
                self._layouts.pop(next(iter(self._layouts)))
            layout = self._layouts[tags] = Layout(tags, self._by_tag, self._integers())
        return layout

    def _integers(self) -> frozenset[PointType]:
        """Types for which the configuration itself asks for integers."""
        return frozenset(
            kind for kind, which in self.config.static_variations.items() if which in (1, 2)
        )

    def _refresh_points(self) -> None:
        # Compared by identity, because thousands of points are never changed in place.
        if self._points is self.config.points:
            return
        points = self.config.points
        twice = [tag for tag, times in Counter(one.tag for one in points).items() if times > 1]
        if twice:
            raise ConfigurationError(
                f"the point list has more than one tag {twice[0]!r}",
                source=self.source,
                remedy="Give every tag a name of its own.",
            )
        self._by_tag = {point.tag: point for point in points}
        self._layouts.clear()
        self._points = points


def _failure(layout: Layout, row: int, found: Found, master: Master) -> str:
    """Why nothing came for a tag."""
    address = layout.addresses[row]
    if address is None:
        return layout.unknown[row]
    known = address.index in master.points[address.type]
    why = found.why_missing(address, known=known)
    return why if known else f"{UNKNOWN_TAG} {layout.tags[row]!r}: {why}"


def _about(address: Address, block: Block, named: dict[Address, Point]) -> dict[str, str | None]:
    point = named.get(address)
    return {
        "tag_id": point.tag if point else str(address),
        "tag_name": point.tag if point else str(address),
        "path": f"g{block.group}i{address.index}",
        "description": None,
        "data_type": data_type(block.group, block.variation),
        "unit": point.unit if point else None,
        "low": None,
        "high": None,
    }
