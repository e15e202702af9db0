"""The measures over frames of three real systems: equal, and those of the plant by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.cmms.helpers import (
    INFOR,
    MAXIMO,
    ORDERS,
    SAP,
    SITES,
    TRANSLATED,
    three_systems,
)
from tests.drivers.infor import helpers as infor
from tests.drivers.maximo import helpers as maximo
from tests.drivers.sappm import helpers as sap
from tests.peers import maintained_plant as plant
from tests.peers.maintained_plant import State

# No clock of the plant repeats or skips an hour in it.
START, END = datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 10, 1, tzinfo=UTC)
WINDOW: dict[str, Any] = {"start": START, "end": END}
READ = datetime(2025, 1, 1, tzinfo=UTC)
HOURS = (END - START) / timedelta(hours=1)
FAILURES = {"maximo": ["CM", "EM"], "infor": ["CD", "BRKD"], "sap": ["PM01", "PM03"]}
OPEN = {State.REQUESTED, State.APPROVED, State.WAITING_MATERIAL, State.WAITING_SCHEDULE,
        State.IN_PROGRESS, State.STRANGE}  # fmt: skip
SYSTEMS = tuple(FAILURES)
Key = tuple[str, str]


@pytest.fixture(scope="module")
def frames() -> Iterator[dict[str, pd.DataFrame]]:
    """The work orders of each system; downtimes stand in a field of the site's own in two."""
    with three_systems() as peers:
        status = {name: {"work_order": found} for name, found in
                  (("maximo", MAXIMO), ("infor", INFOR), ("sap", SAP))}  # fmt: skip
        own = {"maximo": "downtimehrs", "sap": "YY1_DowntimeHours_ORD"}
        fields = {name: {"work_order": {"downtime_hours": field}} for name, field in own.items()}
        yield {
            "maximo": _read(maximo.config(
                peers["maximo"], status_map=status["maximo"], field_map=fields["maximo"],
                include_tasks=True,
            )),
            "infor": _read(infor.config(peers["infor"], status_map=status["infor"])),
            "sap": _read(sap.config(
                peers["sap"], status_map=status["sap"], field_map=fields["sap"]
            )),
        }  # fmt: skip


def _read(config: gd.CMMSConfig) -> pd.DataFrame:
    with gd.Session([config]) as session:
        frame = session.cmms("work_order")
    if config.cmms_system == "sap":
        frame["site"] = frame["site"].map(SITES)
        frame["asset_id"] = [
            None if pd.isna(one) else TRANSLATED["asset_id"](one) for one in frame["asset_id"]
        ]
    # At these sites an empty downtime means that there was none.
    frame["downtime_hours"] = frame["downtime_hours"].fillna(Decimal(0))
    return frame


def begun() -> dict[Key, list[plant.WorkOrder]]:
    """The orders that began in the window, by site and asset."""
    found = defaultdict(list)
    for order in map(plant.work_order, range(ORDERS)):
        if order.asset is not None and order.actual_start and START <= order.actual_start < END:
            found[order.site.name, plant.asset(order.asset).number].append(order)
    return dict(sorted(found.items()))


def failed(orders: list[plant.WorkOrder]) -> list[plant.WorkOrder]:
    return [one for one in orders if one.kind in {"CM", "EM"}]


def down(orders: list[plant.WorkOrder]) -> Decimal:
    return sum((plant.downtime_hours(one) or Decimal(0) for one in orders), Decimal(0))


def by_asset(frame: pd.DataFrame) -> dict[Key, list[Any]]:
    """Rows by site and asset, a missing number being None."""
    return {
        (row[0], row[1]): [None if pd.isna(one) else one for one in row[2:]]
        for row in frame.to_numpy().tolist()
    }


def same(found: dict[Key, list[Any]], truth: dict[Key, list[Any]]) -> None:
    assert list(found) == list(truth)
    for key, wanted in truth.items():
        # Floats of at most a few decimals: equal to the billionth.
        near: list[Any] = [
            one if one is None else pytest.approx(float(one), abs=1e-9) for one in wanted
        ]
        assert found[key] == near, key


@pytest.mark.parametrize("system", SYSTEMS)
def test_downtime_is_that_of_the_plant(frames: dict[str, pd.DataFrame], system: str) -> None:
    truth: dict[Key, list[Any]] = {key: [down(some), len(some), 0] for key, some in begun().items()}
    assert sum(one[0] for one in truth.values()) > 0
    same(by_asset(gd.maintenance.downtime(frames[system], **WINDOW)), truth)


@pytest.mark.parametrize("system", SYSTEMS)
def test_time_between_failures_is_that_of_the_plant(
    frames: dict[str, pd.DataFrame], system: str
) -> None:
    found = gd.maintenance.mean_time_between_failures(
        frames[system], failure_types=FAILURES[system], **WINDOW
    )
    truth: dict[Key, list[Any]] = {}
    for key, some in begun().items():
        running, failures = HOURS - float(down(some)), len(failed(some))
        truth[key] = [failures, running, running / failures if failures else None]
    assert any(one[0] > 1 for one in truth.values())
    same(by_asset(found), truth)


@pytest.mark.parametrize("system", SYSTEMS)
def test_time_to_repair_is_that_of_the_plant(frames: dict[str, pd.DataFrame], system: str) -> None:
    found = gd.maintenance.mean_time_to_repair(
        frames[system], failure_types=FAILURES[system], **WINDOW
    )
    truth: dict[Key, list[Any]] = {}
    for key, some in begun().items():
        repairs = failed(some)
        hours = [
            (one.actual_finish - one.actual_start) / timedelta(hours=1)
            for one in repairs
            if one.actual_finish and one.actual_start
        ]
        mean = sum(hours) / len(hours) if hours else None
        if repairs:
            truth[key] = [len(hours), sum(hours), mean, len(repairs) - len(hours)]
    assert any(one[3] for one in truth.values())
    same(by_asset(found), truth)


@pytest.mark.parametrize("system", SYSTEMS)
def test_backlog_is_that_of_the_plant(frames: dict[str, pd.DataFrame], system: str) -> None:
    found = gd.maintenance.backlog(frames[system], at=READ)
    truth: dict[Key, list[Any]] = {}
    for site in sorted(one.name for one in plant.SITES):
        orders = [one for one in map(plant.work_order, range(ORDERS)) if one.site.name == site]
        waiting = [one for one in orders if one.state in OPEN and one.reported <= READ]
        late = [one for one in waiting if one.due and one.due < READ.date()]
        oldest = max((READ - one.reported) / timedelta(days=1) for one in waiting)
        truth[site, ""] = [len(waiting), len(late), oldest, 0]
    assert all(one[0] > one[1] > 0 for one in truth.values())
    found.insert(1, "asset_id", "")
    same(by_asset(found), truth)


def test_the_numbers_of_all_three_are_equal_to_the_last_bit(
    frames: dict[str, pd.DataFrame],
) -> None:
    for name, more in (("downtime", False), ("mean_time_between_failures", True),
                       ("mean_time_to_repair", True)):  # fmt: skip
        measure = getattr(gd.maintenance, name)
        found = [
            measure(
                frames[system], **WINDOW, **({"failure_types": FAILURES[system]} if more else {})
            )
            for system in SYSTEMS
        ]
        for other in found[1:]:
            pd.testing.assert_frame_equal(found[0], other, check_exact=True, check_dtype=False)
