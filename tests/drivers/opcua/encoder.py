"""OPC UA Binary written from Part 6 of the standard, to try the decoder with."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

NUMBER_FORMATS = {
    1: "<?",
    2: "<b",
    3: "<B",
    4: "<h",
    5: "<H",
    6: "<i",
    7: "<I",
    8: "<q",
    9: "<Q",
    10: "<f",
    11: "<d",
}
EPOCH_TICKS = 116_444_736_000_000_000


def string(text: str | bytes | None) -> bytes:
    if text is None:
        return struct.pack("<i", -1)
    content = text.encode() if isinstance(text, str) else text
    return struct.pack("<i", len(content)) + content


def number(kind: int, value: float | bool) -> bytes:
    return bytes([kind]) + struct.pack(NUMBER_FORMATS[kind], value)


def array(kind: int, elements: Sequence[bytes], dimensions: Sequence[int] = ()) -> bytes:
    """A Variant that holds an array of elements that are encoded already."""
    encoding = kind | 0x80 | (0x40 if dimensions else 0)
    body = bytes([encoding]) + struct.pack("<i", len(elements)) + b"".join(elements)
    if dimensions:
        body += struct.pack(f"<i{len(dimensions)}i", len(dimensions), *dimensions)
    return body


@dataclass(frozen=True)
class Value:
    """A DataValue; what is None is left out. Times are ticks, picoseconds in tens."""

    variant: bytes | None = None
    status: int | None = None
    source: int | None = None
    source_pico: int | None = None
    server: int | None = None
    server_pico: int | None = None

    def encode(self) -> bytes:
        """In the order of the standard: source time, its picoseconds, server time, its own."""
        fields = (
            (0x01, self.variant, None),
            (0x02, self.status, "<I"),
            (0x04, self.source, "<q"),
            (0x10, self.source_pico, "<H"),
            (0x08, self.server, "<q"),
            (0x20, self.server_pico, "<H"),
        )
        mask, body = 0, b""
        for bit, content, form in fields:
            if content is not None:
                mask |= bit
                body += content if isinstance(content, bytes) else struct.pack(str(form), content)
        return bytes([mask]) + body


def answer(type_id: int, handle: int, body: bytes, code: int = 0) -> bytes:
    """A whole answer: type id, response header without extras, body."""
    head = struct.pack("<BBHqII", 1, 0, type_id, EPOCH_TICKS, handle, code)
    return head + b"\x00" + struct.pack("<i", 0) + b"\x00\x00\x00" + body


def history_result(
    values: Sequence[Value], continuation: bytes | None = None, code: int = 0
) -> bytes:
    """A HistoryReadResult with HistoryData."""
    data = struct.pack("<i", len(values)) + b"".join(value.encode() for value in values)
    extension = struct.pack("<BBHB", 1, 0, 658, 1) + string(data)
    return struct.pack("<I", code) + string(continuation) + extension


def history_fault(code: int) -> bytes:
    """A HistoryReadResult with a bad status and nothing in it."""
    return struct.pack("<I", code) + string(None) + b"\x00\x00\x00"


def array_of(results: Sequence[bytes]) -> bytes:
    """An array, and the empty array of diagnostics that ends an answer."""
    return struct.pack("<i", len(results)) + b"".join(results) + struct.pack("<i", 0)
