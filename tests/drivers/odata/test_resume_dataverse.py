"""A read of Dataverse that is killed goes on with the cookie of its last page.

That names the last record, so what others write meanwhile shifts nothing, and no page is asked for
a second time but the one that was on its way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.odata.helpers import config, native_names
from tests.drivers.odata.killing import data_requests, kill_while_waiting
from tests.peers import dynamics_rows as rows
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_dataverse

LINES, SIZE = 3_000, 450
PAGES = -(-LINES // SIZE)
LINE_SET = "msdyn_purchaseorderproducts"
KEY = "msdyn_purchaseorderproductid"
ASKED = rf"{LINE_SET}\?"


peer_session, peer = renewed("peer", lambda: start_dataverse(lines=LINES), scope="module")


def keys(peer: HistorianPeer, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "erp_system": "dynamics",
        "dynamics_app": "dataverse",
        "base_url": peer.origin,
        "token_url": f"{peer.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token",
        "client_id": "historian-client",
        "client_secret": "s3cret-client",
        "page_size": SIZE,
        "checkpoint_path": str(folder),
        **more,
    }


def read(peer: HistorianPeer, folder: Path, **more: Any) -> pd.DataFrame:
    told = keys(peer, folder, **more)
    with gd.Session([config(told.pop("base_url"), **told)]) as s:
        return s.erp(LINE_SET, limit=None)


def assert_every_line(frame: pd.DataFrame) -> None:
    wanted = [str(rows.dataverse_order_product(one)[KEY]) for one in range(LINES)]
    assert sorted(frame[native_names(frame)(KEY)]) == sorted(wanted)


@pytest.mark.parametrize("pages", [1, 3, PAGES - 1])
def test_a_killed_read_goes_on_after_its_last_page(
    peer: HistorianPeer, tmp_path: Path, pages: int
) -> None:
    whole = read(peer, tmp_path / "whole")
    told = keys(peer, tmp_path / "killed")
    assert kill_while_waiting(peer, LINE_SET, told, match=ASKED, pages=pages) == pages
    # Whoever asks for another size beside a cookie loses rows.
    frame = read(peer, tmp_path / "killed", page_size=100)
    assert len(data_requests(peer, ASKED)) == PAGES - pages
    asked = [one for one in peer.requests() if f"{LINE_SET}?" in one["target"]]
    assert {one["headers"]["prefer"] for one in asked} == {f"odata.maxpagesize={SIZE}"}
    assert_every_line(frame)
    assert content(frame) == content(whole)
    assert f"the first {pages * SIZE} records" in notes(frame)
    assert not list(tmp_path.rglob("*.arrow"))


def test_a_read_can_be_killed_again_and_again(peer: HistorianPeer, tmp_path: Path) -> None:
    told = keys(peer, tmp_path)
    for pages in (2, 3, 5):
        before = len(list(tmp_path.rglob("page-*.arrow")))
        more = pages - before
        assert kill_while_waiting(peer, LINE_SET, told, match=ASKED, pages=more) == pages
    frame = read(peer, tmp_path)
    assert len(data_requests(peer, ASKED)) == PAGES - 5
    assert_every_line(frame)


def test_a_cookie_that_is_refused_begins_the_read_anew(peer: HistorianPeer, tmp_path: Path) -> None:
    told = keys(peer, tmp_path)
    kill_while_waiting(peer, LINE_SET, told, match=ASKED, pages=3)
    peer.fault("status", "skiptoken", status=400, times=1, body={"error": {"message": "too old"}})
    frame = read(peer, tmp_path)
    assert_every_line(frame)
    assert len(data_requests(peer, ASKED)) == PAGES + 1
    assert "not gone on with" in notes(frame)
    assert "too old" in notes(frame)
    assert "the first" not in notes(frame)


def test_pages_that_were_exchanged_or_damaged_are_not_used(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    told = keys(peer, tmp_path)
    kill_while_waiting(peer, LINE_SET, told, match=ASKED, pages=5)
    kept = sorted(tmp_path.rglob("page-*.arrow"))
    kept[3].replace(kept[2])
    frame = read(peer, tmp_path)
    assert len(data_requests(peer, ASKED)) == PAGES - 2
    assert_every_line(frame)


def test_a_page_that_is_asked_for_again_keeps_its_size(peer: HistorianPeer, tmp_path: Path) -> None:
    peer.fault("status", "skiptoken", status=500, skip=1, times=1)
    frame = read(peer, tmp_path, max_retries=1)
    assert_every_line(frame)
    asked = [one for one in peer.requests() if f"{LINE_SET}?" in one["target"]]
    assert {one["headers"]["prefer"] for one in asked} == {f"odata.maxpagesize={SIZE}"}
    assert len(asked) == PAGES + 1
