"""A Modbus TCP server that misbehaves in one chosen way; standard library only.

Contents: holding register ``a`` is ``(a * 31 + 7) & 0xFFFF``, input register ``a`` is
``(a * 17 + 11) & 0xFFFF``, coil ``a`` is on when ``a % 3 == 0`` and discrete input ``a`` when
``a % 5 == 0 or a % 7 == 0``; every unit answers.
"""

from __future__ import annotations

import asyncio
import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass

from .loop_thread import ThreadedServer

HEADER_BYTES = 7
MAX_REGISTERS = 125
MAX_BITS = 2000
GARBAGE_BLOCK = bytes((index * 37 + 11) & 0xFF for index in range(4096))


class Behaviour(enum.Enum):
    """How the answers are wrong; ``README.md`` describes each one."""

    HONEST = "honest"
    SHORT = "short"
    LONG = "long"
    BYTE_COUNT = "byte-count"
    WRONG_UNIT = "wrong-unit"
    WRONG_TRANSACTION = "wrong-transaction"
    WRONG_PROTOCOL = "wrong-protocol"
    WRONG_FUNCTION = "wrong-function"
    DUPLICATE = "duplicate"
    LATE = "late"
    REORDERED = "reordered"
    HUGE_LENGTH = "huge-length"
    ENDLESS_GARBAGE = "endless-garbage"
    EXCEPTION = "exception"
    HALF = "half"
    ONE_REGISTER = "one-register"
    CLOSE_AFTER_EACH = "close-after-each"
    SILENT = "silent"
    STALE_FIRST = "stale-first"
    EMPTY = "empty"


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    transaction: int
    unit: int
    function: int
    address: int
    count: int


def holding_register(address: int) -> int:
    """Content of a holding register."""
    return (address * 31 + 7) & 0xFFFF


def input_register(address: int) -> int:
    """Content of an input register."""
    return (address * 17 + 11) & 0xFFFF


def coil(address: int) -> bool:
    """Content of a coil."""
    return address % 3 == 0


def discrete_input(address: int) -> bool:
    """Content of a discrete input."""
    return address % 5 == 0 or address % 7 == 0


def frame(request: Request, body: bytes, **changed: int) -> bytes:
    """A Modbus TCP frame answering ``request``; ``changed`` overrides header fields."""
    fields = {
        "transaction": request.transaction,
        "protocol": 0,
        "length": len(body) + 1,
        "unit": request.unit,
        **changed,
    }
    return struct.pack(">HHHB", *(fields[name] for name in fields)) + body


def exception_body(request: Request, code: int) -> bytes:
    """The body of an exception answer."""
    return bytes([request.function | 0x80, code])


