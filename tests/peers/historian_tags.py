"""The tags of the historian emulators: every event is a pure function of the tag and its index.

A tag is a row of slots, each at a time of its own and holding one or more events (a burst has
many).  Times are whole ticks of 100 ns since 1970-01-01 UTC, because floats cannot hold them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

SECOND = 10_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BURST_SIZES = (1, 10, 2500, 12000, 7, 1000, 3, 4479)


def ticks_of(moment: datetime) -> int:
    """The ticks of an aware datetime, exact."""
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * SECOND + span.microseconds * 10


START = ticks_of(datetime(2025, 1, 1, tzinfo=UTC))
DST_STARTS = (
    ticks_of(datetime(2025, 3, 29, 22, tzinfo=UTC)),
    ticks_of(datetime(2025, 10, 25, 22, tzinfo=UTC)),
)
DST_MINUTES = 361


@dataclass(frozen=True)
class State:
    """A digital state, of the tag's own set or of the system."""

    name: str
    code: int
    is_system: bool = False


IO_TIMEOUT = State("I/O Timeout", 246, True)
NO_DATA = State("No Data", 248, True)
PT_CREATED = State("Pt Created", 253, True)
SHUTDOWN = State("Shutdown", 254, True)
BAD_INPUT = State("Bad Input", 255, True)
PUMP_STATES = (State("Stopped", 0), State("Running", 1), State("Störung", 2))

Value = float | int | str | State | None


class Event(NamedTuple):
    """One recorded event; ``error`` is the message of a value that could not be read."""

    ticks: int
    value: Value
    good: bool = True
    questionable: bool = False
    substituted: bool = False
    annotated: bool = False
    error: str | None = None

    @property
    def number(self) -> float | None:
        """The value as a number, or None when it is bad or no number."""
        usable = self.good and isinstance(self.value, int | float)
        return float(self.value) if usable else None  # type: ignore[arg-type]


def _one(_: int) -> int:
    return 1


@dataclass(frozen=True)
class Tag:
    """A tag and the functions its events come from."""

    name: str
    slots: int
    time: Callable[[int], int]
    make: Callable[[int, int, int], Event]  # ticks, slot, place within the slot
    size: Callable[[int], int] = _one
    point_type: str = "Float64"
    unit: str = ""
    descriptor: str = ""
    step: bool = False
    future: bool = False
    states: tuple[State, ...] = field(default=())

    def first_slot(self, ticks: int) -> int:
        """The first slot that is not before the time."""
        low, high = 0, self.slots
        while low < high:
            middle = (low + high) // 2
            if self.time(middle) < ticks:
                low = middle + 1
            else:
                high = middle
        return low

    def slot(self, index: int) -> list[Event]:
        """The events of one slot, in the order in which they were recorded."""
        ticks = self.time(index)
        return [self.make(ticks, index, place) for place in range(self.size(index))]

    def forward(self, start: int, end: int) -> Iterator[Event]:
        """The events with start <= time <= end, oldest first."""
        index = self.first_slot(start)
        while index < self.slots and self.time(index) <= end:
            yield from self.slot(index)
            index += 1

    def backward(self, newest: int, oldest: int) -> Iterator[Event]:
        """The events with oldest <= time <= newest, newest first."""
        index = self.first_slot(newest + 1) - 1
        while index >= 0 and self.time(index) >= oldest:
            yield from reversed(self.slot(index))
            index -= 1

    def last_before(self, ticks: int) -> Event | None:
        """The newest event with time < ticks."""
        index = self.first_slot(ticks) - 1
        return self.slot(index)[-1] if index >= 0 else None

    def first_after(self, ticks: int) -> Event | None:
        """The oldest event with time > ticks."""
        index = self.first_slot(ticks + 1)
        return self.slot(index)[0] if index < self.slots else None


# --- times -------------------------------------------------------------------------------


def every(period: int, start: int = START) -> Callable[[int], int]:
    """A time function with a fixed period in ticks."""
    return lambda index: start + index * period


def odd_ticks(index: int) -> int:
    """One slot each second, with 0 to 7 fractional digits mixed."""
    coarse: int = 10 ** (index % 8)
    return START + index * SECOND + index * 7_919_357 % SECOND // coarse * coarse


