"""What may leave for an outstation: the proof that this driver only reads.

Every frame that the protocol library sends passes here, and is understood down to its last byte
or refused. What passes:

- link layer: reset link, test link, request link status, and the secondary answers;
- CONFIRM of a response, READ of objects without data;
- WRITE of g80v1 index 7 with the value 0: "I have seen that you restarted", exactly these bytes;
- ENABLE_UNSOLICITED and DISABLE_UNSOLICITED of the classes 1 to 3.

Everything else (select, operate, freeze, restart, file and time functions, other writes) is not.

The library also starts every connection with a read of all events and with unsolicited reports,
and that cannot be turned off there. Events that are read are gone at the outstation, so unless
somebody watches, the guard takes the event classes out of a read, and turns enable into disable.
"""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.dnp3.frames import Frame

READ: Final = 1
CONFIRM: Final = 0

_WRITE: Final = 2
_ENABLE_UNSOLICITED: Final = 20
_DISABLE_UNSOLICITED: Final = 21
_CLEAR_RESTART: Final = bytes([80, 1, 0, 7, 7, 0])
# Bytes of a range or count, by qualifier; no other qualifier does without object data.
_QUALIFIERS: Final = {0x00: 2, 0x01: 4, 0x06: 0, 0x07: 1, 0x08: 2}
_CLASS_GROUP: Final = 60
_EVENT_CLASSES: Final = frozenset({2, 3, 4})
_EVENT_GROUPS: Final = frozenset({2, 4, 11, 13, 22, 23, 32, 33, 42, 43, 111, 113})

_DIRECTION: Final = 0x80
_PRIMARY: Final = 0x40
_USER_DATA: Final = frozenset({3, 4})
_PRIMARY_CONTROL: Final = frozenset({0, 2, 9})
_SECONDARY_CONTROL: Final = frozenset({0, 1, 11, 15})
_FIRST_AND_LAST: Final = 0xC0


class RefusedFrameError(Exception):
    """The frame must not be sent; the message says why."""


class Guard:
    """Lets read-only frames from one master to one outstation pass.

    ``watching`` says whether events may be read; ``requests`` counts what was asked, without
    confirmations and link layer frames.
    """

    def __init__(self, master: int, outstation: int) -> None:
        self._addresses = (outstation, master)
        self.watching = False
        self.requests = 0

    def check(self, frame: Frame) -> Frame:
        """The frame to send instead of ``frame``, mostly itself. Raises RefusedFrameError."""
        if (frame.destination, frame.source) != self._addresses:
            raise RefusedFrameError(f"a frame from {frame.source} to {frame.destination}")
        if not frame.control & _DIRECTION:
            raise RefusedFrameError("a frame of an outstation")
        function = frame.control & 0x0F
        if not frame.control & _PRIMARY:
            allowed = _SECONDARY_CONTROL
        elif function in _USER_DATA:
            return frame._replace(data=frame.data[:1] + self._fragment(frame.data))
        else:
            allowed = _PRIMARY_CONTROL
        if function not in allowed or frame.data:
            raise RefusedFrameError(f"link function {function}")
        return frame

    def _fragment(self, data: bytes) -> bytes:
        """The application fragment to send, of a transport segment that must be all of it."""
        if len(data) < 3 or data[0] & _FIRST_AND_LAST != _FIRST_AND_LAST:
            raise RefusedFrameError("a request in parts")
        control, function, objects = data[1], data[2], data[3:]
        if function == CONFIRM and not objects:
            return data[1:]
        self.requests += 1
        if function == READ:
            headers = _headers(objects)
            kept = headers if self.watching else [one for one in headers if not _of_events(one)]
            return bytes([control, READ]) + b"".join(kept)
        if function == _WRITE and objects == _CLEAR_RESTART:
            return data[1:]
        if function in (_ENABLE_UNSOLICITED, _DISABLE_UNSOLICITED) and _only_classes(objects):
            chosen = function if self.watching else _DISABLE_UNSOLICITED
            return bytes([control, chosen]) + objects
        raise RefusedFrameError(f"function {function} with objects {objects[:8].hex(' ')}")


def _headers(objects: bytes) -> list[bytes]:
    headers = []
    position = 0
    while position < len(objects):
        if position + 3 > len(objects) or objects[position + 2] not in _QUALIFIERS:
            raise RefusedFrameError("a read with object data")
        end = position + 3 + _QUALIFIERS[objects[position + 2]]
        if end > len(objects):
            raise RefusedFrameError("a read that ends in the middle of a header")
        headers.append(objects[position:end])
        position = end
    return headers


def _of_events(header: bytes) -> bool:
    group, variation = header[0], header[1]
    return group in _EVENT_GROUPS or (group == _CLASS_GROUP and variation in _EVENT_CLASSES)


def _only_classes(objects: bytes) -> bool:
    headers = _headers(objects)
    return bool(headers) and all(
        one[0] == _CLASS_GROUP and one[1] in _EVENT_CLASSES and one[2] == 0x06 for one in headers
    )
