"""The data link layer: frames, their checksums, and the answers of a secondary station."""

from __future__ import annotations

import struct
from dataclasses import dataclass

START = b"\x05\x64"
HEADER_BYTES = 10
BLOCK_BYTES = 16
MOST_DATA = 250

FROM_MASTER = 0x80
PRIMARY = 0x40
FRAME_COUNT_BIT = 0x20

RESET_LINK_STATES = 0
TEST_LINK_STATES = 2
CONFIRMED_USER_DATA = 3
UNCONFIRMED_USER_DATA = 4
REQUEST_LINK_STATUS = 9

ACK = 0
NACK = 1
LINK_STATUS = 11
NOT_SUPPORTED = 15


def _table_entry(octet: int) -> int:
    for _ in range(8):
        octet = (octet >> 1) ^ 0xA6BC if octet & 1 else octet >> 1
    return octet


_TABLE = [_table_entry(octet) for octet in range(256)]


def checksum(block: bytes) -> bytes:
    """CRC-16/DNP of a block, as its two octets go over the wire."""
    value = 0
    for octet in block:
        value = (value >> 8) ^ _TABLE[(value ^ octet) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "little")


def frame(control: int, destination: int, source: int, data: bytes = b"") -> bytes:
    """A whole frame with a checksum after the header and after every 16 octets of data."""
    header = START + struct.pack("<BBHH", 5 + len(data), control, destination, source)
    parts = [header, checksum(header)]
    for position in range(0, len(data), BLOCK_BYTES):
        block = data[position : position + BLOCK_BYTES]
        parts += [block, checksum(block)]
    return b"".join(parts)


@dataclass(frozen=True)
class Frame:
    """One frame whose checksums were right."""

    control: int
    destination: int
    source: int
    data: bytes

    @property
    def function(self) -> int:
        """The function code; its meaning depends on ``primary``."""
        return self.control & 0x0F

    @property
    def primary(self) -> bool:
        """Whether this is a request of the link layer and not an answer."""
        return bool(self.control & PRIMARY)


class FrameReader:
    """Finds frames in a byte stream and skips what is none."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.damaged = 0

    def feed(self, received: bytes) -> list[Frame]:
        """The frames that are complete now."""
        self._buffer += received
        frames: list[Frame] = []
        while self._take(frames):
            pass
        return frames

    def _take(self, frames: list[Frame]) -> bool:
        """Take one frame or skip one false start; False when more bytes are needed."""
        begin = self._buffer.find(START)
        if begin < 0:
            del self._buffer[: max(0, len(self._buffer) - 1)]
            return False
        del self._buffer[:begin]
        if len(self._buffer) < HEADER_BYTES:
            return False
        header = bytes(self._buffer[:8])
        data_length = header[2] - 5
        if self._buffer[8:10] != checksum(header) or data_length < 0:
            return self._skip()
        blocks = -(-data_length // BLOCK_BYTES)
        total = HEADER_BYTES + data_length + 2 * blocks
        if len(self._buffer) < total:
            return False
        data = _data(bytes(self._buffer[HEADER_BYTES:total]))
        if data is None:
            return self._skip()
        del self._buffer[:total]
        control, destination, source = struct.unpack("<BHH", header[3:])
        frames.append(Frame(control, destination, source, data))
        return True

    def _skip(self) -> bool:
        self.damaged += 1
        del self._buffer[:2]
        return True


def _data(body: bytes) -> bytes | None:
    """The data of the blocks without their checksums, or None when one is wrong."""
    data = b""
    step = BLOCK_BYTES + 2
    for position in range(0, len(body), step):
        block = body[position : position + step]
        if checksum(block[:-2]) != block[-2:]:
            return None
        data += block[:-2]
    return data


class SecondaryStation:
    """Answers the link layer of one primary station."""

    def __init__(self) -> None:
        self._reset = False
        self._expected = False

    def receive(self, received: Frame) -> tuple[int | None, bytes]:
        """The function code to answer with, if any, and the user data to pass upward."""
        if received.function == RESET_LINK_STATES:
            self._reset = self._expected = True
            return ACK, b""
        if received.function == UNCONFIRMED_USER_DATA:
            return None, received.data
        if received.function == REQUEST_LINK_STATUS:
            return LINK_STATUS, b""
        if received.function not in (TEST_LINK_STATES, CONFIRMED_USER_DATA):
            return NOT_SUPPORTED, b""
        if not self._reset:
            return NACK, b""
        repeated = bool(received.control & FRAME_COUNT_BIT) != self._expected
        if not repeated:
            self._expected = not self._expected
        fresh = received.function == CONFIRMED_USER_DATA and not repeated
        return ACK, received.data if fresh else b""
