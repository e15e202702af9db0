"""A device in a thread of the tests that answers as odd as a test wants.

It reads requests by itself, from the standard alone, and holds encoded values by object, property
and index. ``answer`` of a subclass may send anything instead.
"""

from __future__ import annotations

import asyncio
import struct
from typing import NamedTuple, Self, cast

from tests.peers.loop_thread import LoopThread

DEVICE = 8 << 22 | 7
Key = tuple[int, int, int | None]


class Request(NamedTuple):
    """A confirmed request; the body is what follows the service choice."""

    invoke_id: int
    service: int
    body: bytes


class Reply(NamedTuple):
    """An APDU to send after ``delay`` seconds."""

    apdu: bytes
    delay: float = 0.0


def real(number: float) -> bytes:
    return b"\x44" + struct.pack(">f", number)


def unsigned(number: int) -> bytes:
    return b"\x22" + number.to_bytes(2)


def text(content: str) -> bytes:
    return bytes([0x75, len(content) + 1, 0]) + content.encode("ascii")


def object_id(kind: int, instance: int) -> int:
    return kind << 22 | instance


def complex_ack(request: Request, body: bytes) -> bytes:
    return bytes([0x30, request.invoke_id, request.service]) + body


def error(request: Request, error_class: int, code: int) -> bytes:
    return bytes([0x50, request.invoke_id, request.service, 0x91, error_class, 0x91, code])


def datagram(apdu: bytes) -> bytes:
    return struct.pack(">BBH", 0x81, 0x0A, len(apdu) + 6) + b"\x01\x00" + apdu


def inputs(count: int = 40) -> dict[Key, bytes]:
    """Analog inputs whose values are their numbers, in degrees Celsius."""
    values: dict[Key, bytes] = {}
    for number in range(count):
        one = object_id(0, number)
        values |= {
            (one, 77, None): text(f"input {number}"),
            (one, 85, None): real(number),
            (one, 111, None): b"\x82\x04\x00",
            (one, 117, None): b"\x91\x3e",
        }
    return values


class OddDevice(asyncio.DatagramProtocol):
    """Serves ReadProperty and ReadPropertyMultiple on 127.0.0.1."""

    def __init__(self, values: dict[Key, bytes] | None = None) -> None:
        self.values: dict[Key, bytes] = {
            (DEVICE, 75, None): b"\xc4" + DEVICE.to_bytes(4),
            (DEVICE, 62, None): unsigned(1476),
            (DEVICE, 155, None): unsigned(1),
            **(values or {}),
        }
        self.requests: list[Request] = []
        self.other_apdus: list[bytes] = []
        self._loop = LoopThread("OddDevice")
        self._loop.run(self._listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._close())
        self._loop.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, request: Request) -> list[Reply]:
        """What to send for a request."""
        return [Reply(self.honest(request))]

    def other(self, apdu: bytes) -> list[Reply]:
        """What to send for anything that is no confirmed request."""
        self.other_apdus.append(apdu)
        return []

    def honest(self, request: Request) -> bytes:
        """What an ordinary device would send."""
        if request.service == 12:
            return self._read_property(request)
        if request.service == 14:
            return self._read_multiple(request)
        return bytes([0x60, request.invoke_id, 9])

    def _read_property(self, request: Request) -> bytes:
        target, at = int.from_bytes(request.body[1:5]), 5
        prop, at = _context(request.body, at)
        index = _context(request.body, at)[0] if at < len(request.body) else None
        target = DEVICE if target == (8 << 22 | 0x3FFFFF) else target
        value = self.values.get((target, prop, index))
        if value is None:
            return error(request, 2, 32)
        head = b"\x0c" + target.to_bytes(4) + request.body[5:]
        return complex_ack(request, head + b"\x3e" + value + b"\x3f")

    def _read_multiple(self, request: Request) -> bytes:
        body, at, parts = request.body, 0, []
        while at < len(body):
            target, at = int.from_bytes(body[at + 1 : at + 5]), at + 6
            parts.append(body[at - 6 : at])
            while body[at] != 0x1F:
                start = at
                prop, at = _context(body, at)
                index = None
                if body[at] >> 4 == 1 and body[at] != 0x1F:
                    index, at = _context(body, at)
                reference = bytearray(body[start:at])
                reference[0] += 0x20
                if index is not None:
                    reference[1 + (body[start] & 7)] += 0x20
                value = self.values.get((target, prop, index))
                result = b"\x5e\x91\x02\x91\x20\x5f" if value is None else b"\x4e" + value + b"\x4f"
                parts += [bytes(reference), result]
            parts.append(b"\x1f")
            at += 1
        return complex_ack(request, b"".join(parts))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        apdu = data[6:]
        if apdu[0] >> 4 == 0:
            request = Request(apdu[2], apdu[3], apdu[4:])
            self.requests.append(request)
            replies = self.answer(request)
        else:
            replies = self.other(apdu)
        for reply in replies:
            self.send(reply.apdu, addr, reply.delay)

    def send(self, apdu: bytes, addr: tuple[str, int], delay: float = 0.0) -> None:
        send = self.transport.sendto
        asyncio.get_running_loop().call_later(delay, send, datagram(apdu), addr)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self.transport.get_extra_info("sockname")[1]

    async def _close(self) -> None:
        self.transport.close()


def _context(body: bytes, at: int) -> tuple[int, int]:
    size = body[at] & 7
    return int.from_bytes(body[at + 1 : at + 1 + size]), at + 1 + size
