"""What the outstation is between and across connections."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.peers.dnp3_truth import Kind

from .audit import Audit
from .database import EVENT_CLASSES, Database, Event, EventBuffer
from .lies import Lies
from .objects import EVENT
from .request import Indication

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True)
class Options:
    """How the outstation is set up; ``__main__`` describes each one."""

    address: int = 10
    master: int = 1
    fragment_bytes: int = 2048
    delay_seconds: float = 0.0
    nagle: bool = False
    event_buffer: int = 1000
    confirm_timeout_seconds: float = 5.0
    unsolicited_retries: int = 3
    unsolicited: bool = True
    need_time: bool = False
    audit: Path | None = None
    counts: dict[Kind, int] = field(default_factory=dict)
    static_variations: dict[Kind, int] = field(default_factory=dict)
    event_variations: dict[Kind, int] = field(default_factory=dict)


class Outstation:
    """The device: its points, its events, and what the master told it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.database = Database(
            options.counts, options.static_variations, options.event_variations
        )
        self.events = EventBuffer(options.event_buffer)
        self.audit = Audit(options.audit)
        self.lies = Lies()
        self.session: Session | None = None
        self.counters = dict.fromkeys(
            (
                "connections",
                "fragments",
                "confirms",
                "stray_confirms",
                "confirm_timeouts",
                "unsolicited",
                "unsolicited_retries",
                "link_answers",
            ),
            0,
        )
        self.extra_indications = Indication(0)
        self.unsolicited_sequence = 0
        self.restart()

    def restart(self) -> None:
        """Forget everything a restarted device forgets and say so in the indications."""
        self.database.reset()
        self.events.clear()
        self.restarted = True
        self.start_announced = False
        self.unsolicited_forced = False
        self.unsolicited_classes: set[int] = set()

    @staticmethod
    def now() -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def change(self, kind: Kind, index: int, *, event: bool | None) -> None:
        """Make an event of a point's state: always, never, or when its class has events."""
        point = self.database.points[kind][index]
        event_class = point.event_class
        if event is False or kind not in EVENT or event_class not in EVENT_CLASSES:
            if event:
                raise ValueError(f"{kind} {index} is in no event class")
            return
        variation = point.event_variation
        self.events.add(
            Event(kind, index, point.value, point.flags, point.time, event_class, variation)
        )

    def indications(self) -> Indication:
        """The internal indications of a response that is sent now."""
        found = self.extra_indications
        for event_class, bit in (
            (1, Indication.CLASS_1_EVENTS),
            (2, Indication.CLASS_2_EVENTS),
            (3, Indication.CLASS_3_EVENTS),
        ):
            if self.events.count(event_class, unsent=True):
                found |= bit
        for active, bit in (
            (self.restarted, Indication.DEVICE_RESTART),
            (self.events.overflowed, Indication.EVENT_BUFFER_OVERFLOW),
            (self.options.need_time, Indication.NEED_TIME),
        ):
            if active:
                found |= bit
        return found
