"""Modbus RTU on the wire: requests and answers with a CRC, and nothing that says whose they are.

An RTU answer carries no transaction id. What it can be told by is its shape: unit, function, and
byte count, which is 2 * quantity for registers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from greenlang_data.drivers.modbus.frames import BrokenAnswerError, byte_count, read_pdu
from greenlang_data.drivers.modbus.plan import Span

_EXCEPTION_FLAG: Final = 0x80
_EXCEPTION_SIZE: Final = 5
_READS: Final = range(1, 5)
_CRC_SIZE: Final = 2
_HEAD_SIZE: Final = 3
# Bits of a character: start, eight data bits, parity or a second stop bit, stop.
BITS_PER_CHARACTER: Final = 11


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC_TABLE: Final = tuple(_crc_of_byte(value) for value in range(256))


class Shape(NamedTuple):
    """What an answer looks like; ``size`` is its number of data bytes, and -1 for an exception."""

    unit_id: int
    function: int
    size: int


class RtuFrame(NamedTuple):
    """One whole answer: its shape, the data or the exception code, and its bytes as they came."""

    shape: Shape
    data: bytes
    raw: bytes


def crc(data: bytes) -> bytes:
    """The two bytes that end a frame, low byte first.

    >>> crc(bytes.fromhex("010300000002")).hex()
    'c40b'
    """
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


@lru_cache(maxsize=8192)  # the same blocks are asked for again and again
def encode_rtu_request(span: Span) -> bytes:
    """The bytes that ask for ``span``. Raises KeyError for anything but the four tables."""
    content = bytes([span.unit_id]) + read_pdu(span)
    return content + crc(content)


def shape_of(span: Span) -> Shape:
    """What the answer to ``span`` looks like."""
    return Shape(span.unit_id, read_pdu(span)[0], byte_count(span))


def exception_shape(shape: Shape) -> Shape:
    """What a refusal of a request looks like, given its answer's shape."""
    return Shape(shape.unit_id, shape.function | _EXCEPTION_FLAG, -1)


def characters(span: Span) -> int:
    """How many characters a request for ``span`` and its answer are together."""
    return len(encode_rtu_request(span)) + _HEAD_SIZE + byte_count(span) + _CRC_SIZE


def shape_at(buffer: bytearray) -> Shape | None:
    """The shape of the frame that ``buffer`` starts with, as far as it tells.

    Raises BrokenAnswerError for what cannot be an answer to a read.
    """
    if len(buffer) < _HEAD_SIZE:
        return None
    unit, function, third = buffer[:_HEAD_SIZE]
    if function in _READS:
        return Shape(unit, function, third)
    if function & _EXCEPTION_FLAG and function & ~_EXCEPTION_FLAG in _READS:
        return Shape(unit, function, -1)
    raise BrokenAnswerError(f"function {function} was never asked for")


def take_rtu_frame(buffer: bytearray) -> RtuFrame | None:
    """Take the first frame out of ``buffer``, or None while it is not whole.

    Never waits for more than 260 bytes. Raises BrokenAnswerError for what cannot be an answer.
    """
    shape = shape_at(buffer)
    if shape is None:
        return None
    refused = shape.size < 0
    size = _EXCEPTION_SIZE if refused else _HEAD_SIZE + shape.size + _CRC_SIZE
    if len(buffer) < size:
        return None
    raw = bytes(buffer[:size])
    if crc(raw[:-_CRC_SIZE]) != raw[-_CRC_SIZE:]:
        raise BrokenAnswerError("its checksum is wrong")
    del buffer[:size]
    return RtuFrame(shape, raw[2:3] if refused else raw[_HEAD_SIZE:-_CRC_SIZE], raw)
