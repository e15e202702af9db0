"""The library's master: made, asked and stopped. What comes of it arrives in an inbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from greenlang_data.drivers.dnp3.inbox import Inbox
from greenlang_data.drivers.dnp3.library import keep, start_manager, stop_manager
from greenlang_data.settings.dnp3 import Dnp3Settings

_LOOPBACK: Final = "127.0.0.1"
_DAY_SECONDS: Final = 86400


class Header(NamedTuple):
    """Points asked for: all of a group and variation, or those from ``start`` to ``stop``."""

    group: int
    variation: int
    start: int | None = None
    stop: int | None = None


class Stack:
    """Connects to ``port`` on the loopback at once, and goes through the library's start."""

    def __init__(self, library: Any, config: Dnp3Settings, port: int, inbox: Inbox) -> None:
        from greenlang_data.drivers.dnp3.callbacks import Channel, Progress, Values

        self._library = library
        self._values, progress, listener = Values(inbox), Progress(inbox), Channel()
        self._manager = start_manager(library)
        # After the end there is nothing to connect to any more, until the manager is stopped.
        pause = library.TimeDuration.Seconds(_DAY_SECONDS)
        channel = self._manager.AddTCPClient(
            config.connector_id,
            library.LogLevels(0),
            library.ChannelRetry(pause, pause),
            [library.IPEndpoint(_LOOPBACK, port)],
            _LOOPBACK,
            listener,
        )
        self.master = channel.AddMaster(
            config.connector_id, self._values, progress, _settings(library, config)
        )
        keep(self._manager, channel, self.master, self._values, progress, listener)
        self.master.Enable()

    def scan(self, headers: Sequence[Header]) -> None:
        """Read these, in one request."""
        self.master.Scan(self._headers(headers), self._values)

    def perform(self, function: str, headers: Sequence[Header]) -> None:
        """Send a request of another function."""
        code = getattr(self._library.FunctionCode, function)
        self.master.PerformFunction(function, code, self._headers(headers))

    def stop(self) -> None:
        """Close the connection and wait for the library's thread; may be called twice."""
        manager, self._manager, self.master = self._manager, None, None
        if manager is not None:
            stop_manager(manager)
            # The last reference: this waits for the thread, so nothing arrives after it.
            del manager

    def _headers(self, headers: Sequence[Header]) -> list[Any]:
        kinds = self._library.Header
        made = []
        for one in headers:
            if one.start is None or one.stop is None:
                made.append(kinds.AllObjects(one.group, one.variation))
            elif one.stop < 256:
                made.append(kinds.Range8(one.group, one.variation, one.start, one.stop))
            else:
                made.append(kinds.Range16(one.group, one.variation, one.start, one.stop))
        return made


def _settings(library: Any, config: Dnp3Settings) -> Any:
    made = library.MasterStackConfig()
    made.link.LocalAddr = config.master_address
    made.link.RemoteAddr = config.outstation_address
    milliseconds = round(1000 * config.response_timeout_seconds)
    made.master.responseTimeout = library.TimeDuration.Milliseconds(milliseconds)
    # An overflow lasts until events are read, and with it the library would poll for ever.
    made.master.integrityOnEventOverflowIIN = False
    return made
