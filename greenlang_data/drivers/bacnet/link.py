"""One UDP socket to one device: requests with numbers, answers found by them, nothing else heard.

The socket is connected, so the kernel drops datagrams from other addresses and tells when the
device's host refuses them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from greenlang_data.drivers.bacnet.assembly import Assembly
from greenlang_data.drivers.bacnet.invoke_ids import LATEST_SECONDS, InvokeIds
from greenlang_data.drivers.bacnet.messages import (
    CONFIRMED_COV_NOTIFICATION,
    I_AM,
    UNCONFIRMED_COV_NOTIFICATION,
    Kind,
    Message,
    Station,
    notification_ack,
    parse,
    request,
    segment_ack,
    who_is,
)
from greenlang_data.drivers.bacnet.refusals import RefusedError, refusal
from greenlang_data.drivers.bacnet.services import Confirmed
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError, expect_unsigned
from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import (
    ProtocolError,
    SourceBusy,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)

_CLOSE_SECONDS: Final = 1.0


class Patience(NamedTuple):
    """How long an answer may take before the request is sent again, and how often it is."""

    seconds: float
    retries: int
    in_flight: int


class _Pending:
    """A request that waits for its answer."""

    def __init__(self, service: Confirmed) -> None:
        self.service = service
        self.outcome: bytes | Exception | None = None
        self.assembly: Assembly | None = None
        self.progress = asyncio.Event()
        self.sent = 0

    def settle(self, outcome: bytes | Exception) -> None:
        if self.outcome is None:
            self.outcome = outcome
            self.progress.set()


class Link(asyncio.DatagramProtocol):
    """Asks one device; :func:`~greenlang_data.drivers.bacnet.opening.open_link` makes it.

    ``ignored`` counts datagrams that were no answer to anything asked. ``listeners`` are told the
    bodies of reports of changes, by the process number of their subscriptions.
    """

    def __init__(
        self,
        name: str,
        source: str,
        ids: InvokeIds,
        patience: Patience,
        station: Station | None,
    ) -> None:
        self._name = name
        self._source = source
        self._ids = ids
        self._patience = patience
        self._station = station
        self._slots = asyncio.Semaphore(patience.in_flight)
        self._transport: asyncio.DatagramTransport | None = None
        self._pending: dict[int, _Pending] = {}
        self._who_is: asyncio.Future[Message] | None = None
        self._ended: str | None = None
        self._closed = asyncio.Event()
        self.ignored = 0
        self.listeners: dict[int, Callable[[bytes], None]] = {}

    @property
    def connected(self) -> bool:
        """Whether the next request can be sent."""
        return self._transport is not None and self._ended is None

    async def ask(self, service: Confirmed, body: bytes, log: ReadLog) -> bytes:
        """The body of the answer; waits for one of the ``in_flight`` turns.

        Counts in ``log`` what is sent.

        Raises RefusedError when the device says no, SourceTimeout after the last retry,
        SourceUnreachable, SourceBusy or ProtocolError.
        """
        async with self._slots:
            if not self.connected:
                raise self._lost()
            invoke_id = self._ids.take()
            if invoke_id is None:
                raise self._exhausted()
            pending = _Pending(service)
            self._pending[invoke_id] = pending
            try:
                datagram = request(service, invoke_id, body, self._station)
                outcome = await self._exchange(pending, datagram, log)
            finally:
                del self._pending[invoke_id]
                settled = pending.outcome is not None and pending.sent == 1
                self._ids.give_back(invoke_id, answer_may_come=not settled)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _exchange(
        self, pending: _Pending, datagram: bytes, log: ReadLog
    ) -> bytes | Exception:
        for _ in range(self._patience.retries + 1):
            pending.assembly = None
            pending.sent += 1
            log.requests += 1
            self._send(datagram)
            await self._answered(pending)
            if pending.outcome is not None:
                return pending.outcome
        self.end("was given up after silence")
        seconds = self._patience.seconds * (self._patience.retries + 1)
        return SourceTimeout(
            f"{self._name} did not answer within {seconds:g} s (asked {pending.sent} times)",
            source=self._source,
            remedy="Check that the device is on and speaks BACnet/IP there, or raise "
            "apdu_timeout_seconds.",
        )

    async def _answered(self, pending: _Pending) -> None:
        """Wait for the answer, and anew after each segment of it."""
        while True:
            pending.progress.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience.seconds):
                    await pending.progress.wait()
            if pending.outcome is not None or not pending.progress.is_set():
                return

    async def who_is(self, seconds: float) -> bytes | None:
        """The body of the device's I-Am, or None when none comes within ``seconds``."""
        if not self.connected:
            raise self._lost()
        self._who_is = asyncio.get_running_loop().create_future()
        self._send(who_is(None, self._station))
        try:
            async with asyncio.timeout(seconds):
                return (await self._who_is).body
        except TimeoutError:
            return None
        finally:
            self._who_is = None

    def end(self, how: str) -> None:
        """Close at once and fail what is waiting; may be called twice."""
        if self._ended is None:
            self._ended = how
        for pending in self._pending.values():
            pending.settle(self._lost())
        if self._transport is not None:
            self._transport.abort()

    async def close(self, how: str) -> None:
        """As :meth:`end`, and wait until the local port is free, for a second at most."""
        self.end(how)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the socket is open."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the socket is closed."""
        self.end("was closed")
        self._closed.set()

    def error_received(self, exc: Exception) -> None:
        """Called by asyncio when the network says that nobody listens there."""
        self.end(f"was refused ({getattr(exc, 'strerror', None) or exc})")

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Called by asyncio with what the device sent."""
        try:
            self._take(parse(data, self._station))
        except BrokenAnswerError:
            self.ignored += 1

    def _take(self, message: Message) -> None:
        if message.kind is Kind.UNCONFIRMED:
            self._take_unconfirmed(message)
            return
        if message.kind is Kind.CONFIRMED:
            self._take_confirmed(message)
            return
        pending = self._pending.get(message.invoke_id)
        if pending is None or not self._belongs(message, pending):
            self.ignored += 1
        elif message.kind in (Kind.ERROR, Kind.REJECT, Kind.ABORT):
            pending.settle(self._refused(message))
        elif message.sequence is None:
            pending.settle(message.body)
        else:
            self._assemble(message, pending)

    @staticmethod
    def _belongs(message: Message, pending: _Pending) -> bool:
        if message.kind in (Kind.REJECT, Kind.ABORT):
            return True
        wanted = Kind.SIMPLE_ACK if pending.service is Confirmed.SUBSCRIBE_COV else Kind.COMPLEX_ACK
        return message.choice == pending.service and message.kind in (wanted, Kind.ERROR)

    def _refused(self, message: Message) -> RefusedError | ProtocolError:
        try:
            return refusal(message)
        except BrokenAnswerError as broken:
            return self.broken(broken)

    def _assemble(self, message: Message, pending: _Pending) -> None:
        assembly = pending.assembly = pending.assembly or Assembly()
        try:
            confirmation = assembly.add(message)
        except BrokenAnswerError as broken:
            pending.settle(self.broken(broken))
            return
        if confirmation is not None:
            sequence, window, negative = confirmation
            self._send(
                segment_ack(
                    message.invoke_id, sequence, window, negative=negative, station=self._station
                )
            )
        pending.progress.set()
        if assembly.whole:
            pending.settle(assembly.body)

    def _take_unconfirmed(self, message: Message) -> None:
        if message.choice == I_AM and self._who_is is not None and not self._who_is.done():
            self._who_is.set_result(message)
        elif message.choice != UNCONFIRMED_COV_NOTIFICATION or not self._report(message.body):
            self.ignored += 1

    def _take_confirmed(self, message: Message) -> None:
        if message.choice != CONFIRMED_COV_NOTIFICATION or not self._report(message.body):
            self.ignored += 1
            return
        self._send(notification_ack(message.invoke_id, self._station))

    def _report(self, body: bytes) -> bool:
        """Whether somebody here subscribed to this report, and can read it."""
        process, _ = expect_unsigned(body, 0, 0)
        listener = self.listeners.get(process)
        if listener is None:
            return False
        listener(body)
        return True

    def _send(self, datagram: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram)

    def broken(self, broken: BrokenAnswerError) -> ProtocolError:
        """The error for an answer that is not what was asked for."""
        return ProtocolError(
            f"{self._name} sent a broken answer: {broken}",
            source=self._source,
            remedy="Nothing of it was used; check that the endpoint is that of a BACnet device.",
        )

    def _lost(self) -> SourceError:
        how = self._ended or "is not open"
        return SourceUnreachable(
            f"the connection to {self._name} {how}",
            source=self._source,
            remedy="Check the address, and that the device is on and speaks BACnet/IP there.",
        )

    def _exhausted(self) -> SourceBusy:
        return SourceBusy(
            f"{self._name} left all 256 requests of the last {LATEST_SECONDS:g} s unanswered",
            source=self._source,
            remedy="Ask less often, or raise timeout_seconds.",
        )
