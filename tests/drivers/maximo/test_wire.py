"""Logins, links, refusals and faults on the wire."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.runtime import get_runtime
from tests.drivers.cmms.keys import keys, keys_of
from tests.drivers.common import notes
from tests.drivers.maximo.helpers import KEY, ORDERS, PASSWORD, STRANGE, USER, orders, session
from tests.peers.historian_launch import HistorianPeer

NATIVE = {"username": USER, "password": PASSWORD}
PAGES = "os/MXAPIWODETAIL"


def test_a_key_goes_to_its_own_route_and_so_do_all_links(maximo: HistorianPeer) -> None:
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order", site="BEDFORD")
    assert {one["path"].split("?")[0].split("/os/")[0] for one in maximo.requests()} == {
        "/maximo/api"
    }
    assert frame["href"].str.startswith(f"{maximo.url}/api/os/MXAPIWODETAIL/_").all()


def test_the_route_may_be_part_of_the_address(maximo: HistorianPeer) -> None:
    with session(maximo, api_url=f"{maximo.url}/api/") as s:
        assert len(s.cmms("failure")) == 12


@pytest.mark.parametrize("uses", [0, 2])
def test_the_native_login_outlives_every_session(maximo: HistorianPeer, uses: int) -> None:
    maximo.set(session_uses=uses)
    with session(maximo, **NATIVE, **STRANGE) as s:
        frame = s.cmms("work_order", site="BEDFORD")
    assert keys(frame) == keys_of([one for one in orders() if one.site.name == "BEDFORD"])
    assert frame["href"].str.startswith(f"{maximo.url}/oslc/os/").all()


@pytest.mark.parametrize("login_page", [True, False])
def test_a_directory_login_opens_a_session_and_another_when_it_ends(
    maximo: HistorianPeer, login_page: bool
) -> None:
    maximo.set(auth="directory", session_uses=2, login_page=login_page)
    with session(maximo, **NATIVE, login="basic", page_size=100, **STRANGE) as s:
        frame = s.cmms("work_order", site="BEDFORD")
    assert keys(frame) == keys_of([one for one in orders() if one.site.name == "BEDFORD"])
    posts = [one for one in maximo.requests() if one["method"] == "POST"]
    assert {one["path"].split("?")[0] for one in posts} == {"/maximo/oslc/login"}


@pytest.mark.parametrize("login", [{"api_key": "wrong-key-777"}, {**NATIVE, "password": "wr0ng"}])
@pytest.mark.parametrize("login_page", [True, False])
def test_a_refused_login_is_one_whichever_way_it_is_told(
    maximo: HistorianPeer, login: dict[str, str], login_page: bool
) -> None:
    maximo.set(login_page=login_page)
    with session(maximo, **login) as s, pytest.raises(gd.AuthenticationError) as caught:
        s.cmms("work_order")
    assert len(maximo.requests()) == 1
    told = str(caught.value)
    assert "maximo" in told
    assert not any(secret in told for secret in ("wrong-key-777", "wr0ng", "bWF4"))


def test_a_link_to_another_server_is_refused(maximo: HistorianPeer) -> None:
    link = {"href": "https://maximo.elsewhere.example/maximo/api/os/MXAPIWODETAIL?pageno=2"}
    body = {"member": [{"wonum": "1", "siteid": "A"}], "responseInfo": {"nextPage": link}}
    maximo.fault("status", match=PAGES, status=200, body=body)
    with session(maximo) as s, pytest.raises(gd.ProtocolError, match="elsewhere"):
        s.cmms("work_order")


def test_a_record_with_an_attribute_twice_is_refused(maximo: HistorianPeer) -> None:
    body = '{"member": [{"wonum": "1", "siteid": "A", "status": "COMP", "status": "WAPPR"}]}'
    maximo.fault("status", match=PAGES, status=200, body=body)
    with session(maximo) as s, pytest.raises(gd.ProtocolError, match="'status' twice"):
        s.cmms("work_order")


def test_links_in_records_to_another_server_are_left_out(maximo: HistorianPeer) -> None:
    member = {"wonum": "1", "siteid": "A", "href": "https://elsewhere.example/maximo/oslc/os/x/_1"}
    other = {"wonum": "2", "siteid": "A", "href": f"{maximo.url}/oslc/os/MXAPIWODETAIL/_2"}
    maximo.fault("status", match=PAGES, times=1, status=200, body={"member": [member, other]})
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order")
    links = dict(zip(frame["work_order_id"][:2], frame["href"][:2], strict=True))
    assert links["1"] is None or links["1"] != links["1"]
    assert links["2"] == f"{maximo.url}/api/os/MXAPIWODETAIL/_2"


def test_a_server_that_knows_no_lean_answers_is_read_as_well(maximo: HistorianPeer) -> None:
    link = f"{maximo.url}/oslc/os/MXAPIWODETAIL/_1"
    member = {
        "spi:wonum": "0001",
        "spi:siteid": "A",
        "spi:status": "WCLOSE",
        "spi:status_maxvalue": "COMP",
        "spi:actlabhrs": 1.1,
        "spi:reportdate": "2026-11-01T01:30:00-04:00",
        "rdf:about": link,
    }
    body = {"rdfs:member": [member], "oslc:responseInfo": {"oslc:totalCount": 1}}
    maximo.fault("status", match=PAGES, status=200, body=body)
    with session(maximo) as s:
        row = s.cmms("work_order").iloc[0]
    assert (row["site"], row["work_order_id"], row["status"]) == ("A", "0001", "completed")
    assert row["labor_hours"] == Decimal("1.1")
    assert row["created_at"] == pd.Timestamp("2026-11-01T05:30", tz="UTC")
    assert row["href"] == f"{maximo.url}/api/os/MXAPIWODETAIL/_1"


def test_a_page_that_is_too_large_is_made_smaller(maximo: HistorianPeer) -> None:
    maximo.set(max_page=60)
    with session(maximo, page_size=1000, **STRANGE) as s:
        frame = s.cmms("work_order")
    assert keys(frame) == keys_of(orders())
    told = frame.attrs["provenance"]["metadata"]["completeness"]
    assert (told["object"], told["rows"]) == ("MXAPIWODETAIL", len(frame))
    assert told["pages"] >= 400 / 60


def test_an_older_system_is_asked_for_the_structure_that_it_has(maximo: HistorianPeer) -> None:
    maximo.set(objects=["MXWODETAIL"])
    with session(maximo, **STRANGE) as s:
        assert keys(s.cmms("work_order")) == keys_of(orders())
        with pytest.raises(gd.ProtocolError, match="MXAPIASSET or MXASSET"):
            s.cmms("asset")


def test_a_structure_of_the_sites_own_may_be_named(maximo: HistorianPeer) -> None:
    with session(maximo, objects={"work_order": "MXWODETAIL"}, **STRANGE) as s:
        assert len(s.cmms("work_order", site="BEDFORD"))
    assert "MXAPIWODETAIL" not in json.dumps(maximo.requests())


def test_records_that_appear_while_they_are_read_repeat_and_hide_none(
    maximo: HistorianPeer,
) -> None:
    maximo.set(grow=7)
    with session(maximo, page_size=100, **STRANGE) as s:
        found = keys(s.cmms("work_order"))
    assert len(set(found)) == len(found)
    assert set(keys_of(orders())) <= set(found)


@pytest.mark.parametrize("kind", ["reset", "cut", "proxy_error", "status"])
def test_only_a_page_that_fails_is_asked_for_again(maximo: HistorianPeer, kind: str) -> None:
    with session(maximo, page_size=50, **STRANGE) as s:
        whole = s.cmms("work_order")
        asked = len(maximo.requests())
        maximo.fault(kind, match=PAGES, skip=4, times=1)
        frame = s.cmms("work_order")
    assert keys(frame) == keys_of(orders())
    assert len(maximo.requests()) == 2 * asked + 1
    assert frame.attrs["provenance"]["retries"] == 1
    assert (whole["href"] == frame["href"]).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_day_of_the_server_loses_and_repeats_nothing(
    maximo: HistorianPeer, seed: int
) -> None:
    shares = dict.fromkeys(("share_429", "share_503", "share_reset", "share_cut"), 0.1)
    maximo.set(**shares, seed=seed, retry_after_seconds=0, grow=1)
    with session(maximo, page_size=25, max_retries=10, **STRANGE) as s:
        frame = s.cmms("work_order", timeout=120)
    found = keys(frame)
    assert frame.attrs["provenance"]["retries"] > 0
    assert len(set(found)) == len(found)
    assert set(keys_of(orders())) <= set(found)


def test_garbage_in_the_middle_is_an_error_and_no_shorter_frame(maximo: HistorianPeer) -> None:
    maximo.fault("garbage", match=PAGES, skip=4, times=1)
    with (
        session(maximo, page_size=50, **STRANGE) as s,
        pytest.raises(gd.ProtocolError, match="none of it is used"),
    ):
        s.cmms("work_order")


def test_the_whole_call_ends_in_the_time_given(maximo: HistorianPeer) -> None:
    maximo.set(delay=0.4)
    with (
        session(maximo, page_size=40, **STRANGE) as s,
        pytest.raises(gd.DeadlineExceeded, match="maximo"),
    ):
        s.cmms("work_order", timeout=1)


def test_a_quota_is_waited_for(maximo: HistorianPeer) -> None:
    maximo.fault("status", match=PAGES, times=1, status=429, headers={"Retry-After": "0"})
    with session(maximo, **STRANGE) as s:
        assert len(s.cmms("work_order", site="BEDFORD"))


def test_what_maximo_says_is_wrong_is_told(maximo: HistorianPeer) -> None:
    more = {"field_map": {"work_order": {"type": "no such"}}}
    body = {"Error": {"reasonCode": "BMXAA8229W", "message": "BMXAA8229W - Nothing doing."}}
    maximo.fault("status", match=PAGES, status=400, body=body)
    with session(maximo, **more) as s, pytest.raises(gd.SourceError, match="Nothing doing"):
        s.cmms("work_order")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"asset_ids": ["A%"]}, "pattern"),
        ({"site": 'BED"FORD'}, "pattern"),
        ({"asset_ids": ["11430", "[A,B]"]}, r"this asset_id: '\[A,B\]' .*Leave asset_id out"),
        ({"asset_ids": ["A\n"]}, r"asset_id: 'A\\n' has a character"),
        ({"asset_ids": ["\ud83d"]}, "no address can hold"),
        ({"status": "complete"}, "Did you mean 'completed'"),
        ({"status": "released"}, "no status of this system means 'released'"),
        ({"date_field": "finish"}, "Did you mean 'actual_finish'"),
        ({"query_type": "failure", "site": "BEDFORD"}, "no site"),
        ({"query_type": "meter", "start": "2026-01-01"}, "cannot select meter"),
        ({"query_type": "notification", "start": "2026-01-01", "date_field": "malfunction_finish"},
         "field_map.notification"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_cannot_be_asked_is_an_error_and_nothing_is_sent(
    maximo: HistorianPeer, call: dict[str, object], told: str
) -> None:
    with session(maximo) as s, pytest.raises(gd.QueryError, match=told):
        s.cmms(**call)
    assert maximo.requests() == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"field_map": {"work_order": {"labour": "x"}}}, "'labor_hours'"),
        ({"status_map": {"workorder": {"X": "closed"}}}, "'work_order'"),
        ({"native_columns": {"work_order": ["site"]}}, "a column already"),
        ({"status_map": {"work_order": {"ZQUAL": "aproved"}}}, "'approved'"),
    ],
    ids=["field", "entity", "column", "meaning"],
)
def test_a_wrong_mapping_is_told_with_the_nearest_right_name(
    maximo: HistorianPeer, more: dict[str, object], told: str
) -> None:
    with session(maximo, **more) as s, pytest.raises(gd.ConfigurationError, match=told):
        s.cmms("work_order")


def test_a_ping_asks_who_this_login_is(maximo: HistorianPeer) -> None:
    with session(maximo) as s:
        s.cmms("failure")
        maximo.clear_requests()
        get_runtime().run(s.connector("maximo").ping())
    with session(maximo, api_key="wrong") as s, pytest.raises(gd.AuthenticationError):
        get_runtime().run(s.connector("maximo").ping())
    assert [one["path"].split("?")[0] for one in maximo.requests()] == ["/maximo/api/whoami"] * 2


def test_no_secret_is_in_the_frame_or_its_record(maximo: HistorianPeer) -> None:
    with session(maximo, **STRANGE) as s:
        frame = s.cmms("work_order", site="BEDFORD")
        text = frame.to_csv() + json.dumps(frame.attrs["provenance"], default=str) + repr(s)
    assert KEY not in text
    assert {one["method"] for one in maximo.requests()} == {"GET"}
    assert len(frame) < ORDERS
    assert "created_at" not in notes(frame)


def test_numbers_with_marks_of_lists_are_asked_for_alone_and_exactly(
    maximo: HistorianPeer,
) -> None:
    odd = ["a,b]", "😀", "11430", "x]", "1,1430"]
    with session(maximo, **STRANGE) as s:
        plain = s.cmms("work_order", asset_ids="11430")
        before = len(maximo.requests())
        frame = s.cmms("work_order", asset_ids=odd)
        asked = [dict(one["query"])["oslc.where"] for one in maximo.requests()[before:]]
    assert len(plain)
    assert keys(frame) == keys(plain)
    assert asked == [
        'assetnum in ["😀","11430"]', 'assetnum="a,b]"', 'assetnum="x]"', 'assetnum="1,1430"',
    ]  # fmt: skip


@pytest.mark.parametrize("size", [50, 100, 150])
@pytest.mark.parametrize("knobs", [{"silent_page": 40}, {"ignores_order": True}])
def test_records_that_a_server_leaves_out_or_repeats_are_noticed(
    maximo: HistorianPeer, knobs: dict[str, Any], size: int
) -> None:
    maximo.set(**knobs)
    with (
        session(maximo, page_size=size, **STRANGE) as s,
        pytest.raises(gd.ProtocolError, match=r"maximo: it counts 400 records of"),
    ):
        s.cmms("work_order")


@pytest.mark.parametrize("lie", [7, -7])
def test_counts_that_lie_are_refused_unless_that_is_known(maximo: HistorianPeer, lie: int) -> None:
    maximo.set(count_lie=lie)
    counts = f"counts {400 + lie} records of MXAPIWODETAIL and gave 400"
    with (
        session(maximo, **STRANGE) as s,
        pytest.raises(gd.ProtocolError, match=f"{counts}.*trust_counts = false"),
    ):
        s.cmms("work_order")
    with session(maximo, trust_counts=False, **STRANGE) as s:
        frame = s.cmms("work_order")
    assert keys(frame) == keys_of(orders())
    assert counts in notes(frame)


def test_records_that_appear_during_the_read_are_no_repetition(maximo: HistorianPeer) -> None:
    maximo.set(grow=3)
    with session(maximo, page_size=100, **STRANGE) as s:
        found = keys(s.cmms("work_order"))
    assert set(keys_of(orders())) <= set(found)
    assert len(set(found)) == len(found)
