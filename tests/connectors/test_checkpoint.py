"""The pages of a read that was killed: their owner's alone, of one login and one question, whole."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import greenlang_data as gd
from greenlang_data.connectors.asked import asked_of
from greenlang_data.connectors.checkpoint import Checkpoint
from greenlang_data.drivers.base import ReadLog, Records
from tests.connectors.tokens import token
from tests.drivers.common import notes
from tests.drivers.odata.helpers import config
from tests.drivers.odata.lying_service import start_lying_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

SECRETS = {
    "username": "reader", "password": "hunter2hunter2", "api_key": "k3y-k3y-k3y",
}  # fmt: skip


lies_session, lies = renewed("lies", start_lying_service, scope="module")


@pytest.fixture
def peer(lies: HistorianPeer) -> HistorianPeer:
    lies.set(cap=20)
    return lies


def session(peer: HistorianPeer, folder: Path, **more: Any) -> gd.Session:
    keys = {"services": {"S": "/v4/S"}, "checkpoint_path": str(folder), "max_retries": 0, **more}
    return gd.Session([config(peer.origin, **keys)])


def broken_off(peer: HistorianPeer, folder: Path, pages: int = 5, **more: Any) -> list[Path]:
    """The files that a read leaves that fails on the way."""
    peer.fault("reset", "Rows", skip=pages)
    with session(peer, folder, **more) as s, pytest.raises(gd.SourceUnreachable):
        s.erp("S/Rows", limit=None)
    peer.set(faults=[])
    peer.clear_requests()
    return sorted(folder.rglob("page-*.arrow"))


def read(peer: HistorianPeer, folder: Path, **more: Any) -> pd.DataFrame:
    with session(peer, folder, **more) as s:
        frame = s.erp("S/Rows", limit=None)
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(250)]
    return frame


def is_gone_on_with(frame: pd.DataFrame) -> bool:
    return "records are those of an earlier read" in notes(frame)


def test_files_are_their_owners_alone_and_hold_no_secret(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        pages = broken_off(peer, tmp_path / "reads", **SECRETS)
    finally:
        os.umask(before)
    assert len(pages) == 5
    for one in (tmp_path / "reads").rglob("*"):
        mode = stat.S_IMODE(one.lstat().st_mode)
        assert mode == (0o700 if one.is_dir() else 0o600), one
        if one.is_file():
            assert not any(value.encode() in one.read_bytes() for value in SECRETS.values()), one
    assert stat.S_IMODE((tmp_path / "reads").stat().st_mode) == 0o700
    assert is_gone_on_with(read(peer, tmp_path / "reads", **SECRETS))
    assert [one.name for one in (tmp_path / "reads").rglob("*")] == []


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"username": "another"}, "username"),
        ({"api_key": "an0ther-k3y"}, "api_key"),
        ({"sap_client": "200"}, "sap_client"),
        ({"sap_language": "DE"}, "sap_language"),
        ({"company_code": "2000"}, "company_code"),
        ({"services": {"S": "/v2/S"}}, "services"),
        ({"entities": {"S/Rows": {"service": "S", "name": "Rows"}}}, "entities"),
    ],
    ids=str,
)  # fmt: skip
def test_pages_of_another_login_or_tenant_are_not_used(
    peer: HistorianPeer, tmp_path: Path, more: dict[str, Any], name: str
) -> None:
    broken_off(peer, tmp_path, **SECRETS)
    frame = read(peer, tmp_path, **{**SECRETS, **more})
    assert not is_gone_on_with(frame)
    assert f"since it differs in {name}" in notes(frame)
    assert is_gone_on_with(read(peer, tmp_path, **SECRETS))


def test_how_it_is_asked_and_a_new_password_make_no_other_read(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    broken_off(peer, tmp_path, **SECRETS)
    changed = {"password": "correct horse", "page_size": 777, "parallel_ranges": 3}
    assert is_gone_on_with(read(peer, tmp_path, **{**SECRETS, **changed, "trust_counts": False}))


def test_a_later_token_of_the_same_user_makes_no_other_read() -> None:
    request = Records("material", filters={"plant_code": {"1010"}})

    def asked(text: str) -> dict[str, Any]:
        found = asked_of(config("https://sap.example.com", token=text), request)
        assert text not in json.dumps(found)
        return found

    assert asked(token("me", 1)) == asked(token("me", 2))
    assert asked(token("me", 1)) != asked(token("you", 1))
    assert asked("0paque-1") == asked("0paque-1") != asked("0paque-2")
    assert asked("not.a.token") != asked("nor.this.one")


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "none of ours", "older form"])
def test_a_damaged_page_is_told_and_read_again(
    peer: HistorianPeer, tmp_path: Path, damage: str
) -> None:
    pages = broken_off(peer, tmp_path)
    content = bytearray(pages[2].read_bytes())
    if damage == "bit":
        content[-100] ^= 1
    damaged = {
        "cut": content[:-9], "bit": content, "empty": b"", "none of ours": b"x" * 200,
        "older form": content[49:],
    }  # fmt: skip
    pages[2].write_bytes(bytes(damaged[damage]))
    frame = read(peer, tmp_path)
    assert "the first 40 records" in notes(frame)
    assert "page-000002.arrow of an earlier read is damaged" in notes(frame)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_others_may_write_to_is_not_used(peer: HistorianPeer, tmp_path: Path) -> None:
    pages = broken_off(peer, tmp_path)
    pages[0].parent.chmod(0o777)
    with pytest.warns(gd.GreenLangWarning, match="no pages were kept"):
        frame = read(peer, tmp_path)
    assert not is_gone_on_with(frame)
    assert "others than its owner may write to it" in notes(frame)


def test_a_folder_of_another_user_is_not_used(
    peer: HistorianPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_off(peer, tmp_path)
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    with pytest.warns(gd.GreenLangWarning, match="or it is another user's"):
        frame = read(peer, tmp_path)
    assert not is_gone_on_with(frame)
    assert len(list(tmp_path.rglob("page-*.arrow"))) == 5


def test_a_page_that_is_a_link_is_not_followed(peer: HistorianPeer, tmp_path: Path) -> None:
    pages = broken_off(peer, tmp_path / "reads")
    elsewhere = tmp_path / "elsewhere"
    pages[0].rename(elsewhere)
    pages[0].symlink_to(elsewhere)
    with pytest.warns(gd.GreenLangWarning, match="could not be kept"):
        frame = read(peer, tmp_path / "reads")
    assert not is_gone_on_with(frame)


def test_a_folder_that_cannot_be_made_is_told_and_the_read_goes_on(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.warns(gd.GreenLangWarning, match="pages could not be kept"):
        read(peer, tmp_path / "file" / "reads")


def test_two_reads_at_once_do_not_mix_their_pages(tmp_path: Path) -> None:
    page = pa.record_batch({"n": [1, 2]})
    one, other = (Checkpoint(str(tmp_path), {"entity": "e"}) for _ in range(2))
    log = ReadLog()
    one.keep(page, log)
    assert list(other.load(log)) == []
    other.keep(page, log)
    assert "another process keeps its pages of the same read there" in log.notes[0]
    other.clear()
    one.close()
    third = Checkpoint(str(tmp_path), {"entity": "e"})
    assert [found.to_pydict() for found in third.load(ReadLog())] == [{"n": [1, 2]}]


def test_columns_that_are_described_otherwise_begin_the_read_anew(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    broken_off(peer, tmp_path)
    peer.set(precision=12)
    frame = read(peer, tmp_path)
    assert not is_gone_on_with(frame)
    assert "describes the records in another way now" in notes(frame)
