"""The link layer: frames of DNP3 with their checksums.

A frame is ``05 64``, the length of what follows up to the end of the data, control, destination,
source, a checksum, and the data in blocks of 16 bytes with a checksum after each.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_START: Final = b"\x05\x64"
_HEADER: Final = 10
_BLOCK: Final = 16
# Control, destination and source are counted in the length as well.
_COUNTED: Final = 5
_LAST_SEGMENT: Final = 0x80
_POLYNOMIAL: Final = 0xA6BC


class BrokenFrameError(Exception):
    """The bytes are no frame; the message says why."""


class Frame(NamedTuple):
    """One frame, without its checksums."""

    control: int
    destination: int
    source: int
    data: bytes


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return table


_TABLE: Final = _table()


def checksum(data: bytes) -> bytes:
    """The two checksum bytes after ``data``.

    >>> checksum(bytes.fromhex("05 64 05 c0 01 00 00 04")).hex()
    'e921'
    """
    value = 0
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "little")


def encode(frame: Frame) -> bytes:
    """The frame as on the wire; at most 250 bytes of data."""
    head = _START + bytes([len(frame.data) + _COUNTED, frame.control])
    head += frame.destination.to_bytes(2, "little") + frame.source.to_bytes(2, "little")
    parts = [head, checksum(head)]
    for start in range(0, len(frame.data), _BLOCK):
        block = frame.data[start : start + _BLOCK]
        parts += [block, checksum(block)]
    return b"".join(parts)


def awaited(data: bytearray, position: int) -> int | None:
    """Where the next frame begins, if all after ``position`` are parts of one unfinished fragment.

    None if nothing has to follow, because a fragment ends or there is something else. Only the
    headers of frames are checked.
    """
    while len(data) >= position + _HEADER:
        head = bytes(data[position : position + 8])
        count = head[2] - _COUNTED
        if not head.startswith(_START) or checksum(head) != data[position + 8 : position + _HEADER]:
            return None
        if count <= 0:
            return None
        if len(data) < position + _size(count):
            return position
        if data[position + _HEADER] & _LAST_SEGMENT:
            return None
        position += _size(count)
    return position if _START.startswith(bytes(data[position : position + 2])) else None


def take_frames(buffer: bytearray) -> list[Frame]:
    """Remove whole frames from the start of ``buffer``; what is left is the start of one.

    Raises BrokenFrameError at the first byte that cannot belong to a frame.
    """
    frames = []
    while buffer:
        if not _START.startswith(bytes(buffer[:2])):
            raise BrokenFrameError(f"a frame starts with {bytes(buffer[:2]).hex()}")
        if len(buffer) < _HEADER:
            break
        if checksum(bytes(buffer[:8])) != bytes(buffer[8:_HEADER]):
            raise BrokenFrameError("the checksum of a frame's header is wrong")
        count = buffer[2] - _COUNTED
        if count < 0:
            raise BrokenFrameError(f"a frame has length {buffer[2]}")
        size = _size(count)
        if len(buffer) < size:
            break
        frames.append(_decode(bytes(buffer[:size])))
        del buffer[:size]
    return frames


def _size(count: int) -> int:
    """Of a frame with ``count`` bytes of data."""
    return _HEADER + count + 2 * -(-count // _BLOCK)


def _decode(raw: bytes) -> Frame:
    data = b""
    for start in range(_HEADER, len(raw), _BLOCK + 2):
        block = raw[start : start + _BLOCK + 2]
        if checksum(block[:-2]) != block[-2:]:
            raise BrokenFrameError("the checksum of a frame's data is wrong")
        data += block[:-2]
    return Frame(
        raw[3], int.from_bytes(raw[4:6], "little"), int.from_bytes(raw[6:8], "little"), data
    )
