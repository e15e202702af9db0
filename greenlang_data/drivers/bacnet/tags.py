"""BACnet's tagged encoding: how everything inside a message is written.

A declared length is compared with what is there before anything is done with it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

APPLICATION: Final = 0
CONTEXT: Final = 1
OPENING: Final = 2
CLOSING: Final = 3

_BOOLEAN: Final = 1
_EXTENDED: Final = 5
_OPENING_MARK: Final = 6
_CLOSING_MARK: Final = 7
_TWO_MORE: Final = 254
_FOUR_MORE: Final = 255


class BrokenAnswerError(Exception):
    """The bytes are no BACnet, or not the answer to what was asked; says in what way."""


class Tag(NamedTuple):
    """A tag, and where its content starts and ends in the message.

    An application boolean has no content; its value is its ``size``.
    """

    number: int
    form: int
    size: int
    start: int

    @property
    def end(self) -> int:
        """The place after its content."""
        is_boolean = self.form == APPLICATION and self.number == _BOOLEAN
        return self.start if is_boolean else self.start + self.size


def read_tag(data: bytes, at: int) -> Tag:
    """The tag at ``at``, whose content is wholly in ``data``. Raises BrokenAnswerError."""
    try:
        head = data[at]
        at += 1
        number, low, form = head >> 4, head & 7, CONTEXT if head & 8 else APPLICATION
        if number == 15:
            number = data[at]
            at += 1
        if form == CONTEXT and low >= _OPENING_MARK:
            return Tag(number, OPENING if low == _OPENING_MARK else CLOSING, 0, at)
        if low == _EXTENDED:
            low, at = _long_size(data, at)
        elif low > _EXTENDED:
            raise BrokenAnswerError(f"no tag starts with byte 0x{head:02X}")
    except IndexError:
        raise BrokenAnswerError("it ends within a tag") from None
    tag = Tag(number, form, low, at)
    if tag.end > len(data):
        raise BrokenAnswerError(f"a tag declares {low} bytes where {len(data) - at} follow")
    return tag


def _long_size(data: bytes, at: int) -> tuple[int, int]:
    size = data[at]
    at += 1
    more = {_TWO_MORE: 2, _FOUR_MORE: 4}.get(size, 0)
    if at + more > len(data):
        raise BrokenAnswerError("it ends within a tag")
    return (int.from_bytes(data[at : at + more]) if more else size), at + more


def expect(data: bytes, at: int, number: int, form: int) -> Tag:
    """The tag at ``at``, which must be this one. Raises BrokenAnswerError."""
    tag = read_tag(data, at)
    if tag.number != number or tag.form != form:
        raise BrokenAnswerError(f"tag {number} is missing at byte {at}")
    return tag


def is_tag(data: bytes, at: int, number: int, form: int) -> bool:
    """Whether this tag is at ``at``; not at the end."""
    if at >= len(data):
        return False
    tag = read_tag(data, at)
    return tag.number == number and tag.form == form


def expect_unsigned(data: bytes, at: int, number: int, form: int = CONTEXT) -> tuple[int, int]:
    """The unsigned number with this tag, and the place after it. Raises BrokenAnswerError."""
    tag = expect(data, at, number, form)
    return unsigned(data[tag.start : tag.end]), tag.end


def unsigned(content: bytes) -> int:
    """An unsigned number of at most 8 bytes. Raises BrokenAnswerError for any other size."""
    if not 1 <= len(content) <= 8:
        raise BrokenAnswerError(f"a number has {len(content)} bytes")
    return int.from_bytes(content)


def context(number: int, content: bytes) -> bytes:
    """``content``, shorter than 254 bytes, with a context tag."""
    size = len(content)
    if size < _EXTENDED:
        return bytes([number << 4 | 8 | size]) + content
    return bytes([number << 4 | 8 | _EXTENDED, size]) + content


def context_unsigned(number: int, value: int) -> bytes:
    """An unsigned number with a context tag, in as few bytes as it needs."""
    return context(number, minimal(value))


def context_object(number: int, object_id: int) -> bytes:
    """An object identifier with a context tag."""
    return context(number, object_id.to_bytes(4))


def minimal(value: int) -> bytes:
    """An unsigned number in as few bytes as it needs."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8))


def minimal_signed(value: int) -> bytes:
    """A signed number in as few bytes as it needs."""
    return value.to_bytes(value.bit_length() // 8 + 1, signed=True)


def opening(number: int) -> bytes:
    """The start of what the context tag ``number`` encloses."""
    return bytes([number << 4 | 0xE])


def closing(number: int) -> bytes:
    """Its end."""
    return bytes([number << 4 | 0xF])
