"""What other sets of SAP tell of orders, plans and meters, compared with the plant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.sappm.combining import combined
from tests.drivers.common import notes
from tests.drivers.sappm.helpers import STRANGE, orders, session
from tests.peers import maintained_plant as plant
from tests.peers import sap_pm_rows as rows
from tests.peers.launch_erp import CapPeer
from tests.peers.maintained_plant import SITES

V2 = {
    "services": {
        f"api_{name}/srvd_a2x/sap/{name}/0001": (
            f"/sap/opu/odata/sap/api_{name}/srvd_a2x/sap/{name}/0001"
        )
        for name in ("measuringpoint", "measurementdocument")
    }
}


def told(column: pd.Series[Any]) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def last(point: int) -> plant.Reading:
    return plant.reading(*plant.meter(point), plant.READINGS - 1)


def by_number(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("meter_id", key=lambda column: column.astype(int))


@pytest.mark.parametrize("more", [{}, V2], ids=["V4", "V2"])
def test_a_meter_is_its_latest_reading_as_it_was_entered(cap: CapPeer, more: Any) -> None:
    with session(cap, **more) as s:
        frame = by_number(s.cmms("meter"))
    truth = [last(point) for point in range(plant.METERS_THERE)]
    owners = [plant.asset(plant.meter(point)[0]) for point in range(plant.METERS_THERE)]
    assert told(frame["meter_id"]) == [str(30_000 + point) for point in range(len(truth))]
    assert told(frame["reading"]) == [one.value for one in truth]
    assert [one.to_pydatetime() for one in frame["reading_at"]] == [one.moment for one in truth]
    assert not frame["reading_at_is_date"].any()
    assert told(frame["site"]) == [one.site.plant for one in owners]
    assert told(frame["asset_id"]) == [rows.equipment_number(one.row) for one in owners]
    assert set(frame["unit"]) == {"H", "KWH", "GC"}
    assert frame["MeasuringPointIsCounter"].sum() == sum(
        plant.METERS[plant.meter(point)[1]][2] == "CONTINUOUS" for point in range(len(truth))
    )
    assert f"{plant.METERS_THERE} measurement documents that were reversed" in notes(frame)


def test_meters_are_restricted_by_asset_site_and_window(cap: CapPeer) -> None:
    start = pd.Timestamp("2025-11-21T12:00", tz="UTC")
    with session(cap) as s:
        some = by_number(s.cmms("meter", asset_ids=["000000000010000004", "10000010"]))
        asked = cap.requests()
        at_site = by_number(s.cmms("meter", site="DE01"))
        late = by_number(s.cmms("meter", start=start))
    points = range(plant.METERS_THERE)
    of = [str(30_000 + point) for point in points if plant.meter(point)[0] in {4, 10}]
    assert told(some["meter_id"]) == of
    assert told(some["reading"]) == [last(int(one) - 30_000).value for one in of]
    documents = [one for one in asked if "MeasurementDocument?" in one["target"]][-1]
    assert "MeasuringPoint%20eq" in documents["target"]
    there = [point for point in points if SITES[plant.meter(point)[0] % 3].plant == "DE01"]
    assert told(at_site["meter_id"]) == [str(30_000 + point) for point in there]
    after = [point for point in points if last(point).moment >= start]
    assert 0 < len(after) < len(points)
    assert told(late["meter_id"]) == [str(30_000 + point) for point in after]


def test_without_the_zone_of_its_plant_a_reading_has_a_date_only(cap: CapPeer) -> None:
    with session(cap, site_zones={"DE01": "Europe/Berlin"}) as s:
        frame = s.cmms("meter")
    by_site = frame.groupby("site")["reading_at_is_date"].all()
    assert by_site.to_dict() == {"1010": True, "1020": True, "DE01": False}


def test_hours_of_units_that_nobody_knows_are_missing_with_a_warning(cap: CapPeer) -> None:
    with (
        session(cap, **STRANGE, work_units={}) as s,
        pytest.warns(gd.GreenLangWarning, match="'ZE'.*work_units"),
    ):
        frame = s.cmms("work_order")
    strange = [one.row % 50 == 49 and one.labor_hours != 0 for one in orders()]
    wanted = [None if odd else one.labor_hours for one, odd in zip(orders(), strange, strict=True)]
    assert any(strange)
    assert told(frame["labor_hours"]) == wanted


def test_few_orders_are_asked_for_by_their_numbers(cap: CapPeer) -> None:
    with session(cap, **STRANGE) as s:
        frame = s.cmms("work_order", asset_ids="10000130")
        asked = cap.requests()
        told_of = frame.attrs["provenance"]["metadata"]["completeness"]
    wanted = [one for one in orders() if one.asset == 130]
    assert told(frame["labor_hours"]) == [one.labor_hours for one in wanted]
    parts = [one for one in asked if "MaintenanceOrderOperation?" in one["target"]][-1]
    assert "MaintenanceOrder%20eq" in parts["target"]
    assert told_of["rows_of_parts"] == {"operation": 2 * len(wanted)}


def test_hours_are_not_read_where_nobody_wants_them(cap: CapPeer) -> None:
    nothing = dict.fromkeys(("labor_hours", "actual_start", "actual_finish"), "")
    with session(cap, **STRANGE, field_map={"work_order": nothing}) as s:
        before = len(cap.requests())
        frame = s.cmms("work_order")
        asked = cap.requests()[before:]
    assert frame["labor_hours"].isna().all()
    assert not any("MaintenanceOrderOperation?" in one["target"] for one in asked)


def test_plans_have_the_dates_of_their_calls(cap: CapPeer) -> None:
    with session(cap, status_map={"pm": {"I0001": "draft"}}) as s:
        frame = s.cmms("pm")
        asset = plant.plan(0).asset
        of_asset = s.cmms("pm", asset_ids=rows.equipment_number(asset), site="1010")
        due = s.cmms("pm", start="2026-03-01", end="2026-04-30")
    truth = [plant.plan(index) for index in range(plant.PLANS)]
    assert told(frame["next_date"]) == [one.next_due for one in truth]
    assert told(frame["last_completed_date"]) == [one.last_completed for one in truth]
    assert told(frame["last_start_date"]) == [one.last_started for one in truth]
    assert "not completed" in notes(frame)
    owners = [plant.asset(one.asset) for one in truth]
    assert told(frame["asset_id"]) == [rows.equipment_number(one.row) for one in owners]
    assert told(frame["location_id"]) == [f"PLANT-{one.location}" for one in owners]
    assert told(frame["site"]) == [one.site.plant for one in truth]
    assert told(frame["frequency"]) == [one.frequency for one in truth]
    units = {"days": "DAY", "weeks": "WK", "months": "MON"}
    assert told(frame["frequency_unit"]) == [units[one.unit] for one in truth]
    inside = [
        rows.plan_number(one.row)
        for one in truth
        if one.next_due and "2026-03-01" <= one.next_due.isoformat() <= "2026-04-30"
    ]
    assert told(due["pm_id"]) == inside
    wanted = [one.row for one in truth if one.asset == asset]
    assert 0 in wanted
    assert told(of_asset["pm_id"]) == [rows.plan_number(one) for one in wanted]


def test_a_plan_of_several_objects_or_cycles_has_no_one_of_them() -> None:
    log = ReadLog()
    table = pa.table({
        "record": ["1", "1", "2", "2", "3"],
        "site": ["A", "A", "A", "B", "A"],
        "asset_id": ["0010", "0011", "12", "12", ""],
    })  # fmt: skip
    found = combined("item", table, {}, log)
    assert found["site"] == {"1": "A", "2": None, "3": "A"}
    assert found["asset_id"] == {"1": None, "2": "12", "3": None}
    assert len(log.warnings) == 2
    assert "asset_id of 1 plans is missing" in log.warnings[1]
    cycles = pa.table(
        {"record": ["1", "1", "2"], "frequency": [1.0, 3.0, 0.5], "frequency_unit": ["MON"] * 3}
    )
    found = combined("cycle", cycles, {}, log)
    assert found["frequency"] == {"1": None, "2": Decimal("0.5")}
    assert found["frequency_unit"] == {"1": "MON", "2": "MON"}


COSTS: dict[str, Any] = {
    "objects": {"cost": "API_MAINTENANCEORDER/MaintenanceOrderOperation"},
    "field_map": {"cost": {"amount": "ActualWorkQuantity", "currency": "WorkCenter"}},
}
"""Costs are where a site says; here the hours stand for the money, and the crews for currencies."""


def test_costs_are_summed_out_of_the_set_that_the_site_names(cap: CapPeer) -> None:
    with session(cap, **STRANGE, **COSTS) as s:
        frame = s.cmms("work_order")
    parts = [rows.operation(index) for index in range(2 * len(frame))]
    sums = [
        parts[2 * row]["ActualWorkQuantity"] + parts[2 * row + 1]["ActualWorkQuantity"]
        for row in range(len(frame))
    ]
    assert told(frame["cost_total"]) == sums
    assert "cost_total is in MECH00, MECH01" in notes(frame)


def test_costs_in_several_currencies_are_missing_with_a_warning(cap: CapPeer) -> None:
    field_map = {"cost": {**COSTS["field_map"]["cost"], "currency": "MaintOrdOpWorkDurationUnit"}}
    more = {"objects": COSTS["objects"], "field_map": field_map}
    with (
        session(cap, **STRANGE, **more) as s,
        pytest.warns(gd.GreenLangWarning, match="several currencies"),
    ):
        frame = s.cmms("work_order")
    mixed = [one.row % 5 == 0 or one.row % 50 == 49 for one in orders()]
    assert frame["cost_total"].isna().tolist() == mixed


def test_a_field_of_the_orders_own_set_is_a_cost_too(cap: CapPeer) -> None:
    field_map = {"work_order": {"cost_total": "MaintPriority"}}
    with session(cap, **STRANGE, field_map=field_map) as s:
        frame = s.cmms("work_order")
    wanted = [None if one.priority is None else Decimal(one.priority) for one in orders()]
    assert told(frame["cost_total"]) == wanted


GONE = {"services": {"API_EQUIPMENT": "/sap/opu/odata/sap/API_GONE"}}


def test_a_set_that_is_not_there_leaves_its_columns_empty_with_a_warning(cap: CapPeer) -> None:
    with session(cap, **GONE) as s, pytest.warns(gd.GreenLangWarning, match="site of meter"):
        frame = s.cmms("meter")
    assert frame["site"].isna().all()
    assert frame["reading_at_is_date"].all()
    assert frame["reading"].notna().all()


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"objects": {"operations": "A/B"}}, gd.ConfigurationError, "Did you mean 'operation'"),
        ({"field_map": {"operation": {"units": "X"}}}, gd.ConfigurationError, "'unit'"),
        ({"objects": {"cost": "A/B"}}, gd.ConfigurationError, "field_map.cost.amount"),
        ({"objects": {"operation": "A/B"}}, gd.QueryError, "A/B"),
        ({"work_units": {"DAY": 0}}, ValueError, "work_units.DAY"),
    ],
)
def test_what_is_named_and_cannot_be_is_an_error(
    cap: CapPeer, more: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text), session(cap, **more) as s:
        s.cmms("work_order")
