"""Records that a window should have and that are not there."""

from __future__ import annotations

from typing import Final

import numpy as np

_HOUR: Final = 3_600_000_000_000
_SECOND: Final = 1_000_000_000


def absent(moments: np.ndarray, begin: int, end: int, period: int, phase: int = 0) -> str:
    """``3 of 48 hours (the first of 2025-01-01T05:00Z)``, or nothing where all are there.

    Records are due at ``phase`` and whole periods from it; one of ``moments``, which are those that
    are there, is the one that was due nearest to it. All are nanoseconds since the epoch, the end
    of the window is excluded.
    """
    first = begin + (phase - begin) % period
    due = max(0, -(-(end - first) // period))
    places = np.unique((moments - first + period // 2) // period)
    places = places[(places >= 0) & (places < due)]
    if len(places) == due:
        return ""
    gaps = np.flatnonzero(places != np.arange(len(places)))
    lacking = first + period * int(gaps[0] if len(gaps) else len(places))
    what = "hours" if period == _HOUR else "records"
    moment = np.datetime64(lacking // _SECOND, "s")
    return f"{due - len(places)} of {due} {what} (the first of {moment}Z)"
