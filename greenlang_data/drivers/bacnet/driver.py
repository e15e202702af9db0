"""The BACnet/IP driver: one device, asked over one UDP socket."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import ClassVar, Final

import pyarrow as pa

from greenlang_data.drivers.address import Address
from greenlang_data.drivers.bacnet.device import Device, identify
from greenlang_data.drivers.bacnet.discovery import find_device
from greenlang_data.drivers.bacnet.endpoint import parse_endpoint
from greenlang_data.drivers.bacnet.invoke_ids import InvokeIds
from greenlang_data.drivers.bacnet.link import Link, Patience
from greenlang_data.drivers.bacnet.listing import list_batches
from greenlang_data.drivers.bacnet.messages import Station
from greenlang_data.drivers.bacnet.names import OBJECT_IDENTIFIER
from greenlang_data.drivers.bacnet.opening import open_link
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.reports import SMALL_CHANGES, Terms, watch_reports
from greenlang_data.drivers.bacnet.services import Result
from greenlang_data.drivers.bacnet.snapshot import CLIENT_CLOCK, Plan, batch_of, make_plan
from greenlang_data.drivers.bacnet.window import read_window
from greenlang_data.drivers.base import (
    Driver,
    ReadLog,
    Request,
    Snapshot,
    Watch,
    Window,
    no_records,
)
from greenlang_data.errors import (
    ConfigurationError,
    SourceBusy,
    SourceUnreachable,
)
from greenlang_data.settings.bacnet import BacnetSettings
from greenlang_data.settings.bacnet_object import BacnetObject

# One attempt connects and reads, so finding the address may take half of its time.
_CONNECT_SHARE: Final = 0.5
_PLANS_KEPT: Final = 32
_PLANS_TRIED: Final = 3


class BacnetDriver(Driver):
    """Reads the objects of a device, records of its trend logs, and reports of changes.

    It can only read: no other request can be encoded. Nothing but the Who-Is of ``discover`` is
    broadcast, so it needs neither the port 47808 of its host nor, for a known address in another
    subnet, a registration with a broadcast management device.
    """

    name: ClassVar[str] = "bacnet"
    config: BacnetSettings

    def __init__(self, config: BacnetSettings) -> None:
        super().__init__(config)
        self._link: Link | None = None
        self._device: Device | None = None
        self._connecting = asyncio.Lock()
        self._planning = asyncio.Lock()
        self._ids = InvokeIds()
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._planned: tuple[BacnetObject, ...] = ()

    @property
    def connected(self) -> bool:
        """Whether the next read can start without ``connect``."""
        return self._link is not None and self._link.connected

    async def connect(self) -> None:
        """Open the socket and ask the device who it is.

        What is known about its objects is kept if its database revision is still the same.
        Raises ConfigurationError for a wrong endpoint or instance, SourceTimeout,
        SourceUnreachable or ProtocolError.
        """
        async with self._connecting:
            if self.connected:
                return
            await self.close()  # what is left of a lost connection may hold the local port
            config = self.config
            endpoint, station = await self._where()
            link = await open_link(
                endpoint,
                (config.local_address, config.local_port),
                self._ids,
                Patience(config.apdu_timeout_seconds, config.apdu_retries, config.max_in_flight),
                station=station,
                seconds=config.timeout_seconds * _CONNECT_SHARE,
                source=self.source,
            )
            try:
                device = await identify(link, config.device_instance, self.source)
            except BaseException:
                await link.close("was closed")
                raise
            if self._device is None or not self._device.is_same(device):
                self._device = device
                self._plans.clear()
            self._link = link

    async def close(self) -> None:
        """Close the socket at once; never raises, may be called twice."""
        link, self._link = self._link, None
        if link is not None:
            await link.close("is closed")

    async def ping(self) -> None:
        """Read the device's own identifier. Raises what ``read`` raises."""
        reader, device = self._usable(ReadLog())
        await reader.read([Reference(device.object_id, OBJECT_IDENTIFIER)])

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """The current values of a Snapshot as one batch, or a batch per tag of a Window.

        Raises UnsupportedError for Records and aggregates, ConfigurationError for a Window
        without ``time_zone``, and what the contract says for the rest.
        """
        if isinstance(request, Snapshot):
            _, batch = await self._snapshot(request.tags, log)
            yield batch
        elif isinstance(request, Window):
            reader, device = await self._checked(log)
            window = read_window(request, self._entries(), self.config.clock_zone, reader, device)
            async with aclosing(window) as batches:
                async for batch in batches:
                    yield batch
        else:
            raise no_records(self.source)

    async def watch(self, request: Watch, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Subscribe to reports of changes; what cannot be subscribed to is polled.

        See :meth:`Driver.watch <greenlang_data.drivers.base.Driver.watch>`.
        """
        plan, first = await self._snapshot(request.tags, log)
        reader, device = self._usable(log)
        log.note(SMALL_CHANGES)
        terms = Terms(self.config.confirmed_cov, self.config.cov_lifetime_seconds)
        watching = watch_reports(plan, first, reader, device, request.every, terms)
        async with aclosing(watching) as batches:
            async for batch in batches:
                yield batch

    async def list_tags(self, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """The objects that have a present value, and the trend logs."""
        reader, device = await self._checked(log)
        async with aclosing(list_batches(reader, device)) as batches:
            async for batch in batches:
                yield batch

    def _usable(self, log: ReadLog) -> tuple[Reader, Device]:
        if self._link is None or self._device is None or not self._link.connected:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect again."
            )
        return Reader(self._link, self._device.learned, self.source, log), self._device

    async def _where(self) -> tuple[Address, Station | None]:
        """The address of the device, and who it is behind that if that is a router."""
        config = self.config
        endpoint, station = parse_endpoint(config.endpoint, source=self.source), self._station()
        if config.foreign_device and not config.discover:
            raise ConfigurationError(
                "foreign_device does nothing without discover",
                source=self.source,
                remedy="Set discover, or leave foreign_device out: a device whose address is known "
                "is asked directly.",
            )
        if not config.discover:
            return endpoint, station
        if station is not None:
            raise ConfigurationError(
                "discover finds network and mac by itself",
                source=self.source,
                remedy="Leave them out, or leave discover out.",
            )
        local = (config.local_address, config.local_port)
        tries = config.apdu_retries + 1
        found = await find_device(
            endpoint,
            local,
            config.device_instance,
            tries,
            self.source,
            foreign=config.foreign_device,
        )
        return found.endpoint, found.station

    def _station(self) -> Station | None:
        network, mac = self.config.network, self.config.mac
        if network is None and mac is None:
            return None
        if network is None or mac is None:
            raise ConfigurationError(
                "network and mac go together: a device behind a router needs both",
                source=self.source,
                remedy="Give both, or neither for a device that is reached directly.",
            )
        return Station(network, bytes.fromhex(mac))

    def _entries(self) -> Mapping[str, BacnetObject]:
        objects = self.config.objects
        twice = [tag for tag, times in Counter(one.tag for one in objects).items() if times > 1]
        if twice:
            raise ConfigurationError(
                f"there is more than one tag {twice[0]!r} in objects",
                source=self.source,
                remedy="Give every tag a name of its own.",
            )
        return {one.tag: one for one in objects}

    async def _checked(self, log: ReadLog) -> tuple[Reader, Device]:
        """As :meth:`_usable`, after a look at whether the device's objects are still the same."""
        reader, device = self._usable(log)
        self._is_renewed(device, await reader.read([device.check]))
        return self._usable(log)

    async def _snapshot(self, tags: tuple[str, ...], log: ReadLog) -> tuple[Plan, pa.RecordBatch]:
        """The current values, and the plan that the device's objects agree with."""
        log.note(CLIENT_CLOCK)
        for _ in range(_PLANS_TRIED):
            reader, device = self._usable(log)
            plan = await self._plan(tags, reader, device)
            results = await plan.read(reader)
            received = time.time_ns()
            if not self._is_renewed(device, results):
                rows = range(len(tags))
                return plan, await batch_of(plan, rows, results, received, reader)
        raise SourceBusy(
            "the device's objects change as often as they are read",
            source=self.source,
            remedy="Try again when nobody is configuring the device.",
        )

    def _is_renewed(self, device: Device, results: Mapping[Reference, Result]) -> bool:
        """Whether the objects changed since; then what is known of them counts no longer."""
        now = device.revised(results)
        if now is not None and self._device is device:
            self._device = now
        return now is not None

    async def _plan(self, tags: tuple[str, ...], reader: Reader, device: Device) -> Plan:
        """The plan for ``tags``, made once until the settings or the device change."""
        async with self._planning:  # so that calls at the same time make it once
            # Compared by identity, because entries are never changed in place.
            if self._planned is not self.config.objects:
                self._plans.clear()
                self._planned = self.config.objects
            plan = self._plans.get(tags)
            if plan is None or plan.revision != device.revision:
                plan = await make_plan(tags, self._entries(), reader, device)
                if len(self._plans) >= _PLANS_KEPT:
                    self._plans.pop(next(iter(self._plans)))
                if plan.complete:  # what is missing now may be there next time
                    self._plans[tags] = plan
            return plan
