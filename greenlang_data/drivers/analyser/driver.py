"""The analyser driver: readings with the state that the analyser itself tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar, Final

import pyarrow as pa

from greenlang_data.drivers.analyser.history import read_history
from greenlang_data.drivers.analyser.reading import read_look
from greenlang_data.drivers.base import Driver, ReadLog, Request, Snapshot, Window, no_records
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.schema import TAGS
from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.analyser import AnalyserSettings
from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.settings.modbus import ModbusSettings

OWN_CLOCK: Final = (
    "timestamps are this machine's clock when the readings arrived; the analyser's status was read "
    "before and after them"
)


class AnalyserDriver(Driver):
    """Current readings of an analyser over Modbus or OPC UA, and what was recorded of it.

    A reading while a signal says calibration, maintenance, fault or over_range, or while a signal
    cannot be read, is bad; the status says why. It is measured, and good, only when every signal
    was read twice and said nothing.
    """

    name: ClassVar[str] = "analyser"
    kinds: ClassVar[frozenset[str]] = frozenset({"avg"})
    config: AnalyserSettings

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        is_modbus = getattr(config, "protocol", None) == "modbus"
        self._opened = self._tried = False
        self._wire: Driver = ModbusDriver(config) if is_modbus else OpcUaDriver(config)  # type: ignore[arg-type]  # an analyser's config has the keys of its protocol

    @property
    def connected(self) -> bool:
        # Not before it was needed, but when it is lost the connector has to know.
        return self._opened and (self._wire.connected or not self._tried)

    async def connect(self) -> None:
        """Check the configuration; the analyser itself is needed for current readings only.

        Raises ConfigurationError when no measurand is configured, or one is read from a register
        that is not in the map.
        """
        self._check_map()
        self._opened, self._tried = True, False

    async def close(self) -> None:
        self._opened = False
        await self._wire.close()

    async def ping(self) -> None:
        await self._reach()
        await self._wire.ping()

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A Snapshot from the analyser, or a Window of the past from its recording."""
        if isinstance(request, Snapshot):
            self._tell_basis(request.tags, log)
            log.note(OWN_CLOCK)
            await self._reach()
            yield await read_look(self._wire, self.config, request.tags, log)
        elif isinstance(request, Window):
            self._tell_basis(request.tags, log)
            async for batch in read_history(self.config, request, log, self.source):
                yield batch
        else:
            raise no_records(self.source)

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The measurands of the configuration; nothing is asked of the analyser."""
        rows = [
            {
                "tag_id": one.tag,
                "tag_name": one.tag,
                "path": one.read_from,
                "description": ", ".join(f"{key} {value}" for key, value in one.basis.items()),
            }
            for one in self.config.measurands
        ]
        yield pa.RecordBatch.from_pylist(rows, TAGS)

    async def _reach(self) -> None:
        """Connect to the analyser, unless that is done. Raises what its driver raises."""
        self._tried = True
        if not self._wire.connected:
            await self._wire.connect()

    def _tell_basis(self, tags: tuple[str, ...], log: ReadLog) -> None:
        log.basis.update({one.tag: one.basis for one in self.config.measurands if one.tag in tags})

    def _check_map(self) -> None:
        config = self.config
        if not config.measurands:
            raise ConfigurationError(
                "it has no measurands, so nothing says what the analyser shows",
                source=self.source,
                remedy="Add [[sources.NAME.measurands]] tables with tag, read_from and moisture.",
            )
        if not isinstance(config, ModbusSettings) or not isinstance(self._wire, ModbusDriver):
            return
        units = {one.tag: one.unit for one in config.registers}
        switches = [one.tag for m in config.measurands for one in m.ranges]
        places = [place for m in config.measurands for place in m.places]
        for tag in [*places, *switches, *(one.tag for one in config.signals)]:
            if tag not in units:
                raise ConfigurationError(
                    f"there is no register called {tag!r}",
                    source=self.source,
                    remedy="Add it to registers, or correct read_from or the signal's tag.",
                )
        for one in config.measurands:
            if len({units[place] for place in one.places}) > 1:
                raise ConfigurationError(
                    f"the ranges of {one.tag!r} are in different units, which are never mixed",
                    source=self.source,
                    remedy="Give their registers one unit, with a scale where it needs one.",
                )
