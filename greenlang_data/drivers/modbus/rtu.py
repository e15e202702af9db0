"""Modbus RTU over a serial line or over TCP: one request at a time, on a line proven quiet."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Collection, Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus.connection import Connection
from greenlang_data.drivers.modbus.exceptions import RefusedError
from greenlang_data.drivers.modbus.frames import BrokenAnswerError
from greenlang_data.drivers.modbus.line import Line, alternating
from greenlang_data.drivers.modbus.link import Answer, Outcome, Silence
from greenlang_data.drivers.modbus.plan import Span
from greenlang_data.drivers.modbus.rtu_frames import (
    RtuFrame,
    Shape,
    characters,
    encode_rtu_request,
    exception_shape,
    shape_at,
    shape_of,
    take_rtu_frame,
)
from greenlang_data.errors import ProtocolError, SourceError

_TRIES: Final = 3
# An answer that has begun goes on within this time, however slow the network.
_STUCK_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 2.0
# A request that was given up after a long wait does not hold up the next for as long.
_LONGEST_REST_SECONDS: Final = 1.0
_LEAST_REST_SECONDS: Final = 0.25
_QUIET_SECONDS: Final = 0.05
# More than the longest frame four times over; nobody asked for as much.
_MOST_BUFFERED: Final = 1024


class _DisturbedError(Exception):
    """What came cannot be trusted; says why."""


class RtuLink(Connection):
    """A :class:`~greenlang_data.drivers.modbus.link.Link` that speaks RTU.

    See :mod:`~greenlang_data.drivers.modbus.line` for how late and repeated answers are told from
    fresh ones. When the line is disturbed, the request is made again once it is quiet; after three
    tries the connection ends.
    """

    def __init__(self, name: str, source: str, line: Line) -> None:
        super().__init__(name, source)
        self._line = line
        self._touched = 0.0
        self._arrived = asyncio.Event()
        self._last_frame = b""
        self._asked: Shape | None = None
        self._asked_at = 0.0

    async def ask(self, spans: Sequence[Span], log: ReadLog) -> list[Outcome]:
        """Read ``spans``; see :meth:`~greenlang_data.drivers.modbus.link.Link.ask`."""
        async with self._turn:
            if not self.connected:
                raise self._lost()
            try:
                return await _Reading(self, self._line, spans, log).run()
            except asyncio.CancelledError:
                self.given_up = self._ended is None
                self.end("was closed because a request was given up")
                raise

    def connection_lost(self, exc: Exception | None) -> None:
        """Called as soon as the peer closes or resets the connection, the port is gone, or we do."""
        self.end(f"was {'reset' if exc else 'closed by the device'}{f' ({exc})' if exc else ''}")
        self._closed.set()

    def data_received(self, data: bytes) -> None:
        """Called with what has arrived."""
        self._buffer += data
        self._touched = asyncio.get_running_loop().time()
        self._arrived.set()
        if len(self._buffer) > _MOST_BUFFERED:
            self.end("was closed because it sends what nobody asked for")

    async def exchange(self, span: Span) -> RtuFrame | None:
        """Ask for ``span`` once the line is silent; None when the unit stays silent.

        Raises _DisturbedError for anything but its answer.
        """
        await self._silence()
        self._write(encode_rtu_request(span))
        shape = self._asked = shape_of(span)
        self._asked_at = self._touched
        wire = self._line.seconds_per_character * characters(span)
        unit = self._line.unit_seconds
        frame = await self._frame(None if unit is None else unit + wire, shape)
        if frame is None:
            self._owe(math.inf)
            return None
        self._asked, self._last_frame = None, frame.raw
        self._line.proven(frame.shape)
        return frame

    async def drain(self) -> None:
        """Wait until nothing comes any more, and forget what came.

        Raises SourceUnreachable when it never ends.
        """
        loop = asyncio.get_running_loop()
        self._owe()
        until = loop.time() + _DRAIN_SECONDS
        quiet = max(_QUIET_SECONDS, self._line.gap)
        self._touched = loop.time()
        while (left := self._touched + quiet - loop.time()) > 0:
            if loop.time() > until:
                self.end("was closed because the line never falls silent")
            self._check_open()
            await asyncio.sleep(left)
        self._buffer.clear()
        self._last_frame = b""

    async def rest(self, until: float) -> None:
        """Leave the line alone, but for answers that come late, until a time on the loop's clock."""
        left = until - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    async def _silence(self) -> None:
        """The pause that has to stand before a request; only late or repeated answers may come."""
        loop = asyncio.get_running_loop()
        # A refusal that comes again looks like one of the next request, so it is waited for.
        pause = _QUIET_SECONDS if self._line.refused_last else self._line.gap
        while (left := self._touched + pause - loop.time()) > 0 or self._buffer:
            if left > 0:
                await asyncio.sleep(left)
                self._check_open()
            elif not self._drop_frame():
                if pause == _QUIET_SECONDS:
                    raise _DisturbedError("something came that was not asked for")
                pause = _QUIET_SECONDS  # the rest of a frame may be on its way

    def _drop_frame(self) -> bool:
        """Forget the frame that has come unasked, if it is whole and can be explained."""
        return self._next_frame(()) is not None

    def _owe(self, longest: float = _LONGEST_REST_SECONDS) -> None:
        """The request that was sent last may still be answered."""
        if self._asked is None:
            return
        now = asyncio.get_running_loop().time()
        unit = self._line.unit_seconds or 0.0
        rest = max(now - self._asked_at, unit, _LEAST_REST_SECONDS)
        self._line.owed[self._asked] = now + min(rest, longest)
        self._asked = None

    async def _frame(self, seconds: float | None, shape: Shape) -> RtuFrame | None:
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        while True:
            expected = (shape, exception_shape(shape))
            while (frame := self._next_frame(expected)) is not None:
                if frame.shape in expected:
                    return frame
            self._arrived.clear()
            limit = self._touched + _STUCK_SECONDS if self._buffer else until
            try:
                async with asyncio.timeout_at(limit):
                    await self._arrived.wait()
            except TimeoutError:
                if self._buffer:
                    raise _DisturbedError("an answer broke off") from None
                return None
            self._check_open()

    def _next_frame(self, expected: Collection[Shape]) -> RtuFrame | None:
        """The first frame, once it is whole, if it is expected, late, or the last one again.

        Raises _DisturbedError as soon as it is seen to be none of these.
        """
        try:
            shape = shape_at(self._buffer)
            if shape is None:
                return None
            known = shape in expected or shape in self._line.owed
            again = self._last_frame[: len(self._buffer)]
            if not known and not (again and self._buffer.startswith(again)):
                unit, function, size = shape
                raise _DisturbedError(
                    f"unit {unit} answered function {function} with {size} bytes, where other "
                    "things were asked"
                )
            return take_rtu_frame(self._buffer)
        except BrokenAnswerError as broken:
            raise _DisturbedError(str(broken)) from broken

    def _write(self, data: bytes) -> None:
        self._check_open()
        assert self._transport is not None
        self._transport.write(data)
        self._touched = asyncio.get_running_loop().time()

    def _check_open(self) -> None:
        if self._ended is not None:
            raise self._lost()

    def end(self, how: str) -> None:
        """Close the connection; what waits is told ``how`` it ended."""
        if self._ended is None:
            self._owe()
        super().end(how)
        self._arrived.set()

    def distrust(self, reason: str) -> SourceError:
        """End the connection after too many disturbances; returns what to raise."""
        self.end(f"was closed after a broken answer: {reason}")
        return ProtocolError(
            f"{self._name} sent a broken answer, {_TRIES} times in a row: {reason}",
            source=self._source,
            remedy="Nothing of it was used; check baudrate, parity, wiring, and for a second "
            "master on the line.",
        )


