"""Damage done on purpose to what the outstation sends."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

from . import link, transport
from .request import FIN, FIR, SEQUENCE, UNS, Indication

RESPONSE_HEADER_BYTES = 4
OTHER_ADDRESS_STEP = 7


class Lie(enum.StrEnum):
    """What is wrong with a response; each one leaves everything else as it should be."""

    BAD_HEADER_CRC = "bad_header_crc"  # of its first frame
    BAD_DATA_CRC = "bad_data_crc"  # of its last frame
    WRONG_SOURCE = "wrong_source"  # another link address
    WRONG_DESTINATION = "wrong_destination"
    HALF_FRAME = "half_frame"  # the connection closes in the middle
    GARBAGE = "garbage"  # instead of the response
    GARBAGE_BEFORE = "garbage_before"  # ahead of it, with a false frame start
    LOST_SEGMENT = "lost_segment"  # its first segment of several is missing
    WRONG_TRANSPORT_SEQUENCE = "wrong_transport_sequence"  # of its last segment
    TRUNCATED_FRAGMENT = "truncated_fragment"  # ends inside its last object
    WRONG_SEQUENCE = "wrong_sequence"  # application sequence number
    NOT_FIRST = "not_first"  # FIR is missing
    NEVER_FINAL = "never_final"  # FIN is missing
    WRONG_FUNCTION = "wrong_function"  # 131
    HUGE_RANGE = "huge_range"  # g30v1 0..0xFFFFFFFF, one object there
    HUGE_COUNT = "huge_count"  # 65,535 of g32v7, one object there
    REVERSED_RANGE = "reversed_range"  # g30v1 9..0
    UNKNOWN_OBJECT = "unknown_object"  # g30v99
    BAD_QUALIFIER = "bad_qualifier"  # 0x7F, which is none
    EMPTY = "empty"  # a response without its objects
    NO_FUNCTION = "no_function"  # likewise, with FUNC_NOT_SUPPORTED
    NO_OBJECT = "no_object"  # likewise, with OBJECT_UNKNOWN
    NO_RANGE = "no_range"  # likewise, with PARAM_ERROR
    DUPLICATE = "duplicate"  # the same fragment twice
    SILENCE = "silence"  # nothing is sent


class Target(enum.StrEnum):
    """Which responses a lie is about."""

    DATA = "data"  # those that carry objects
    SOLICITED = "solicited"
    UNSOLICITED = "unsolicited"
    ANY = "any"


GARBAGE = bytes((index * 37 + 11) & 0xFF for index in range(64))
FALSE_START = b"\x05\x64\xff\x44" + GARBAGE
_ONE_ANALOG = b"\x01" + struct.pack("<i", 42)
_OBJECTS = {
    Lie.HUGE_RANGE: struct.pack("<BBBII", 30, 1, 0x02, 0, 0xFFFFFFFF) + _ONE_ANALOG,
    Lie.HUGE_COUNT: struct.pack("<BBBHHBf6x", 32, 7, 0x28, 0xFFFF, 0, 1, 42.0),
    Lie.REVERSED_RANGE: struct.pack("<BBBBB", 30, 1, 0x00, 9, 0) + _ONE_ANALOG,
    Lie.UNKNOWN_OBJECT: struct.pack("<BBBBB", 30, 99, 0x00, 0, 0) + _ONE_ANALOG,
    Lie.BAD_QUALIFIER: struct.pack("<BBBBB", 30, 1, 0x7F, 0, 0) + _ONE_ANALOG,
    Lie.EMPTY: b"",
    Lie.NO_FUNCTION: b"",
    Lie.NO_OBJECT: b"",
    Lie.NO_RANGE: b"",
}
_REFUSALS = {
    Lie.NO_FUNCTION: Indication.FUNC_NOT_SUPPORTED,
    Lie.NO_OBJECT: Indication.OBJECT_UNKNOWN,
    Lie.NO_RANGE: Indication.PARAM_ERROR,
}


@dataclass
class _Planned:
    lie: Lie
    target: Target
    skip: int
    count: int

    def applies(self, fragment: bytes) -> bool:
        unsolicited = bool(fragment[0] & UNS)
        return {
            Target.DATA: len(fragment) > RESPONSE_HEADER_BYTES,
            Target.SOLICITED: not unsolicited,
            Target.UNSOLICITED: unsolicited,
            Target.ANY: True,
        }[self.target]


class Lies:
    """The lies still to be told, in the order they were asked for."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self.told = 0

    def plan(self, lie: Lie, target: Target, skip: int, count: int) -> None:
        """Tell ``lie`` in ``count`` responses after ``skip`` honest ones."""
        self._planned.append(_Planned(lie, target, skip, count))

    def forget(self) -> None:
        """Tell the truth from now on."""
        self._planned.clear()

    def take(self, fragment: bytes) -> Lie | None:
        """What is to be wrong with this response."""
        if not self._planned or not self._planned[0].applies(fragment):
            return None
        planned = self._planned[0]
        if planned.skip:
            planned.skip -= 1
            return None
        planned.count -= 1
        if planned.count <= 0:
            self._planned.pop(0)
        self.told += 1
        return planned.lie


