"""Records that a window should have and that are not there."""

from __future__ import annotations

from typing import Final

import numpy as np

_HOUR: Final = 3_600_000_000_000
_SECOND: Final = 1_000_000_000


def absent(moments: np.ndarray, begin: int, end: int, period: int, phase: int = 0) -> str:
    """``3 of 48 hours (the first of 2025-01-01T05:00Z)``, or nothing where all are there.

    Records begin at ``phase`` and whole periods from it; ``moments`` are those that are there.
    All are nanoseconds since the epoch, the end of the window is excluded.
    """
    first = begin + (phase - begin) % period
    due = np.arange(first, end, period, dtype=np.int64)
    missing = due[~np.isin(due, moments)]
    if not len(missing):
        return ""
    what = "hours" if period == _HOUR else "records"
    day = np.datetime64(int(missing[0]) // _SECOND, "s")
    return f"{len(missing)} of {len(due)} {what} (the first of {day}Z)"
