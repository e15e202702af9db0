"""The trend logs of the BACnet test device, as pure functions of the sequence number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

FIRST_TIME = datetime(2025, 3, 1)  # by the device's own clock, which has no zone
LARGEST_SEQUENCE = 2**32 - 1
ROLLED, MIXED, WRAPPED, EMPTY, LIVE = 1, 2, 3, 4, 5
LIVE_BUFFER = 200
LIVE_STARTS_WITH = 1000


class Datum(IntEnum):
    """What a record holds; the context tag it has on the wire."""

    LOG_STATUS = 0
    BOOLEAN = 1
    REAL = 2
    ENUMERATED = 3
    UNSIGNED = 4
    SIGNED = 5
    NULL = 7
    FAILURE = 8
    TIME_CHANGE = 9


@dataclass(frozen=True)
class Record:
    """One record; ``flags`` is None when the record carries no status flags."""

    sequence: int
    time: datetime
    datum: Datum
    value: Any
    flags: str | None


@dataclass(frozen=True)
class TrendLog:
    """One log; ``first`` is the sequence number of the oldest record that is still there."""

    instance: int
    buffer_size: int
    first: int
    count: int

    @property
    def total(self) -> int:
        """The sequence number of the newest record, 0 when there never was one."""
        return sequence_after(self.first, self.count - 1) if self.count else 0

    def record(self, index: int) -> Record:
        """The record at a position counted from 0."""
        makers: dict[int, Callable[[int, int], Record]] = {
            ROLLED: rolled_record,
            MIXED: mixed_record,
            WRAPPED: wrapped_record,
        }
        return makers[self.instance](sequence_after(self.first, index), index)

    def records(self) -> list[Record]:
        """All records, oldest first."""
        return [self.record(index) for index in range(self.count)]


def sequence_after(first: int, steps: int) -> int:
    """The sequence number ``steps`` on; after 2**32 - 1 comes 1."""
    return (first - 1 + steps) % LARGEST_SEQUENCE + 1


def rolled_record(sequence: int, _: int = 0) -> Record:
    """Log 1: a real a minute, with a gap of a day after record 2000.

    Every 97th record is null, every 101st a failure to read, every 103rd has a fault flag,
    every 107th is an interruption of the log.
    """
    day = 1440 if sequence > 2000 else 0
    time = FIRST_TIME + timedelta(minutes=sequence + day)
    if sequence % 97 == 0:
        return Record(sequence, time, Datum.NULL, None, "0000")
    if sequence % 101 == 0:
        return Record(sequence, time, Datum.FAILURE, [2, 27], None)
    if sequence % 107 == 0:
        return Record(sequence, time, Datum.LOG_STATUS, "001", None)
    flags = "0100" if sequence % 103 == 0 else "0000"
    return Record(sequence, time, Datum.REAL, sequence * 0.25, flags)


MIXED_KINDS: list[tuple[Datum, Any]] = [
    (Datum.BOOLEAN, True),
    (Datum.BOOLEAN, False),
    (Datum.ENUMERATED, 3),
    (Datum.UNSIGNED, 2**32 - 1),
    (Datum.SIGNED, -70_000),
    (Datum.REAL, "NaN"),
    (Datum.REAL, "Infinity"),
    (Datum.NULL, None),
    (Datum.FAILURE, [1, 31]),
    (Datum.TIME_CHANGE, 3600.0),
    (Datum.LOG_STATUS, "100"),
    (Datum.REAL, 21.5),
]


def mixed_record(sequence: int, _: int = 0) -> Record:
    """Log 2: each kind of record in turn, each hundredth of a second, without flags at times."""
    datum, value = MIXED_KINDS[(sequence - 1) % len(MIXED_KINDS)]
    time = FIRST_TIME + timedelta(milliseconds=10 * sequence)
    return Record(sequence, time, datum, value, None if sequence % 5 == 0 else "0000")


def wrapped_record(sequence: int, index: int) -> Record:
    """Log 3: a real a second, whose value is its position."""
    return Record(sequence, FIRST_TIME + timedelta(seconds=index), Datum.REAL, float(index), "0000")


def live_value(sequence: int) -> float:
    """Log 5: what the record with this sequence number holds."""
    return float(sequence)


def live_time(sequence: int) -> datetime:
    """Log 5: one record a second by the records' own times, however fast they come."""
    return FIRST_TIME + timedelta(seconds=sequence)


def logs() -> list[TrendLog]:
    """The logs that stand still."""
    return [
        TrendLog(ROLLED, buffer_size=1000, first=1501, count=1000),
        TrendLog(MIXED, buffer_size=1000, first=1, count=300),
        TrendLog(WRAPPED, buffer_size=200, first=LARGEST_SEQUENCE - 99, count=200),
        TrendLog(EMPTY, buffer_size=100, first=1, count=0),
    ]


def as_json(log: TrendLog) -> dict[str, Any]:
    """A log as the device reads it."""
    return {
        "instance": log.instance,
        "bufferSize": log.buffer_size,
        "first": log.first,
        "records": [
            [record.time.isoformat() + "Z", int(record.datum), record.value, record.flags]
            for record in log.records()
        ],
    }


def live_as_json() -> dict[str, Any]:
    """The log that grows, as the device reads it."""
    return {"instance": LIVE, "bufferSize": LIVE_BUFFER, "startsWith": LIVE_STARTS_WITH}
