"""A read of children that is killed goes on after its last page, wherever that is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content
from tests.drivers.odata.helpers import assert_rows, config, native_names
from tests.drivers.odata.killing import data_requests, kill_while_waiting
from tests.drivers.oracle.many_lines import start_many_lines
from tests.peers import oracle_tables as tables
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_oracle

ASKED = r"purchaseOrders(\?limit=500|/\d+/child)"  # and not the orders' number
# Every second order has 30 lines, 10 of them at once: three pages of lines and an empty one.
ORDERS = 6
REQUESTS = {2: 16, 4: 15}  # with two orders in a page and with four


@pytest.fixture(scope="module")
def running() -> Iterator[HistorianPeer]:
    with start_many_lines() as started:
        yield started


@pytest.fixture
def peer(running: HistorianPeer) -> HistorianPeer:
    running.reset()
    running.set(orders=ORDERS, at_once=2, lines=30, page=10)
    return running


def keys(peer: HistorianPeer, folder: Path, **more: Any) -> dict[str, Any]:
    told = {"erp_system": "oracle", "base_url": peer.origin, "checkpoint_path": str(folder)}
    return {**told, **more}


def read(peer: HistorianPeer, folder: Path, **more: Any) -> pd.DataFrame:
    told = keys(peer, folder, **more)
    with gd.Session([config(told.pop("base_url"), **told)]) as s:
        return s.erp("purchase_order_item", limit=None)


def assert_every_line(frame: pd.DataFrame) -> None:
    found = list(zip(frame["purchase_order"], frame["POLineId"], frame["quantity"], strict=True))
    wanted = [
        (f"{order:05d}", order * 1000 + one, one)
        for order in range(ORDERS)
        for one in range(30 if order % 2 else 3)
    ]
    assert sorted(found) == wanted


@pytest.mark.parametrize(
    ("orders", "answers"),
    [*((2, one) for one in (1, 4, 5, 12, 15)), *((4, one) for one in (3, 6, 10))],
)
def test_a_killed_read_goes_on_after_its_last_page(
    peer: HistorianPeer, tmp_path: Path, orders: int, answers: int
) -> None:
    peer.set(at_once=orders)
    requests = REQUESTS[orders]
    whole = read(peer, tmp_path / "whole")
    assert len(data_requests(peer, ASKED)) == requests
    told = keys(peer, tmp_path / "killed")
    left = kill_while_waiting(peer, "purchase_order_item", told, match=ASKED, pages=answers)
    assert left == answers
    frame = read(peer, tmp_path / "killed")
    assert len(data_requests(peer, ASKED)) == requests - answers
    assert_every_line(frame)
    assert content(frame) == content(whole)
    assert list(frame["POLineId"]) == list(whole["POLineId"])
    assert "of an earlier read" in " ".join(frame.attrs["provenance"].full["notes"])
    assert not list(tmp_path.rglob("*.arrow"))


@pytest.mark.parametrize("answers", [3, 6, 10])
def test_a_read_to_a_file_goes_on_too(peer: HistorianPeer, tmp_path: Path, answers: int) -> None:
    peer.set(at_once=4)
    told = keys(peer, tmp_path / "kept", max_retries=0)
    origin, query = told.pop("base_url"), gd.ERPQuery(entity_type="purchase_order_item", limit=None)
    peer.fault("reset", ASKED, skip=answers)
    with gd.Session([config(origin, **told)]) as s, pytest.raises(gd.SourceUnreachable):
        gd.to_parquet(s.scan(query), tmp_path / "lines.parquet")
    peer.set(faults=[])
    peer.clear_requests()
    with gd.Session([config(origin, **told)]) as s:
        gd.to_parquet(s.scan(query), tmp_path / "lines.parquet")
    assert_every_line(gd.read_parquet(tmp_path / "lines.parquet"))
    assert len(data_requests(peer, ASKED)) == REQUESTS[4] - answers


def test_pages_that_are_missing_damaged_or_of_another_read_are_not_used(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    for place, other in ((2, 3), (0, 4), (4, 1), (1, 5)):
        folder = tmp_path / f"{place}-{other}"
        told = keys(peer, folder)
        kill_while_waiting(peer, "purchase_order_item", told, match=ASKED, pages=9)
        kept = sorted(folder.rglob("page-*.arrow"))
        kept[other].replace(kept[place])
        assert_every_line(read(peer, folder))
        assert len(data_requests(peer, ASKED)) >= REQUESTS[2] - place - 2


def test_a_read_whose_children_all_come_along_goes_on(tmp_path: Path) -> None:
    login = {"username": "operator", "password": "s3cret-Pässword"}
    rows = [tables.order_line(index) for index in range(5 * 600)]
    rows = [{**row, "LineNumber": str(row["LineNumber"])} for row in rows]
    for pages in (1, 3):
        with start_oracle(orders=600) as peer:
            peer.set(cap=150)
            told = keys(peer, tmp_path, **login)
            match = r"purchaseOrders\?limit=500"
            entity = "purchase_order_item"
            assert kill_while_waiting(peer, entity, told, match=match, pages=pages) == pages
            frame = read(peer, tmp_path, **login)
            assert len(data_requests(peer, match)) == 5 - pages
        assert_rows(frame, native_names(frame), rows, key=["POLineId"])
