"""OPC UA Binary (Part 6, 5.2): the few built-in types that requests and answers are made of.

Every length is checked against what is left of the answer before anything is taken or allocated,
so an answer can be wrong but never costs more than its own size.
"""

from __future__ import annotations

import struct
from typing import Final

NULL_STRING: Final = b"\xff\xff\xff\xff"
_NODE_ID_BYTES: Final = {0: 1, 1: 3, 2: 6, 4: 18}
_STRING_NODE_IDS: Final = (3, 5)
_DEEPEST: Final = 16

_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")
_INT64 = struct.Struct("<q")


class MalformedAnswerError(Exception):
    """The bytes are no valid encoding of the answer that was due."""


class Reader:
    """A position in an answer. Reads raise MalformedAnswerError rather than pass its end."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else end

    def skip(self, size: int) -> int:
        """Pass ``size`` bytes and return where they start."""
        start = self.position
        if size < 0 or size > self.end - start:
            raise MalformedAnswerError(f"{size} bytes are due at {start} of {self.end}")
        self.position = start + size
        return start

    def byte(self) -> int:
        """The next byte as a number."""
        return self.data[self.skip(1)]

    def uint16(self) -> int:
        """A UInt16."""
        number: int = _UINT16.unpack_from(self.data, self.skip(2))[0]
        return number

    def int32(self) -> int:
        """An Int32."""
        number: int = _INT32.unpack_from(self.data, self.skip(4))[0]
        return number

    def uint32(self) -> int:
        """A UInt32, or a StatusCode."""
        number: int = _UINT32.unpack_from(self.data, self.skip(4))[0]
        return number

    def int64(self) -> int:
        """An Int64, or a DateTime."""
        number: int = _INT64.unpack_from(self.data, self.skip(8))[0]
        return number

    def count(self, smallest: int) -> int:
        """The length of an array whose elements take ``smallest`` bytes or more; null is -1."""
        length = self.int32()
        if length < -1 or length * smallest > self.end - self.position:
            raise MalformedAnswerError(f"an array of {length} elements in {self.end} bytes")
        return length

    def byte_string(self) -> bytes | None:
        """A ByteString, or the UTF-8 of a String."""
        length = self.int32()
        if length == -1:
            return None
        start = self.skip(length)
        return self.data[start : start + length]

    def string(self) -> str | None:
        """A String; bytes that are no UTF-8 show as replacement characters."""
        content = self.byte_string()
        return None if content is None else content.decode("utf-8", "replace")

    def node_id(self) -> bytes:
        """A NodeId, still encoded; the URI and server of an ExpandedNodeId are passed over."""
        start = self.position
        form = self.byte()
        kind = form & 0x3F
        if kind in _STRING_NODE_IDS:
            self.skip(2)
            self.byte_string()
        elif kind in _NODE_ID_BYTES:
            self.skip(_NODE_ID_BYTES[kind])
        else:
            raise MalformedAnswerError(f"a node id of the unknown form {form:#04x}")
        encoded = bytes([kind]) + self.data[start + 1 : self.position]
        if form & 0x80:
            self.byte_string()
        if form & 0x40:
            self.skip(4)
        return encoded

    def localized_text(self) -> str | None:
        """The text of a LocalizedText, without its locale."""
        mask = self.byte()
        if mask & 0x01:
            self.byte_string()
        return self.string() if mask & 0x02 else None

    def extension_object(self) -> tuple[bytes, Reader | None]:
        """The encoded type id of an ExtensionObject and its body, if it has one."""
        type_id = self.node_id()
        form = self.byte()
        if form == 0:
            return type_id, None
        length = self.int32()
        if form > 2 or length < -1:
            raise MalformedAnswerError(f"an extension object of form {form} with {length} bytes")
        start = self.skip(max(length, 0))
        return type_id, Reader(self.data, start, self.position)

    def skip_strings(self) -> None:
        """Pass over an array of String."""
        for _ in range(self.count(4)):
            self.byte_string()

    def skip_diagnostics(self, depth: int = 0) -> None:
        """Pass over one DiagnosticInfo."""
        mask = self.byte()
        self.skip(4 * (mask & 0x0F).bit_count())
        if mask & 0x10:
            self.byte_string()
        if mask & 0x20:
            self.skip(4)
        if mask & 0x40:
            if depth == _DEEPEST:
                raise MalformedAnswerError("diagnostics nested without end")
            self.skip_diagnostics(depth + 1)

    def finish(self) -> None:
        """Pass over the DiagnosticInfos that end every answer here; nothing may follow them."""
        for _ in range(self.count(1)):
            self.skip_diagnostics()
        if self.position != self.end:
            raise MalformedAnswerError(f"{self.end - self.position} bytes follow the answer")


def encode_string(text: str | bytes | None) -> bytes:
    """A String or ByteString."""
    if text is None:
        return NULL_STRING
    content = text.encode() if isinstance(text, str) else text
    return _INT32.pack(len(content)) + content


def numeric_node_id(identifier: int) -> bytes:
    """A NodeId of namespace 0 with a number, in its four-byte form."""
    return b"\x01\x00" + _UINT16.pack(identifier)
