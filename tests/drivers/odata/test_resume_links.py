"""A read by the server's own links that is killed goes on with the link of its last page.

What proves that the link goes on there is one record's key, or the page itself; else it begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.odata.helpers import LOGIN, config
from tests.drivers.odata.killing import data_requests, kill_while_waiting, page_requests
from tests.drivers.odata.lying_service import start_lying_service
from tests.peers import dynamics_rows
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_dataverse

ROWS = 1_000
ODP = "Z_ODP_MATERIAL_SRV/AttrOf0MATERIAL_ATTR"
ASKED = r"AttrOf0MATERIAL_ATTR\?"
CLIENT = {"client_id": "historian-client", "client_secret": "s3cret-client"}


lies_session, lies = renewed("lies", start_lying_service, scope="module")


@pytest.fixture
def liar(lies: HistorianPeer) -> HistorianPeer:
    lies.set(cap=20, keys="refused")
    return lies


@pytest.fixture(scope="module")
def running_dataverse() -> Iterator[HistorianPeer]:
    with start_dataverse(lines=500) as started:
        yield started


@pytest.fixture
def dataverse(running_dataverse: HistorianPeer) -> HistorianPeer:
    running_dataverse.reset()
    return running_dataverse


def read(told: dict[str, Any], entity: str, **query: Any) -> pd.DataFrame:
    keys = dict(told)
    with gd.Session([config(keys.pop("base_url"), **keys)]) as s:
        return s.erp(entity, limit=None, **query)


def of_liar(peer: HistorianPeer, folder: Path, version: int = 4) -> dict[str, Any]:
    services = {"S": f"/v{version}/S"}
    return {
        "erp_system": "sap", "base_url": peer.origin, "services": services, "max_retries": 0,
        "checkpoint_path": str(folder),
    }  # fmt: skip


def told(frame: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = frame.attrs["provenance"].full["metadata"]["completeness"]
    return found


def assert_whole(frame: pd.DataFrame, first: int = 0, rows: int = 250) -> None:
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(first, rows)]


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("link", ["relative", "absolute", "none"])
@pytest.mark.parametrize("pages", [2, 5])
def test_a_read_by_links_goes_on_behind_its_last_page(
    liar: HistorianPeer, tmp_path: Path, version: int, link: str, pages: int
) -> None:
    liar.set(link=link)
    whole = read(of_liar(liar, tmp_path / "whole", version), "S/Rows")
    needed = len(data_requests(liar, r"Rows\?"))
    asked = of_liar(liar, tmp_path / "killed", version)
    # One answer was the refusal to compare keys, which is kept beside the pages.
    left = kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=pages + 1)
    assert left == pages + 1
    frame = read(asked, "S/Rows")
    assert_whole(frame)
    assert content(frame) == content(whole)
    # The page that was on its way once more, and nothing but it.
    assert len(page_requests(liar, r"Rows\?")) == needed - (pages + 1)
    assert len(data_requests(liar, r"Rows\?")) == needed - (pages + 1) + 1
    assert f"the first {pages * 20} records" in notes(frame)
    assert told(frame)["distinct_keys"] == told(frame)["counted_after"] == 250
    assert not list(tmp_path.rglob("*.arrow"))


@pytest.mark.parametrize(("then", "first"), [("deleted", 5), ("inserted", 0), ("replaced", 5)])
def test_pages_that_were_shifted_meanwhile_are_all_read_again(
    liar: HistorianPeer, tmp_path: Path, then: str, first: int
) -> None:
    asked = of_liar(liar, tmp_path)
    kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=6)
    liar.set(then=then, after=0)
    frame = read(asked, "S/Rows")
    news = [f"{one:04d}" for one in (-5, -4, -3)] if then == "inserted" else []
    end = 255 if then == "replaced" else 250
    assert list(frame["ID"]) == [*news, *(f"{one:04d}" for one in range(first, end))]
    assert "not gone on with, since its last page has other records now" in notes(frame)
    assert "the first" not in notes(frame)


def test_a_record_that_was_changed_meanwhile_is_read_as_it_is_now(
    liar: HistorianPeer, tmp_path: Path
) -> None:
    asked = of_liar(liar, tmp_path)
    kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=6)
    liar.set(then="changed once", after=0)
    frame = read(asked, "S/Rows")
    assert_whole(frame)
    # What was read before is as it was, and what came since as it is.
    assert [str(one) for one in frame["Amount"].iloc[[0, 99, 100, 249]]] == [
        "0.5", "99.5", "101.5", "250.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "times"), [("an error", 1), ("nothing", 2), ("the first page", 1)]
)
def test_a_link_that_has_expired_begins_the_read_anew(
    liar: HistorianPeer, tmp_path: Path, gone: str, times: int
) -> None:
    asked = of_liar(liar, tmp_path)
    kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=6)
    liar.set(expired=gone, expired_times=times)
    frame = read(asked, "S/Rows")
    assert_whole(frame)
    assert "an earlier read was not gone on with" in notes(frame)
    assert "the first" not in notes(frame)


def test_a_link_that_leads_nowhere_has_its_page_asked_for_again(
    liar: HistorianPeer, tmp_path: Path
) -> None:
    asked = of_liar(liar, tmp_path)
    kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=6)
    liar.set(expired="nothing", expired_times=1)
    frame = read(asked, "S/Rows")
    assert_whole(frame)
    # Five pages were left. The page and its link are good, so only the last one is asked for again.
    assert "the first 80 records" in notes(frame)
    assert len(page_requests(liar, r"Rows\?")) == 13 - 5 + 2


def test_rows_that_cannot_be_skipped_have_their_last_page_asked_for_again(
    liar: HistorianPeer, tmp_path: Path
) -> None:
    liar.set(skips=False)
    asked = of_liar(liar, tmp_path)
    kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=6)
    frame = read(asked, "S/Rows")
    assert_whole(frame)
    assert "the first 80 records" in notes(frame)
    assert len(page_requests(liar, r"Rows\?")) == 13 - 5 + 1


def test_links_that_may_hold_a_secret_are_not_kept(liar: HistorianPeer, tmp_path: Path) -> None:
    liar.set(session="k3y-k3y-k3y")
    asked = of_liar(liar, tmp_path)
    left = kill_while_waiting(liar, "S/Rows", asked, match=r"Rows\?", pages=6)
    assert left == 2  # the first page, and that keys are not compared
    assert all(b"k3y" not in one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    frame = read(asked, "S/Rows")
    assert_whole(frame)
    assert "parameters that may be secret: 'session'" in notes(frame)
    assert "k3y" not in notes(frame)


@pytest.mark.parametrize(("token", "pages"), [("offset", 1), ("opaque", 3), ("quoted", 4)])
def test_a_read_that_begins_to_keep_track_goes_on_and_leaves_its_mark(
    gateway: HistorianPeer, tmp_path: Path, token: str, pages: int
) -> None:
    gateway.set(page=100, token=token, delta=1)
    asked = {"erp_system": "sap", "base_url": gateway.origin, **LOGIN}
    whole = read({**asked, "checkpoint_path": str(tmp_path / "whole")}, ODP, since="start")
    needed = len(data_requests(gateway, ASKED))
    assert needed > pages + 1
    asked["checkpoint_path"] = str(tmp_path / "killed")
    left = kill_while_waiting(gateway, ODP, asked, match=ASKED, pages=pages, since="start")
    assert left == pages
    frame = read(asked, ODP, since="start")
    assert content(frame) == content(whole)
    assert len(data_requests(gateway, ASKED)) == needed - pages
    assert "deltatoken" in str(told(frame)["mark"])
    assert told(frame)["mark"] == told(whole)["mark"]
    changes = read(asked, ODP, since=told(frame)["mark"])
    assert len(changes) > 0


def test_dataverse_keeps_track_over_a_kill(dataverse: HistorianPeer, tmp_path: Path) -> None:
    dataverse.set(delta=1)
    asked = {
        "erp_system": "dynamics", "dynamics_app": "dataverse", "base_url": dataverse.origin,
        "token_url": f"{dataverse.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token", **CLIENT,
        "page_size": 100, "checkpoint_path": str(tmp_path),
    }  # fmt: skip
    match = r"accounts\?"
    assert kill_while_waiting(dataverse, "accounts", asked, match=match, pages=3, since="start")
    frame = read(asked, "accounts", since="start")
    table = dynamics_rows.dataverse_tables(500)["accounts"]
    wanted = [str(table.make(index)["accountid"]) for index in range(table.rows)]
    assert sorted(frame["accountid"]) == sorted(wanted)
    assert len(read(asked, "accounts", since=told(frame)["mark"])) > 0
