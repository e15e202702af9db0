"""One connection to an outstation: the library's master behind the relay."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from greenlang_data.drivers.dnp3.carried import Carried
from greenlang_data.drivers.dnp3.endpoint import Endpoint
from greenlang_data.drivers.dnp3.guard import Guard
from greenlang_data.drivers.dnp3.inbox import (
    Block,
    Broken,
    Completed,
    Inbox,
    Indications,
    Message,
    Started,
)
from greenlang_data.drivers.dnp3.indications import EVENTS_LOST, REQUEST_ERRORS, RESTARTED
from greenlang_data.drivers.dnp3.library import keep, load_library, start_manager, stop_manager
from greenlang_data.drivers.dnp3.listener import Listener
from greenlang_data.drivers.dnp3.points import BY_GROUP
from greenlang_data.drivers.dnp3.relay import Relay
from greenlang_data.errors import (
    AuthenticationError,
    ProtocolError,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)
from greenlang_data.settings.dnp3 import Dnp3Settings
from greenlang_data.settings.point import PointType

_READ: Final = "USER_TASK"
_GAPS: Final = {
    EVENTS_LOST: "EventBufferOverflow",
    RESTARTED: "DeviceRestart",
}
_CLASSES: Final = ((60, 2), (60, 3), (60, 4))
_DAY_SECONDS: Final = 86400
_UNLISTEN_SECONDS: Final = 1.0


class Header(NamedTuple):
    """Points asked for: all of a group and variation, or those from ``start`` to ``stop``."""

    group: int
    variation: int
    start: int | None = None
    stop: int | None = None


class Answer(NamedTuple):
    """What a read brought: static values, and the indications of all its fragments together."""

    blocks: list[Block]
    bits: int


class _Reading:
    """A request on its way; ``refusable`` if the outstation need not know it."""

    def __init__(self, *, refusable: bool = False) -> None:
        # Holds an error as a result, so that asyncio has nothing to report if nobody waits.
        self.outcome: asyncio.Future[Answer | SourceError] = (
            asyncio.get_running_loop().create_future()
        )
        self.blocks: list[Block] = []
        self.bits = 0
        self.complete = False
        self.refusable = refusable

    def settle(self, outcome: Answer | SourceError) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class Master:
    """Opened once, and of no use any more when it has ended, however that was.

    Events that come while nobody watches, because the outstation still reports from an earlier
    connection, are kept for whoever watches next, for the outstation has forgotten them.
    ``points`` are the indices that the outstation reported when the connection began, by type.
    """

    def __init__(self, config: Dnp3Settings, endpoint: Endpoint, carried: Carried) -> None:
        self._config = config
        self._source = config.connector_id
        self._name = str(endpoint)
        self._endpoint = endpoint
        self._guard = Guard(config.master_address, config.outstation_address)
        self._relay = Relay(self._guard, self._end)
        self._inbox = Inbox(self._take)
        self._turn = asyncio.Lock()
        self._ready = _Reading()
        self._reading: _Reading | None = None
        self._task = ""
        self._bits = 0
        self._listeners: set[Listener] = set()
        self._carried = carried
        carried.reconnected()
        self._manager: Any = None
        self._stack: Any = None
        self.ended: str | None = None
        self.points: dict[PointType, set[int]] = defaultdict(set)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._guard.requests

    async def open(self, context: ssl.SSLContext | None, seconds: float) -> None:
        """Connect, and read the static values once, within ``seconds``.

        Raises SourceTimeout, SourceUnreachable, AuthenticationError, ProtocolError, or
        ConfigurationError where the library is missing.
        """
        self._library = load_library(self._source)
        step = "accept a connection"
        try:
            async with asyncio.timeout(seconds):
                await self._relay.open(self._endpoint, context)
                step = "answer as an outstation"
                self._start()
                outcome = await self._ready.outcome
        except BaseException as error:
            self._end("was given up")
            if isinstance(error, TimeoutError):
                raise self._late(f"{step} within {seconds:g} s") from error
            if isinstance(error, (OSError, UnicodeError)):
                raise self._refused(error) from error
            raise
        if isinstance(outcome, SourceError):
            raise outcome

    def close(self) -> None:
        """Close at once; never raises, may be called twice."""
        self._end("is closed")

    async def read(self, headers: Sequence[Header]) -> Answer:
        """Ask for ``headers`` in one request; waits for its turn.

        Raises SourceTimeout, SourceUnreachable or ProtocolError, and then the connection has
        ended. So it has when cancelled between request and answer.
        """
        made = self._headers(headers)
        return await self._ask(_Reading(), lambda: self._stack.Scan(made, self._values))

    def listen(self, listener: Listener) -> None:
        """Hand over events from now on, and let them be read."""
        self._listeners.add(listener)
        self._guard.watching = True
        while self._carried.unheard:
            listener.add(self._carried.unheard.pop(0))

    def all_read(self) -> None:
        """Every event that was waiting has been read."""
        self._carried.all_read()

    async def enable_reports(self) -> bool:
        """Ask the outstation to report events by itself; whether it will."""
        return await self._perform("ENABLE_UNSOLICITED")

    async def unlisten(self, listener: Listener) -> None:
        """The end of :meth:`listen`; without listeners no events are read."""
        self._listeners.discard(listener)
        if self._listeners or self.ended is not None:
            return
        self._guard.watching = False
        try:
            async with asyncio.timeout(_UNLISTEN_SECONDS):
                await self._perform("DISABLE_UNSOLICITED")
        except (TimeoutError, SourceError):
            self._end("was closed because the outstation could not be told to report no more")

    def lost(self) -> SourceUnreachable:
        """The error for whoever wants to use a connection that has ended."""
        how = self.ended or "is not open"
        return SourceUnreachable(
            f"the connection to {self._name} {how}", source=self._source, remedy="Connect again."
        )

    def _start(self) -> None:
        from greenlang_data.drivers.dnp3.callbacks import Channel, Progress, Values

        dnp3 = self._library
        self._values, progress, listener = Values(self._inbox), Progress(self._inbox), Channel()
        self._manager = start_manager(dnp3)
        # After the end there is nothing to connect to any more, until the manager is stopped.
        pause = dnp3.TimeDuration.Seconds(_DAY_SECONDS)
        channel = self._manager.AddTCPClient(
            self._source,
            dnp3.LogLevels(0),
            dnp3.ChannelRetry(pause, pause),
            [dnp3.IPEndpoint("127.0.0.1", self._relay.port)],
            "127.0.0.1",
            listener,
        )
        config = dnp3.MasterStackConfig()
        config.link.LocalAddr = self._config.master_address
        config.link.RemoteAddr = self._config.outstation_address
        milliseconds = round(1000 * self._config.response_timeout_seconds)
        config.master.responseTimeout = dnp3.TimeDuration.Milliseconds(milliseconds)
        # An overflow lasts until events are read, and with it the library would poll for ever.
        config.master.integrityOnEventOverflowIIN = False
        self._stack = channel.AddMaster(self._source, self._values, progress, config)
        keep(self._manager, channel, self._stack, self._values, progress, listener)
        self._stack.Enable()

    def _headers(self, headers: Sequence[Header]) -> list[Any]:
        dnp3 = self._library
        made = []
        for one in headers:
            if one.start is None or one.stop is None:
                made.append(dnp3.Header.AllObjects(one.group, one.variation))
            elif one.stop < 256:
                made.append(dnp3.Header.Range8(one.group, one.variation, one.start, one.stop))
            else:
                made.append(dnp3.Header.Range16(one.group, one.variation, one.start, one.stop))
        return made

    async def _perform(self, function: str) -> bool:
        code = getattr(self._library.FunctionCode, function)
        classes = self._headers([Header(group, variation) for group, variation in _CLASSES])
        answer = await self._ask(
            _Reading(refusable=True), lambda: self._stack.PerformFunction(function, code, classes)
        )
        return not answer.bits & REQUEST_ERRORS

    async def _ask(self, reading: _Reading, send: Callable[[], None]) -> Answer:
        async with self._turn:
            if self.ended is not None:
                raise self.lost()
            self._reading = reading
            send()
            try:
                outcome = await reading.outcome
            except asyncio.CancelledError:
                self._end("was closed because a request was given up")
                raise
            finally:
                self._reading = None
        if isinstance(outcome, SourceError):
            raise outcome
        return outcome

    def _take(self, message: Message) -> None:
        match message:
            case Block():
                self._take_block(message)
            case Started(task):
                self._task = task
            case Completed(task, result):
                self._take_end(task, result)
            case Indications(bits):
                self._take_bits(bits)
            case Broken(reason):
                self._end("was closed after a broken answer", self._broken(reason))

    def _take_block(self, block: Block) -> None:
        reading = self._reading
        if not block.event and reading is not None and self._task == _READ:
            reading.blocks.append(block)
            return
        if not block.event:
            self.points[BY_GROUP[block.group].name].update(block.indices.tolist())
            return
        new = self._carried.without_repeats(block)
        if not self._listeners:
            self._carried.unheard.append(new)
        for listener in self._listeners:
            listener.add(new)

    def _take_end(self, task: str, result: str) -> None:
        error = self._failure(task, result)
        if error is not None:
            self._end("was closed after an answer that did not come or was broken", error)
        elif task == "ENABLE_UNSOLICITED":
            # The last step of the library's start; whether the outstation can is another matter.
            self._ready.settle(Answer([], self._bits))
        elif task == _READ and self._reading is not None:
            self._reading.complete = True

    def _failure(self, task: str, result: str) -> SourceError | None:
        if result == "FAILURE_NO_COMMS":
            return self.lost()
        if result in ("FAILURE_RESPONSE_TIMEOUT", "FAILURE_START_TIMEOUT"):
            return self._late(f"answer within {self._config.response_timeout_seconds:g} s")
        refusable = self._reading is not None and self._reading.refusable
        if result != "SUCCESS" and task in (_READ, "STARTUP_INTEGRITY_POLL") and not refusable:
            return self._broken(result.removeprefix("FAILURE_").replace("_", " ").lower())
        return None

    def _take_bits(self, bits: int) -> None:
        if self._ready.outcome.done():
            for bit, gap in _GAPS.items():
                if bits & bit & ~self._bits:
                    for listener in self._listeners:
                        listener.add(gap)
        self._bits = bits
        self._carried.end_of_fragment()
        reading = self._reading
        if reading is not None:
            reading.bits |= bits
            if reading.complete:
                reading.settle(Answer(reading.blocks, reading.bits))

    def _end(self, how: str, error: SourceError | None = None) -> None:
        if self.ended is not None:
            return
        self.ended = how
        self._relay.end(how)
        manager, self._manager, self._stack = self._manager, None, None
        if manager is not None:
            stop_manager(manager)
            # The last reference: this waits for the library's thread, so nothing comes after it.
            del manager
        self._inbox.close()
        for reading in (self._ready, self._reading):
            if reading is not None:
                reading.settle(error or self.lost())
        for listener in self._listeners:
            listener.end(error or self.lost())

    def _late(self, what: str) -> SourceTimeout:
        return SourceTimeout(
            f"{self._name} did not {what}",
            source=self._source,
            remedy="Check the address, outstation_address and master_address (an outstation is "
            "silent to others), or raise timeout_seconds and response_timeout_seconds.",
        )

    def _broken(self, how: str) -> ProtocolError:
        return ProtocolError(
            f"{self._name} sent a broken answer: {how}",
            source=self._source,
            remedy="Nothing of it was used; check that DNP3 is served there.",
        )

    def _refused(self, error: OSError | UnicodeError) -> SourceError:
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, ssl.SSLError):
            return AuthenticationError(
                f"TLS with {self._name} failed: {reason}",
                source=self._source,
                remedy="Check ca_certificate_path, the host's name in the outstation's "
                "certificate, and the client's own certificate.",
            )
        return SourceUnreachable(
            f"cannot connect to {self._name}: {reason}",
            source=self._source,
            remedy="Check the address, and that the outstation is on and serves DNP3 there.",
        )
