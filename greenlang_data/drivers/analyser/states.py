"""What the signals of an analyser say about its readings at one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.schema import BAD, GOOD, QUALITIES, UNCERTAIN
from greenlang_data.settings.measurand import Measurand
from greenlang_data.settings.signal import Signal

MEASURED: Final = "measured"
UNKNOWN: Final = "unknown"
MISSING: Final = "missing"

# The first of several that hold names the state.
_ORDER: Final = ("fault", "maintenance", "calibration", "over_range")

# By the tag of a signal: its number and text, or None when it could not be read.
Look = Mapping[str, tuple[float | None, str | None] | None]


def look_of(batch: pa.RecordBatch) -> Look:
    """What a snapshot of the signals' tags holds; only what is good counts as read."""
    return {
        row["tag_id"]: (row["value"], row["text"]) if _is_read(row) else None
        for row in batch.select(["tag_id", "value", "text", "quality", "failure"]).to_pylist()
    }


def state_of(measurand: Measurand, signals: Sequence[Signal], looks: Sequence[Look]) -> str:
    """``measured``, what a signal means that held at one of the looks, or ``unknown``.

    Unknown is also the state of a measurand that no signal concerns, unless it says that none
    need to: then its reading may be calibration gas.
    """
    concerning = [one for one in signals if one.concerns(measurand.tag)]
    if not concerning:
        return MEASURED if measurand.without_signals else UNKNOWN
    meanings, unread = set(), False
    for look in looks:
        for signal in concerning:
            read = look.get(signal.tag)
            if read is None:
                unread = True
            elif signal.holds(*read):
                meanings.add(signal.means)
    for meaning in _ORDER:
        if meaning in meanings:
            return meaning
    return UNKNOWN if unread else MEASURED


def place_of(measurand: Measurand, looks: Sequence[Look]) -> str | None:
    """Where its reading stands, by the range that was on at every look; None: it changed."""
    places = set()
    for look in looks:
        place = measurand.read_from
        for one in measurand.ranges:
            read = look.get(one.tag)
            if read is None:
                return None
            if one.holds(*read):
                place = one.read_from
        places.add(place)
    return places.pop() if len(places) == 1 else None


def quality_of(state: str, reading: int, *, watched: bool) -> int:
    """The quality of a reading of quality ``reading`` in ``state``.

    Without any signal nobody can tell, so it is uncertain; whatever a signal says, or fails to
    say, makes it bad.
    """
    if state == MEASURED:
        return reading
    if state == UNKNOWN and not watched:
        return max(reading, UNCERTAIN)
    return BAD


def flag_of(state: str, reading: int, status: str | None) -> str:
    """The flag of a reading: its state, or what the wire says about one that is not good."""
    if state != MEASURED or reading == GOOD:
        return state
    return status or MISSING


def codes_of(batch: pa.RecordBatch) -> list[int]:
    """The quality of each row as a code."""
    return [QUALITIES.index(name) for name in batch.column("quality").to_pylist()]


def _is_read(row: Mapping[str, object]) -> bool:
    return row["quality"] == QUALITIES[GOOD] and row["failure"] is None
