"""The time of the simulated plant: its fixed present, its history, and its yearly windows.

All times here are whole seconds since 1970-01-01T00:00:00Z unless a name says otherwise.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Span = tuple[int, int]

NOW: Final = datetime(2025, 1, 15, 12, tzinfo=UTC)
"""The instant at which every snapshot is taken, whatever the clock on the wall says."""

FIRST_YEAR: Final = 2015
LAST_YEAR: Final = 2035
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds from the epoch to an aware ``moment``, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def seconds(year: int, month: int, day: int, hour: int = 0) -> int:
    """Seconds from the epoch to a UTC hour."""
    return microseconds(datetime(year, month, day, hour, tzinfo=UTC)) // 1_000_000


RANGE_START: Final = seconds(FIRST_YEAR, 1, 1)
RANGE_END: Final = seconds(LAST_YEAR + 1, 1, 1)
_YEARS: Final = range(FIRST_YEAR, LAST_YEAR + 1)

OUTAGES: Final[tuple[Span, ...]] = tuple(
    (seconds(year, 8, 1), seconds(year, 8, 8)) for year in _YEARS
)
"""The yearly shut-down, 1 August 00:00 to 8 August 00:00 UTC, both included: no fuel is burned.

The ten minutes before and after it are the ramps down and up.
"""

ANALYSER_MAINTENANCE: Final[tuple[Span, ...]] = tuple(
    (seconds(year, 8, 3), seconds(year, 8, 5)) for year in _YEARS
)
"""Within the shut-down, 3 August to 5 August (end excluded), the stack analysers are open."""


def _last_sunday(year: int, month: int) -> int:
    # Both months have 31 days; weekday() is 6 for Sunday.
    last = datetime(year, month, 31, tzinfo=UTC)
    return seconds(year, month, 31 - (last.weekday() + 1) % 7)


# Directive 2000/84/EC: summer time starts and ends at 01:00 UTC. Written out here and not asked of
# a time zone database, because those differ from machine to machine.
SPRING_CHANGES: Final = tuple(_last_sunday(year, 3) + 3600 for year in _YEARS)
AUTUMN_CHANGES: Final = tuple(_last_sunday(year, 10) + 3600 for year in _YEARS)


def within(times: IntArray, spans: tuple[Span, ...]) -> NDArray[np.bool_]:
    """Which of ``times`` lie in one of ``spans`` (end excluded)."""
    inside = np.zeros(len(times), np.bool_)
    if not len(times):
        return inside
    first, last = int(times.min()), int(times.max())
    for begin, end in spans:
        if begin <= last and first < end:
            inside |= (times >= begin) & (times < end)
    return inside
