"""The transport function: application fragments cut into segments and put together again."""

from __future__ import annotations

FINAL = 0x80
FIRST = 0x40
SEQUENCE = 0x3F
SEGMENT_BYTES = 249
MOST_FRAGMENT_BYTES = 2048


def segments(fragment: bytes, sequence: int) -> list[bytes]:
    """The fragment's segments with their headers, counted from ``sequence``."""
    pieces = [
        fragment[position : position + SEGMENT_BYTES]
        for position in range(0, len(fragment), SEGMENT_BYTES)
    ]
    return [
        bytes([_header(number, len(pieces), sequence)]) + piece
        for number, piece in enumerate(pieces)
    ]


def _header(number: int, count: int, sequence: int) -> int:
    first = FIRST if number == 0 else 0
    final = FINAL if number == count - 1 else 0
    return first | final | ((sequence + number) & SEQUENCE)


class Reassembler:
    """Joins received segments; whatever is out of order drops the fragment."""

    def __init__(self) -> None:
        self._parts: bytearray | None = None
        self._next = 0

    def feed(self, segment: bytes) -> bytes | None:
        """The whole fragment when this segment was its last."""
        if not segment:
            return None
        header = segment[0]
        if header & FIRST:
            self._parts = bytearray()
        elif self._parts is None or header & SEQUENCE != self._next:
            self._parts = None
            return None
        self._next = (header + 1) & SEQUENCE
        self._parts += segment[1:]
        if len(self._parts) > MOST_FRAGMENT_BYTES:
            self._parts = None
        elif header & FINAL:
            whole, self._parts = bytes(self._parts), None
            return whole
        return None