def fragment(lie: Lie | None, honest: bytes) -> bytes:
    """The application fragment with what the lie does to it."""
    control, function, head, body = honest[0], honest[1], honest[2:4], honest[4:]
    if lie is Lie.WRONG_SEQUENCE:
        control = (control & ~SEQUENCE) | ((control + 1) & SEQUENCE)
    elif lie is Lie.NOT_FIRST:
        control &= ~FIR
    elif lie is Lie.NEVER_FINAL:
        control &= ~FIN
    elif lie is Lie.WRONG_FUNCTION:
        function = 131
    elif lie is Lie.TRUNCATED_FRAGMENT:
        body = body[:-1]
    elif lie in _OBJECTS:
        body = _OBJECTS[lie]
    if lie in _REFUSALS:
        head = (int.from_bytes(head, "little") | _REFUSALS[lie]).to_bytes(2, "little")
    return bytes([control, function]) + head + body


def frames(lie: Lie | None, segments: list[bytes], destination: int, source: int) -> list[bytes]:
    """The frames that go over the wire for a fragment's segments."""
    if lie is Lie.LOST_SEGMENT:
        segments = segments[1:]
    elif lie is Lie.WRONG_TRANSPORT_SEQUENCE:
        segments = [*segments[:-1], _other_sequence(segments[-1])]
    elif lie is Lie.WRONG_SOURCE:
        source += OTHER_ADDRESS_STEP
    elif lie is Lie.WRONG_DESTINATION:
        destination += OTHER_ADDRESS_STEP
    control = link.PRIMARY | link.UNCONFIRMED_USER_DATA
    return _damaged(
        lie, [link.frame(control, destination, source, segment) for segment in segments]
    )


def _damaged(lie: Lie | None, whole: list[bytes]) -> list[bytes]:
    if lie is Lie.SILENCE:
        return []
    if lie is Lie.GARBAGE:
        return [GARBAGE]
    if lie is Lie.GARBAGE_BEFORE:
        return [FALSE_START, *whole]
    if lie is Lie.DUPLICATE:
        return whole * 2
    if lie is Lie.BAD_HEADER_CRC:
        return [_flipped(whole[0], link.HEADER_BYTES - 1), *whole[1:]]
    if lie is Lie.BAD_DATA_CRC:
        return [*whole[:-1], _flipped(whole[-1], len(whole[-1]) - 1)]
    if lie is Lie.HALF_FRAME:
        return [*whole[:-1], whole[-1][: len(whole[-1]) // 2]]
    return whole


def _other_sequence(segment: bytes) -> bytes:
    header = segment[0]
    other = (header & ~transport.SEQUENCE) | ((header + 1) & transport.SEQUENCE)
    return bytes([other]) + segment[1:]


def _flipped(frame: bytes, position: int) -> bytes:
    return frame[:position] + bytes([frame[position] ^ 0x01]) + frame[position + 1 :]
