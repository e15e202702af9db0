"""Clocks that stay at standard time all year."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from greenlang_data.drivers.standard_time import standard_offset


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("America/Chicago", -6),
        ("Europe/Berlin", 1),
        ("Australia/Sydney", 10),
        # Its law calls summer time the standard, and takes an hour off in winter.
        ("Europe/Dublin", 0),
        ("UTC", 0),
    ],
)
def test_standard_time_is_without_summer_time(zone: str, hours: int) -> None:
    assert standard_offset(ZoneInfo(zone), 2021) == timedelta(hours=hours)
