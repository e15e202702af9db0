"""The variant ``dst``: a recorder that stamps in local time without an offset."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from greenlang_data.drivers.mock.clock import (
    AUTUMN_CHANGES,
    FIRST_YEAR,
    LAST_YEAR,
    SPRING_CHANGES,
)
from tests.drivers.mock.helpers import moment, one, rows, window

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


def test_changes_are_those_of_berlin() -> None:
    assert len(SPRING_CHANGES) == len(AUTUMN_CHANGES) == LAST_YEAR - FIRST_YEAR + 1
    for changes, before in ((SPRING_CHANGES, 1), (AUTUMN_CHANGES, 2)):
        for change in changes:
            at = datetime.fromtimestamp(change, UTC)
            offsets = [(at + by * HOUR / 60).astimezone(BERLIN).utcoffset() for by in (-1, 0)]
            assert offsets == [before * HOUR, (3 - before) * HOUR]


@pytest.mark.parametrize("tag", ["Temperature", "FlowRate", "CO2", "OperatingMode"])
def test_spring_lacks_an_hour(tag: str) -> None:
    change = moment(2024, 3, 31, 1)
    around = window(tag, change - HOUR, 3 * HOUR)
    kept = [row for row in rows(one(around)) if not change <= row["timestamp"] < change + HOUR]
    assert rows(one(around, "dst")) == kept


def test_an_hour_in_the_gap_is_empty() -> None:
    table = one(window("Temperature", moment(2024, 3, 31, 1), HOUR), "dst")
    assert len(table) == 0


@pytest.mark.parametrize("tag", ["Temperature", "FlowRate", "CO2", "OperatingMode"])
def test_autumn_has_each_stamp_twice(tag: str) -> None:
    change = moment(2024, 10, 27, 1)
    true = rows(one(window(tag, change - HOUR, 2 * HOUR)))
    seen = rows(one(window(tag, change - HOUR, 2 * HOUR), "dst"))
    half = len(true) // 2
    stamps = [row["timestamp"] for row in seen]
    assert stamps == sorted(stamps)
    assert set(Counter(stamps).values()) == {2}
    assert min(stamps) == change
    # First the sample that was really taken an hour before, then the one of that time.
    for first, second, got in zip(true[:half], true[half:], seen[::2], strict=True):
        assert got == first | {"timestamp": second["timestamp"]}
    assert seen[1::2] == true[half:]


def test_other_days_are_as_ever() -> None:
    day = window("Temperature", moment(2024, 7, 1), 3 * HOUR)
    assert one(day).equals(one(day, "dst"))


def test_aggregates_count_both() -> None:
    hours = window("FlowRate", moment(2024, 10, 26, 23), 4 * HOUR, 3600.0, "count")
    counts = [(row["value"], row["status"]) for row in rows(one(hours, "dst"))]
    assert counts == [(360.0, "Good"), (None, "NoData"), (720.0, "Good"), (360.0, "Good")]
