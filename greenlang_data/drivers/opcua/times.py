"""OPC UA DateTime: 100 ns ticks since 1601-01-01 UTC, to and from what Arrow and Python hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

# What a column holds where there is no time stamp; Arrow and numpy read it as null.
NO_TIME: Final = np.iinfo(np.int64).min

_EPOCH_TICKS: Final = 116_444_736_000_000_000
_FIRST_TICKS: Final = _EPOCH_TICKS - (2**63 - 1) // 100
_LAST_TICKS: Final = _EPOCH_TICKS + (2**63 - 1) // 100 - 1
_LAST_NANOSECOND: Final = 2**63 - 1
_END_OF_TIME: Final = 2_650_467_744_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1601: Final = datetime(1601, 1, 1, tzinfo=UTC)


def nanoseconds(ticks: np.ndarray) -> np.ndarray:
    """Nanoseconds since 1970 UTC; NO_TIME for 0 and for what 64 bits of them cannot hold.

    The range is 1677 to 2262; servers use 0 for "unknown" and the year 9999 for "never".
    """
    if not len(ticks):
        return np.empty(0, np.int64)
    if ticks.min() >= _FIRST_TICKS and ticks.max() <= _LAST_TICKS:
        return (ticks - _EPOCH_TICKS) * 100
    held = (ticks >= _FIRST_TICKS) & (ticks <= _LAST_TICKS)
    return np.where(held, (np.where(held, ticks, _EPOCH_TICKS) - _EPOCH_TICKS) * 100, NO_TIME)


def add_picoseconds(times: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Add a column of picoseconds (in tens, below 100 ns) as whole nanoseconds."""
    extra = np.minimum(fractions, 9999).astype(np.int64) // 100
    return np.where(times == NO_TIME, NO_TIME, times + extra)


def nanoseconds_of(moment: datetime) -> int:
    """An aware datetime as nanoseconds since 1970 UTC, exactly; at most what 64 bits hold."""
    exact = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    return max(-_LAST_NANOSECOND, min(exact, _LAST_NANOSECOND))


def ticks_at(time: int) -> int:
    """Nanoseconds since 1970 UTC as ticks, rounded down."""
    return time // 100 + _EPOCH_TICKS


def iso_text(ticks: int) -> str | None:
    """Ticks as ISO 8601 in UTC with all seven digits that are not zero; None for "unknown"."""
    if not 0 < ticks < _END_OF_TIME:
        return None
    seconds, fraction = divmod(ticks, 10_000_000)
    text = (_YEAR_1601 + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:07d}".rstrip("0")
    return f"{text}.{digits}Z" if digits else f"{text}Z"
