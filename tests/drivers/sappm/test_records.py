"""What the frames hold, compared with the plant that SAP's services on CAP tell of."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.sappm.helpers import STRANGE, ZONES, orders, session
from tests.peers import maintained_plant as plant
from tests.peers import sap_pm_rows as rows
from tests.peers.launch_erp import CapPeer
from tests.peers.maintained_plant import State

V4 = {
    "services": {
        name: f"/sap/opu/odata4/sap/{name}"
        for name in ("API_MAINTENANCEORDER", "API_MAINTNOTIFICATION", "API_EQUIPMENT")
    }
}
PLANS = {"pm": "API_MAINTENANCEPLAN/MaintenancePlan"}
MEANING = {
    State.REQUESTED: "created",
    State.APPROVED: "released",
    State.WAITING_MATERIAL: "released",
    State.WAITING_SCHEDULE: "released",
    State.IN_PROGRESS: "in_progress",
    State.COMPLETED: "completed",
    State.CLOSED: "closed",
    State.STRANGE: "approved",
}


def meaning(order: plant.WorkOrder) -> str:
    if order.state is State.CANCELLED:
        return "deleted" if order.synonym else "cancelled"
    return MEANING[order.state]


def told(column: pd.Series[Any]) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def moments(column: pd.Series[Any]) -> list[datetime | None]:
    return [None if pd.isna(value) else value.to_pydatetime() for value in column]


def clear(moment: datetime | None, site: plant.Site) -> datetime | None:
    """None for a time in an hour that the plant's clock repeats."""
    if moment is None:
        return None
    local = pd.Timestamp(moment).tz_convert(site.zone).to_pydatetime()
    repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return None if repeated else moment


@pytest.mark.parametrize("more", [{}, V4], ids=["V2", "V4"])
def test_orders_are_those_of_the_plant_in_both_versions(cap: CapPeer, more: Any) -> None:
    with session(cap, **STRANGE, **more) as s:
        frame = s.cmms("work_order")
    truth = orders()
    assert told(frame["work_order_id"]) == [rows.order_number(one.row) for one in truth]
    assert told(frame["site"]) == [one.site.plant for one in truth]
    assert told(frame["status"]) == [meaning(one) for one in truth]
    assert told(frame["status_raw"]) == [rows.status_text(one) for one in truth]
    assets = [None if one.asset is None else rows.equipment_number(one.asset) for one in truth]
    assert told(frame["asset_id"]) == assets
    assert moments(frame["scheduled_start"]) == [one.scheduled_start for one in truth]
    assert moments(frame["created_at"]) == [one.reported for one in truth]
    started = [clear(one.actual_start, one.site) for one in truth]
    assert moments(frame["actual_start"]) == started
    finished = [clear(one.actual_finish, one.site) for one in truth]
    assert moments(frame["actual_finish"]) == finished
    assert moments(frame["changed_at"]) == [one.changed for one in truth]
    dues = [None if one is None else one.date() for one in moments(frame["due_at"])]
    assert dues == [one.due for one in truth]
    assert frame.loc[frame["due_at"].notna(), "due_at_is_date"].all()
    assert "cuts off" in " ".join(frame.attrs["provenance"]["notes"])
    whole = [len(rows.status_text(one)) < 39 for one in truth]
    assert frame["locked"].notna().tolist() == whole
    assert not frame["locked"].any()
    assert gd.verify(frame) == "intact"


def test_instants_without_an_offset_are_the_same(cap: CapPeer, bare_cap: CapPeer) -> None:
    frames = []
    for peer in (cap, bare_cap):
        with session(peer, **STRANGE) as s:
            frames.append(s.cmms("work_order", site="1010"))
    pd.testing.assert_frame_equal(*frames)


def test_statuses_are_selected_here_and_said_so(cap: CapPeer) -> None:
    with session(cap, **STRANGE) as s:
        frame = s.cmms("work_order", status="completed", site="DE01")
    wanted = [one for one in orders() if one.site.plant == "DE01" and one.state in plant.FINISHED]
    assert told(frame["work_order_id"]) == [rows.order_number(one.row) for one in wanted]
    told_of = frame.attrs["provenance"]["metadata"]["completeness"]
    assert told_of["filtered_here"] == ["status"]
    assert told_of["filtered_by_server"] == ["site"]


def test_a_status_of_the_sites_own_is_unknown_with_a_warning(cap: CapPeer) -> None:
    with session(cap) as s, pytest.warns(gd.GreenLangWarning, match="ZQUA"):
        frame = s.cmms("work_order", status="unknown")
    strange = [one for one in orders() if one.state is State.STRANGE]
    assert told(frame["work_order_id"]) == [rows.order_number(one.row) for one in strange]


def test_a_window_is_exact_on_the_clocks_of_all_plants(cap: CapPeer) -> None:
    start = pd.Timestamp("2024-03-10T12:00", tz="America/New_York")
    end = pd.Timestamp("2024-06-30T18:30", tz="America/New_York")
    with session(cap, **STRANGE) as s:
        frame = s.cmms("work_order", start=start, end=end)
        done = s.cmms("work_order", status="completed", start=start, end=end)
        instants = s.cmms("work_order", start=start, end=end, date_field="changed_at")
    truth = orders()
    wanted = [one for one in truth if start <= one.reported < end]
    assert told(frame["work_order_id"]) == [rows.order_number(one.row) for one in wanted]
    finished = [
        one
        for one in truth
        if one.state in plant.FINISHED and one.actual_finish and start <= one.actual_finish < end
    ]
    assert told(done["work_order_id"]) == [rows.order_number(one.row) for one in finished]
    changed = [one for one in truth if start <= one.changed < end]
    assert told(instants["work_order_id"]) == [rows.order_number(one.row) for one in changed]


