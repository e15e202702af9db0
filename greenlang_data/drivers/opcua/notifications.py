"""Publish and Republish: NotificationMessages from bytes into columns."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.datavalues import Columns, decode_notifications
from greenlang_data.drivers.opcua.services import numeric_id

_DATA_CHANGE, _STATUS_CHANGE, _EVENTS = 811, 820, 916
# A handle and an empty DataValue; an extension object without a body.
_SMALLEST_ITEM: Final = 5
_SMALLEST_EXTENSION: Final = 3


@dataclass(slots=True)
class Message:
    """One NotificationMessage. ``changes`` are client handles with their values.

    ``status`` is the code of a StatusChangeNotification, with which a subscription ends.
    """

    sequence: int
    changes: list[tuple[np.ndarray, Columns]]
    status: int | None = None

    @property
    def keeps_alive(self) -> bool:
        """Whether it tells nothing but that the server is there; its number is the next one's."""
        return not self.changes and self.status is None


@dataclass(slots=True)
class Publication:
    """The answer to one Publish request. ``more``: the server has further messages ready."""

    subscription: int
    more: bool
    message: Message


def publish_body(acknowledged: Sequence[tuple[int, int]]) -> bytes:
    """A Publish request that lets the server forget ``(subscription, sequence number)`` pairs."""
    pairs = b"".join(struct.pack("<II", *pair) for pair in acknowledged)
    return struct.pack("<i", len(acknowledged)) + pairs


def republish_body(subscription: int, sequence: int) -> bytes:
    """A Republish request for one message."""
    return struct.pack("<II", subscription, sequence)


def read_publication(reader: Reader) -> Publication:
    """The answer to Publish, behind its header. Raises MalformedAnswerError."""
    subscription = reader.uint32()
    for _ in range(reader.count(4)):
        reader.uint32()
    more = reader.byte() != 0
    message = read_message(reader)
    for _ in range(reader.count(4)):
        reader.uint32()
    reader.finish()
    return Publication(subscription, more, message)


def read_message(reader: Reader) -> Message:
    """A NotificationMessage. Raises MalformedAnswerError."""
    message = Message(reader.uint32(), [])
    reader.skip(8)
    for _ in range(reader.count(_SMALLEST_EXTENSION)):
        type_id, body = reader.extension_object()
        if body is None:
            continue
        kind = numeric_id(type_id)
        if kind == _DATA_CHANGE:
            count = max(body.count(_SMALLEST_ITEM), 0)
            message.changes.append(decode_notifications(body, count))
            body.finish()
        elif kind == _STATUS_CHANGE:
            message.status = body.uint32()
        elif kind != _EVENTS:
            raise MalformedAnswerError(f"a notification of the unknown type {kind}")
    return message
