"""Modbus TCP over asyncio: one request in flight, its answer recognised beyond doubt."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, NamedTuple

from greenlang_data.drivers.modbus.endpoint import Endpoint
from greenlang_data.drivers.modbus.exceptions import RefusedError
from greenlang_data.drivers.modbus.frames import (
    BrokenAnswerError,
    Frame,
    check_answer,
    encode_request,
    take_frames,
)
from greenlang_data.drivers.modbus.link import Answer
from greenlang_data.drivers.modbus.plan import Span
from greenlang_data.errors import ProtocolError, SourceError, SourceTimeout, SourceUnreachable

_CLOSE_SECONDS: Final = 1.0
_TRANSACTIONS: Final = 0x10000
# How many requests back an answer may belong to and still pass for a late or repeated one.
_LATEST: Final = 1000
_FUNCTION_AND_COUNT: Final = 2


class _Pending(NamedTuple):
    transaction: int
    span: Span
    # Holds an error as a result, so that asyncio has nothing to report if nobody waits any more.
    outcome: asyncio.Future[Answer | Exception]


class TcpLink(asyncio.Protocol):
    """A :class:`~greenlang_data.drivers.modbus.link.Link` over TCP; :func:`open_link` makes it.

    Transaction ids count up from 1. A frame with the id of an earlier request is an answer that
    comes again or too late, and is dropped; one with an id that was not sent, or that is wrong in
    any other way, ends the connection. asyncio turns TCP_NODELAY on by itself.
    """

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source
        self._transport: asyncio.Transport | None = None
        self._turn = asyncio.Lock()
        self._buffer = bytearray()
        self._sent = 0
        self._pending: _Pending | None = None
        self._ended: str | None = None
        self._closed = asyncio.Event()
        self.given_up = False

    @property
    def connected(self) -> bool:
        """Whether the next request can be sent."""
        return self._transport is not None and self._ended is None

    async def ask(self, span: Span) -> Answer:
        """Read ``span``; see :meth:`~greenlang_data.drivers.modbus.link.Link.ask`."""
        async with self._turn:
            if self._transport is None or self._ended is not None:
                raise self._lost()
            self._sent += 1
            transaction = self._sent % _TRANSACTIONS
            outcome: asyncio.Future[Answer | Exception] = asyncio.get_running_loop().create_future()
            self._pending = _Pending(transaction, span, outcome)
            self._transport.write(encode_request(span, transaction))
            try:
                answer = await outcome
            except asyncio.CancelledError:
                # The answer may still come, and must never be taken for that to a later request.
                self.given_up = self._ended is None
                self._end("was closed because a request was given up")
                raise
            finally:
                self._pending = None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Close at once; never raises, may be called twice."""
        self._end("is closed")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the connection is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio as soon as the peer closes or resets the connection, or we do."""
        how = "in the middle of an answer" if self._buffer else "by the device"
        self._end(f"was {'reset' if exc else 'closed'} {how}")
        self._closed.set()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with what has arrived."""
        self._buffer += data
        pending = self._pending
        try:
            for frame in take_frames(self._buffer, pending and (pending.transaction, pending.span)):
                self._take(frame)
        except BrokenAnswerError as broken:
            self._end(f"was closed after a broken answer: {broken}", self._broken(broken))

    def _take(self, frame: Frame) -> None:
        pending = self._pending
        if pending is None or frame.transaction != pending.transaction:
            age = (self._sent - frame.transaction) % _TRANSACTIONS
            if age >= min(self._sent, _LATEST):
                raise BrokenAnswerError(
                    f"an answer to request {frame.transaction}, which was not sent"
                )
            return
        code = check_answer(frame, pending.span)
        data = frame.body[_FUNCTION_AND_COUNT:]
        self._settle(Answer(data, time.time_ns()) if code is None else RefusedError(code))

    def _settle(self, outcome: Answer | Exception) -> None:
        pending, self._pending = self._pending, None
        if pending is not None and not pending.outcome.done():
            pending.outcome.set_result(outcome)

    def _end(self, how: str, error: SourceError | None = None) -> None:
        if self._ended is None:
            self._ended = how
        self._settle(error or self._lost())
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    def _lost(self) -> SourceUnreachable:
        how = self._ended or "is not open"
        return SourceUnreachable(f"the connection to {self._name} {how}", source=self._source)

    def _broken(self, broken: BrokenAnswerError) -> ProtocolError:
        return ProtocolError(
            f"{self._name} sent a broken answer: {broken}",
            source=self._source,
            remedy="Nothing of it was used; check that Modbus TCP is served there.",
        )


async def open_link(endpoint: Endpoint, *, seconds: float, source: str) -> TcpLink:
    """Connect within ``seconds``, trying the host's addresses in turn.

    Raises SourceTimeout, or SourceUnreachable when it is refused or there is no such host.
    """
    loop = asyncio.get_running_loop()
    name = str(endpoint)
    try:
        async with asyncio.timeout(seconds):
            _, link = await loop.create_connection(
                lambda: TcpLink(name, source),
                endpoint.host,
                endpoint.port,
                happy_eyeballs_delay=0.25,
            )
    except TimeoutError as error:
        raise SourceTimeout(
            f"{name} did not accept a connection within {seconds:g} s",
            source=source,
            remedy="Check the address, the network and firewalls, or raise timeout_seconds.",
        ) from error
    except (OSError, UnicodeError) as error:  # the latter for a host name that cannot be encoded
        reason = getattr(error, "strerror", None) or error
        raise SourceUnreachable(
            f"cannot connect to {name}: {reason}",
            source=source,
            remedy="Check the address, and that the device is on and serves Modbus TCP there.",
        ) from error
    return link
