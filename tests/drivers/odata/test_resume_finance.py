"""A read of finance and operations that is killed goes on, across companies, by key or in ranges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.odata.helpers import config
from tests.drivers.odata.killing import data_requests, kill_while_waiting
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_finance

LINES = 3_000
LINE_SET = "purchase_order_item"
ASKED = r"PurchaseOrderLinesV2\?"


@pytest.fixture(scope="module")
def running() -> Iterator[HistorianPeer]:
    with start_finance(lines=LINES) as peer:
        yield peer


@pytest.fixture
def peer(running: HistorianPeer) -> HistorianPeer:
    running.reset()
    running.set(page=200)
    return running


def keys(peer: HistorianPeer, folder: Path, at_once: int, **more: Any) -> dict[str, Any]:
    return {
        "erp_system": "dynamics", "dynamics_app": "finance", "base_url": peer.origin,
        "token_url": f"{peer.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token",
        "client_id": "historian-client", "client_secret": "s3cret-client",
        "parallel_ranges": at_once, "checkpoint_path": str(folder), **more,
    }  # fmt: skip


def read(peer: HistorianPeer, folder: Path, at_once: int, **more: Any) -> pd.DataFrame:
    told = keys(peer, folder, at_once, **more)
    with gd.Session([config(told.pop("base_url"), **told)]) as s:
        return s.erp(LINE_SET, limit=None)


@pytest.mark.parametrize(("at_once", "pages"), [(1, 1), (1, 9), (1, 14), (3, 11)])
def test_a_killed_read_goes_on(
    peer: HistorianPeer, tmp_path: Path, at_once: int, pages: int
) -> None:
    whole = read(peer, tmp_path / "whole", 1)
    peer.clear_requests()
    read(peer, tmp_path / "as many", at_once)
    needed = len(data_requests(peer, ASKED))
    told = keys(peer, tmp_path / "killed", at_once)
    kill_while_waiting(peer, LINE_SET, told, match=ASKED, pages=pages)
    frame = read(peer, tmp_path / "killed", at_once)
    assert content(frame) == content(whole)
    assert len(data_requests(peer, ASKED)) <= needed - pages + (at_once if at_once > 1 else 0)
    assert "records" in notes(frame)
    assert "of an earlier read" in notes(frame)
    assert ("ranges of the key" in notes(frame)) == (at_once > 1)
    assert not list(tmp_path.rglob("*.arrow"))


def test_pages_of_another_company_are_not_used(peer: HistorianPeer, tmp_path: Path) -> None:
    told = keys(peer, tmp_path, 1, company_code="USMF")
    kill_while_waiting(peer, LINE_SET, told, match=ASKED, pages=2)
    frame = read(peer, tmp_path, 1, company_code="DEMF")
    assert set(frame["company_code"]) == {"demf"}
    assert "it differs in company_code, defaults; its pages are in" in notes(frame)
    assert "records are those of an earlier read" not in notes(frame)
