"""A read of what has changed that is killed goes on behind its last page, and loses no change.

What the server forgets once the next mark is asked for is safe: that mark is only known once the
read has ended. Where neither the link nor the mark is good any more it is told, and what had come
stays on disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.odata.helpers import config
from tests.drivers.odata.killing import data_requests, kill_while_waiting
from tests.drivers.odata.tracking_service import CHANGES, changes, start_tracking_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

ASKED = r"Rows\?"
PAGES = 5


peer_session, peer = renewed("peer", start_tracking_service, scope="module")


def keys(peer: HistorianPeer, folder: Path, version: int) -> dict[str, Any]:
    return {
        "erp_system": "sap", "base_url": peer.origin, "services": {"S": f"/v{version}/S"},
        "max_retries": 0, "checkpoint_path": str(folder),
    }  # fmt: skip


def read(told: dict[str, Any], since: Any) -> pd.DataFrame:
    more = {name: one for name, one in told.items() if name != "base_url"}
    with gd.Session([config(told["base_url"], **more)]) as s:
        return s.erp("S/Rows", since=since)


def mark(frame: pd.DataFrame) -> str:
    return str(frame.attrs["provenance"].full["metadata"]["completeness"]["mark"])


def killed(peer: HistorianPeer, told: dict[str, Any], since: str, pages: int) -> int:
    return kill_while_waiting(peer, "S/Rows", told, match=ASKED, pages=pages, since=since)


def assert_all_changes(frame: pd.DataFrame, number: int = 1) -> None:
    wanted = changes(number)
    told = list(zip(frame["ID"], frame["change"], strict=True))
    modes = ["delete" if one["ODQ_CHANGEMODE"] else "upsert" for one in wanted]
    assert sorted(told) == sorted(zip([one["ID"] for one in wanted], modes, strict=True))


@pytest.mark.parametrize("pages", range(1, PAGES))
def test_a_delta_queue_is_read_on_at_its_next_page(
    peer: HistorianPeer, tmp_path: Path, pages: int
) -> None:
    begun = mark(read(keys(peer, tmp_path / "begun", 2), "start"))
    whole = read(keys(peer, tmp_path / "whole", 2), begun)
    told = keys(peer, tmp_path / "killed", 2)
    assert killed(peer, told, begun, pages) == pages
    peer.set(asked_once=True)  # so that what had come is nowhere but on disk
    frame = read(told, begun)
    assert len(data_requests(peer, ASKED)) == PAGES - pages
    assert_all_changes(frame)
    assert content(frame) == content(whole)
    assert mark(frame) == mark(whole)
    assert f"the first {pages * 10} records" in notes(frame)
    assert not list(tmp_path.rglob("*.arrow"))
    # The queue forgets what was behind the first mark only now.
    assert_all_changes(read(told, mark(frame)), 2)
    with pytest.raises(gd.SourceError, match="410"):
        read(told, begun)


@pytest.mark.parametrize("pages", [1, PAGES - 1])
def test_changes_without_a_queue_have_their_last_page_asked_for_again(
    peer: HistorianPeer, tmp_path: Path, pages: int
) -> None:
    begun = mark(read(keys(peer, tmp_path / "begun", 4), "start"))
    whole = read(keys(peer, tmp_path / "whole", 4), begun)
    told = keys(peer, tmp_path / "killed", 4)
    assert killed(peer, told, begun, pages) == pages
    frame = read(told, begun)
    assert len(data_requests(peer, ASKED)) == PAGES - pages + 1
    assert_all_changes(frame)
    assert content(frame) == content(whole)
    assert mark(frame) == mark(whole)


def test_changes_that_were_shifted_meanwhile_are_all_asked_for_again(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    told = keys(peer, tmp_path, 4)
    begun = mark(read(told, "start"))
    assert killed(peer, told, begun, 3) == 3
    peer.set(shifted=2)
    frame = read(told, begun)
    assert_all_changes(frame)
    assert "its last page has other records now" in notes(frame)


@pytest.mark.parametrize("version", [2, 4])
def test_a_link_that_has_expired_has_the_mark_asked_for_again(
    peer: HistorianPeer, tmp_path: Path, version: int
) -> None:
    told = keys(peer, tmp_path, version)
    begun = mark(read(told, "start"))
    assert killed(peer, told, begun, 3) == 3
    peer.set(links_refused=1)
    frame = read(told, begun)
    assert_all_changes(frame)
    assert len(frame) == CHANGES
    assert "an earlier read was not gone on with, since its link is not good" in notes(frame)
    assert "the first" not in notes(frame)


@pytest.mark.parametrize("how", ["asked_once", "forgets"])
def test_changes_that_the_server_tells_once_are_not_lost_in_silence(
    peer: HistorianPeer, tmp_path: Path, how: str
) -> None:
    told = keys(peer, tmp_path, 2)
    begun = mark(read(told, "start"))
    assert killed(peer, told, begun, 3) == 3
    peer.set(**{how: True, "links_refused": 1})
    for _ in range(2):  # nor by asking once more
        with pytest.raises(gd.SourceError, match="cannot be told again") as raised:
            read(told, begun)
        assert 'since="start"' in str(raised.value)
        assert len(list(tmp_path.rglob("page-*.arrow"))) >= 3
        peer.set(links_refused=100)


def test_a_read_that_begins_anew_may_be_killed_too(peer: HistorianPeer, tmp_path: Path) -> None:
    told = keys(peer, tmp_path, 2)
    begun = mark(read(told, "start"))
    assert killed(peer, told, begun, 3) == 3
    peer.set(links_refused=1)
    # The link that is refused, and two pages from the first on.
    assert killed(peer, told, begun, 3) == 5
    frame = read(told, begun)
    assert len(data_requests(peer, ASKED)) == PAGES - 2
    assert_all_changes(frame)
    assert "the first 20 records" in notes(frame)
