"""What the frames hold, compared with the plant that the emulator tells of."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.cmms.keys import keys, keys_of
from tests.drivers.common import notes
from tests.drivers.maximo.helpers import ORDERS, STRANGE, orders, session
from tests.peers import maintained_plant as plant
from tests.peers.historian_launch import HistorianPeer
from tests.peers.maintained_plant import State

MEANING = {
    State.REQUESTED: "requested",
    State.APPROVED: "approved",
    State.WAITING_MATERIAL: "approved",
    State.WAITING_SCHEDULE: "approved",
    State.IN_PROGRESS: "in_progress",
    State.COMPLETED: "completed",
    State.CLOSED: "closed",
    State.CANCELLED: "cancelled",
    State.STRANGE: "approved",
}


def told(column: pd.Series[Any]) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def moments(column: pd.Series[Any]) -> list[datetime | None]:
    return [None if pd.isna(value) else value.to_pydatetime() for value in column]


def test_work_orders_are_those_of_the_plant(maximo: HistorianPeer) -> None:
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order")
    truth = orders()
    assert keys(frame) == keys_of(truth)
    assert told(frame["description"]) == [one.description for one in truth]
    assert told(frame["status"]) == [MEANING[one.state] for one in truth]
    assert told(frame["type"]) == [one.kind or None for one in truth]
    priorities = [None if one.priority is None else str(one.priority) for one in truth]
    assert told(frame["priority"]) == priorities
    assert moments(frame["created_at"]) == [one.reported for one in truth]
    assert moments(frame["scheduled_start"]) == [one.scheduled_start for one in truth]
    assert moments(frame["actual_start"]) == [one.actual_start for one in truth]
    assert moments(frame["actual_finish"]) == [one.actual_finish for one in truth]
    assert moments(frame["changed_at"]) == [one.changed for one in truth]
    assert told(frame["labor_hours"]) == [one.labor_hours for one in truth]
    costs = [one.labor_cost + one.material_cost for one in truth]
    assert told(frame["cost_total"]) == costs
    assert all(isinstance(one, Decimal) for one in frame["cost_total"])
    assert gd.verify(frame) == "intact"
    assert frame.attrs["provenance"]["rows"] == len(truth)


def test_assets_and_plans_and_their_numbers_with_leading_zeros(maximo: HistorianPeer) -> None:
    with session(maximo) as s:
        frame, plans = s.cmms("asset"), s.cmms("pm")
    truth = {(one.site.name, one.number): one for one in map(plant.asset, range(plant.ASSETS))}
    assert set(zip(frame["site"], frame["asset_id"], strict=True)) == set(truth)
    assert {"007", "1E5", "PUMP 01/A", "11430"} <= set(frame["asset_id"])
    for row in frame.itertuples():
        asset = truth[str(row.site), str(row.asset_id)]
        assert row.serial_number == asset.serial
        assert row.downtime_hours == asset.downtime_hours
        assert (None if pd.isna(row.install_date) else row.install_date) == asset.installed
    numbers = {"not ready": "not_ready"}
    expected = {key: numbers.get(one.status, one.status) for key, one in truth.items()}
    found = dict(
        zip(zip(frame["site"], frame["asset_id"], strict=True), frame["status"], strict=True)
    )
    assert found == expected
    due = {(one.site.name, one.number): one.next_due for one in map(plant.plan, range(plant.PLANS))}
    dates = zip(
        zip(plans["site"], plans["pm_id"], strict=True), told(plans["next_date"]), strict=True
    )
    assert dict(dates) == due


def test_meters_notifications_and_failure_codes(maximo: HistorianPeer) -> None:
    with session(maximo) as s:
        meters, requests = s.cmms("meter"), s.cmms("notification")
        failures = s.cmms("failure")
    truth = {
        (one.site.name, one.number, plant.METERS[meter][0]): plant.reading(
            number, meter, plant.READINGS - 1
        )
        for number, one in enumerate(map(plant.asset, range(plant.ASSETS)))
        for meter in plant.meters_of(number)
    }
    found = zip(meters["site"], meters["asset_id"], meters["meter_id"], strict=True)
    readings = zip(meters["reading"], moments(meters["reading_at"]), strict=True)
    assert dict(zip(found, readings, strict=True)) == {
        key: (one.value, one.moment) for key, one in truth.items()
    }
    assert len(requests) == 600
    assert set(requests["status"]) == {"requested", "awaiting", "in_progress", "completed"}
    assert set(failures["type"]) == {"PROBLEM", "CAUSE", "REMEDY"}


def test_a_synonym_is_selected_by_what_it_means_and_its_own_word_is_kept(
    maximo: HistorianPeer,
) -> None:
    with session(maximo) as s:
        frame = s.cmms("work_order", status="completed")
        asked = maximo.requests()
    wanted = [one for one in orders() if one.state in {State.COMPLETED, State.CLOSED}]
    assert keys(frame) == keys_of(wanted)
    assert {"WCLOSE", "COMP", "CLOSE", "ARCHIVED"} == set(frame["status_raw"])
    assert set(frame.loc[frame["status_raw"] == "WCLOSE", "status"]) == {"completed"}
    assert "domaininternalwhere=status%3DCLOSE%2CCOMP" in json.dumps(asked)
    assert "selected here" not in notes(frame)


def test_a_status_that_only_the_site_knows_is_unknown_with_a_warning(
    maximo: HistorianPeer,
) -> None:
    with session(maximo) as s:
        with pytest.warns(gd.GreenLangWarning, match="'ZQUAL'.*status_map"):
            frame = s.cmms("work_order", status="unknown")
        with pytest.warns(gd.GreenLangWarning, match="unknown"):
            everything = s.cmms("work_order")
    strange = [one for one in orders() if one.state is State.STRANGE]
    assert keys(frame) == keys_of(strange)
    assert "selected here" in notes(frame)
    assert set(frame["status_raw"]) == {"ZQUAL"}
    assert (everything["status"] == "unknown").sum() == len(strange)


def test_a_sites_own_meaning_counts_also_when_it_is_selected_by(maximo: HistorianPeer) -> None:
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order", status="approved")
    wanted = [one for one in orders() if MEANING[one.state] == "approved"]
    assert keys(frame) == keys_of(wanted)
    assert set(frame.loc[frame["hold_reason"].notna(), "hold_reason"]) == {"WMATL"}


def test_the_same_number_at_two_sites_is_two_assets(maximo: HistorianPeer) -> None:
    with session(maximo, **STRANGE) as s:
        everywhere = s.cmms("asset", asset_ids=["007", "11430"])
        here = s.cmms("asset", asset_ids="007", site="NASHUA")
        jobs = s.cmms("work_order", asset_ids=["PUMP 01/A"], site="DRESDEN")
    assert len(everywhere) == 6
    assert everywhere.groupby("asset_id")["site"].nunique().tolist() == [3, 3]
    assert list(zip(here["site"], here["asset_id"], strict=True)) == [("NASHUA", "007")]
    wanted = [
        one
        for one in orders()
        if one.asset is not None
        and one.site.name == "DRESDEN"
        and plant.asset(one.asset).number == "PUMP 01/A"
    ]
    assert keys(jobs) == keys_of(wanted)


def test_a_window_is_selected_by_maximo_over_a_change_of_the_clocks(
    maximo: HistorianPeer,
) -> None:
    start = pd.Timestamp("2024-03-01", tz="America/New_York")
    end = pd.Timestamp("2024-04-01", tz="America/New_York")
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order", start=start, end=end)
        due = s.cmms("work_order", start=start, end=end, date_field="scheduled_start")
    truth = orders()
    assert keys(frame) == keys_of([one for one in truth if start <= one.reported < end])
    planned = [one for one in truth if one.scheduled_start and start <= one.scheduled_start < end]
    assert keys(due) == keys_of(planned)
    assert "start and end bound created_at (reportdate)" in notes(frame)


def test_a_date_without_a_time_is_in_the_window_of_its_days(maximo: HistorianPeer) -> None:
    start = pd.Timestamp("2024-06-01", tz="America/New_York")
    end = pd.Timestamp("2024-09-01", tz="America/New_York")
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order", start=start, end=end, date_field="due_at")
    wanted = [one for one in orders() if one.due and start.date() <= one.due < end.date()]
    assert keys(frame) == keys_of(wanted)
    assert frame["due_at_is_date"].all()


def test_hundreds_of_assets_are_asked_for_in_several_questions(maximo: HistorianPeer) -> None:
    numbers = [one.number for one in map(plant.asset, range(plant.ASSETS))]
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order", asset_ids=numbers, site="NASHUA")
    wanted = [one for one in orders() if one.asset is not None and one.site.name == "NASHUA"]
    assert sorted(keys(frame)) == keys_of(wanted)
    assert max(len(one["path"]) for one in maximo.requests()) < 4_000


def test_finished_work_is_bound_by_its_finish_or_else_by_its_last_status(
    maximo: HistorianPeer,
) -> None:
    start, end = pd.Timestamp("2024-03-01", tz="UTC"), pd.Timestamp("2025-11-01", tz="UTC")
    with session(maximo) as s:
        frame = s.cmms("work_order", status="completed", start=start, end=end)
        strict = s.cmms(
            "work_order", status="completed", start=start, end=end, date_field="actual_finish"
        )
    done = [one for one in orders() if one.state in plant.FINISHED]
    dated = [one for one in done if one.actual_finish and start <= one.actual_finish < end]
    others = [one for one in done if not one.actual_finish and start <= one.status_changed < end]
    assert keys(strict) == keys_of(dated)
    assert others
    assert keys(frame) == keys_of(dated) + keys_of(others)
    assert "finished orders without actfinish were selected by statusdate" in notes(frame)


def test_tasks_are_left_out_and_told_or_taken_and_marked(maximo: HistorianPeer) -> None:
    with session(maximo, **STRANGE) as s:
        without = s.cmms("work_order")
    with session(maximo, **STRANGE, include_tasks=True) as s:
        with_tasks = s.cmms("work_order")
    tasks = [one for one in map(plant.work_order, range(ORDERS)) if one.is_task]
    assert "tasks" in notes(without)
    assert with_tasks["istask"].sum() == len(tasks) == len(with_tasks) - len(without)


def test_fields_of_the_site_take_the_place_of_the_usual_ones(maximo: HistorianPeer) -> None:
    more = {
        "field_map": {"work_order": {"labor_hours": "estdur", "cost_total": "", "type": "jpnum"}},
        "native_columns": {"work_order": ["reportedby", "workorderid"]},
    }
    with session(maximo, **STRANGE, **more) as s:
        frame = s.cmms("work_order", site="BEDFORD")
        asked = json.dumps(maximo.requests())
    assert frame["cost_total"].isna().all()
    assert "acttotalcost" not in asked
    lengths = [
        None if one.scheduled_start is None else (one.scheduled_finish - one.scheduled_start)
        for one in orders()
        if one.site.name == "BEDFORD" and one.scheduled_finish
    ]
    hours = [one for one in frame["labor_hours"] if not pd.isna(one)]
    assert hours == [one / timedelta(hours=1) for one in lengths if one is not None]
    assert frame["workorderid"].str.fullmatch(r"\d+").all()
    assert list(frame.columns[-2:]) == ["reportedby", "workorderid"]


def test_nothing_that_matches_is_an_empty_frame_of_the_same_columns(
    maximo: HistorianPeer,
) -> None:
    with session(maximo, **STRANGE) as s:
        empty, full = s.cmms(asset_ids="NO SUCH"), s.cmms(site="BEDFORD")
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert empty.dtypes.tolist() == full.dtypes.tolist()