class _Reading:
    """One call of :meth:`RtuLink.ask`: ``spans`` in turn, each answer proven before the next."""

    def __init__(self, link: RtuLink, line: Line, spans: Sequence[Span], log: ReadLog) -> None:
        self._link = link
        self._line = line
        self._spans = spans
        self._log = log

    async def run(self) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        silent: dict[int, Silence] = {}  # by unit; one that did not answer is not asked again now
        for index in alternating([shape_of(span) for span in self._spans], self._line.last):
            span = self._spans[index]
            outcome = outcomes[index] = silent.get(span.unit_id) or await self._outcome(span)
            if isinstance(outcome, Silence):
                silent[span.unit_id] = outcome
        return [outcomes[index] for index in range(len(self._spans))]

    async def _outcome(self, span: Span) -> Outcome:
        for turn in range(1, _TRIES + 1):
            try:
                return await self._ask(span)
            except _DisturbedError as disturbed:
                if turn == _TRIES:
                    raise self._link.distrust(str(disturbed)) from disturbed
                await self._link.drain()
        raise AssertionError("not reached")

    async def _ask(self, span: Span) -> Outcome:
        if self._line.doubts(span):
            await self._link.rest(self._line.quiet_until(span.unit_id))
            if await self._exchange(self._line.other_question(span)) is None:
                return Silence(self._line.unit_seconds or 0.0)
        frame = await self._exchange(span)
        if frame is None:
            return Silence(self._line.unit_seconds or 0.0)
        if frame.shape.size < 0:
            return RefusedError(frame.data[0])
        return Answer(frame.data, time.time_ns())

    async def _exchange(self, span: Span) -> RtuFrame | None:
        self._log.requests += 1
        return await self._link.exchange(span)
