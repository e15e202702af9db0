"""What the frames hold, compared with the plant that the emulator tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.cmms.keys import keys, keys_of
from tests.drivers.common import notes
from tests.drivers.infor.helpers import ALL, COLLECTION, ORDERS, STRANGE, orders, session
from tests.peers import maintained_plant as plant
from tests.peers.historian_launch import HistorianPeer
from tests.peers.maintained_plant import State

MEANING = {
    State.REQUESTED: "requested",
    State.APPROVED: "released",
    State.WAITING_MATERIAL: "released",
    State.WAITING_SCHEDULE: "awaiting",
    State.IN_PROGRESS: "released",
    State.COMPLETED: "completed",
    State.CLOSED: "completed",
    State.CANCELLED: "cancelled",
    State.STRANGE: "approved",
}
DIALECTS = {
    "oracle": {},
    "iso": {},
    "german": {"decimal_mark": ","},
    "us": {"date_format": "%m/%d/%Y"},
}


def told(column: pd.Series[Any]) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def moments(column: pd.Series[Any]) -> list[datetime | None]:
    return [None if pd.isna(value) else value.to_pydatetime() for value in column]


def minute(moment: datetime | None) -> datetime | None:
    """Grids tell no seconds."""
    return moment and moment.replace(second=0)


def is_repeated(moment: datetime | None) -> bool:
    """Whether it is in an hour that the clock of the system repeats."""
    if moment is None:
        return False
    local = pd.Timestamp(moment).tz_convert("Europe/Berlin").to_pydatetime()
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@pytest.mark.parametrize("dates", list(DIALECTS))
def test_work_orders_are_those_of_the_plant_in_every_dialect(
    infor: HistorianPeer, dates: str
) -> None:
    numbers = "german" if dates == "german" else "english"
    with (
        infor.knob(dates=dates, numbers=numbers, true="+"),
        session(infor, **STRANGE, **DIALECTS[dates]) as s,
    ):
        frame = s.cmms("work_order")
    truth = orders()
    assert keys(frame) == keys_of(truth)
    assert told(frame["description"]) == [one.description for one in truth]
    assert told(frame["status"]) == [MEANING[one.state] for one in truth]
    for column, found in (("created_at", "reported"), ("actual_finish", "actual_finish")):
        times = [minute(getattr(one, found)) for one in truth]
        assert moments(frame[column]) == [None if is_repeated(one) else one for one in times]
    assert told(frame["labor_hours"]) == [one.labor_hours for one in truth]
    assert told(frame["cost_total"]) == [one.labor_cost + one.material_cost for one in truth]
    assert frame.loc[frame["due_at"].notna(), "due_at_is_date"].all()
    dues = [None if one is None else one.date() for one in moments(frame["due_at"])]
    assert dues == [one.due for one in truth]
    assert gd.verify(frame) == "intact"


def test_entities_tell_the_same_to_the_second_with_their_own_offsets(infor: HistorianPeer) -> None:
    statuses = {"work_order": {"ZQ": "approved"}, "asset": {"C": "inactive"}}
    with session(infor, status_map=statuses, **COLLECTION) as s:
        frame, assets = s.cmms("work_order"), s.cmms("asset", status="retired")
    truth = sorted(map(plant.work_order, range(ORDERS)), key=lambda one: one.row)
    assert keys(frame) == keys_of(truth)
    assert moments(frame["created_at"]) == [one.reported for one in truth]
    assert moments(frame["scheduled_start"]) == [one.scheduled_start for one in truth]
    assert told(frame["cost_total"]) == [one.labor_cost + one.material_cost for one in truth]
    retired = [one for one in map(plant.asset, range(plant.ASSETS)) if one.status == "retired"]
    assert told(assets["asset_id"]) == [one.number for one in retired]
    dates = [one.installed for one in retired]
    assert told(assets["install_date"]) == dates


def test_without_a_named_dataspy_nothing_is_read(infor: HistorianPeer) -> None:
    with session(infor, dataspies={"asset": "101"}) as s:
        with pytest.raises(gd.ConfigurationError, match=r"dataspies\.work_order"):
            s.cmms("work_order")
        assert len(s.cmms("asset", status="retired"))
    assert len(infor.requests()) == 1


def test_a_dataspy_that_hides_is_named_in_the_record(infor: HistorianPeer) -> None:
    with session(infor, dataspies={"work_order": "100"}, **STRANGE) as s:
        frame = s.cmms("work_order")
    assert "completed" not in set(frame["status"])
    assert frame.attrs["provenance"]["metadata"]["completeness"]["dataspy"] == "100"


def test_statuses_are_selected_by_the_system_and_made_exact_here(infor: HistorianPeer) -> None:
    with session(infor) as s:
        done, off = s.cmms(status="completed"), s.cmms(status="cancelled")
        asked = infor.requests()
    finished = [one for one in orders() if one.state in plant.FINISHED]
    assert keys(done) == keys_of(finished)
    assert keys(off) == keys_of([one for one in orders() if one.state is State.CANCELLED])
    assert done.attrs["provenance"]["metadata"]["completeness"]["filtered_by_server"] == ["status"]
    assert len(asked) == 2


def test_unknown_statuses_are_unknown_with_a_warning(infor: HistorianPeer) -> None:
    with session(infor) as s, pytest.warns(gd.GreenLangWarning, match="'ZQ'.*status_map"):
        frame = s.cmms("work_order", status="unknown")
    assert keys(frame) == keys_of([one for one in orders() if one.state is State.STRANGE])


@pytest.mark.parametrize("more", [{}, {"date_format": "%d-%b-%Y"}, COLLECTION], ids=str)
def test_a_window_is_the_same_wherever_it_is_selected(
    infor: HistorianPeer, more: dict[str, Any]
) -> None:
    start = pd.Timestamp("2024-03-15T06:30", tz="America/New_York")
    end = pd.Timestamp("2024-11-02", tz="America/New_York")
    with session(infor, **STRANGE, **more) as s:
        frame = s.cmms("work_order", site="BEDFORD", start=start, end=end)
    wanted = [
        one
        for one in orders()
        if one.site.name == "BEDFORD"
        and start <= pd.Timestamp(one.reported) < end
        and not (is_repeated(one.reported) and more != COLLECTION)
    ]
    assert sorted(keys(frame)) == sorted(keys_of(wanted))
    told = frame.attrs["provenance"]["metadata"]["completeness"]
    assert ("created_at" in told["filtered_by_server"]) == ("date_format" in more)
    assert told["date_field"] == "created_at"


def test_assets_are_one_of_a_site_and_have_questions_of_their_own(infor: HistorianPeer) -> None:
    statuses = {"work_order": {"ZQ": "approved"}, "asset": {"C": "inactive"}}
    with session(infor, status_map=statuses) as s:
        both = s.cmms("asset", asset_ids=["007", "PUMP 01/A"])
        here = s.cmms("asset", asset_ids="007", site="NASHUA")
        jobs = s.cmms("work_order", asset_ids=["007", "1E5"], site="DRESDEN")
    assert both.groupby("asset_id")["site"].nunique().tolist() == [3, 3]
    assert list(zip(here["site"], here["asset_id"], strict=True)) == [("NASHUA", "007")]
    wanted = {
        (one.site.name, one.number)
        for one in orders()
        if one.asset is not None
        and one.site.name == "DRESDEN"
        and plant.asset(one.asset).number in {"007", "1E5"}
    }
    assert set(keys(jobs)) == wanted


def test_meters_events_and_plans_by_a_grid_of_the_sites_own(infor: HistorianPeer) -> None:
    plans = {"pm": {"A": "active", "I": "inactive", "D": "draft"}}
    with session(infor, objects={"pm": "OSPPMS"}, status_map=plans) as s:
        meters, frame = s.cmms("meter"), s.cmms("pm")
        with pytest.warns(gd.GreenLangWarning, match=r"status_map\.notification"):
            events = s.cmms("notification")
    assert len(meters) == plant.METERS_THERE
    assert len(frame) == plant.PLANS
    truth = {(one.site.name, one.number): one for one in map(plant.plan, range(plant.PLANS))}
    for row in frame.itertuples():
        one = truth[str(row.site), str(row.pm_id)]
        assert (row.status, row.frequency) == (one.status, one.frequency)
    assert len(events) == 600
    with session(infor) as s:
        with pytest.raises(gd.ConfigurationError, match=r"objects\.pm"):
            s.cmms("pm")
        with pytest.raises(gd.UnsupportedError, match="failure"):
            s.cmms("failure")


def test_a_field_that_the_grid_lacks_is_told(infor: HistorianPeer) -> None:
    with session(infor, field_map={"asset": {"changed_at": "dateupdated"}}, dataspies=ALL) as s:
        frame = s.cmms("asset", status="retired")
    assert "no field dateupdated, so changed_at is missing" in notes(frame)
    lacking = {"field_map": {"asset": {"site": "nosuch"}}}
    with session(infor, **lacking) as s, pytest.raises(gd.ProtocolError, match="nosuch"):
        s.cmms("asset", status="retired")


@pytest.mark.parametrize(("numbers", "mark"), [("english", "."), ("german", ",")])
def test_a_code_in_a_field_of_numbers_is_one_however_its_thousands_are_written(
    infor: HistorianPeer, numbers: str, mark: str
) -> None:
    infor.set(numbers=numbers)
    more = {"objects": {"work_order": "UUJOBN"}, "decimal_mark": mark, **STRANGE}
    truth = [one for one in orders() if one.asset is not None]
    code = next(n for one in truth if len(n := plant.asset(one.asset or 0).number) == 4)
    with session(infor, **more) as s:
        frame = s.cmms("work_order", asset_ids=[code])
        everything = s.cmms("work_order")
    wanted = [one for one in truth if plant.asset(one.asset or 0).number == code]
    assert keys(frame) == keys_of(wanted)
    assert set(frame["asset_id"]) == {code}
    assert code in set(everything["asset_id"])
    assert not everything["asset_id"].dropna().str.contains("[.,]").any()
