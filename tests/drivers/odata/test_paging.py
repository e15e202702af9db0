"""Pages, links and counts of a server that does them badly: the rows are all there, or an error."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.helpers import config
from tests.drivers.odata.lying_service import start_lying_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

peer_session, peer = renewed("peer", start_lying_service, scope="module")


@pytest.fixture(params=[2, 4], ids=["v2", "v4"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def session(peer: HistorianPeer, version: int, **more: Any) -> gd.Session:
    services = {"S": f"/v{version}/S"}
    return gd.Session([config(peer.origin, services=services, **more)])


def read(peer: HistorianPeer, version: int, limit: int | None = None, **more: Any) -> pd.DataFrame:
    with session(peer, version, **more) as s:
        return s.erp("S/Rows", limit=limit)


def assert_whole(frame: pd.DataFrame, rows: int = 250, first: int = 0) -> None:
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(first, rows)]
    assert list(frame["Amount"]) == [Decimal(one) + Decimal("0.5") for one in range(first, rows)]


def told(frame: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = frame.attrs["provenance"].full["metadata"]["completeness"]
    return found


@pytest.mark.parametrize("link", ["relative", "absolute", "none"])
@pytest.mark.parametrize("keys", ["compared", "refused", "ignored"])
def test_all_rows_come_however_pages_are_linked(
    peer: HistorianPeer, version: int, link: str, keys: str
) -> None:
    peer.set(link=link, keys=keys)
    frame = read(peer, version)
    assert_whole(frame)
    assert told(frame)["distinct_keys"] == told(frame)["counted_after"] == 250
    assert told(frame)["paged_by"] == ("key" if keys == "compared" else "the server")
    assert ("own pages were followed" in notes(frame)) == (keys != "compared")
    assert gd.verify(frame) == "intact"


def test_a_server_that_gives_the_same_rows_after_any_key_is_not_asked_for_ever(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(keys="stuck")
    with pytest.raises(gd.SourceError, match=r"missing|twice"):
        read(peer, version, max_retries=0)
    assert len([one for one in peer.requests() if one["path"].endswith("/Rows")]) < 8


def test_a_server_that_gives_fewer_rows_by_key_than_it_counts_is_read_by_its_links(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(keys="lossy", cap=20)
    with pytest.raises(gd.SourceError, match="records are missing"):
        read(peer, version, max_retries=0)
    frame = read(peer, version, max_retries=1)
    assert_whole(frame)
    assert told(frame)["paged_by"] == "the server"
    assert "fewer records came by key than it counts" in notes(frame)


@pytest.mark.parametrize("link", ["relative", "none"])
def test_all_rows_come_from_a_server_that_does_not_count(
    peer: HistorianPeer, version: int, link: str
) -> None:
    peer.set(link=link, counts=False)
    frame = read(peer, version)
    assert_whole(frame)
    assert told(frame)["counted_before"] is None
    assert "no count proves" in notes(frame)


def test_a_page_cap_that_is_lowered_on_the_way_loses_nothing(
    peer: HistorianPeer, version: int
) -> None:
    for keys in ("compared", "refused"):
        for link in ("relative", "none"):
            peer.reset()
            peer.set(then="lower cap", link=link, keys=keys)
            assert_whole(read(peer, version))


def test_links_to_elsewhere_and_in_a_circle_are_errors(peer: HistorianPeer, version: int) -> None:
    peer.set(link="foreign", keys="refused")
    with pytest.raises(gd.ProtocolError, match=r"elsewhere\.example"):
        read(peer, version)
    again = read(peer, version, server_names=("http://elsewhere.example",))
    assert_whole(again)
    peer.set(link="circle", keys="refused")
    with pytest.raises(gd.ProtocolError, match=r"circle.*Check its address"):
        read(peer, version)


def test_a_server_that_counts_more_than_it_gives_is_refused_unless_that_is_known(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(count_shift=7)
    with pytest.raises(gd.SourceError, match=r"counts 257.*gave 250"):
        read(peer, version)
    frame = read(peer, version, trust_counts=False)
    assert_whole(frame)
    assert "counts 257" in notes(frame)


@pytest.mark.parametrize("more", [{}, {"link": "none"}, {"link": "none", "keys": "ignored"}])
def test_a_server_that_counts_less_than_it_gives_is_told(
    peer: HistorianPeer, version: int, more: dict[str, Any]
) -> None:
    peer.set(count_shift=-100, **more)
    frame = read(peer, version)
    assert_whole(frame)
    assert "counts 150 records before and 150 after, and gave 250" in notes(frame)
    # Less than even the first page has.
    peer.set(count_shift=-200)
    assert_whole(read(peer, version))


@pytest.mark.parametrize(("then", "first", "after"), [("inserted", 0, 253), ("deleted", 0, 245)])
@pytest.mark.parametrize("link", ["relative", "none"])
def test_rows_that_others_insert_or_delete_shift_nothing_when_pages_go_by_key(
    peer: HistorianPeer, version: int, then: str, first: int, after: int, link: str
) -> None:
    peer.set(then=then, after=1, link=link)
    frame = read(peer, version)
    assert_whole(frame, first=first)
    assert f"250 records before and {after} after" in notes(frame)
    assert told(frame)["drift"] is True


@pytest.mark.parametrize(("then", "rows"), [("inserted", 253), ("deleted", 245)])
@pytest.mark.parametrize("link", ["relative", "none"])
def test_pages_that_may_have_been_shifted_are_all_read_again(
    peer: HistorianPeer, version: int, then: str, rows: int, link: str
) -> None:
    peer.set(then=then, after=1, link=link, keys="refused")
    frame = read(peer, version)
    assert len(frame) == frame["ID"].nunique() == rows
    assert frame.attrs["provenance"]["retries"] == 1
    assert told(frame)["drift"] is False
    peer.reset()
    peer.set(then=then, after=1, link=link, keys="refused")
    with pytest.raises(gd.SourceError, match=r"shifted|twice"):
        read(peer, version, max_retries=0)


def test_a_row_without_its_key_is_refused(peer: HistorianPeer, version: int) -> None:
    for place in (0, 42, 99, 249):
        peer.set(nameless=place)
        with pytest.raises(gd.ProtocolError, match=r"ID is of the key, and null in 1 of"):
            read(peer, version)


def test_rows_that_came_twice_and_differ_are_refused(peer: HistorianPeer, version: int) -> None:
    peer.set(then="changed", after=1, keys="refused")
    with pytest.raises(gd.SourceError, match=r"came twice and differ"):
        read(peer, version, max_retries=0)


@pytest.mark.parametrize("kind", ["reset", "cut", "garbage_once"])
def test_a_page_that_fails_is_asked_for_again_and_the_others_are_not(
    peer: HistorianPeer, version: int, kind: str
) -> None:
    if kind == "garbage_once":
        peer.fault("status", "Rows", status=429, headers={"Retry-After": "0"}, skip=1, times=1)
    else:
        peer.fault(kind, "Rows", skip=1, times=1)
    frame = read(peer, version)
    assert_whole(frame)
    pages = [one for one in peer.requests() if one["path"].endswith("/Rows")]
    assert len(pages) == 4
    assert frame.attrs["provenance"]["retries"] == 1


def test_a_failure_on_every_page_is_overcome_when_each_is_tried_again(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(cap=20)
    rules = [{"kind": "reset", "match": "Rows", "skip": n, "times": 1} for n in range(0, 12, 2)]
    peer.set(faults=rules)
    assert_whole(read(peer, version, max_retries=1))


def test_an_error_inside_a_success_is_an_error_and_a_warning_is_told(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(message=json.dumps({"code": "X/1", "message": "no stock", "severity": "error"}))
    with pytest.raises(gd.SourceError, match="no stock"):
        read(peer, version)
    peer.set(message=json.dumps({"code": "X/2", "message": "rates are old", "severity": "warning"}))
    assert "rates are old" in notes(read(peer, version))
    peer.set(message="no {message")
    assert "a message that cannot be read: no {message" in notes(read(peer, version))
    detail = {"code": "X/4", "message": "plant 1010 was left out", "severity": "error"}
    peer.set(message=json.dumps({"code": "X/3", "message": "see below", "details": [detail]}))
    with pytest.raises(gd.SourceError, match=r"plant 1010 was left out \(X/4\)"):
        read(peer, version)


def test_a_message_that_repeats_the_login_does_not_get_it_told(
    peer: HistorianPeer, version: int
) -> None:
    login = {"username": "reader", "password": "long-secret"}
    peer.set(message=json.dumps({"message": "no long-secret", "severity": "warning"}))
    assert "the server warns: no **********" in notes(read(peer, version, **login))
    peer.set(message="no {long-secret")
    assert "long-secret" not in notes(read(peer, version, **login))
    peer.set(message=json.dumps({"message": "no long-secret", "severity": "error"}))
    with pytest.raises(gd.SourceError, match=r"no \*{10}"):
        read(peer, version, **login)


def test_messages_of_the_later_version_are_numbered(peer: HistorianPeer, version: int) -> None:
    told = [{"code": "A", "message": "fine", "numericSeverity": 1}]
    peer.set(message_header="sap-messages")
    for severity, text in ((3, "rates are old"), (4, "no stock")):
        told.append({"code": "B", "message": text, "numericSeverity": severity})
        peer.set(message=json.dumps(told))
        if severity == 3:
            assert f"the server warns: {text}" in notes(read(peer, version))
    with pytest.raises(gd.SourceError, match=r"no stock \(B\)"):
        read(peer, version)


def test_what_a_refusal_says_reaches_the_user(peer: HistorianPeer, version: int) -> None:
    inner = {"errordetails": [{"code": "Z/9", "message": "ask the owner", "severity": "error"}]}
    v2 = {"code": "Z/1", "message": {"lang": "en", "value": "not today"}, "innererror": inner}
    v4 = {"code": "Z/1", "message": "not today", "details": [{"message": "ask the owner"}]}
    peer.fault("status", "Rows", status=400, body={"error": v2 if version == 2 else v4})
    with pytest.raises(gd.SourceError, match=r"not today; ask the owner \(Z/1\)"):
        read(peer, version)


@pytest.mark.parametrize("kind", ["garbage", "html_login", "empty"])
def test_what_is_no_page_is_an_error(peer: HistorianPeer, version: int, kind: str) -> None:
    peer.fault(kind, "Rows")
    with pytest.raises(gd.SourceError):
        read(peer, version)


def test_what_the_server_does_not_filter_is_filtered_here(
    peer: HistorianPeer, version: int
) -> None:
    with session(peer, version) as s:
        with pytest.warns(gd.GreenLangWarning, match="247 records that hold something else in ID"):
            frame = s.erp(
                "S/Rows", filters={"Hidden": "o", "ID": ["0001", "0002", "0003"]}, limit=None
            )
        few = s.erp("S/Rows", filters={"Hidden": "o"}, fields=["ID"], limit=None)
    assert told(frame)["filtered_by_server"] == ["ID"]
    assert told(frame)["filtered_here"] == ["Hidden"]
    # It says that it filters by the number, and does not.
    assert list(frame["ID"]) == ["0001", "0003"]
    assert list(few["ID"]) == [f"{one:04d}" for one in range(1, 250, 2)]


def test_rows_that_were_not_asked_for_are_no_answer_to_a_limit(
    peer: HistorianPeer, version: int
) -> None:
    with session(peer, version) as s:
        with pytest.raises(gd.SourceError, match=r"does not filter by ID: 10 records.*limit=None"):
            s.erp("S/Rows", filters={"ID": "0200"}, limit=9)
        # It may compare as it likes, so zeros in front make no other number.
        with pytest.warns(gd.GreenLangWarning, match="249 records that hold something else"):
            assert list(s.erp("S/Rows", filters={"ID": "7"}, limit=None)["ID"]) == ["0007"]


def test_the_rows_that_are_told_are_those_of_the_frame(
    peer: HistorianPeer, version: int, tmp_path: Path
) -> None:
    with session(peer, version) as s:
        with pytest.warns(gd.GreenLangWarning, match="limit"):
            few = s.erp("S/Rows", limit=30)
        some = s.erp("S/Rows", filters={"Hidden": "o"}, limit=None)
        whole = s.erp("S/Rows", limit=None)
        with pytest.warns(gd.GreenLangWarning, match="limit"):
            path = gd.to_parquet(
                s.scan(gd.ERPQuery(entity_type="S/Rows", limit=30)), tmp_path / "f"
            )
        read = gd.read_parquet(path)
    assert [(len(one), told(one)["rows"]) for one in (few, some, whole, read)] == [
        (30, 30), (125, 125), (250, 250), (30, 30),
    ]  # fmt: skip
    assert [told(one).get("rows_read") for one in (few, some, whole, read)] == [31, 250, None, 31]


@pytest.mark.parametrize("keys", ["compared", "ignored"])
def test_a_service_that_pages_in_no_way_is_read_once(
    peer: HistorianPeer, version: int, keys: str
) -> None:
    lies = {"link": "none", "cap": 1000, "counts": False, "skips": False, "keys": keys}
    peer.set(tops=False, **lies)
    if keys == "compared":
        assert_whole(read(peer, version))
        return
    with pytest.warns(gd.GreenLangWarning, match="the same 250 records for every page"):
        frame = read(peer, version)
    assert_whole(frame)
    assert "no count proves" in notes(frame)
    assert len([one for one in peer.requests() if one["path"].endswith("/Rows")]) == 3
    # As many as were asked for are hardly all.
    peer.set(**lies | {"cap": 100, "tops": True})
    with pytest.raises(gd.ProtocolError, match=r"the same 100 records whatever.*page_size"):
        read(peer, version, page_size=100)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("link", ["relative", "none"])
def test_a_service_that_does_not_sort_is_not_asked_for_rows_after_a_key(
    peer: HistorianPeer, version: int, link: str, counts: bool
) -> None:
    peer.set(sorts=False, link=link, counts=counts)
    frame = read(peer, version)
    assert_whole(frame.sort_values("ID"))
    assert told(frame)["paged_by"] == "the server"
    assert "does not sort by its key" in notes(frame)


def test_a_link_that_is_missing_is_not_the_end_where_nothing_was_counted(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(link="first only", counts=False)
    assert_whole(read(peer, version))


def test_metadata_are_asked_for_again_by_their_tag_only(peer: HistorianPeer, version: int) -> None:
    peer.set(etag='W/"7"')
    read(peer, version)
    read(peer, version)
    asked = [one for one in peer.requests() if one["path"].endswith("$metadata")]
    assert [one["headers"].get("if-none-match") for one in asked] == [None, 'W/"7"']


def test_the_load_budget_ends_a_read_that_is_too_long(peer: HistorianPeer, version: int) -> None:
    with pytest.raises(gd.LoadBudgetExceeded, match="200 points"):
        read(peer, version, max_points=150)
    assert len([one for one in peer.requests() if one["path"].endswith("/Rows")]) == 2


def test_the_calls_own_timeout_bounds_all_pages_together(peer: HistorianPeer, version: int) -> None:
    peer.set(cap=10, delay=0.1)
    with session(peer, version) as s, pytest.raises(TimeoutError):
        s.erp("S/Rows", limit=None, timeout=0.5)
    peer.set(cap=125, delay=0.0)
    assert_whole(read(peer, version))


def test_an_api_key_is_sent_in_its_header_and_shown_nowhere(
    peer: HistorianPeer, version: int
) -> None:
    frame = read(peer, version, api_key="k3y-k3y-k3y")
    assert {one["headers"]["apikey"] for one in peer.requests()} == {"k3y-k3y-k3y"}
    assert "k3y" not in json.dumps(frame.attrs["provenance"].to_dict(), default=str)
    peer.fault("status", "Rows", status=403, body={"error": {"message": "no"}})
    with pytest.raises(gd.AuthenticationError) as caught:
        read(peer, version, api_key="k3y-k3y-k3y")
    assert "k3y" not in str(caught.value)


def test_only_gets_are_sent_and_the_login_stays_out_of_everything(
    peer: HistorianPeer, version: int
) -> None:
    login = {"username": "reader", "password": "hunter2hunter2"}
    with session(peer, version, **login, sap_client="100", sap_language="en") as s:
        frame = s.erp("S/Rows", limit=None)
        assert s.status() is not None
    assert {one["method"] for one in peer.requests()} == {"GET"}
    first = next(one for one in peer.requests() if one["path"].endswith("/Rows"))
    assert ["sap-client", "100"] in first["query"]
    assert all(one["headers"]["sap-client"] == "100" for one in peer.requests())
    assert "hunter2" not in json.dumps(frame.attrs["provenance"].to_dict(), default=str)
