"""Modbus frames as the specification has them, for the peers that misbehave on purpose."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER_BYTES = 7
READ_REQUEST_BYTES = 8
COUNTED_WRITES = (15, 16)


@dataclass(frozen=True)
class Request:
    """One request; ``transaction`` is None on a serial line."""

    transaction: int | None
    unit: int
    body: bytes

    @property
    def function(self) -> int:
        """The function code."""
        return self.body[0]

    @property
    def address(self) -> int:
        """The first address, or -1 in a request that is too short for one."""
        return int(struct.unpack(">H", self.body[1:3])[0]) if len(self.body) >= 5 else -1

    @property
    def count(self) -> int:
        """How many registers or bits."""
        return int(struct.unpack(">H", self.body[3:5])[0]) if len(self.body) >= 5 else 0


def _table_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_TABLE = tuple(_table_entry(byte) for byte in range(256))


def checksum(data: bytes) -> bytes:
    """The CRC of a serial frame, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return struct.pack("<H", value)


def answer(request: Request, body: bytes) -> bytes:
    """The frame that carries ``body`` back, in the framing the request came in."""
    if request.transaction is None:
        frame = bytes([request.unit]) + body
        return frame + checksum(frame)
    return struct.pack(">HHHB", request.transaction, 0, len(body) + 1, request.unit) + body


def read_request(
    unit: int, function: int, address: int, count: int, transaction: int | None = None
) -> bytes:
    """A request frame as a client sends it."""
    body = struct.pack(">BHH", function, address, count)
    return answer(Request(transaction, unit, body), body)


class TcpFramer:
    """Cuts Modbus TCP requests out of a stream."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now."""
        self._buffer += data
        found: list[Request] = []
        while len(self._buffer) >= HEADER_BYTES + 1:
            transaction, _, length, unit = struct.unpack(">HHHB", self._buffer[:HEADER_BYTES])
            end = HEADER_BYTES - 1 + length
            if len(self._buffer) < end:
                break
            found.append(Request(transaction, unit, self._buffer[HEADER_BYTES:end]))
            self._buffer = self._buffer[end:]
        return found


class RtuFramer:
    """Cuts serial requests out of a stream; what fails its CRC is dropped with all behind it."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now."""
        self._buffer += data
        found: list[Request] = []
        while len(self._buffer) >= READ_REQUEST_BYTES:
            length = READ_REQUEST_BYTES
            if self._buffer[1] in COUNTED_WRITES:
                length = 9 + self._buffer[6]
            frame, rest = self._buffer[:length], self._buffer[length:]
            if len(frame) < length:
                break
            if checksum(frame[:-2]) != frame[-2:]:
                self._buffer = b""
                break
            found.append(Request(None, frame[0], frame[1:-2]))
            self._buffer = rest
        return found
