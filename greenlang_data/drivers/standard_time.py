"""Local standard time: the plant's January offset, on every day of the year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

CLOCK: Final = "hours are local standard time at the source, and UTC here; there is no summer time"

_DAY: Final = 86_400
_SECOND: Final = 1_000_000_000


def standard_offset(zone: ZoneInfo, year: int) -> timedelta:
    """What the zone's clocks are ahead of UTC in January of ``year``, without summer time.

    >>> standard_offset(ZoneInfo("America/Chicago"), 2021)
    datetime.timedelta(days=-1, seconds=64800)
    """
    january = datetime(year, 1, 1, tzinfo=zone)
    # Below zero where the law calls summer time the standard, as in Ireland.
    ahead = max(january.dst() or timedelta(), timedelta())
    return (january.utcoffset() or timedelta()) - ahead


def local_days(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last local day of ``start <= t < end``, both aware."""
    last = end - timedelta(microseconds=1)
    first_day = (start.astimezone(UTC) + standard_offset(zone, start.year)).date()
    return first_day, (last.astimezone(UTC) + standard_offset(zone, last.year)).date()


def instants(dates: pa.Array, hours: pa.Array, zone: ZoneInfo) -> np.ndarray:
    """The UTC beginning of each hour, in nanoseconds since 1970."""
    days = np.asarray(dates.cast(pa.int32()), np.int64)
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    offsets = np.zeros(len(days), np.int64)
    for year in np.unique(years):
        seconds = standard_offset(zone, int(year)).total_seconds()
        offsets[years == year] = int(seconds)
    local = days * _DAY + np.asarray(hours, np.int64) * 3600
    found: np.ndarray = (local - offsets) * _SECOND
    return found


def quarters(begin: date, end: date) -> list[tuple[date, date]]:
    """The days ``begin`` to ``end`` in spans that lie in one quarter each.

    >>> [(a.isoformat(), b.isoformat()) for a, b in quarters(date(2021, 3, 30), date(2021, 4, 2))]
    [('2021-03-30', '2021-03-31'), ('2021-04-01', '2021-04-02')]
    """
    spans = []
    while begin <= end:
        month = (begin.month - 1) // 3 * 3 + 4
        after = date(begin.year + month // 13, (month - 1) % 12 + 1, 1)
        last = min(end, after - timedelta(days=1))
        spans.append((begin, last))
        begin = last + timedelta(days=1)
    return spans