def test_without_the_zone_of_a_plant_its_times_stay_dates(cap: CapPeer) -> None:
    with session(cap, site_zones={"DE01": "Europe/Berlin"}, **STRANGE) as s:
        frame = s.cmms("work_order")
    begun = frame[frame["actual_start"].notna()]
    by_site = begun.groupby("site")["actual_start_is_date"].all()
    assert by_site.to_dict() == {"1010": True, "1020": True, "DE01": False}
    assert "time zone is not known" in " ".join(frame.attrs["provenance"]["notes"])


def test_equipment_has_one_row_of_its_latest_period_wherever_it_was_before(cap: CapPeer) -> None:
    with session(cap) as s:
        frame = s.cmms("asset")
        padded = s.cmms("asset", asset_ids=["000000000010000042", "10000043"])
        jobs = s.cmms("work_order", asset_ids="000000000010000130")
    truth = [plant.asset(index) for index in range(plant.ASSETS)]
    assert told(frame["asset_id"]) == [rows.equipment_number(one.row) for one in truth]
    assert told(frame["location_id"]) == [f"PLANT-{one.location}" for one in truth]
    assert told(frame["serial_number"]) == [one.serial for one in truth]
    assert told(frame["install_date"]) == [one.installed for one in truth]
    changes = [plant.FIRST_MOMENT + timedelta(days=one.row) for one in truth]
    assert moments(frame["changed_at"]) == changes
    assert told(padded["asset_id"]) == ["10000042", "10000043"]
    wanted = [one for one in orders() if one.asset == 130]
    assert told(jobs["work_order_id"]) == [rows.order_number(one.row) for one in wanted]


def test_notifications_tell_downtime_in_hours_and_are_selected_by_their_phase(cap: CapPeer) -> None:
    with session(cap, page_size=100) as s:
        frame = s.cmms("notification")
        waiting = s.cmms("notification", status="awaiting")
    truth = [plant.notification(index) for index in range(len(frame))]
    for row, one in zip(frame.itertuples(), truth, strict=True):
        end = one.malfunction_end
        down = None if end is None else end - one.malfunction_start
        hours = None if pd.isna(row.downtime_hours) else float(row.downtime_hours)
        assert hours == (None if down is None else round(down / timedelta(hours=1), 6))
    assert told(frame["asset_id"]) == [rows.equipment_number(one.asset) for one in truth]
    reported = [clear(one.reported, one.site) for one in truth]
    assert moments(frame["created_at"]) == reported
    clocks = [ZoneInfo(one.site.zone) for one in truth]
    noons = [
        datetime.combine(one.reported.astimezone(clock) + timedelta(days=7), time(12), clock)
        for one, clock in zip(truth, clocks, strict=True)
    ]
    assert moments(frame["due_at"]) == noons
    assert len(waiting) == sum(one.state == "postponed" for one in truth)
    told_of = waiting.attrs["provenance"]["metadata"]["completeness"]
    assert told_of["filtered_by_server"] == ["status"]
    assert told_of["filtered_here"] == []


def test_a_service_of_the_sites_own_is_read_by_its_own_names(cap: CapPeer) -> None:
    more = {
        "objects": {"work_order": "API_MAINTNOTIFICATION/MaintenanceNotification"},
        "field_map": {
            "work_order": {
                "work_order_id": "MaintenanceNotification",
                "status_raw": "ConcatenatedActiveSystStsName",
                "description": "NotificationText",
                "created_at": "NotificationCreationDate",
                "location_id": "",
            }
        },
        "status_map": {"work_order": {"NOCO": "completed", "OSNO": "requested"}},
        "native_columns": {"work_order": ["NotificationType"]},
    }
    with session(cap, **more) as s, pytest.warns(gd.GreenLangWarning, match="NOPO|NOPR"):
        frame = s.cmms("work_order", site="DE01")
    truth = [one for one in map(plant.notification, range(600)) if one.site.plant == "DE01"]
    assert told(frame["work_order_id"]) == [one.number for one in truth]
    assert (frame["status"] == "completed").sum() == sum(one.state == "completed" for one in truth)
    assert frame["created_at_is_date"].all()
    assert set(frame["NotificationType"]) <= {"M1", "M2", "M3"}


@pytest.mark.parametrize(
    ("call", "more", "error", "told"),
    [
        ({"query_type": "failure"}, {}, gd.UnsupportedError, "catalog codes"),
        ({"status": "awaiting"}, {}, gd.QueryError, "no status of this system means"),
        (
            {"query_type": "pm", "start": "2026-01-01"},
            {"field_map": {"pm": {"next_date": ""}, "schedule": {}}, "objects": PLANS},
            gd.QueryError,
            "next_date",
        ),
        ({}, {"objects": {"work_order": "NO_SRV/Orders"}}, gd.QueryError, "NO_SRV/Orders"),
        (
            {},
            {"field_map": {"work_order": {"work_order_id": "Nr"}}},
            gd.ProtocolError,
            "no field 'Nr'",
        ),
        ({}, {"site_zones": {"1010": "Europe/Bonn"}}, ValueError, "Europe/Bonn"),
    ],
    ids=["kind", "status", "date", "service", "field", "zone"],
)
def test_what_cannot_be_mapped_is_an_error(
    cap: CapPeer, call: Any, more: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told), session(cap, **more) as s:
        s.cmms(**call)
    assert ZONES
