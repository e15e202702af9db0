"""One connection to an outstation: the library's master behind the relay."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from greenlang_data.drivers.address import Address
from greenlang_data.drivers.dnp3.carried import Carried
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
from greenlang_data.drivers.dnp3.library import load_library
from greenlang_data.drivers.dnp3.listener import Listener
from greenlang_data.drivers.dnp3.points import BY_GROUP
from greenlang_data.drivers.dnp3.relay import Relay
from greenlang_data.drivers.dnp3.stack import Header, Stack
from greenlang_data.drivers.dnp3.trouble import Trouble
from greenlang_data.errors import SourceError
from greenlang_data.settings.dnp3 import Dnp3Settings
from greenlang_data.settings.point import PointType

_READ: Final = "USER_TASK"
# Whether the outstation can report by itself is another matter.
_LAST_OF_START: Final = "ENABLE_UNSOLICITED"
_GAPS: Final = {
    EVENTS_LOST: "EventBufferOverflow",
    RESTARTED: "DeviceRestart",
}
_CLASSES: Final = (Header(60, 2), Header(60, 3), Header(60, 4))
_UNLISTEN_SECONDS: Final = 1.0


class Answer(NamedTuple):
    """What a read brought: static values, and the indications of all its fragments together."""

    blocks: list[Block]
    bits: int

    @property
    def refused(self) -> int:
        """The indications that say that not all of the request was answered."""
        return self.bits & REQUEST_ERRORS


class _Request:
    """A request on its way; ``refusable`` if the outstation need not know it.

    The library tells the indications of a response after the end of the task that it ends, so an
    answer is whole with the first indications after that, and those before the task has started
    belong to an earlier answer.
    """

    def __init__(self, *, refusable: bool = False) -> None:
        # Holds an error as a result, so that asyncio has nothing to report if nobody waits.
        self.outcome: asyncio.Future[Answer | SourceError] = (
            asyncio.get_running_loop().create_future()
        )
        self.blocks: list[Block] = []
        self.bits = 0
        self.started = False
        self.complete = False
        self.accepted = True
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

    def __init__(self, config: Dnp3Settings, endpoint: Address, carried: Carried) -> None:
        self._config = config
        self._endpoint = endpoint
        self.trouble = Trouble(config.connector_id, endpoint)
        self._guard = Guard(config.master_address, config.outstation_address)
        self._relay = Relay(self._guard, self._end)
        self._inbox = Inbox(self._take)
        self._turn = asyncio.Lock()
        self._ready = _Request()
        self._ready.started = True
        self._request: _Request | None = None
        self._task = ""
        self._bits = 0
        self._listeners: set[Listener] = set()
        self._carried = carried
        carried.reconnected()
        self._stack: Stack | None = None
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
        library = load_library(self._config.connector_id)
        step = "accept a connection"
        try:
            async with asyncio.timeout(seconds):
                await self._relay.open(self._endpoint, context)
                step = "answer as an outstation"
                self._stack = Stack(library, self._config, self._relay.port, self._inbox)
                outcome = await self._ready.outcome
        except BaseException as error:
            self._end("was given up")
            if isinstance(error, TimeoutError):
                raise self.trouble.late(f"{step} within {seconds:g} s") from error
            if isinstance(error, (OSError, UnicodeError)):
                raise self.trouble.no_connection(error) from error
            raise
        if isinstance(outcome, SourceError):
            raise outcome

    def close(self) -> None:
        """Close at once; never raises, may be called twice."""
        self._end("is closed")

    async def read(self, headers: Sequence[Header]) -> Answer:
        """Ask for ``headers`` in one request; waits for its turn.

        An outstation may refuse what it does not know, which ``Answer.refused`` tells. Raises
        SourceTimeout, SourceUnreachable or ProtocolError, and then the connection has ended. So it
        has when cancelled between request and answer.
        """
        return await self._ask(_Request(), lambda stack: stack.scan(headers))

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

    def lost(self) -> SourceError:
        """The error for whoever wants to use a connection that has ended."""
        return self.trouble.lost(self.ended or "is not open")

    async def _perform(self, function: str) -> bool:
        request = _Request(refusable=True)
        answer = await self._ask(request, lambda stack: stack.perform(function, _CLASSES))
        return request.accepted and not answer.refused

    async def _ask(self, request: _Request, send: Callable[[Stack], None]) -> Answer:
        async with self._turn:
            if self.ended is not None or self._stack is None:
                raise self.lost()
            self._request = request
            send(self._stack)
            try:
                outcome = await request.outcome
            except asyncio.CancelledError:
                self._end("was closed because a request was given up")
                raise
            finally:
                self._request = None
        if isinstance(outcome, SourceError):
            raise outcome
        return outcome

    def _take(self, message: Message) -> None:
        match message:
            case Block():
                self._take_block(message)
            case Started(task):
                self._task = task
                if task == _READ and self._request is not None:
                    self._request.started = True
            case Completed(task, result):
                self._take_end(task, result)
            case Indications(bits):
                self._take_bits(bits)
            case Broken(reason):
                self._end("was closed after a broken answer", self.trouble.broken(reason))

    def _take_block(self, block: Block) -> None:
        request = self._request
        if not block.event and request is not None and self._task == _READ:
            request.blocks.append(block)
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
        elif task == _LAST_OF_START:
            self._ready.complete = True
        elif task == _READ and self._request is not None:
            self._request.complete = True
            self._request.accepted = result == "SUCCESS"

    def _failure(self, task: str, result: str) -> SourceError | None:
        if result == "FAILURE_NO_COMMS":
            return self.lost()
        if result in ("FAILURE_RESPONSE_TIMEOUT", "FAILURE_START_TIMEOUT"):
            return self.trouble.late(f"answer within {self._config.response_timeout_seconds:g} s")
        refusable = self._request is not None and self._request.refusable
        if result != "SUCCESS" and task in (_READ, "STARTUP_INTEGRITY_POLL") and not refusable:
            return self.trouble.broken(result.removeprefix("FAILURE_").replace("_", " ").lower())
        return None

    def _take_bits(self, bits: int) -> None:
        if self._ready.outcome.done():
            for bit, gap in _GAPS.items():
                if bits & bit & ~self._bits:
                    for listener in self._listeners:
                        listener.add(gap)
        self._bits = bits
        self._carried.end_of_fragment()
        for request in (self._ready, self._request):
            if request is not None and request.started:
                request.bits |= bits
                if request.complete:
                    request.settle(Answer(request.blocks, request.bits))

    def _end(self, how: str, error: SourceError | None = None) -> None:
        if self.ended is not None:
            return
        self.ended = how
        self._relay.end(how)
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.stop()
        self._inbox.close()
        for request in (self._ready, self._request):
            if request is not None:
                request.settle(error or self.lost())
        for listener in self._listeners:
            listener.end(error or self.lost())
