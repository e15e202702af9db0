"""Rows of other sets that come in pages, fail and are asked for again, or may not be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.sappm.helpers import STRANGE, config
from tests.peers import maintained_plant as plant
from tests.peers.fixtures import start_or_skip
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_gateway

ORDERS = 1_100  # more than are asked for by their numbers
OPERATIONS = "MaintenanceOrderOperation?"
LOGIN = {"username": "operator", "password": "s3cret-Pässword"}


@pytest.fixture(scope="module")
def running() -> Iterator[HistorianPeer]:
    with start_or_skip(lambda: start_gateway(items=100, orders=ORDERS)) as peer:
        yield peer


@pytest.fixture
def peer(running: HistorianPeer) -> HistorianPeer:
    running.reset()
    running.set(page=300)
    return running


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    return gd.Session([config(peer, **{**LOGIN, **STRANGE, **more})])  # type: ignore[arg-type]


def hours(frame: pd.DataFrame) -> list[Any]:
    return frame["labor_hours"].tolist()


TRUTH = [plant.work_order(index).labor_hours for index in range(ORDERS)]


@pytest.mark.parametrize("fault", ["reset", "cut", "status"])
def test_a_page_that_fails_is_asked_for_again_and_no_other(peer: HistorianPeer, fault: str) -> None:
    with session(peer) as s:
        assert hours(s.cmms("work_order")) == TRUTH
        usual = len(peer.requests())
        peer.fault(
            fault, OPERATIONS, skip=2, times=1, **({"status": 503} if fault == "status" else {})
        )
        assert hours(s.cmms("work_order")) == TRUTH
    # The metadata are known by then, and one page is there twice.
    assert len(peer.requests()) - usual <= usual + 1


def test_many_orders_are_read_with_all_operations_and_those_of_a_site_with_theirs(
    peer: HistorianPeer,
) -> None:
    with session(peer) as s:
        assert hours(s.cmms("work_order")) == TRUTH
        # A page after the first is asked for by the last key of the one before.
        assert all(one["target"].count("%20eq%20") < 9 for one in operations(peer))
        before = len(operations(peer))
        some = s.cmms("work_order", site="DE01")
        asked = operations(peer)[before:]
    wanted = [plant.work_order(index) for index in range(ORDERS)]
    wanted = [one for one in wanted if one.site.plant == "DE01"]
    assert hours(some) == [one.labor_hours for one in wanted]
    assert all(one["target"].count("%20eq%20") > 9 for one in asked)
    assert len(asked) >= len(wanted) // 100


def operations(peer: HistorianPeer) -> list[Any]:
    return [one for one in peer.requests() if OPERATIONS in one["target"]]


def test_a_part_that_cannot_be_read_whole_is_an_error(peer: HistorianPeer) -> None:
    peer.fault("status", OPERATIONS, skip=2, status=503)
    with session(peer) as s, pytest.raises(gd.TransientError):
        s.cmms("work_order", timeout=30)


def test_records_in_a_file_are_those_of_the_frame(peer: HistorianPeer, tmp_path: Path) -> None:
    with session(peer) as s:
        frame = s.cmms("work_order")
        path = gd.to_parquet(
            s.scan(gd.CMMSQuery(query_type="work_order")), tmp_path / "all.parquet"
        )
    back = gd.read_parquet(path)
    assert gd.verify(back) == "intact"
    pd.testing.assert_frame_equal(back, frame)


def test_a_set_that_the_login_may_not_read_leaves_its_columns_empty_with_a_warning(
    peer: HistorianPeer,
) -> None:
    peer.fault("status", r"measurementdocument/0001/\$metadata", status=403)
    told = "reading and unit and reading_at of meter are missing.*HTTP 403"
    with session(peer) as s, pytest.warns(gd.GreenLangWarning, match=told):
        frame = s.cmms("meter", asset_ids=["10000004"])
    assert len(frame) == len(plant.meters_of(4))
    assert frame[["reading", "unit", "reading_at"]].isna().all(axis=None)
    assert set(frame["site"]) == {plant.asset(4).site.plant}
