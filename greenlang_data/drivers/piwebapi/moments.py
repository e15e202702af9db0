"""Windows as PI Web API takes them: to its 100 ns, and in UTC."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.http.stamps import written

_DIGITS: Final = 7
# With an interval the zone decides where the steps lie when the clocks change.
_IN_UTC: Final = ("timeZone", "UTC")


def between(start: int, end: int) -> list[tuple[str, str]]:
    """The parameters of a window, whose ends are nanoseconds since 1970 UTC."""
    return [("startTime", written(start, _DIGITS)), ("endTime", written(end, _DIGITS)), _IN_UTC]
