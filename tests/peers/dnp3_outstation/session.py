"""One master's connection: receives, sends and waits for confirmations."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from dataclasses import dataclass

from . import lies, link
from .answers import Answers
from .lies import Lie
from .outstation import Outstation
from .request import CON, FIN, FIR, SEQUENCE, UNS, Function, Indication, Request, parse
from .response import Draft
from .transport import Reassembler, segments

CHUNK_BYTES = 65536


@dataclass
class _Reply:
    """A solicited response that is not finished."""

    waiting: deque[Draft]
    current: Draft
    sequence: int
    errors: Indication
    deadline: float


@dataclass
class _Notice:
    """An unsolicited response that is not confirmed."""

    draft: Draft
    fragment: bytes
    sequence: int
    retries: int
    deadline: float


class Session:
    """Serves one connection until it ends."""

    def __init__(
        self, outstation: Outstation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._outstation = outstation
        self._answers = Answers(outstation)
        self._reader = reader
        self._writer = writer
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._station = link.SecondaryStation()
        self._transport_sequence = 0
        self._reply: _Reply | None = None
        self._notice: _Notice | None = None
        self._deferred: Request | None = None
        self._quiet = False

    async def run(self) -> None:
        """Serve until either side closes."""
        tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._serve())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._abandon()
            self._writer.close()

    def wake(self) -> None:
        """Look again whether there is something to report."""
        self._inbox.put_nowait(None)

    def close(self, *, reset: bool = False) -> None:
        """End the connection, with RST when asked."""
        if reset:
            connection = self._writer.get_extra_info("socket")
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    def ask_link_status(self) -> None:
        """Ask the master's link layer whether it is there; its answers are counted."""
        options = self._outstation.options
        control = link.PRIMARY | link.REQUEST_LINK_STATUS
        self._writer.write(link.frame(control, options.master, options.address))

    # --- receiving ---------------------------------------------------------------------------

    async def _receive(self) -> None:
        frames, fragments = link.FrameReader(), Reassembler()
        while chunk := await self._read():
            for received in frames.feed(chunk):
                data = await self._link(received)
                if data and (fragment := fragments.feed(data)):
                    self._inbox.put_nowait(fragment)

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(CHUNK_BYTES)
        except OSError:
            return b""

    async def _link(self, received: link.Frame) -> bytes:
        """Answer the link layer; return the user data meant for this outstation."""
        options = self._outstation.options
        addressed = (received.destination, received.source) == (options.address, options.master)
        if not addressed or not received.control & link.FROM_MASTER:
            return b""
        if not received.primary:
            self._outstation.counters["link_answers"] += 1
            return b""
        answer, data = self._station.receive(received)
        if answer is not None:
            await self._send_link(answer)
        return data

    # --- the exchange ------------------------------------------------------------------------

    async def _serve(self) -> None:
        while True:
            await self._report()
            fragment = b""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._deadline()):
                    fragment = await self._inbox.get() or b""
                    self._quiet = False
            await self._expire()
            if fragment and (request := parse(fragment)):
                await self._handle(request)

    def _deadline(self) -> float | None:
        waits = [wait.deadline for wait in (self._reply, self._notice) if wait]
        return min(waits) if waits else None

    async def _handle(self, request: Request) -> None:
        if request.function == Function.CONFIRM:
            await self._confirmed(request)
            return
        self._outstation.audit.write(request, self._outstation.options.master)
        if self._notice and request.function == Function.READ:
            self._deferred = request
            return
        self._deferred = None
        self._abandon_reply()
        answer = self._answers.answer(request)
        if answer:
            await self._next(deque(answer.drafts), request.sequence, answer.errors, first=True)

    async def _next(
        self, waiting: deque[Draft], sequence: int, errors: Indication, *, first: bool
    ) -> None:
        """Send the next fragment of a response and wait for its confirmation if it needs one."""
        draft = waiting.popleft()
        confirm = bool(draft.events or waiting)
        control = sequence | (FIR if first else 0)
        control |= (CON if confirm else 0) | (0 if waiting else FIN)
        if confirm:
            self._reply = _Reply(waiting, draft, sequence, errors, 0.0)
        await self._send(self._fragment(control, Function.RESPONSE, draft, errors))
        if self._reply:
            self._reply.deadline = self._later()

    async def _report(self) -> None:
        """Send an unsolicited response when there is reason to and nothing else is under way."""
        if self._notice or self._reply or self._quiet:
            return
        draft = self._answers.unsolicited()
        if draft is None:
            return
        outstation = self._outstation
        sequence = outstation.unsolicited_sequence
        outstation.unsolicited_sequence = (sequence + 1) & SEQUENCE
        control = FIR | FIN | CON | UNS | sequence
        fragment = self._fragment(control, Function.UNSOLICITED_RESPONSE, draft, Indication(0))
        retries = outstation.options.unsolicited_retries
        self._notice = _Notice(draft, fragment, sequence, retries, 0.0)
        outstation.counters["unsolicited"] += 1
        await self._send(fragment)
        self._notice.deadline = self._later()

    async def _confirmed(self, request: Request) -> None:
        wait = self._notice if request.control & UNS else self._reply
        counters = self._outstation.counters
        if wait is None or wait.sequence != request.sequence:
            counters["stray_confirms"] += 1
            return
        counters["confirms"] += 1
        if isinstance(wait, _Notice):
            self._outstation.events.confirm(wait.draft.events)
            self._outstation.start_announced = True
            self._notice = None
            await self._resume_deferred()
            return
        self._outstation.events.confirm(wait.current.events)
        self._reply = None
        if wait.waiting:
            following = (wait.sequence + 1) & SEQUENCE
            await self._next(wait.waiting, following, wait.errors, first=False)

    async def _expire(self) -> None:
        """Give up or repeat what was not confirmed in time."""
        now = asyncio.get_running_loop().time()
        counters = self._outstation.counters
        if self._reply and self._reply.deadline <= now:
            counters["confirm_timeouts"] += 1
            self._abandon_reply()
        notice = self._notice
        if notice is None or notice.deadline > now:
            return
        counters["confirm_timeouts"] += 1
        if notice.retries and self._deferred is None:
            notice.retries -= 1
            counters["unsolicited_retries"] += 1
            await self._send(notice.fragment)
            notice.deadline = self._later()
            return
        self._outstation.events.release(notice.draft.events)
        self._notice = None
        self._quiet = self._outstation.start_announced
        await self._resume_deferred()

    async def _resume_deferred(self) -> None:
        request, self._deferred = self._deferred, None
        if request:
            self._abandon_reply()
            answer = self._answers.answer(request)
            assert answer is not None
            await self._next(deque(answer.drafts), request.sequence, answer.errors, first=True)

    def _abandon_reply(self) -> None:
        if self._reply:
            for draft in (self._reply.current, *self._reply.waiting):
                self._outstation.events.release(draft.events)
            self._reply = None

    def _abandon(self) -> None:
        self._abandon_reply()
        if self._notice:
            self._outstation.events.release(self._notice.draft.events)

    # --- sending -----------------------------------------------------------------------------

    async def _send_link(self, control: int) -> None:
        options = self._outstation.options
        await self._write([link.frame(control, options.master, options.address)])

    def _fragment(
        self, control: int, function: Function, draft: Draft, errors: Indication
    ) -> bytes:
        indications = self._outstation.indications() | errors
        return bytes([control, function]) + indications.to_bytes(2, "little") + draft.objects

    async def _send(self, honest: bytes) -> None:
        options = self._outstation.options
        await asyncio.sleep(options.delay_seconds)
        lie = self._outstation.lies.take(honest)
        parts = segments(lies.fragment(lie, honest), self._transport_sequence)
        self._transport_sequence += len(parts)
        self._outstation.counters["fragments"] += 1
        await self._write(lies.frames(lie, parts, options.master, options.address))
        if lie is Lie.HALF_FRAME:
            await self._writer.drain()
            self._writer.close()

    async def _write(self, frames: list[bytes]) -> None:
        await self.flowing.wait()
        # Frame by frame with Nagle's algorithm is how delivered devices come to 40 ms a fragment.
        for data in frames if self._outstation.options.nagle else [b"".join(frames)]:
            self._writer.write(data)
        with contextlib.suppress(OSError):
            await self._writer.drain()

    def _later(self) -> float:
        timeout = self._outstation.options.confirm_timeout_seconds
        return asyncio.get_running_loop().time() + timeout
