"""Sessions, cursors, refusals and faults on the wire."""

from __future__ import annotations

import json

import pytest

import greenlang_data as gd
from greenlang_data.drivers.infor.wire import read_grid
from greenlang_data.runtime import get_runtime
from tests.drivers.cmms.keys import keys, keys_of
from tests.drivers.infor.helpers import COLLECTION, ORDERS, PASSWORD, STRANGE, orders, session
from tests.peers.historian_launch import HistorianPeer
from tests.peers.maintained_plant import State


def test_one_session_serves_all_requests(infor: HistorianPeer) -> None:
    with session(infor, page_size=100, **STRANGE) as s:
        assert keys(s.cmms("work_order")) == keys_of(orders())
    headers = [one["headers"] for one in infor.requests()]
    assert sum("authorization" in one for one in map(_lower, headers)) == 1


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("more", [{}, COLLECTION], ids=["grid", "collection"])
def test_a_lost_session_is_opened_anew_and_nothing_is_lost_with_it(
    infor: HistorianPeer, more: dict[str, object]
) -> None:
    infor.set(session_uses=1)
    with session(infor, page_size=60, **STRANGE, **more) as s:
        assert sorted(keys(s.cmms("work_order"))) == sorted(keys_of(orders()))


@pytest.mark.parametrize("cursor", ["zero", "missing", "stuck", "loop"])
@pytest.mark.parametrize("more", [{}, COLLECTION], ids=["grid", "collection"])
def test_the_rows_end_however_the_cursor_does(
    infor: HistorianPeer, cursor: str, more: dict[str, object]
) -> None:
    infor.set(cursor=cursor)
    with session(infor, page_size=90, **STRANGE, **more) as s:
        assert sorted(keys(s.cmms("work_order"))) == sorted(keys_of(orders()))


def test_pages_that_are_cut_down_without_a_word_lose_nothing(infor: HistorianPeer) -> None:
    infor.set(max_rows=37)
    with session(infor, page_size=1000, **STRANGE) as s:
        assert keys(s.cmms("work_order")) == keys_of(orders())


def test_records_that_join_while_they_are_read_hide_none(infor: HistorianPeer) -> None:
    infor.set(grow=5)
    with session(infor, page_size=50, **STRANGE) as s:
        found = keys(s.cmms("work_order"))
    assert len(set(found)) == len(found)
    assert set(keys_of(orders())) <= set(found)


@pytest.mark.parametrize("kind", ["reset", "cut", "proxy_error", "status"])
def test_only_a_page_that_fails_is_asked_for_again(infor: HistorianPeer, kind: str) -> None:
    with session(infor, page_size=50, **STRANGE) as s:
        s.cmms("work_order")
        asked = len(infor.requests())
        infor.fault(kind, match="grids", skip=4, times=1)
        frame = s.cmms("work_order")
    assert keys(frame) == keys_of(orders())
    assert len(infor.requests()) == 2 * asked + 1
    assert len(frame) == ORDERS


@pytest.mark.parametrize("more", [{}, COLLECTION], ids=["grid", "collection"])
def test_a_bad_day_of_the_server_loses_and_repeats_nothing(
    infor: HistorianPeer, more: dict[str, object]
) -> None:
    shares = dict.fromkeys(("share_429", "share_503", "share_reset", "share_cut"), 0.1)
    infor.set(**shares, seed=1, retry_after_seconds=0, session_uses=4)
    with session(infor, page_size=25, max_retries=10, **STRANGE, **more) as s:
        frame = s.cmms("work_order", timeout=120)
    found = keys(frame)
    assert frame.attrs["provenance"]["retries"] > 0
    assert sorted(found) == sorted(keys_of(orders()))


def _another_page() -> dict[str, object]:
    row = {"DATAFIELD": [{"FIELDNAME": "workordernum", "FIELDVALUE": "0001"},
                         {"FIELDNAME": "organization", "FIELDVALUE": "BEDFORD"}]}  # fmt: skip
    data = {"DATARECORD": [row], "CURRENTCURSORPOSITION": 49, "NEXTCURSORPOSITION": 100}
    return {"Result": {"ResultData": data}}


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('{"FIELDNAME": "organization", "FIELDVALUE": "ESSEN"}', "a field twice"),
        ('{"FIELDNAME": "x", "FIELDVALUE": "1", "FIELDVALUE": "2"}', "'FIELDVALUE' twice"),
    ],
)
def test_a_record_with_a_field_twice_is_refused(
    infor: HistorianPeer, field: str, told: str
) -> None:
    page = json.dumps(_another_page()).replace('"DATAFIELD": [', f'"DATAFIELD": [{field}, ')
    infor.fault("status", match="grids", status=200, body=page)
    with session(infor, **STRANGE) as s, pytest.raises(gd.ProtocolError, match=told):
        s.cmms("work_order")