def dst_minute(index: int) -> int:
    """A minute around one of the two changes of the clock in Europe."""
    return DST_STARTS[index // DST_MINUTES] + index % DST_MINUTES * MINUTE


# --- values ------------------------------------------------------------------------------


def ramp(offset: float = 0.0, slope: float = 0.5) -> Callable[[int, int, int], Event]:
    """Numbers that grow with the slot."""
    return lambda ticks, index, _: Event(ticks, offset + index * slope)


def _duplicate(ticks: int, index: int, place: int) -> Event:
    return Event(ticks, index * 10.0 + place)


def _burst(ticks: int, index: int, place: int) -> Event:
    return Event(ticks, float(sum(BURST_SIZES[:index]) + place))


def _flags(ticks: int, index: int, _: int) -> Event:
    bits = index % 8
    return Event(
        ticks,
        index * 0.25,
        questionable=bool(bits & 1),
        substituted=bool(bits & 2),
        annotated=bool(bits & 4),
    )


def _mixed(ticks: int, index: int, _: int) -> Event:
    if index % 7 == 3:
        bad = (IO_TIMEOUT, BAD_INPUT, SHUTDOWN, PT_CREATED, NO_DATA)[index // 7 % 5]
        return Event(ticks, bad, good=False)
    if index % 7 == 5:
        return Event(ticks, 246.0)  # a true measurement that looks like the code of I/O Timeout
    return Event(ticks, index * 0.5 - 10)


def _pump(ticks: int, index: int, _: int) -> Event:
    if index % 11 == 10:
        return Event(ticks, IO_TIMEOUT, good=False)
    return Event(ticks, PUMP_STATES[index * 2 % 3])


def _error(ticks: int, index: int, _: int) -> Event:
    if index % 10 == 4:
        return Event(ticks, None, good=False, error="The value could not be read.")
    return Event(ticks, index * 1.0)


def _text(ticks: int, index: int, _: int) -> Event:
    return Event(ticks, f'Zustand {index % 5}: ä{index} "q" \\ 🌱')


def _integer(ticks: int, index: int, _: int) -> Event:
    extremes = (-(2**31), 2**31 - 1, 0, -1)
    return Event(
        ticks, extremes[index] if index < 4 else (index * index * 31) % 1_000_003 - 500_000
    )


def _timestamp(ticks: int, index: int, _: int) -> Event:
    return Event(ticks, f"2024-02-29T23:59:{index % 60:02d}.1234567Z")


# --- the catalogue -----------------------------------------------------------------------


def _special() -> list[Tag]:
    second, minute = every(SECOND), every(MINUTE)
    return [
        Tag("Million", 1_000_000, second, ramp(-3, 0.001), unit="kg/h", descriptor="Flow"),
        Tag("Ramp", 525_600, minute, ramp(), unit="degC", descriptor="A value each minute"),
        Tag("Ticks", 10_000, odd_ticks, ramp(), descriptor="0 to 7 fractional digits"),
        Tag("Duplicates", 1_000, second, _duplicate, size=lambda index: 1 + index % 3),
        Tag("Bursts", len(BURST_SIZES), second, _burst, size=BURST_SIZES.__getitem__),
        Tag("Flags", 1_000, minute, _flags),
        Tag("Mixed", 5_000, minute, _mixed, unit="bar"),
        Tag("Timeouts", 100, minute, lambda t, _i, _p: Event(t, IO_TIMEOUT, good=False)),
        Tag("Errors", 1_000, minute, _error),
        Tag("Pump", 2_000, minute, _pump, point_type="Digital", step=True, states=PUMP_STATES),
        Tag("Step", 5_000, minute, ramp(0, 1), point_type="Float32", step=True, unit="%"),
        Tag("Text", 1_000, minute, _text, point_type="String", step=True),
        Tag("Integer", 10_000, second, _integer, point_type="Int32"),
        Tag("Timestamp", 500, minute, _timestamp, point_type="Timestamp", step=True),
        Tag("Dst", 2 * DST_MINUTES, dst_minute, ramp(0, 1)),
        Tag("Empty", 0, minute, ramp()),
        Tag("Single", 1, minute, ramp(42.5)),
        Tag("Future", 1_000, every(DAY), ramp(), future=True, descriptor="A forecast"),
        Tag("Plant 1/FIC-101;PV", 100, minute, ramp(1)),
        Tag("Zähler µ|x", 100, minute, ramp(2)),
        Tag("A&B+C#D%20=E", 100, minute, ramp(3)),
        Tag("POINTNAME", 100, minute, ramp(5)),  # the name and id in the vendor's examples
        Tag("Odd*[x]?", 100, minute, ramp(4)),
        # Path-only WebIDs that differ in upper and lower case alone.
        Tag("FICE101", 100, minute, ramp(6), unit="kg/h"),
        Tag("FIC_101", 100, minute, ramp(7), unit="bar"),
        # One name in capitals to Python, and two to a system that has a capital for each letter.
        Tag("Straße", 100, minute, ramp(8), unit="m"),
        Tag("STRASSE", 100, minute, ramp(9), unit="km"),
    ]


def _bulk(index: int) -> Tag:
    return Tag(
        f"Bulk.{index:05d}",
        44_640,
        every(MINUTE),
        ramp(float(index), 0.25),
        unit=("degC", "bar", "kg/h", "")[index % 4],
        descriptor=f"Measurement {index}",
    )


@functools.cache
def catalogue(bulk: int = 2_500) -> dict[str, Tag]:
    """All tags by name: the special ones, then ``bulk`` plain ones."""
    tags = [*_special(), *(_bulk(index) for index in range(bulk))]
    return {tag.name: tag for tag in tags}
