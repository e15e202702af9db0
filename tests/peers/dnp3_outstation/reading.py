"""Answers READ requests: which objects go into the response, and which errors are indicated."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from tests.peers.dnp3_truth import ONLINE, Kind

from .database import EVENT_CLASSES, Database, Event, EventBuffer, Point
from .objects import (
    CLASSES_GROUP,
    EVENT_KINDS,
    INDICATIONS_GROUP,
    STATIC,
    STATIC_KINDS,
    TIME_BYTES,
    TIME_GROUP,
    encode,
    event_form,
    static_form,
)
from .request import Indication, ObjectHeader
from .response import Builder

FINE = Indication(0)


@dataclass
class Reading:
    """One READ request being answered."""

    database: Database
    events: EventBuffer
    builder: Builder
    now: Callable[[], int]
    indications: Callable[[], Indication]

    def read(self, header: ObjectHeader) -> Indication:
        """Add what one object header asks for; return the errors to indicate."""
        if header.group == CLASSES_GROUP:
            return self._classes(header)
        if header.group in EVENT_KINDS:
            return self._events_of(EVENT_KINDS[header.group], header)
        if header.group == TIME_GROUP and header.variation == 1:
            time = self.now().to_bytes(TIME_BYTES, "little")
            self.builder.add_block(bytes([TIME_GROUP, 1, 0x07, 1]) + time)
            return FINE
        if header.group == INDICATIONS_GROUP and header.variation == 1:
            bits = self.indications().to_bytes(2, "little")
            self.builder.add_block(bytes([INDICATIONS_GROUP, 1, 0x00, 0, 15]) + bits)
            return FINE
        if header.group in STATIC_KINDS:
            return self._static_of(STATIC_KINDS[header.group], header)
        return Indication.OBJECT_UNKNOWN

    def _classes(self, header: ObjectHeader) -> Indication:
        event_class = header.variation - 1
        if event_class == 0:
            return self._class_0() if header.qualifier == 0x06 else Indication.PARAM_ERROR
        if event_class not in EVENT_CLASSES:
            return Indication.OBJECT_UNKNOWN
        return self._select(lambda event: event.event_class == event_class, header, 0)

    def _events_of(self, kind: Kind, header: ObjectHeader) -> Indication:
        octets = kind is Kind.OCTET_STRING
        variation = 0 if octets else header.variation
        if variation and event_form(kind, variation) is None:
            return Indication.OBJECT_UNKNOWN
        return self._select(lambda event: event.kind is kind, header, variation)

    def _select(
        self, wanted: Callable[[Event], bool], header: ObjectHeader, variation: int
    ) -> Indication:
        if header.span or header.indexes:
            return Indication.PARAM_ERROR
        self.builder.add_events(self.events.select(wanted, header.count), variation)
        return FINE

    def _class_0(self) -> Indication:
        for kind, points in self.database.points.items():
            included = [
                index for index, point in enumerate(points) if point.event_class is not None
            ]
            self._add(kind, included, 0)
        return FINE

    def _static_of(self, kind: Kind, header: ObjectHeader) -> Indication:
        variation = 0 if kind is Kind.OCTET_STRING else header.variation
        if variation and static_form(kind, variation) is None:
            return Indication.OBJECT_UNKNOWN
        size = len(self.database.points[kind])
        wanted: range | tuple[int, ...] = range(size)
        if header.span:
            wanted = range(header.span[0], header.span[1] + 1)
        elif header.count is not None:
            wanted = range(header.count)
        elif header.qualifier != 0x06:
            wanted = header.indexes
        there = [index for index in wanted if index < size]
        self._add(kind, there, variation)
        whole = len(there) == len(wanted) and (there or header.qualifier == 0x06)
        return FINE if whole else Indication.PARAM_ERROR

    def _add(self, kind: Kind, indexes: list[int], variation: int) -> None:
        """Add points; a run of neighbours of one variation shares a header."""
        points = self.database.points[kind]
        shown = [(index, *_shown(kind, points[index], variation)) for index in indexes]
        runs = itertools.groupby(
            enumerate(shown), key=lambda item: (item[1][0] - item[0], item[1][1])
        )
        for (_, chosen), run in runs:
            found = [item for _, item in run]
            self._add_run(kind, chosen, found[0][0], [octets for _, _, octets in found])

    def _add_run(self, kind: Kind, variation: int, first: int, objects: list[bytes]) -> None:
        form = static_form(kind, variation)
        assert form is not None
        group = STATIC[kind][0]
        if form.bits:
            states = [octets[0] for octets in objects]
            self.builder.add_packed(group, variation, first, states, form.bits)
        else:
            self.builder.add_range(group, variation, first, objects)


def _shown(kind: Kind, point: Point, wanted: int) -> tuple[int, bytes]:
    """The variation a point is reported in and its octets; one octet for a packed state."""
    found = point.shown.get(wanted)
    if found is None:
        variation = _variation(kind, point, wanted)
        form = static_form(kind, variation)
        assert form is not None
        octets = encode(kind, form, point.value, point.flags, point.time)
        found = point.shown[wanted] = (variation, octets)
    return found


def _variation(kind: Kind, point: Point, wanted: int) -> int:
    """Packed states only when all flags are nominal; an octet string's variation is its length."""
    if isinstance(point.value, bytes):
        return len(point.value)
    variation = wanted or point.static_variation
    form = static_form(kind, variation)
    return 2 if form and form.bits and point.flags != ONLINE else variation