def test_rows_that_never_stay_are_given_up(infor: HistorianPeer) -> None:
    # Every second page is another one: a rule does not count what an earlier rule has spoiled.
    rule = {"kind": "status", "match": "grids", "times": 1, "status": 200, "body": _another_page()}
    infor.set(faults=[{**rule, "skip": turn} for turn in range(1, 20)])
    with (
        session(infor, page_size=50, max_retries=10, **STRANGE) as s,
        pytest.raises(gd.SourceError, match="came or went"),
    ):
        s.cmms("work_order")


def test_rows_that_moved_are_read_from_the_start(infor: HistorianPeer) -> None:
    infor.fault("status", match="grids", skip=1, times=1, status=200, body=_another_page())
    with session(infor, page_size=50, **STRANGE) as s:
        frame = s.cmms("work_order")
    assert keys(frame) == keys_of(orders())
    assert frame.attrs["provenance"]["retries"] == 1


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"password": "wr0ng"}, gd.AuthenticationError, "password is not valid"),
        ({"tenant": "OTHER"}, gd.SourceError, "tenant is missing"),
        ({"organization": None}, gd.ConfigurationError, "organization"),
        ({"dataspies": {"work_order": "7"}}, gd.SourceError, "dataspy 7"),
        ({"objects": {"work_order": "NOSUCH"}}, gd.SourceError, "NOSUCH"),
        ({"objects": {"work_order": "/assets"}}, gd.ConfigurationError, "/assets"),
        ({"time_zone": None}, gd.ConfigurationError, "time_zone"),
        ({"decimal_mark": ","}, gd.ProtocolError, "decimal_mark"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_is_told_and_no_secret_with_it(
    infor: HistorianPeer, more: dict[str, object], error: type[Exception], told: str
) -> None:
    with session(infor, **more) as s, pytest.raises(error, match=told) as caught:
        s.cmms("work_order")
    assert "infor" in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_status_that_the_system_does_not_have_is_an_error(infor: HistorianPeer) -> None:
    with session(infor, **STRANGE) as s:
        with pytest.raises(gd.QueryError, match="no status of this system means 'closed'"):
            s.cmms("work_order", status="closed")
        with pytest.raises(gd.QueryError, match="There are: operating"):
            s.cmms("asset", status="not_ready")
    assert infor.requests() == []
    closed = {"status_map": {"work_order": {"ARCH": "closed", "CLOS": "closed", "ZQ": "approved"}}}
    with session(infor, **closed) as s:
        frame = s.cmms("work_order", status="closed")
    assert keys(frame) == keys_of([one for one in orders() if one.state is State.CLOSED])


def test_a_token_of_the_gateway_serves_as_well(infor: HistorianPeer) -> None:
    more = {
        "username": None,
        "password": None,
        "login": "client_credentials",
        "token_url": f"{infor.origin}/oauth2/token",
        "client_id": infor.knobs()["client_id"],
        "client_secret": infor.knobs()["client_secret"],
    }
    with session(infor, **more, **STRANGE) as s:
        assert len(s.cmms("work_order", site="BEDFORD"))


def test_a_ping_is_one_get_and_only_queries_are_posted(infor: HistorianPeer) -> None:
    with session(infor, **STRANGE) as s:
        s.cmms("work_order", site="BEDFORD")
        get_runtime().run(s.connector("infor").ping())
    asked = {(one["method"], one["path"].split("?")[0]) for one in infor.requests()}
    assert asked == {
        ("POST", "/axis/restservices/grids"),
        ("GET", "/axis/restservices/assets"),
    }


def test_no_secret_is_in_the_frame_or_its_record(infor: HistorianPeer) -> None:
    with session(infor, **STRANGE) as s:
        frame = s.cmms("work_order", site="BEDFORD")
        text = frame.to_csv() + json.dumps(frame.attrs["provenance"], default=str) + repr(s)
    assert "s3cret" not in text


@pytest.mark.parametrize(
    "data",
    ["{}", '{"GRID":null}', '{"DATARECORD":null}', '{"METADATA":{"RECORDS":"5"}}',
     '{"DATARECORD":[null]}', '{"DATARECORD":{}}'],
)  # fmt: skip
def test_a_grid_without_records_that_does_not_say_so_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_grid(f'{{"Result":{{"ResultData":{data}}}}}'.encode())


def test_an_empty_grid_has_no_rows() -> None:
    for data in ('{"DATARECORD":[]}', '{"METADATA":{"RECORDS":"0"}}'):
        assert read_grid(f'{{"Result":{{"ResultData":{data}}}}}'.encode()).rows == []
