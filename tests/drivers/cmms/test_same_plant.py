"""The same plant in three systems is the same canonical frame, as far as each system tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.drivers.cmms.entities import WORK_ORDER
from tests.drivers.cmms.helpers import (
    INFOR,
    MAXIMO,
    ORDERS,
    PLACES,
    SAP,
    SITES,
    TRANSLATED,
    three_systems,
)
from tests.drivers.infor import helpers as infor
from tests.drivers.maximo import helpers as maximo
from tests.drivers.sappm import helpers as sap
from tests.peers import maintained_plant as plant
from tests.peers import sap_pm_rows

INSTANTS = (
    "created_at", "scheduled_start", "scheduled_finish", "actual_start", "actual_finish",
)  # fmt: skip
# What a system does not tell, or tells less finely; all else has to be the same.
UNTOLD = {
    "infor": {"scheduled_start", "scheduled_finish", "changed_at"},  # dates; minutes
    "entities": {"due_at", "labor_hours", "changed_at", "parent_id", "pm_id"},
    "sap": {"failure_code", "cost_total"},
}


@pytest.fixture(scope="module")
def peers() -> Iterator[dict[str, Any]]:
    with three_systems() as found:
        yield found


@pytest.fixture(scope="module")
def frames(peers: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """One row for each order of the plant, by system, in the order of the plant."""
    mx, eam, cap = peers["maximo"], peers["infor"], peers["sap"]
    status = {name: {"work_order": found} for name, found in
              (("maximo", MAXIMO), ("infor", INFOR), ("sap", SAP))}  # fmt: skip
    return {
        "maximo": _read(
            maximo.config(mx, status_map=status["maximo"], include_tasks=True), _by_site
        ),
        "infor": _read(infor.config(eam, status_map=status["infor"]), _by_site),
        "entities": _read(
            infor.config(eam, status_map=status["infor"], **infor.COLLECTION), _by_site
        ),
        "sap": _read(sap.config(cap, status_map=status["sap"]), _by_number),
    }


def _read(config: gd.CMMSConfig, place: Callable[[pd.DataFrame], list[int]]) -> pd.DataFrame:
    with gd.Session([config]) as session:
        frame = session.cmms("work_order")
    frame.index = pd.Index(place(frame))
    return frame.sort_index()


def _by_site(frame: pd.DataFrame) -> list[int]:
    keys = zip(frame["work_order_id"], frame["site"], strict=True)
    return [(int(number) - 1000) * 3 + PLACES[site] for number, site in keys]


def _by_number(frame: pd.DataFrame) -> list[int]:
    return [int(number) - 4_000_000 for number in frame["work_order_id"]]


def cells(frame: pd.DataFrame, column: str, system: str) -> list[Any]:
    """A column as plain values, in the words of the plant where a system has numbers of its own."""
    found = [None if pd.isna(value) else value for value in frame[column]]
    if column == "description":
        return [str(text)[:40].rstrip() for text in found]
    if system == "sap" and column in TRANSLATED:
        return [None if value is None else TRANSLATED[column](value) for value in found]
    return found


def test_the_columns_and_their_types_are_the_same(frames: dict[str, pd.DataFrame]) -> None:
    names = [*WORK_ORDER.columns, *(f"{name}_is_date" for name in WORK_ORDER.instants)]
    types = {tuple(map(str, one[names].dtypes)) for one in frames.values()}
    assert len(types) == 1
    for frame in frames.values():
        assert list(frame.columns[: len(names)]) == names
        assert frame.index.tolist() == list(range(ORDERS))


@pytest.mark.parametrize("system", list(UNTOLD))
def test_the_rows_are_the_same(frames: dict[str, pd.DataFrame], system: str) -> None:
    own = {"status_raw", "status_all", "type", "downtime_hours", "source_system"}
    compared = [one for one in WORK_ORDER.columns if one not in own | UNTOLD[system]]
    assert len(compared) >= 14
    first, other = frames["maximo"], frames[system]
    for column in compared:
        expected, found = (cells(one, column, name) for name, one in
                           (("maximo", first), (system, other)))  # fmt: skip
        if column in INSTANTS and system != "entities":
            # Not in an hour that the clock of the plant, or of the system, repeats.
            expected = [one if told is not None else None
                        for one, told in zip(expected, found, strict=True)]  # fmt: skip
            assert sum(one is None for one in found) - first[column].isna().sum() <= 2
        if column in INSTANTS and system == "infor":
            expected = [None if one is None else one.replace(second=0) for one in expected]
        assert found == expected, column
    dues = {tuple(_days(frames[name]["due_at"])) for name in ("maximo", "infor", "sap")}
    assert len(dues) == 1


def _days(column: pd.Series[Any]) -> list[date | None]:
    return [None if pd.isna(value) else value.date() for value in column]


def test_what_is_untold_is_missing_or_marked_and_never_made_up(
    frames: dict[str, pd.DataFrame],
) -> None:
    for column in ("failure_code", "cost_total"):
        assert frames["sap"][column].isna().all()
    grid = frames["infor"]
    assert grid.loc[grid["scheduled_start"].notna(), "scheduled_start_is_date"].all()
    for frame in frames.values():
        assert set(frame["status"]) == {
            "requested",
            "approved",
            "in_progress",
            "completed",
            "closed",
            "cancelled",
        }
    parents = frames["sap"]["parent_id"].dropna()
    assert len(parents)
    assert all(sap_pm_rows.order_number(int(one) - 4_000_000) == one for one in parents)


NAMES = {name: unit for name, unit, _ in plant.METERS}
UNITS = {"H": "HOURS", "KWH": "KWH", "GC": "DEG C"}


def _meters(config: gd.CMMSConfig) -> pd.DataFrame:
    """One row for each meter of the plant, in the words of the plant, in one order."""
    with gd.Session([config]) as session:
        frame = session.cmms("meter")
    if config.cmms_system == "sap":
        frame["site"] = frame["site"].map(SITES)
        frame["asset_id"] = [TRANSLATED["asset_id"](one) for one in frame["asset_id"]]
        frame["meter_id"] = frame["MeasuringPointDescription"]
        frame["unit"] = frame["unit"].map(UNITS)
    compared = [
        "site",
        "asset_id",
        "meter_id",
        "unit",
        "reading",
        "reading_at",
        "reading_at_is_date",
    ]
    frame = frame[compared].sort_values(compared[:3])
    frame.attrs = {}
    return frame.reset_index(drop=True)


def test_meters_and_their_readings_are_the_same(peers: dict[str, Any]) -> None:
    found = [
        _meters(maximo.config(peers["maximo"])),
        _meters(infor.config(peers["infor"])),
        _meters(sap.config(peers["sap"])),
    ]
    assert len(found[0]) == plant.METERS_THERE
    assert dict(zip(found[0]["meter_id"], found[0]["unit"], strict=True)) == NAMES
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other, check_exact=True)


def test_hours_of_work_are_those_of_the_plant_to_the_last_digit(
    frames: dict[str, pd.DataFrame],
) -> None:
    truth = [plant.work_order(index).labor_hours for index in range(ORDERS)]
    assert sum(truth)
    for name in ("maximo", "infor", "sap"):
        assert cells(frames[name], "labor_hours", name) == truth


def test_plans_fall_due_on_the_same_days(peers: dict[str, Any]) -> None:
    grids = {
        "objects": {"pm": "OSPPMS"},
        "status_map": {"pm": {"A": "active", "I": "inactive", "D": "draft"}},
    }
    found = []
    for config in (
        maximo.config(peers["maximo"]),
        infor.config(peers["infor"], **grids),
        sap.config(peers["sap"], status_map={"pm": {"I0001": "draft"}}),
    ):
        with gd.Session([config]) as session:
            frame = session.cmms("pm")
        if config.cmms_system == "sap":
            frame["site"] = frame["site"].map(SITES)
            frame["pm_id"] = [TRANSLATED["pm_id"](one) for one in frame["pm_id"]]
        compared = ["site", "pm_id", "status", "next_date", "last_completed_date"]
        frame = frame[compared].sort_values(compared[:2])
        found.append([[None if pd.isna(x) else x for x in row] for row in frame.to_numpy()])
    assert len(found[0]) == plant.PLANS
    assert found[0] == found[1] == found[2]
