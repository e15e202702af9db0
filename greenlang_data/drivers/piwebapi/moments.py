"""Points in time as PI Web API takes them: UTC, to the 100 ns, in no server's own format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# With an interval the zone decides where the steps lie when the clocks change.
IN_UTC: Final = ("timeZone", "UTC")


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 UTC."""
    since = moment - _EPOCH
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def written(time: int) -> str:
    """Nanoseconds since 1970 UTC as ISO 8601 with seven digits.

    >>> written(1_700_000_000_123_456_700)
    '2023-11-14T22:13:20.1234567Z'
    """
    seconds, rest = divmod(time, _SECOND)
    day = _EPOCH.timestamp() + seconds
    return f"{datetime.fromtimestamp(day, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 100:07d}Z"


def between(start: int, end: int) -> list[tuple[str, str]]:
    """The parameters of a window."""
    return [("startTime", written(start)), ("endTime", written(end)), IN_UTC]
