"""The points and the events that no master has confirmed yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.peers import dnp3_truth as truth
from tests.peers.dnp3_truth import Kind, Value

from .objects import DEFAULT_EVENT, DEFAULT_STATIC, EVENT

EVENT_CLASSES = (1, 2, 3)


@dataclass(slots=True)
class Point:
    """A point; ``event_class`` 0 makes no events, None leaves it out of class polls altogether.

    ``shown`` keeps (variation, octets) by the variation asked for, so that measured polls wait for
    the wire and not for this process; whoever changes the point clears it.
    """

    value: Value
    flags: int
    time: int
    event_class: int | None
    static_variation: int
    event_variation: int
    shown: dict[int, tuple[int, bytes]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Event:
    """One change of one point; ``sent`` while it waits for the master's confirmation."""

    kind: Kind
    index: int
    value: Value
    flags: int
    time: int
    event_class: int
    variation: int
    sent: bool = False


class Database:
    """All points by kind; the index of a point is its place in its list."""

    def __init__(
        self,
        counts: dict[Kind, int],
        static_variations: dict[Kind, int],
        event_variations: dict[Kind, int],
    ) -> None:
        self._counts = truth.POINT_COUNTS | counts
        self._static = DEFAULT_STATIC | static_variations
        self._event = DEFAULT_EVENT | event_variations
        self.points: dict[Kind, list[Point]] = {}
        self.reset()

    def reset(self) -> None:
        """Every point as it was at start."""
        self.points = {
            kind: [self._initial(kind, index) for index in range(self._counts[kind])]
            for kind in Kind
        }

    def _initial(self, kind: Kind, index: int) -> Point:
        return Point(
            truth.value(kind, index),
            truth.flags(kind, index),
            truth.time(kind, index),
            truth.event_class(kind, index) if kind in EVENT else 0,
            self._static[kind],
            self._event[kind],
        )


class EventBuffer:
    """Events in the order they happened, at most ``limit`` in each class."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: list[Event] = []
        self._counts = dict.fromkeys(EVENT_CLASSES, 0)
        self.overflowed = False

    def add(self, event: Event) -> None:
        """Keep an event; a full class loses its oldest and says so from then on."""
        if self._counts[event.event_class] >= self._limit:
            self._events.remove(
                next(old for old in self._events if old.event_class == event.event_class)
            )
            self.overflowed = True
        else:
            self._counts[event.event_class] += 1
        self._events.append(event)

    def select(self, wanted: Callable[[Event], bool], most: int | None = None) -> list[Event]:
        """Mark as sent and return the oldest events that are wanted and not sent yet."""
        found = [event for event in self._events if not event.sent and wanted(event)][:most]
        for event in found:
            event.sent = True
        return found

    def release(self, events: list[Event]) -> None:
        """The master did not confirm these: they are to be sent again."""
        for event in events:
            event.sent = False

    def confirm(self, events: list[Event]) -> None:
        """The master has these: forget them."""
        done = set(map(id, events))
        self._events = [event for event in self._events if id(event) not in done]
        for event_class in EVENT_CLASSES:
            self._counts[event_class] = self.count(event_class)
        if done:
            self.overflowed = max(self._counts.values()) >= self._limit

    def clear(self) -> None:
        """Lose everything, as a restart does."""
        self.confirm(list(self._events))
        self.overflowed = False

    def count(self, event_class: int, *, unsent: bool = False) -> int:
        """How many events of a class there are, or are not in a response under way."""
        return sum(
            event.event_class == event_class and not (unsent and event.sent)
            for event in self._events
        )
