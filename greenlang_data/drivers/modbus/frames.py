"""Modbus TCP on the wire: requests as bytes, answers checked.

pymodbus encodes the requests. Answers are not left to its client, for measured reasons: it hands
out an answer with fewer registers than were asked for as a success, it waits the full timeout
when the peer closes the connection, it has never more than one request in flight, and its decoder
unpacks registers one by one. Nor is its frame decoder used, which waits for whatever length a
header declares.

An answer is used only when transaction, protocol, unit, function and length are those of a
request that waits for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from pymodbus.pdu import ModbusPDU, ReadCoilsRequest, ReadHoldingRegistersRequest
from pymodbus.pdu.bit_message import ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadInputRegistersRequest

from greenlang_data.drivers.modbus.plan import BIT_TABLES, Span
from greenlang_data.settings.register import Table

# The only requests this driver can make: function codes 1 to 4, which read. Nothing that writes
# is within reach, whatever a configuration or a query says.
READ_REQUESTS: Final[dict[Table, type[ModbusPDU]]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}

_HEADER: Final = struct.Struct(">HHHB")
# What the length field counts beside the data bytes: unit, function and byte count.
_OVERHEAD: Final = 3
_EXCEPTION_LENGTH: Final = 3
_LARGEST_LENGTH: Final = 254
_EXCEPTION_FLAG: Final = 0x80


class BrokenAnswerError(Exception):
    """The bytes are no Modbus, or not the answer to what was asked; says in what way."""


class Frame(NamedTuple):
    """One answer: its transaction id, its unit, and function code and data as ``body``."""

    transaction: int
    unit_id: int
    body: bytes


@lru_cache(maxsize=8192)  # the same blocks are asked for again and again
def read_pdu(span: Span) -> bytes:
    """Function code, address and quantity that ask for ``span``, whatever carries them.

    Raises KeyError for anything but the four tables.
    """
    request = READ_REQUESTS[span.table](address=span.address, count=span.quantity)
    return bytes([request.function_code]) + request.encode()


def encode_request(span: Span, transaction: int) -> bytes:
    """The bytes that ask for ``span``. Raises KeyError for anything but the four tables."""
    pdu = read_pdu(span)
    return _HEADER.pack(transaction, 0, 1 + len(pdu), span.unit_id) + pdu


def byte_count(span: Span) -> int:
    """How many data bytes the answer to ``span`` has."""
    return (span.quantity + 7) // 8 if span.table in BIT_TABLES else 2 * span.quantity


def take_frames(buffer: bytearray, spans: Mapping[int, Span]) -> Iterator[Frame]:
    """Take the whole frames out of ``buffer``; the start of a next one stays there.

    ``spans`` are what was asked for, by the transaction ids that are waited for. The header is
    judged as soon as it is there, so no more than one frame of 260 bytes is ever waited for, and
    an answer to one of ``spans`` only if its length is right. Raises BrokenAnswerError.
    """
    start = 0
    try:
        while len(buffer) - start >= _HEADER.size:
            transaction, protocol, length, unit_id = _HEADER.unpack_from(buffer, start)
            if protocol != 0 or not _EXCEPTION_LENGTH <= length <= _LARGEST_LENGTH:
                raise BrokenAnswerError(
                    f"protocol {protocol} and length {length} are no Modbus header"
                )
            if (span := spans.get(transaction)) is not None:
                _check_length(length, span)
            end = start + _HEADER.size - 1 + length
            if len(buffer) < end:
                return
            body = bytes(buffer[start + _HEADER.size : end])
            start = end
            yield Frame(transaction, unit_id, body)
    finally:
        del buffer[:start]


def _check_length(length: int, span: Span) -> None:
    expected = _OVERHEAD + byte_count(span)
    if length not in (expected, _EXCEPTION_LENGTH):
        raise BrokenAnswerError(f"{length} bytes came for {span} where {expected} belong")


@lru_cache(maxsize=8192)
def _answer_head(span: Span) -> bytes:
    """Function code and byte count, as the answer to ``span`` begins with them."""
    return bytes([read_pdu(span)[0], byte_count(span)])


def check_answer(frame: Frame, span: Span) -> int | None:
    """None for data that answers ``span``, or the code of an exception. Raises BrokenAnswerError."""
    head = _answer_head(span)
    whole = len(frame.body) == len(head) + head[1]
    if frame.unit_id == span.unit_id and whole and frame.body.startswith(head):
        return None
    function = head[0]
    if frame.unit_id != span.unit_id:
        raise BrokenAnswerError(f"unit {frame.unit_id} answered for unit {span.unit_id}")
    if frame.body[0] == function | _EXCEPTION_FLAG and len(frame.body) == 2:
        return frame.body[1]
    if frame.body[0] != function:
        raise BrokenAnswerError(f"function {frame.body[0]} answered function {function}")
    raise BrokenAnswerError(f"{frame.body[1]} bytes came for {span} where {head[1]} belong")
