"""One session in use: asking, keeping it alive, noticing its end."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from typing import Final

from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua import transport
from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.faults import SESSION_LOST, ConnectionLostError, ServiceFaultError
from greenlang_data.drivers.opcua.limits import Limits
from greenlang_data.drivers.opcua.nodes import read_value_id
from greenlang_data.drivers.opcua.quiet import quietly
from greenlang_data.drivers.opcua.services import CLOSE_SESSION, READ
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.variants import read_variant
from greenlang_data.errors import SourceTimeout, SourceUnreachable

# A few requests under way hide the network; more would only pile up inside the server.
REQUESTS_IN_FLIGHT: Final = 4
_CLOSE_SECONDS: Final = 1.0
_REASSURE_SECONDS: Final = 5.0
_OPTIONAL_SECONDS: Final = 10.0
_SERVER_STATE: Final = b"\x01\x00" + struct.pack("<H", 2259)


class Connection:
    """A session that was logged in to. All methods run on the loop it was made on."""

    def __init__(self, client: transport.Client, timeout: float, source: str) -> None:
        self.source = source
        self.limits = Limits()
        self._client = client
        self._channel = client.channel
        self._timeout = timeout
        self._slots = asyncio.Semaphore(REQUESTS_IN_FLIGHT)
        self._alone = asyncio.Lock()
        self._suspect = False
        self._last_answer = time.monotonic()
        self._upkeep = asyncio.create_task(quietly(self._keep_alive()))

    @property
    def alive(self) -> bool:
        """Whether the socket is open and nothing is known against the session."""
        return self._channel.is_open

    async def ask(self, service: int, body: bytes, log: ReadLog | None = None) -> Reader:
        """The answer to an encoded request.

        Raises ServiceFaultError when the server refuses it, MalformedAnswerError, SourceUnreachable or
        SourceTimeout; after the last two the connection is done with.
        """
        async with self._slot():
            if log is not None:
                log.requests += 1
            return await self._ask(service, body, self._timeout)

    async def ask_if_possible(self, service: int, body: bytes, log: ReadLog) -> Reader:
        """As :meth:`ask`, for what can be done without: less patient, and no loss when silent."""
        patience = min(_OPTIONAL_SECONDS, self._timeout / 2)
        async with self._slot():
            log.requests += 1
            try:
                return await self._channel.ask(service, body, patience)
            except TimeoutError:
                self._suspect = True
                raise ServiceFaultError(StatusCodes.BadTimeout) from None
            except ConnectionLostError as error:
                raise self._lost(error) from None

    async def wait_for(self, service: int, body: bytes) -> Reader:
        """As :meth:`ask`, for what the server answers only when it has something to tell."""
        return await self._ask(service, body, None)

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if not self.limits.one_at_a_time:
            async with self._slots:
                yield
            return
        # Whoever holds the lock takes every slot, so that nothing else is outstanding.
        async with self._alone, contextlib.AsyncExitStack() as taken:
            for _ in range(REQUESTS_IN_FLIGHT):
                await taken.enter_async_context(self._slots)
            yield

    async def _ask(self, service: int, body: bytes, seconds: float | None) -> Reader:
        try:
            answer = await self._channel.ask(service, body, seconds)
        except ConnectionLostError as error:
            raise self._lost(error) from None
        except TimeoutError:
            # A peer that went silent cannot be told from a dead line, so start afresh.
            self.drop()
            raise SourceTimeout(
                f"no answer within {seconds or 0:g} s", source=self.source
            ) from None
        except ServiceFaultError as fault:
            if fault.code in SESSION_LOST:
                self.drop()
                raise SourceUnreachable(
                    f"the server ended the session ({fault})", source=self.source
                ) from None
            raise
        except asyncio.CancelledError:
            self._suspect = self._suspect or seconds is not None
            raise
        self._last_answer = time.monotonic()
        return answer

    def _lost(self, error: ConnectionLostError) -> SourceUnreachable:
        self.drop()
        return SourceUnreachable(f"the connection was lost ({error})", source=self.source)

    @property
    def patience(self) -> float:
        """How long an answer may take, in seconds."""
        return self._timeout

    def send_and_forget(self, service: int, body: bytes) -> None:
        """Send a request whose answer nobody waits for."""
        self._channel.send_and_forget(service, body)

    async def reassure(self) -> None:
        """After a read was cancelled, make sure that the line still works.

        The cancellation may have come from a time limit outside, on a line that is dead.
        """
        if self._suspect:
            await self.ping(min(_REASSURE_SECONDS, self._timeout))
            self._suspect = False

    async def ping(self, seconds: float | None = None) -> None:
        """Read the server's state. Raises when it does not answer, or is not running."""
        # No cached value, no time stamps, one node.
        body = struct.pack("<dii", 0.0, 3, 1) + read_value_id(_SERVER_STATE)
        reader = await self._ask(READ, body, seconds or self._timeout)
        if reader.count(1) != 1:
            raise MalformedAnswerError("the server's state was asked and not one value answered")
        mask = reader.byte()
        state = read_variant(reader)[0] if mask & 0x01 else None
        code = reader.uint32() if mask & 0x02 else 0
        if code & BAD:
            raise ServiceFaultError(code)
        if state not in (0.0, None):
            raise SourceUnreachable(
                f"the server says that it is not running (state {state:g})", source=self.source
            )

    def drop(self) -> None:
        """Give the connection up now; the server is told, as far as it can still hear."""
        self._upkeep.cancel()
        self._channel.send_and_forget(CLOSE_SESSION, b"\x01")
        self._channel.give_up()

    async def close(self) -> None:
        """Log out, within about a second; never raises."""
        self._upkeep.cancel()
        with contextlib.suppress(Exception):
            await quietly(self._log_out())
        self._channel.give_up(abort=True)

    async def _log_out(self) -> None:
        with contextlib.suppress(Exception):
            await self._channel.ask(CLOSE_SESSION, b"\x01", _CLOSE_SECONDS)
        await self._channel.close_secure_channel()

    async def _keep_alive(self) -> None:
        """Renew the channel in time, and ask something before the server forgets the session."""
        idle = max(self._client.session_timeout / 1000 / 6, 0.5)
        lifetime = max(self._client.secure_channel_timeout / 1000 / 2, 0.5)
        renewed = time.monotonic()
        while self.alive:
            await asyncio.sleep(min(idle, lifetime))
            try:
                if time.monotonic() - renewed >= lifetime:
                    await self.renew_channel()
                    renewed = time.monotonic()
                if time.monotonic() - self._last_answer >= idle:
                    await self.ping()
            except Exception:  # whatever it is, the next read connects anew
                self.drop()

    async def renew_channel(self) -> None:
        """Agree on new keys for the secure channel."""
        await self._client.open_secure_channel(renew=True)
        self._channel.revolve_security_token()
