"""Modbus TCP over asyncio: many requests in flight, each answer recognised beyond doubt."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus.connection import Connection
from greenlang_data.drivers.modbus.exceptions import RefusedError
from greenlang_data.drivers.modbus.flight import Flight
from greenlang_data.drivers.modbus.frames import (
    BrokenAnswerError,
    Frame,
    check_answer,
    encode_request,
    take_frames,
)
from greenlang_data.drivers.modbus.link import Answer, Outcome, Silence
from greenlang_data.drivers.modbus.pace import Pace
from greenlang_data.drivers.modbus.plan import Span
from greenlang_data.errors import (
    AuthenticationError,
    ProtocolError,
    SourceError,
    SourceUnreachable,
)

_TRANSACTIONS: Final = 0x10000
# How many requests back an answer may belong to and still pass for a late or repeated one.
_LATEST: Final = 1000
_FUNCTION_AND_COUNT: Final = 2
_PROBE: Final = 2


class TcpLink(Connection):
    """A :class:`~greenlang_data.drivers.modbus.link.Link` over TCP or TLS.

    Transaction ids count up from 1, and only they say which request an answer is for. A frame
    with the id of an earlier request is an answer that comes again or too late, and is dropped;
    one with an id that was not sent, or that is wrong in any other way, ends the connection.
    asyncio turns TCP_NODELAY on by itself.

    The first two requests go out in one segment, to see whether the device answers both; then
    there are more with every answer, up to ``pace.limit``. When several are in flight and nothing
    comes, they are asked again one by one: what is answered then shows a device that loses
    requests, and what is not, a unit that is silent.
    """

    def __init__(self, name: str, source: str, pace: Pace) -> None:
        super().__init__(name, source)
        self._pace = pace
        self._sent = 0
        self._depth = min(_PROBE, pace.limit)
        self._probed = False
        self._flight: Flight | None = None

    async def ask(self, spans: Sequence[Span], log: ReadLog) -> list[Outcome]:
        """Read ``spans``; see :meth:`~greenlang_data.drivers.modbus.link.Link.ask`."""
        if not spans:
            return []
        async with self._turn:
            if not self.connected:
                raise self._lost()
            flight = self._flight = Flight(spans, log, asyncio.get_running_loop().time())
            self._send_more(flight)
            try:
                await self._watch(flight)
            except asyncio.CancelledError:
                # Answers may still come, and must never be taken for those to later requests.
                self.given_up = self._ended is None
                self.end("was closed because a request was given up")
                raise
            finally:
                self._flight = None
        error = flight.done.result()
        if error is not None:
            raise error
        return [outcome for outcome in flight.outcomes if outcome is not None]

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio as soon as the peer closes or resets the connection, or we do."""
        flight = self._flight
        if self._ended is None and not self._probed and flight and len(flight.flying) > 1:
            # It may be the second request at once that the device took badly.
            self._pace.lost_one_of(len(flight.flying))
        how = "in the middle of an answer" if self._buffer else "by the device"
        if isinstance(exc, ssl.SSLError):
            self.end("was refused", self._refused(exc))
        else:
            self.end(f"was {'reset' if exc else 'closed'} {how}")
        self._closed.set()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with what has arrived."""
        self._buffer += data
        flight = self._flight
        try:
            for frame in take_frames(self._buffer, flight.spans_sent if flight else {}):
                self._take(frame, flight)
        except BrokenAnswerError as broken:
            self.end(f"was closed after a broken answer: {broken}", self._broken(broken))
        if flight is not None and not flight.done.done():
            now = asyncio.get_running_loop().time()
            self._pace.waited(now - flight.touched)
            flight.touched = now
            self._send_more(flight)

    def _take(self, frame: Frame, flight: Flight | None) -> None:
        if flight is None or frame.transaction not in flight.spans_sent:
            age = (self._sent - frame.transaction) % _TRANSACTIONS
            if age >= min(self._sent, _LATEST):
                raise BrokenAnswerError(
                    f"an answer to request {frame.transaction}, which was not sent"
                )
            return
        index = flight.take(frame.transaction)
        code = check_answer(frame, flight.spans[index])
        if flight.outcomes[index] is not None:
            return  # asked twice, and answered twice
        self._learn(flight, index, frame.transaction)
        data = frame.body[_FUNCTION_AND_COUNT:]
        flight.settle(index, Answer(data, time.time_ns()) if code is None else RefusedError(code))

    def _learn(self, flight: Flight, index: int, transaction: int) -> None:
        """What this answer shows about how many requests the device takes at once."""
        again = flight.asked_again.get(index)
        if again == transaction:
            self._pace.lost_one_of(flight.burst)
            self._depth = self._pace.limit
            self._probed = True
            flight.log.note(
                f"{self._name} left requests unanswered when {flight.burst} were sent at once; "
                f"it gets {self._depth} at a time now"
            )
        elif again is None and index not in flight.alone:
            self._grow(flight)

    def _grow(self, flight: Flight) -> None:
        pace, in_flight = self._pace, len(flight.flying)
        if self._probed:
            if in_flight >= self._depth and self._depth < pace.limit:
                self._depth += 1
                pace.reached = max(pace.reached, self._depth - 1)
        elif flight.burst >= _PROBE and in_flight == 1:  # the last of the burst has come
            self._probed = True
            pace.reached = max(pace.reached, _PROBE)
            self._depth = min(pace.limit, pace.reached)

    def _send_more(self, flight: Flight) -> None:
        """Send what may be in flight beside what is there already, in one segment."""
        if self._transport is None or flight.done.done():
            return
        requests = []
        if flight.alone and not flight.flying and (index := flight.next_alone()) is not None:
            requests.append(self._request(flight, index))
            flight.asked_again[index] = self._sent % _TRANSACTIONS
            flight.touched = asyncio.get_running_loop().time()
        elif not flight.alone and (self._probed or not flight.flying):
            while flight.waiting and len(flight.flying) < max(
                1, min(self._depth, self._pace.limit)
            ):
                requests.append(self._request(flight, flight.waiting.popleft()))
            flight.burst = len(flight.flying)
        if requests:
            flight.lonely = len(requests) == len(flight.flying) == 1
            self._transport.write(b"".join(requests))

    def _request(self, flight: Flight, index: int) -> bytes:
        self._sent += 1
        transaction = self._sent % _TRANSACTIONS
        flight.sent(index, transaction)
        return encode_request(flight.spans[index], transaction)

    async def _watch(self, flight: Flight) -> None:
        """Wait until everything is answered, and help it on when nothing comes."""
        loop = asyncio.get_running_loop()
        while not flight.done.done():
            seconds = self._seconds_left(flight, loop.time())
            if seconds is not None and seconds <= 0:
                self._stalled(flight)
                continue
            if seconds is None and len(flight.spans) > 1:
                seconds = self._pace.patience  # what is in flight may be another number then
            await asyncio.wait((flight.done,), timeout=seconds)

    def _seconds_left(self, flight: Flight, now: float) -> float | None:
        limit = self._pace.unit_seconds if flight.lonely else self._pace.patience
        return None if limit is None else flight.touched + limit - now

    def _stalled(self, flight: Flight) -> None:
        if not flight.lonely:
            flight.alone.extend(sorted(flight.flying))
            flight.flying.clear()
        else:
            for index in tuple(flight.flying):
                flight.settle(index, Silence(self._pace.unit_seconds or 0.0))
        flight.touched = asyncio.get_running_loop().time()
        self._send_more(flight)

    def end(self, how: str, error: SourceError | None = None) -> None:
        """Close the connection; what is in flight fails with ``error``, or with how it ended."""
        super().end(how)
        if self._flight is not None:
            self._flight.end(error or self._lost())

    def _lost(self, remedy: str = "") -> SourceUnreachable:
        encrypted = self._transport and self._transport.get_extra_info("ssl_object")
        if encrypted and self._pace.slowest is None:
            # Some say so in an alert, and some only hang up.
            remedy = "Perhaps it wants a client certificate: see certificate_path."
        return super()._lost(remedy)

    def _broken(self, broken: BrokenAnswerError) -> ProtocolError:
        return ProtocolError(
            f"{self._name} sent a broken answer: {broken}",
            source=self._source,
            remedy="Nothing of it was used; check that Modbus TCP is served there.",
        )

    def _refused(self, error: ssl.SSLError) -> AuthenticationError:
        return AuthenticationError(
            f"{self._name} ended the TLS connection ({error.reason or error})",
            source=self._source,
            remedy="Give certificate_path and private_key_path that it accepts.",
        )
