"""A clock without a zone, in the hours in which that matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.bacnet.wall_clock import ClockError, around, utc_moments

BERLIN = ZoneInfo("Europe/Berlin")
BACK = datetime(2025, 10, 26, 1, 0, tzinfo=UTC)  # 03:00 becomes 02:00
FORWARD = datetime(2025, 3, 30, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00


def wall(moments: list[datetime]) -> list[datetime]:
    return [one.astimezone(BERLIN).replace(tzinfo=None, fold=0) for one in moments]


@given(st.integers(-10_000, 10_000), st.lists(st.integers(1, 20), min_size=60, max_size=80))
def test_records_every_few_minutes_are_in_their_place(offset: int, steps: list[int]) -> None:
    """The longest step leaves at least two records in either half of the repeated hour."""
    for change in (BACK, FORWARD):
        moments = [change - timedelta(hours=5) + timedelta(seconds=offset % 60)]
        for step in steps:
            moments.append(moments[-1] + timedelta(minutes=step))
        if moments[-1] < change + timedelta(hours=1):
            continue
        assert utc_moments(wall(moments), BERLIN) == moments


def test_an_order_that_does_not_tell_is_an_error() -> None:
    once = [datetime(2025, 10, 26, 1, 30), datetime(2025, 10, 26, 2, 30)]
    with pytest.raises(ClockError, match="lie in an hour that Europe/Berlin has twice"):
        utc_moments([*once, datetime(2025, 10, 26, 3, 30)], BERLIN)
    assert utc_moments(once, UTC) == [one.replace(tzinfo=UTC) for one in once]


def test_a_time_that_is_skipped_tells_that_the_zone_is_wrong() -> None:
    with pytest.raises(ClockError, match="correct time_zone"):
        utc_moments([datetime(2025, 3, 30, 2, 30)], BERLIN)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 1)))
def test_around_is_never_on_the_wrong_side(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    before, after = around(moment, BERLIN, before=True), around(moment, BERLIN, before=False)
    local = moment.astimezone(BERLIN).replace(tzinfo=None)
    assert before <= local <= after
    near = abs(moment - BACK) < timedelta(hours=1) or abs(moment - FORWARD) < timedelta(hours=1)
    if near:
        assert before <= local - timedelta(hours=1)
        assert after >= local + timedelta(hours=1)
    far = min(abs(moment - BACK), abs(moment - FORWARD)) > timedelta(hours=5)
    if far:
        assert before == local == after
