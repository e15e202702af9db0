"""Puts objects into response fragments no longer than the configured size."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.peers.dnp3_truth import Kind

from .database import Event
from .objects import (
    EVENT,
    LARGEST_RELATIVE_MILLISECONDS,
    TIME_BYTES,
    Form,
    Stamp,
    encode,
    event_form,
    packed,
)

RESPONSE_HEADER_BYTES = 4
COMMON_TIME_GROUP = 51
NARROW_MOST = 0xFF
WIDE_MOST = 0xFFFF


@dataclass
class Draft:
    """The objects of one fragment and the events among them."""

    objects: bytearray = field(default_factory=bytearray)
    events: list[Event] = field(default_factory=list)


class Builder:
    """Fills one fragment after the other."""

    def __init__(self, fragment_bytes: int, *, synchronized: bool) -> None:
        self._limit = fragment_bytes - RESPONSE_HEADER_BYTES
        self._common_time_variation = 1 if synchronized else 2
        self.drafts = [Draft()]

    def add_block(self, block: bytes) -> None:
        """Add whole objects with their header."""
        self._room(len(block))
        self.drafts[-1].objects += block

    def add_range(self, group: int, variation: int, first: int, objects: list[bytes]) -> None:
        """Add static objects of one size with consecutive indexes from ``first``."""
        length = len(objects[0])
        while objects:
            head = _range_bytes(first + len(objects) - 1)
            fit = (self._room(head + length) - head) // length
            part, objects = objects[:fit], objects[fit:]
            self._put_range(group, variation, first, len(part), b"".join(part))
            first += len(part)

    def add_packed(
        self, group: int, variation: int, first: int, states: list[int], bits: int
    ) -> None:
        """Add states of one or two bits each with consecutive indexes from ``first``."""
        while states:
            head = _range_bytes(first + len(states) - 1)
            fit = (self._room(head + 1) - head) * 8 // bits
            part, states = states[:fit], states[fit:]
            self._put_range(group, variation, first, len(part), packed(part, bits))
            first += len(part)

    def add_events(self, events: list[Event], variation: int = 0) -> None:
        """Add events in their order, all in ``variation`` or each in its own when that is 0."""
        for (kind, shown), run in itertools.groupby(
            events, key=lambda event: (event.kind, _variation(event, variation))
        ):
            form = event_form(kind, shown)
            assert form is not None
            for base, part in _spans(list(run), form):
                self._add_run(kind, shown, form, base, part)

    def _add_run(
        self, kind: Kind, variation: int, form: Form, base: int, events: list[Event]
    ) -> None:
        """Add events of one variation whose times count from ``base``."""
        common = b""
        if form.stamp is Stamp.RELATIVE:
            head = bytes([COMMON_TIME_GROUP, self._common_time_variation, 0x07, 1])
            common = head + base.to_bytes(TIME_BYTES, "little")
        wide = max(event.index for event in events) > NARROW_MOST
        objects = [
            struct.pack("<H" if wide else "<B", event.index)
            + encode(kind, form, event.value, event.flags, event.time - base)
            for event in events
        ]
        head_bytes = len(common) + (5 if wide else 4)
        while objects:
            room = self._room(head_bytes + len(objects[0])) - head_bytes
            fit = min(room // len(objects[0]), WIDE_MOST if wide else NARROW_MOST)
            head = struct.pack(
                "<BBBH" if wide else "<BBBB",
                EVENT[kind][0],
                variation,
                0x28 if wide else 0x17,
                len(objects[:fit]),
            )
            self.drafts[-1].objects += common + head + b"".join(objects[:fit])
            self.drafts[-1].events += events[:fit]
            objects, events = objects[fit:], events[fit:]

    def _put_range(self, group: int, variation: int, first: int, count: int, body: bytes) -> None:
        last = first + count - 1
        wide = last > NARROW_MOST
        head = struct.pack(
            "<BBBHH" if wide else "<BBBBB", group, variation, 0x01 if wide else 0x00, first, last
        )
        self.drafts[-1].objects += head + body

    def _room(self, least: int) -> int:
        """Octets left in the fragment, which is a new one when ``least`` do not fit."""
        left = self._limit - len(self.drafts[-1].objects)
        if left >= least:
            return left
        self.drafts.append(Draft())
        return self._limit


def _range_bytes(last: int) -> int:
    return 7 if last > NARROW_MOST else 5


def _variation(event: Event, wanted: int) -> int:
    return len(event.value) if isinstance(event.value, bytes) else wanted or event.variation


def _spans(events: Iterable[Event], form: Form) -> Iterator[tuple[int, list[Event]]]:
    """The events in parts that share a base time; only relative times need more than one."""
    base, part = 0, list[Event]()
    for event in events:
        if form.stamp is Stamp.RELATIVE:
            if part and not 0 <= event.time - base <= LARGEST_RELATIVE_MILLISECONDS:
                yield base, part
                part = []
            base = base if part else event.time
        part.append(event)
    yield base, part
