"""A calendar day that is asked for is that day, whatever the zone of the session."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.connectors.cmms import CMMSQuery
from greenlang_data.connectors.erp import ERPQuery
from greenlang_data.errors import QueryError
from greenlang_data.times import zone_named

ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata"]


@pytest.mark.parametrize("zone", ZONES)
def test_records_of_a_day_are_those_of_that_day(zone: str) -> None:
    with gd.Session(mock=True, tz=zone) as s:
        records = s.erp("purchase_order", start="2025-01-01", end="2025-01-31", limit=None)
        assert records["order_date"].min() >= date(2025, 1, 1)
        ordered = sorted(set(records["order_date"]))
        day = ordered[len(ordered) // 2]
        found = s.erp("purchase_order", start=day, end=day, limit=None)
        noon = s.erp("purchase_order", start=day, end=f"{day}T12:00", limit=None)
    assert set(found["order_date"]) == set(noon["order_date"]) == {day}
    assert len(found) == len(noon) == (records["order_date"] == day).sum()


@pytest.mark.parametrize("zone", ZONES)
def test_a_bound_that_is_left_out_is_none(zone: str) -> None:
    with gd.Session(mock=True, tz=zone) as s:
        every = s.erp("purchase_order", limit=None)["order_date"]
        before = s.erp("purchase_order", end="2024-01-31", limit=None)
        after = s.erp("purchase_order", start="2024-02-01", limit=None)
        due = s.cmms("pm", start="2100-01-01")
    assert len(before) == (every <= date(2024, 1, 31)).sum() > 0
    assert len(after) == (every >= date(2024, 2, 1)).sum() > 0
    assert len(due) == 0
    assert before.attrs["provenance"]["query"]["start_date"] is None
    # No clock is in it, so the same question has the same hash and goes on where it was killed.
    assert after.attrs["provenance"]["query"]["end_date"] is None


def test_points_in_time_have_no_window_that_ends_as_it_starts() -> None:
    with gd.Session(mock=True) as s, pytest.raises(QueryError, match="is not after"):
        s.cmms("work_order", start="2024-11-01", end="2024-11-01")


def test_a_day_in_the_session_s_zone_bounds_instants_by_its_midnight_there() -> None:
    with gd.Session(mock=True, tz="America/Los_Angeles") as s:
        found = s.cmms("work_order", start="2024-11-01", end="2024-11-15")["created_at"]
        everything = s.cmms("work_order")["created_at"]
    # The clocks change in between, so midnight is an hour later in UTC at the end.
    low, high = pd.Timestamp("2024-11-01 07:00Z"), pd.Timestamp("2024-11-15 08:00Z")
    expected = everything[(everything >= low) & (everything < high)]
    assert len(expected) > 5
    assert list(found) == list(expected)


MODELS: list[type[ERPQuery] | type[CMMSQuery]] = [ERPQuery, CMMSQuery]


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2025, 1, 1)),
    zone=st.sampled_from(ZONES),
    model=st.sampled_from(MODELS),
)
@settings(max_examples=60, deadline=None)
def test_a_time_keeps_its_day_and_its_instant(
    moment: datetime, zone: str, model: type[ERPQuery | CMMSQuery]
) -> None:
    where = zone_named(zone)
    name = {"entity_type": "material"} if model is ERPQuery else {}
    try:
        query = model(start_date=moment, **name).in_utc(where)
    except QueryError as error:
        assert "clocks change" in str(error)  # noqa: PT017 - only such times may be refused
        return
    assert query.start_date.date() == moment.date()
    assert query.start_date.astimezone(UTC) == moment.replace(tzinfo=where).astimezone(UTC)
    aware = model(start_date=moment.replace(tzinfo=UTC), **name).in_utc(where)
    assert aware.start_date.date() == moment.date()


def test_windows_are_still_checked() -> None:
    query = ERPQuery(entity_type="material", start_date="2025-02-01", end_date="2025-01-01")
    with pytest.raises(QueryError, match="is not after"):
        query.in_utc(zone_named("Europe/Berlin"))


def test_without_an_end_there_is_none() -> None:
    for start in ("2025-01-01", "*-1d"):
        query = ERPQuery(entity_type="purchase_order_item", start_date=start)
        assert query.in_utc(zone_named("Europe/Berlin")).end_date is None
    with gd.Session(mock=True) as s:
        later = s.erp("purchase_order", start="2999-01-01", limit=None)
    assert later.empty


def test_a_start_that_is_also_the_end_is_that_day() -> None:
    with gd.Session(mock=True, tz="Europe/Berlin") as s:
        ordered = s.erp("purchase_order", limit=None)["order_date"]
        day = sorted(set(ordered))[3]
        found = s.erp("purchase_order", start=day, end=str(day), limit=None)
        assert len(found) == (ordered == day).sum() > 0
        # Of points in time it has none.
        with pytest.raises(QueryError, match="is not after"):
            s.cmms("work_order", start=day, end=day)
