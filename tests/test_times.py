"""Points in time as users write them."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.errors import QueryError
from greenlang_data.times import parse_interval, parse_moment, to_utc, utc_window, zone_named

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])


@pytest.mark.parametrize(
    "written",
    [
        "2025-01-02",
        "2025-01-02T00:00:00",
        date(2025, 1, 2),
        datetime(2025, 1, 2),
        pd.Timestamp("2025-01-02"),
        np.datetime64("2025-01-02"),
        np.datetime64("2025-01-02T00:00:00.000000000"),
    ],
)
def test_every_way_of_writing_a_naive_moment(written: object) -> None:
    assert parse_moment(written) == datetime(2025, 1, 2)
    assert type(parse_moment(written)) is datetime


def test_aware_moments_keep_their_instant() -> None:
    instant = datetime(2025, 1, 1, 23, tzinfo=UTC)
    for written in ("2025-01-02T00:00+01:00", "2025-01-01T23:00Z", pd.Timestamp(instant)):
        assert to_utc(parse_moment(written), BERLIN) == instant


@pytest.mark.parametrize(
    "written",
    ["yesterday", "", 5, None, pd.NaT, pd.Timestamp(1), np.datetime64(1, "ns"), np.float64(3)],
)
def test_what_is_no_moment_is_refused(written: object) -> None:
    with pytest.raises(QueryError):
        parse_moment(written)


def test_naive_times_are_wall_clock_times() -> None:
    assert to_utc(datetime(2025, 1, 1), BERLIN) == datetime(2024, 12, 31, 23, tzinfo=UTC)
    assert to_utc(datetime(2025, 7, 1), BERLIN) == datetime(2025, 6, 30, 22, tzinfo=UTC)


def test_skipped_and_repeated_hours_are_errors_and_an_offset_ends_the_doubt() -> None:
    with pytest.raises(QueryError, match="does not exist"):
        to_utc(datetime(2025, 3, 30, 2, 30), BERLIN)
    with pytest.raises(QueryError, match="happens twice"):
        to_utc(datetime(2025, 10, 26, 2, 30), BERLIN)
    second = to_utc(datetime(2025, 10, 26, 2, 30, fold=1), BERLIN)
    assert second == datetime(2025, 10, 26, 1, 30, tzinfo=UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)), ZONES)
def test_wall_clock_times_round_trip_or_are_refused(moment: datetime, name: str) -> None:
    zone = zone_named(name)
    try:
        instant = to_utc(moment, zone)
    except QueryError:
        offsets = {moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
        assert len(offsets) == 2
    else:
        assert instant.astimezone(zone).replace(tzinfo=None, fold=0) == moment


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (None, datetime(2025, 1, 1), "end without a start"),
        (datetime(2025, 1, 2), datetime(2025, 1, 1), "not after"),
        (datetime(2025, 1, 1), datetime(2025, 1, 1), "not after"),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2), "time zone"),
        (datetime(2025, 1, 1), datetime(2025, 1, 2, tzinfo=UTC), "time zone"),
    ],
)
def test_windows_that_make_no_sense(
    start: datetime | None, end: datetime | None, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        utc_window(start, end, UTC)


def test_a_window_may_mix_two_real_zones() -> None:
    plus_one = timezone(timedelta(hours=1))
    start, end = utc_window(
        datetime(2025, 1, 1, tzinfo=plus_one), datetime(2025, 1, 1, tzinfo=UTC), UTC
    )
    assert end is not None
    assert start is not None
    assert end - start == timedelta(hours=1)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1h", 3600), ("15min", 900), ("500ms", 0.5), ("1.5 h", 5400), ("d", 86400), (60, 60)],
)
def test_intervals(written: str | float, seconds: float) -> None:
    assert parse_interval(written) == seconds
    assert parse_interval(timedelta(seconds=seconds)) == seconds


@pytest.mark.parametrize("written", ["", "h1", "0s", "-1h", "1M", "5 parsecs", 0, True, "inf s"])
def test_what_is_no_interval_is_refused(written: str | float) -> None:
    with pytest.raises(QueryError, match="not an interval"):
        parse_interval(written)


def test_unknown_zone_names_are_refused() -> None:
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(QueryError, match="no time zone"):
            zone_named(name)


def test_fold_picks_the_second_of_two_and_makes_no_hour_that_is_skipped() -> None:
    with pytest.raises(QueryError, match="does not exist"):
        to_utc(datetime(2025, 3, 30, 2, 30, fold=1), BERLIN)


def test_the_edges_of_the_calendar_are_refused_and_do_not_overflow() -> None:
    for moment, zone in [
        (datetime(1, 1, 1), BERLIN),
        (datetime(9999, 12, 31, 23), ZoneInfo("America/New_York")),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), UTC),
    ]:
        with pytest.raises(QueryError, match="year"):
            to_utc(moment, zone)
