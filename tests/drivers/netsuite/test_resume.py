"""A read of NetSuite that is killed goes on after its last page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.netsuite.test_netsuite import TBA
from tests.drivers.odata.helpers import config
from tests.drivers.odata.killing import data_requests, kill_while_waiting
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_netsuite

LINES = 9_000
SUITEQL, RECORDS = r"suiteql\?limit=1000", r"record/v1/vendor"


@pytest.fixture(scope="module")
def running() -> Iterator[HistorianPeer]:
    with start_netsuite(lines=LINES) as peer:
        yield peer


many_session, many = renewed("many", lambda: start_netsuite(lines=45_000), scope="module")


@pytest.fixture
def peer(running: HistorianPeer) -> HistorianPeer:
    running.reset()
    return running


def keys(peer: HistorianPeer, folder: Path, **more: Any) -> dict[str, Any]:
    told = {"erp_system": "netsuite", "base_url": peer.origin, "checkpoint_path": str(folder)}
    return {**told, **TBA, **more}


def read(peer: HistorianPeer, folder: Path, entity: str, **more: Any) -> pd.DataFrame:
    told = keys(peer, folder, **more)
    with gd.Session([config(told.pop("base_url"), **told)]) as s:
        return s.erp(entity, limit=None)


@pytest.mark.parametrize("pages", [1, 4, 9])
def test_a_killed_read_goes_on_after_its_last_page(
    peer: HistorianPeer, tmp_path: Path, pages: int
) -> None:
    whole = read(peer, tmp_path / "whole", "gl_entry")
    needed = len(data_requests(peer, SUITEQL))
    assert needed == 10
    told = keys(peer, tmp_path / "killed")
    assert kill_while_waiting(peer, "gl_entry", told, match=SUITEQL, pages=pages) == pages
    frame = read(peer, tmp_path / "killed", "gl_entry")
    assert content(frame) == content(whole)
    assert len(data_requests(peer, SUITEQL)) == needed - pages
    assert f"the first {pages * 1000} records" in notes(frame)
    assert not list(tmp_path.rglob("*.arrow"))


@pytest.mark.parametrize("records", [0, 70, 420])
def test_a_killed_read_of_one_record_after_the_other_goes_on(
    peer: HistorianPeer, tmp_path: Path, records: int
) -> None:
    whole = read(peer, tmp_path / "whole", "record/vendor")
    match = r"record/v1/vendor/"
    assert len(data_requests(peer, match)) == 500
    told = keys(peer, tmp_path / "killed", connection_pool_size=5)
    kill_while_waiting(peer, "record/vendor", told, match=match, pages=records)
    frame = read(peer, tmp_path / "killed", "record/vendor", connection_pool_size=5)
    assert content(frame) == content(whole)
    # Five are asked for at once, so that what was on the way is no more than those.
    assert len(data_requests(peer, match)) <= 500 - records + 5
    assert not data_requests(peer, r"record/v1/vendor\?")
    assert ("records are those of an earlier read" in notes(frame)) == (records > 0)


@pytest.mark.parametrize(("pages", "gone"), [(1, 0), (2, 0), (2, 1)])
def test_a_list_of_records_that_is_not_whole_goes_on_unless_it_was_shifted(
    many: HistorianPeer, tmp_path: Path, pages: int, gone: int
) -> None:
    match, told = r"record/v1/purchaseOrder\?limit=1000", keys(many, tmp_path, max_retries=0)
    origin = told.pop("base_url")

    def some(**more: Any) -> pd.DataFrame:
        with gd.Session([config(origin, **told, **more)]) as s:
            return s.erp("record/purchaseOrder", fields=["id", "tranId"], limit=3)

    many.fault("reset", match, skip=pages)
    with pytest.raises(gd.SourceUnreachable):
        some()
    many.reset()
    many.set(ids_gone=gone)
    with pytest.warns(gd.GreenLangWarning, match="more"):
        frame = some()
    assert len(data_requests(many, match)) == (3 if gone else 3 - pages)
    assert ("others have shifted it" in notes(frame)) == bool(gone)
    told["checkpoint_path"] = str(tmp_path / "whole")
    with pytest.warns(gd.GreenLangWarning, match="more"):
        whole = some()
    assert content(frame) == content(whole)


def test_pages_of_another_login_or_account_are_not_used(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    kill_while_waiting(peer, "gl_entry", keys(peer, tmp_path), match=SUITEQL, pages=3)
    files = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    assert not any(secret in one for one in files for secret in (b"s3cret", b"token-id"))
    for name, value in (("token_id", "another"), ("account", "7654321")):
        peer.set(**{name: value})
        frame = read(peer, tmp_path, "gl_entry", **{name: value})
        assert "records are those of an earlier read" not in notes(frame)
        assert f"since it differs in {name}; its pages are in" in notes(frame)
        peer.reset()
    peer.clear_requests()
    frame = read(peer, tmp_path, "gl_entry")
    assert "the first 3000 records are those of an earlier read" in notes(frame)
