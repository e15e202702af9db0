"""Modbus over TCP, TLS and serial lines: current values of the tags of a register map."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar, Final, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Request, Snapshot
from greenlang_data.drivers.modbus.batch import snapshot_batch
from greenlang_data.drivers.modbus.endpoint import Endpoint, parse_endpoint
from greenlang_data.drivers.modbus.layout import Layout, span_of
from greenlang_data.drivers.modbus.line import Line
from greenlang_data.drivers.modbus.link import Link
from greenlang_data.drivers.modbus.memory import Memory
from greenlang_data.drivers.modbus.pace import MOST_IN_FLIGHT, Pace
from greenlang_data.drivers.modbus.plan import Limits, Span
from greenlang_data.drivers.modbus.probe import OrderProbe, OrderScores, answered, score_orders
from greenlang_data.drivers.modbus.reader import SnapshotReader
from greenlang_data.drivers.modbus.rtu_frames import BITS_PER_CHARACTER
from greenlang_data.drivers.modbus.tag_table import tag_table
from greenlang_data.drivers.modbus.transports import check_keys, open_link
from greenlang_data.drivers.modbus.units import Units
from greenlang_data.errors import ConfigurationError, SourceUnreachable, UnsupportedError
from greenlang_data.settings.modbus import ModbusSettings
from greenlang_data.settings.register import Register

CLIENT_CLOCK: Final = (
    "timestamps are the client's clock when the answer arrived, because Modbus sends none"
)
# One attempt connects and reads, so connecting may take half of its time.
_CONNECT_SHARE: Final = 0.5
# Of an attempt's time, for one of several units to answer; so most of it is left to the others.
_UNIT_SHARE: Final = 0.1
_LAYOUTS_KEPT: Final = 32


class _Settings(NamedTuple):
    """What a layout is made from, beside the tags and what was learned."""

    registers: tuple[Register, ...]
    unit_id: int
    limits: Limits


class ModbusDriver(Driver):
    """Reads coils, discrete inputs, holding and input registers over one connection.

    On TCP and TLS up to 16 requests are in flight, as many as the device has shown to answer; on
    a serial line one. It can only read: no other request can be encoded.
    """

    name: ClassVar[str] = "modbus"
    config: ModbusSettings

    def __init__(self, config: ModbusSettings) -> None:
        super().__init__(config)
        self._link: Link | None = None
        self._connecting = asyncio.Lock()
        self._memory = Memory()
        self._units = Units()
        self._endpoint: Endpoint | None = None
        self._pace = Pace()
        self._line = Line()
        self._settings: _Settings | None = None
        self._registers: Mapping[str, Register] = {}
        self._layouts: dict[tuple[str, ...], Layout] = {}

    @property
    def connected(self) -> bool:
        """Whether the next read can start without ``connect``."""
        return self._link is not None and self._link.connected

    async def connect(self) -> None:
        """Open the connection, unless it is open, and forget what was learned about the device.

        How many requests an endpoint takes at once, and which late answers it may still send, is
        remembered.

        Raises ConfigurationError for an endpoint, key or register map that is wrong, SourceTimeout
        after half of ``timeout_seconds``, SourceUnreachable, or AuthenticationError for a
        certificate that is not trusted.
        """
        async with self._connecting:
            if self.connected:
                return
            self._refresh_settings()
            endpoint = parse_endpoint(self.config.endpoint, source=self.source)
            check_keys(endpoint, self.config, self.source)
            if endpoint != self._endpoint:
                self._endpoint, self._pace, self._line = endpoint, Pace(), Line()
            self._refresh_timing()
            link = await open_link(
                endpoint,
                self.config,
                self._pace,
                self._line,
                seconds=self.config.timeout_seconds * _CONNECT_SHARE,
                source=self.source,
            )
            # Kept after an attempt that ran out of time, or a long search would never end.
            if self._link is None or not self._link.given_up:
                self._memory = Memory()
                self._layouts.clear()
            self._link = link

    async def close(self) -> None:
        """Close the connection at once; never raises, may be called twice."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def ping(self) -> None:
        """Read one register of the first tag, or holding register 0. Any answer is a sign of life.

        Raises SourceUnreachable or ProtocolError.
        """
        await self._open_link().ask([self._first_register()], ReadLog())

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The current values of ``request.tags`` as one batch.

        Raises UnsupportedError for anything but a snapshot, SourceBusy when the device says so,
        SourceUnreachable or ProtocolError.
        """
        if not isinstance(request, Snapshot):
            raise UnsupportedError(
                "Modbus has no history: a device tells only what its registers hold now",
                source=self.source,
                remedy="Record it from now on with s.scada(tags, for_='10min'), "
                "or ask the historian that collects from it.",
            )
        link = self._open_link()
        layout = self._layout(request.tags)
        self._refresh_timing()
        reader = SnapshotReader(layout, link, self._memory, self._units, log, self.source)
        await reader.read()
        log.note(CLIENT_CLOCK)
        yield snapshot_batch(layout, reader)

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The register map as one batch; nothing is asked of the device.

        Raises ConfigurationError for a register map that is wrong.
        """
        self._refresh_settings()
        yield tag_table(self.config.registers, self.config.unit_id)

    async def probe(self, request: OrderProbe) -> OrderScores:
        """Read registers whose word order is not known, and score the orders.

        Raises SourceUnreachable or ProtocolError, and QueryError when the device refuses them.
        """
        samples = []
        for turn in range(request.samples):
            if turn:
                await asyncio.sleep(request.every)
            spans = request.spans(self.config.unit_id)
            for span, outcome in zip(
                spans, await self._open_link().ask(spans, ReadLog()), strict=True
            ):
                samples.append(answered(span, outcome, self.source))
        return score_orders(samples, request.type, request.low, request.high)

    def _open_link(self) -> Link:
        if self._link is None or not self._link.connected:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect again."
            )
        return self._link

    def _layout(self, tags: tuple[str, ...]) -> Layout:
        """The layout for ``tags``, made once until the settings change or something is learned."""
        settings = self._refresh_settings()
        layout = self._layouts.get(tags)
        if layout is None or layout.memory_version != self._memory.version:
            if len(self._layouts) >= _LAYOUTS_KEPT:
                self._layouts.pop(next(iter(self._layouts)))
            layout = self._layouts[tags] = Layout(
                tags, self._registers, settings.unit_id, settings.limits, self._memory
            )
        return layout

    def _refresh_settings(self) -> _Settings:
        config = self.config
        limits = Limits(config.max_block_registers, config.max_block_gap, config.block_alignment)
        settings = self._settings
        # Compared by identity, because thousands of registers are never changed in place.
        same_map = settings is not None and settings.registers is config.registers
        if settings is None or not same_map:
            self._registers = _by_tag(config.registers, self.source)
        elif (settings.unit_id, settings.limits) == (config.unit_id, limits):
            return settings
        self._layouts.clear()
        self._settings = _Settings(config.registers, config.unit_id, limits)
        self._units.configured = {span_of(one, config.unit_id).unit_id for one in config.registers}
        return self._settings

    def _refresh_timing(self) -> None:
        config = self.config
        unit_seconds = config.unit_timeout_seconds
        if unit_seconds is None and len(self._units.configured) > 1:
            unit_seconds = config.timeout_seconds * _UNIT_SHARE
        self._pace.unit_seconds = self._line.unit_seconds = unit_seconds
        self._pace.configured = config.max_requests_in_flight or MOST_IN_FLIGHT
        self._line.seconds_per_character = BITS_PER_CHARACTER / config.baudrate
        several = len(self._units.configured) > 1
        self._units.seconds = config.circuit_breaker_timeout if several else 0.0

    def _first_register(self) -> Span:
        if not self.config.registers:
            return Span(self.config.unit_id, "holding", 0, 1)
        return span_of(self.config.registers[0], self.config.unit_id)._replace(quantity=1)


def _by_tag(registers: tuple[Register, ...], source: str) -> dict[str, Register]:
    twice = [tag for tag, times in Counter(one.tag for one in registers).items() if times > 1]
    if twice:
        raise ConfigurationError(
            f"the register map has more than one tag {twice[0]!r}",
            source=source,
            remedy="Give every tag a name of its own.",
        )
    return {register.tag: register for register in registers}
