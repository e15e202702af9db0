"""A read that is killed on the way goes on where it was, and the result is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.odata.helpers import config
from tests.drivers.odata.killing import kill_while_waiting
from tests.drivers.odata.lying_service import start_lying_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

lies_session, lies = renewed("lies", start_lying_service, scope="module")


@pytest.fixture
def peer(lies: HistorianPeer) -> HistorianPeer:
    lies.set(cap=20)
    return lies


def session(peer: HistorianPeer, folder: Path) -> gd.Session:
    keys = {"services": {"S": "/v4/S"}, "checkpoint_path": str(folder), "max_retries": 0}
    return gd.Session([config(peer.origin, **keys)])


def pages(peer: HistorianPeer) -> int:
    return len([one for one in peer.requests() if one["path"].endswith("/Rows")])


@pytest.mark.parametrize("page", [1, 4, 11])
def test_a_failed_read_goes_on_after_its_last_page(
    peer: HistorianPeer, tmp_path: Path, page: int
) -> None:
    with session(peer, tmp_path / "none") as s:
        whole = s.erp("S/Rows", limit=None)
    peer.clear_requests()
    peer.fault("reset", "Rows", skip=page)
    with session(peer, tmp_path) as s, pytest.raises(gd.SourceUnreachable):
        s.erp("S/Rows", limit=None)
    peer.set(faults=[])
    with session(peer, tmp_path) as s:
        frame = s.erp("S/Rows", limit=None)
    # 250 rows in pages of 20, an empty one or none at the end, and the page that failed twice.
    assert pages(peer) <= 13 + 2
    assert content(frame) == content(whole)
    assert f"the first {page * 20} records" in notes(frame)
    assert not list(tmp_path.rglob("*.arrow"))


def test_a_killed_process_costs_no_more_than_the_page_in_flight(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    keys = {"erp_system": "sap", "base_url": peer.origin, "services": {"S": "/v4/S"}}
    keys["checkpoint_path"] = str(tmp_path)
    assert kill_while_waiting(peer, "S/Rows", keys, match="Rows", pages=6) == 6
    with session(peer, tmp_path) as s:
        frame = s.erp("S/Rows", limit=None)
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(250)]
    assert pages(peer) <= 13 - 6 + 1


def test_pages_of_another_question_or_that_are_damaged_are_not_used(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    peer.fault("reset", "Rows", skip=5)
    with session(peer, tmp_path) as s, pytest.raises(gd.SourceUnreachable):
        s.erp("S/Rows", limit=None)
    peer.set(faults=[])
    kept = sorted(tmp_path.rglob("page-*.arrow"))
    kept[2].write_bytes(b"damaged")
    kept[1].replace(kept[1].with_name("page-000003.arrow"))
    with session(peer, tmp_path) as s:
        some = s.erp("S/Rows", limit=None, fields=["Amount", "ID"])
        assert "the first" not in notes(some)
        assert "does not go on with it, since it differs in fields" in notes(some)
        frame = s.erp("S/Rows", limit=None)
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(250)]
    # Each page says where it belongs, whatever its file is called now.
    assert "the first 40 records" in notes(frame)
    assert "page-000002.arrow of an earlier read is damaged" in notes(frame)


def test_a_read_that_is_killed_while_it_counts_costs_its_last_page(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    keys = {"erp_system": "sap", "base_url": peer.origin, "services": {"S": "/v4/S"}}
    keys["checkpoint_path"] = str(tmp_path)
    kill_while_waiting(peer, "S/Rows", keys, match=r"Rows/\$count", pages=0)
    with session(peer, tmp_path) as s:
        frame = s.erp("S/Rows", limit=None)
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(250)]
    assert pages(peer) <= 1
    assert not list(tmp_path.rglob("*.arrow"))
