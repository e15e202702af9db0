"""Application layer requests: function codes, object headers, indications."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field

FIR = 0x80
FIN = 0x40
CON = 0x20
UNS = 0x10
SEQUENCE = 0x0F


class Function(enum.IntEnum):
    """The function codes of IEEE 1815."""

    CONFIRM = 0
    READ = 1
    WRITE = 2
    SELECT = 3
    OPERATE = 4
    DIRECT_OPERATE = 5
    DIRECT_OPERATE_NO_RESPONSE = 6
    IMMEDIATE_FREEZE = 7
    IMMEDIATE_FREEZE_NO_RESPONSE = 8
    FREEZE_CLEAR = 9
    FREEZE_CLEAR_NO_RESPONSE = 10
    FREEZE_AT_TIME = 11
    FREEZE_AT_TIME_NO_RESPONSE = 12
    COLD_RESTART = 13
    WARM_RESTART = 14
    INITIALIZE_DATA = 15
    INITIALIZE_APPLICATION = 16
    START_APPLICATION = 17
    STOP_APPLICATION = 18
    SAVE_CONFIGURATION = 19
    ENABLE_UNSOLICITED = 20
    DISABLE_UNSOLICITED = 21
    ASSIGN_CLASS = 22
    DELAY_MEASURE = 23
    RECORD_CURRENT_TIME = 24
    OPEN_FILE = 25
    CLOSE_FILE = 26
    DELETE_FILE = 27
    GET_FILE_INFORMATION = 28
    AUTHENTICATE_FILE = 29
    ABORT_FILE = 30
    ACTIVATE_CONFIGURATION = 31
    AUTHENTICATION_REQUEST = 32
    AUTHENTICATION_REQUEST_NO_RESPONSE = 33
    RESPONSE = 129
    UNSOLICITED_RESPONSE = 130


NO_RESPONSE_FUNCTIONS = {
    Function.DIRECT_OPERATE_NO_RESPONSE,
    Function.IMMEDIATE_FREEZE_NO_RESPONSE,
    Function.FREEZE_CLEAR_NO_RESPONSE,
    Function.FREEZE_AT_TIME_NO_RESPONSE,
    Function.AUTHENTICATION_REQUEST_NO_RESPONSE,
}


class Indication(enum.IntFlag):
    """The internal indications; the first octet on the wire is the low one."""

    BROADCAST = 0x0001
    CLASS_1_EVENTS = 0x0002
    CLASS_2_EVENTS = 0x0004
    CLASS_3_EVENTS = 0x0008
    NEED_TIME = 0x0010
    LOCAL_CONTROL = 0x0020
    DEVICE_TROUBLE = 0x0040
    DEVICE_RESTART = 0x0080
    FUNC_NOT_SUPPORTED = 0x0100
    OBJECT_UNKNOWN = 0x0200
    PARAM_ERROR = 0x0400
    EVENT_BUFFER_OVERFLOW = 0x0800
    ALREADY_EXECUTING = 0x1000
    CONFIG_CORRUPT = 0x2000


class Malformed(Exception):
    """The objects of a request cannot be parsed."""


@dataclass(frozen=True)
class ObjectHeader:
    """One object header: everything, a range, a count or single points of a group."""

    group: int
    variation: int
    qualifier: int
    span: tuple[int, int] | None = None
    count: int | None = None
    indexes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Request:
    """A request fragment; ``objects`` is what follows the function code."""

    control: int
    function: int
    objects: bytes
    raw: bytes = field(repr=False)

    @property
    def sequence(self) -> int:
        """The sequence number, 0 to 15."""
        return self.control & SEQUENCE

    @property
    def name(self) -> str:
        """The function's name, or its code when it has none."""
        try:
            return Function(self.function).name
        except ValueError:
            return f"FUNCTION_{self.function}"


def parse(fragment: bytes) -> Request | None:
    """The request in a fragment, or None when it is too short or not a single fragment."""
    if len(fragment) < 2 or fragment[0] & (FIR | FIN) != FIR | FIN:
        return None
    return Request(fragment[0], fragment[1], fragment[2:], fragment)


def headers(objects: bytes) -> list[ObjectHeader]:
    """The object headers of a request that carries no object data.

    Raises
    ------
    Malformed
        When the objects end too early or a qualifier is none that requests may use.
    """
    found: list[ObjectHeader] = []
    while objects:
        header, objects = _header(objects)
        found.append(header)
    return found


def _header(objects: bytes) -> tuple[ObjectHeader, bytes]:
    (group, variation, qualifier), rest = _take("<BBB", objects)
    if qualifier == 0x06:
        return ObjectHeader(group, variation, qualifier), rest
    if qualifier in (0x00, 0x01):
        (first, last), rest = _take("<BB" if qualifier == 0x00 else "<HH", rest)
        return ObjectHeader(group, variation, qualifier, span=(first, last)), rest
    wide = qualifier in (0x08, 0x28)
    if qualifier not in (0x07, 0x08, 0x17, 0x28):
        raise Malformed
    (count,), rest = _take("<H" if wide else "<B", rest)
    if qualifier in (0x07, 0x08):
        return ObjectHeader(group, variation, qualifier, count=count), rest
    indexes, rest = _take(f"<{count}{'H' if wide else 'B'}", rest)
    return ObjectHeader(group, variation, qualifier, indexes=indexes), rest


def _take(layout: str, objects: bytes) -> tuple[tuple[int, ...], bytes]:
    length = struct.calcsize(layout)
    if len(objects) < length:
        raise Malformed
    return struct.unpack(layout, objects[:length]), objects[length:]