def _packed_bits(bits: list[bool]) -> bytes:
    packed = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        packed[index // 8] |= bit << (index % 8)
    return bytes(packed)


def data_of(request: Request, count: int) -> bytes:
    """The data bytes of a truthful answer for ``count`` registers or bits."""
    addresses = [(request.address + index) & 0xFFFF for index in range(count)]
    if request.function in (1, 2):
        bit = coil if request.function == 1 else discrete_input
        return _packed_bits([bit(address) for address in addresses])
    register = holding_register if request.function == 3 else input_register
    return struct.pack(f">{count}H", *(register(address) for address in addresses))


def read_body(request: Request, count: int | None = None) -> bytes:
    """A truthful answer body, or one for another ``count`` than was asked for."""
    if request.function not in (1, 2, 3, 4):
        return exception_body(request, 1)
    limit = MAX_BITS if request.function in (1, 2) else MAX_REGISTERS
    if not 1 <= request.count <= limit:
        return exception_body(request, 3)
    if request.address + request.count > 0x10000:
        return exception_body(request, 2)
    data = data_of(request, request.count if count is None else count)
    return bytes([request.function, len(data)]) + data


class LyingModbus(ThreadedServer):
    """The server; ``behaviour`` may be changed at any time and holds for the next request."""

    def __init__(
        self,
        behaviour: Behaviour = Behaviour.HONEST,
        *,
        port: int = 0,
        code: int = 2,
        honest_first: int = 0,
        lie_every: int = 1,
    ) -> None:
        self.behaviour = behaviour
        self.code = code
        self.honest_first = honest_first
        self.lie_every = lie_every
        self.requests: list[Request] = []
        super().__init__(port=port)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        connection = _Connection(self, reader, writer)
        while await connection.serve_next():
            pass

    def behaviour_for_next(self) -> Behaviour:
        """What the request that arrived last is answered with."""
        lies = len(self.requests) - 1 - self.honest_first
        if lies < 0 or lies % self.lie_every:
            return Behaviour.HONEST
        return self.behaviour


class _Connection:
    """The answers on one connection, some of which depend on earlier requests."""

    def __init__(
        self, server: LyingModbus, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.kept: Request | None = None
        self.waiting: list[Request] = []

    async def serve_next(self) -> bool:
        """Read and answer one request; False when the connection is to be closed."""
        if self.waiting and not await self._more_is_coming():
            await self._send(b"".join(honest(late) for late in reversed(self.waiting)))
            self.waiting.clear()
        request = await self._request()
        self.server.requests.append(request)
        behaviour = self.server.behaviour_for_next()
        if behaviour in SIMPLE:
            await self._send(SIMPLE[behaviour](request))
            return True
        if behaviour is Behaviour.EXCEPTION:
            await self._send(frame(request, exception_body(request, self.server.code)))
            return True
        return await self._special(behaviour, request)

    async def _special(self, behaviour: Behaviour, request: Request) -> bool:
        match behaviour:
            case Behaviour.LATE:
                await self._answer_late(request)
            case Behaviour.STALE_FIRST:
                await self._answer_stale_first(request)
            case Behaviour.REORDERED:
                self.waiting.append(request)
            case Behaviour.ENDLESS_GARBAGE:
                while True:
                    await self._send(GARBAGE_BLOCK)
            case Behaviour.HALF:
                answer = honest(request)
                await self._send(answer[: len(answer) // 2])
                return False
            case Behaviour.CLOSE_AFTER_EACH:
                await self._send(honest(request))
                return False
        return True

    async def _answer_late(self, request: Request) -> None:
        """Answer n after answer n+1: an odd request is kept until the next was answered."""
        if self.kept is None:
            self.kept = request
            return
        await self._send(honest(request) + honest(self.kept))
        self.kept = None

    async def _answer_stale_first(self, request: Request) -> None:
        """The answer to the request before, once more, and then the right one."""
        stale = honest(self.kept) if self.kept else b""
        self.kept = request
        await self._send(stale + honest(request))

    async def _more_is_coming(self) -> bool:
        """Whether the client pipelines: another request within 20 ms."""
        try:
            await asyncio.wait_for(self._fill(), 0.02)
        except TimeoutError:
            return False
        return True

    async def _fill(self) -> None:
        buffered = await self.reader.readexactly(1)
        self._pushed = buffered

    async def _request(self) -> Request:
        start, self._pushed = self._pushed, b""
        header = start + await self.reader.readexactly(HEADER_BYTES - len(start))
        transaction, _, length, unit = struct.unpack(">HHHB", header)
        body = await self.reader.readexactly(length - 1)
        address, count = struct.unpack(">HH", body[1:5]) if len(body) >= 5 else (0, 0)
        return Request(transaction, unit, body[0], address, count)

    async def _send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    _pushed = b""


def honest(request: Request) -> bytes:
    """The right answer."""
    return frame(request, read_body(request))


def _shifted(request: Request, by: int) -> bytes:
    """A consistent answer with one register or eight bits more or fewer than asked."""
    step = by * 8 if request.function in (1, 2) else by
    return frame(request, read_body(request, max(1, request.count + step)))


def _byte_count(request: Request) -> bytes:
    """A byte count that says two more than there is."""
    body = bytearray(read_body(request))
    body[1] = (body[1] + 2) & 0xFF
    return frame(request, bytes(body))


def _one_register(request: Request) -> bytes:
    """A device that reads single registers only and refuses anything longer."""
    return honest(request) if request.count == 1 else frame(request, exception_body(request, 2))


def _wrong_function(request: Request) -> bytes:
    body = bytearray(read_body(request))
    body[0] = 4 if request.function == 3 else 3
    return frame(request, bytes(body))


SIMPLE: dict[Behaviour, Callable[[Request], bytes]] = {
    Behaviour.HONEST: honest,
    Behaviour.SHORT: lambda request: _shifted(request, -1),
    Behaviour.LONG: lambda request: _shifted(request, 1),
    Behaviour.BYTE_COUNT: _byte_count,
    Behaviour.WRONG_UNIT: lambda request: frame(
        request, read_body(request), unit=(request.unit + 1) & 0xFF
    ),
    Behaviour.WRONG_TRANSACTION: lambda request: frame(
        request, read_body(request), transaction=(request.transaction + 1000) & 0xFFFF
    ),
    Behaviour.WRONG_PROTOCOL: lambda request: frame(request, read_body(request), protocol=7),
    Behaviour.WRONG_FUNCTION: _wrong_function,
    Behaviour.DUPLICATE: lambda request: honest(request) * 2,
    Behaviour.HUGE_LENGTH: lambda request: frame(request, read_body(request), length=0xFFFF),
    Behaviour.ONE_REGISTER: _one_register,
    Behaviour.SILENT: lambda _: b"",
    Behaviour.EMPTY: lambda request: frame(request, bytes([request.function, 0])),
}
