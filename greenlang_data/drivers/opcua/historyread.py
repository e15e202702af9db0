"""The HistoryRead service: requests as bytes, answers as pages of columns."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import (
    NULL_STRING,
    MalformedAnswerError,
    Reader,
    encode_string,
    numeric_node_id,
)
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import BLOCK_ROWS, Columns, decode_values
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.services import HISTORY_READ, numeric_id
from greenlang_data.drivers.opcua.times import iso_text

_RAW_DETAILS, _PROCESSED_DETAILS, _AT_TIME_DETAILS = 649, 652, 655
_HISTORY_DATA, _MODIFIED_DATA = 658, 11227
_NO: Final = 0
# HistoryUpdateType
_EDITS: Final = {1: "inserted", 2: "replaced", 3: "updated", 4: "deleted"}
_SMALLEST_EDIT: Final = 8 + 4 + 4


_UNSUPPORTED: Final = frozenset(
    {
        StatusCodes.BadHistoryOperationUnsupported,
        StatusCodes.BadHistoryOperationInvalid,
        StatusCodes.BadServiceUnsupported,
        StatusCodes.BadNotSupported,
        StatusCodes.BadNotImplemented,
    }
)


@dataclass(slots=True)
class Page:
    """What one HistoryRead brought for one node. ``continuation`` None: there is no more."""

    code: int
    continuation: bytes | None
    blocks: list[Columns]
    rows: int


def raw_details(start: int, end: int, rows: int, *, modified: bool = False) -> bytes:
    """ReadRawModifiedDetails: samples between two tick counts, at most ``rows`` per node.

    The booleans are written out because their meaning is the opposite of many libraries' default:
    modified values only when asked for, and no bounding values.
    """
    body = struct.pack("<BqqIB", modified, start, end, rows, _NO)
    return _extension_object(_RAW_DETAILS, body)


def at_time_details(ticks: Sequence[int]) -> bytes:
    """ReadAtTimeDetails: a value for each tick count, interpolated as the server is configured."""
    body = struct.pack(f"<i{len(ticks)}qB", len(ticks), *ticks, _NO)
    return _extension_object(_AT_TIME_DETAILS, body)


def processed_details(start: int, end: int, interval: float, aggregate: int, nodes: int) -> bytes:
    """ReadProcessedDetails: one aggregate for all nodes; ``interval`` in milliseconds.

    The server's own configuration of aggregates is asked for; the fields behind are then unused.
    """
    types = struct.pack("<i", nodes) + numeric_node_id(aggregate) * nodes
    use_server_defaults = struct.pack("<BBBBB", 1, 1, 100, 100, 0)
    body = struct.pack("<qqd", start, end, interval) + types + use_server_defaults
    return _extension_object(_PROCESSED_DETAILS, body)


async def history_read(
    connection: Connection,
    details: bytes,
    nodes: Sequence[tuple[bytes, bytes | None]],
    timestamps: int,
    log: ReadLog,
    *,
    apart: bool = True,
) -> list[Page]:
    """One page for each ``(node id, continuation point)``.

    Some servers refuse a whole request because of one node without such a history. Unless the
    details are for all nodes together (``apart`` False), each is then asked for alone.
    """
    body = _request(details, nodes, timestamps, release=False)
    try:
        reader = await connection.ask(HISTORY_READ, body, log)
    except ServiceFaultError as fault:
        if not apart or fault.code not in _UNSUPPORTED:
            raise
        if len(nodes) == 1:
            return [Page(fault.code, None, [], 0)]
        singles = [await history_read(connection, details, [one], timestamps, log) for one in nodes]
        return [pages[0] for pages in singles]
    count = reader.count(11)
    if count != len(nodes):
        raise MalformedAnswerError(f"history of {max(count, 0)} nodes instead of {len(nodes)}")
    pages = [_page(reader) for _ in range(count)]
    reader.finish()
    return pages


def release(connection: Connection, details: bytes, node: bytes, continuation: bytes) -> None:
    """Let the server forget a continuation point that will not be used."""
    body = _request(details, [(node, continuation)], 0, release=True)
    connection.send_and_forget(HISTORY_READ, body)


def _request(
    details: bytes, nodes: Sequence[tuple[bytes, bytes | None]], timestamps: int, *, release: bool
) -> bytes:
    entries = [
        node + NULL_STRING + b"\x00\x00" + NULL_STRING + encode_string(continuation)
        for node, continuation in nodes
    ]
    return details + struct.pack("<iBi", timestamps, release, len(nodes)) + b"".join(entries)


def _extension_object(type_id: int, body: bytes) -> bytes:
    return numeric_node_id(type_id) + b"\x01" + encode_string(body)


def _page(reader: Reader) -> Page:
    code = reader.uint32()
    continuation = reader.byte_string() or None
    type_id, data = reader.extension_object()
    if data is None:
        return Page(code, continuation, [], 0)
    kind = numeric_id(type_id)
    if kind not in (_HISTORY_DATA, _MODIFIED_DATA):
        raise MalformedAnswerError("something else than history data was answered")
    rows = max(data.count(1), 0)
    blocks = [
        decode_values(data, min(BLOCK_ROWS, rows - row)) for row in range(0, rows, BLOCK_ROWS)
    ]
    if kind == _MODIFIED_DATA:
        _read_edits(data, blocks, rows)
    if data.position != data.end:
        raise MalformedAnswerError(f"{data.end - data.position} bytes follow the samples")
    return Page(code, continuation, blocks, rows)


def _read_edits(data: Reader, blocks: Sequence[Columns], rows: int) -> None:
    """The ModificationInfos behind the values, one for each."""
    count = max(data.count(_SMALLEST_EDIT), 0)
    if count != rows:
        raise MalformedAnswerError(f"{count} modifications of {rows} values")
    for block in blocks:
        for row in range(len(block)):
            time, kind, user = data.int64(), data.int32(), data.string()
            what = _EDITS.get(kind, f"changed (kind {kind})")
            block.edits[row] = f"{what} at {iso_text(time)} by {user or 'unknown'}"
