"""The Maximo emulator does what IBM's guide says, odd as it may be."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from . import maintained_plant as plant
from . import maximo_objects
from .fixtures import renewed
from .historian_launch import HistorianPeer
from .launch_cmms import start_maximo
from .maintained_plant import State

KEY = {"apikey": "s3cret-apikey-0123456789"}
MAXAUTH = {"maxauth": base64.b64encode("wilson:s3cret-Pässword".encode()).decode()}
ORDERS = 400
WO = "/api/os/MXAPIWODETAIL"
WANTED = "wonum,siteid,status,reportdate,actfinish,actlabhrs,assetnum"


maximo_session, maximo = renewed("maximo", lambda: start_maximo(orders=ORDERS), scope="module")


def ask(
    peer: HistorianPeer, path: str, status: int = 200, /, headers: Any = KEY, **parameters: Any
) -> Any:
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    url = path if path.startswith("http") else peer.url + path
    answer = requests.get(url, params={"lean": 1, **named} if "?" not in url else None,
                          headers=headers, timeout=30)  # fmt: skip
    assert answer.status_code == status, answer.text[:300]
    return answer.json()


def walk(peer: HistorianPeer, **parameters: Any) -> list[dict[str, Any]]:
    """All members, following the links with the key's own route."""
    public = KEY | {"x-public-uri": f"{peer.url}/api"}
    body = ask(peer, WO, headers=public, **parameters)
    found = body["member"]
    while link := body["responseInfo"].get("nextPage"):
        body = ask(peer, link["href"], headers=public)
        found += body["member"]
    return list(found)


def keys(members: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(member["siteid"], member["wonum"]) for member in members]


def wanted_keys(*states: State) -> list[tuple[str, str]]:
    orders = map(plant.work_order, range(ORDERS))
    return [(o.site.name, o.number) for o in orders if not states or o.state in states]


def test_without_select_there_are_links_only(maximo: HistorianPeer) -> None:
    members = ask(maximo, WO, oslc__pageSize=3)["member"]
    assert [set(member) for member in members] == [{"href"}] * 3
    assert members[0]["href"].startswith(f"{maximo.origin}/maximo/oslc/os/MXAPIWODETAIL/_")


def test_all_rows_come_over_ordered_pages(maximo: HistorianPeer) -> None:
    found = walk(maximo, oslc__select=WANTED, oslc__pageSize=150, oslc__orderBy="+workorderid")
    assert keys(found) == wanted_keys()
    for member, order in zip(found, map(plant.work_order, range(ORDERS)), strict=True):
        told = datetime.fromisoformat(member["reportdate"])
        assert told == order.reported
        assert told.utcoffset()
        assert member["actlabhrs"] == float(order.labor_hours)
        assert ("actfinish" in member) == (order.actual_finish is not None)
    offsets = {member["reportdate"][-6:] for member in found if member["siteid"] == "BEDFORD"}
    assert offsets == {"-05:00", "-04:00"}


def test_without_order_pages_repeat_and_lose_rows(maximo: HistorianPeer) -> None:
    found = keys(walk(maximo, oslc__select="wonum,siteid", oslc__pageSize=100))
    assert len(found) == ORDERS
    assert len(set(found)) == ORDERS - 3


def test_an_order_that_holds_rows_equal_is_none(maximo: HistorianPeer) -> None:
    options = {"oslc__select": "wonum,siteid", "oslc__pageSize": 100}
    found = keys(walk(maximo, oslc__orderBy="+status", **options))
    assert len(set(found)) < len(found) == ORDERS
    found = keys(walk(maximo, oslc__orderBy="+status,+siteid,+wonum", **options))
    assert len(set(found)) == ORDERS


def test_nulls_are_left_out_unless_wanted(maximo: HistorianPeer) -> None:
    where = f"workorderid={500_000 + next(i for i in range(ORDERS) if i % 17 == 0)}"
    short = ask(maximo, WO, oslc__select="*", oslc__where=where)["member"][0]
    whole = ask(maximo, WO, oslc__select="*", oslc__where=where, _dropnulls=0)["member"][0]
    assert "assetnum" not in short
    assert whole["assetnum"] is None


def test_links_lead_to_oslc_where_a_key_does_not_open(maximo: HistorianPeer) -> None:
    link = ask(maximo, WO, oslc__select="wonum", oslc__pageSize=10)["responseInfo"]["nextPage"]
    assert link["href"].startswith(f"{maximo.origin}/maximo/oslc/os/")
    answer = requests.get(link["href"], headers=KEY, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")
    maximo.set(link_host="http://maximo.internal:9080")
    link = ask(maximo, WO, oslc__select="wonum", oslc__pageSize=10)["responseInfo"]["nextPage"]
    assert link["href"].startswith("http://maximo.internal:9080/maximo/oslc/os/")


def test_names_have_prefixes_unless_lean(maximo: HistorianPeer) -> None:
    body = ask(maximo, WO, lean=0, oslc__select="wonum,status", oslc__pageSize=5, collectioncount=1)
    member = body["rdfs:member"][0]
    assert {"spi:wonum", "spi:status", "rdf:about", "_rowstamp"} <= set(member)
    info = body["oslc:responseInfo"]
    assert info["oslc:totalCount"] == ORDERS
    assert "pageno=2" in info["oslc:nextPage"]["rdf:resource"]


def test_internal_status_finds_the_words_of_the_site(maximo: HistorianPeer) -> None:
    found = walk(
        maximo,
        oslc__select="wonum,siteid,status",
        domaininternalwhere="status=COMP,CLOSE",
        internalvalues=1,
        oslc__orderBy="+workorderid",
    )
    assert keys(found) == wanted_keys(State.COMPLETED, State.CLOSED)
    words = {(member["status"], member["status_maxvalue"]) for member in found}
    assert words == {
        ("COMP", "COMP"),
        ("WCLOSE", "COMP"),
        ("CLOSE", "CLOSE"),
        ("ARCHIVED", "CLOSE"),
    }


def test_where_compares_times_numbers_and_patterns(maximo: HistorianPeer) -> None:
    start = datetime(2024, 3, 1, 5, tzinfo=UTC)
    cases = {
        'reportdate>="2024-03-01T00:00:00-05:00"': lambda o: o.reported >= start,
        'wopriority in [1,2] and siteid="NASHUA"': lambda o: (
            o.priority in {1, 2} and o.site.name == "NASHUA"
        ),
        'description="EM%"': lambda o: o.description.startswith("EM"),
        'assetnum!="*"': lambda o: o.asset is None,
        "istask=true": lambda o: o.is_task,
        'worktype!="[CM,PM]"': lambda o: o.kind == "EM",
        'asset.status="BROKEN"': lambda o: (
            o.asset is not None and plant.asset(o.asset).status == "failed"
        ),
    }
    for where, fits in cases.items():
        found = walk(maximo, oslc__select="wonum,siteid", oslc__where=where,
                     oslc__orderBy="+workorderid")  # fmt: skip
        told = [o for o in map(plant.work_order, range(ORDERS)) if fits(o)]
        assert keys(found) == [(o.site.name, o.number) for o in told], where
        assert found, where


@pytest.mark.parametrize(
    "wrong",
    [
        {"oslc.where": 'siteid="A" or siteid="B"'},
        {"oslc.where": '(siteid="A")'},
        {"oslc.where": "siteid=A"},
        {"oslc.where": 'nosuch="A"'},
        {"oslc.where": 'siteid="A" and'},
        {"oslc.orderBy": "wonum"},
        {"oslc.orderBy": "+nosuch"},
        {"oslc.pageSize": "1001"},
    ],
)
def test_what_cannot_be_read_is_refused(maximo: HistorianPeer, wrong: dict[str, str]) -> None:
    error = ask(maximo, WO, 400, **wrong)["Error"]
    assert error["statusCode"] == "400"
    assert error["message"].startswith(f"{error['reasonCode']} - ")


def test_stable_pages_can_be_read_once(maximo: HistorianPeer) -> None:
    maximo.set(grow=5)
    body = ask(maximo, WO, oslc__select="wonum,siteid", oslc__pageSize=150, stablepaging=1)
    found = keys(body["member"])
    while link := body["responseInfo"].get("nextPage"):
        url = link["href"].replace("/oslc/os", "/api/os")
        body = ask(maximo, url)
        found += keys(body["member"])
    assert found == wanted_keys()
    ask(maximo, url, 400)


def test_native_login_opens_a_session_that_ends(maximo: HistorianPeer) -> None:
    maximo.set(session_uses=1, login_page=False)
    with requests.Session() as session:
        url = f"{maximo.url}/oslc/os/MXAPIASSET?lean=1&oslc.pageSize=1&oslc.select=assetnum"
        assert session.get(url, timeout=30).status_code == 401
        assert session.post(f"{maximo.url}/oslc/login", headers=MAXAUTH, timeout=30).ok
        assert session.get(url, timeout=30).status_code == 200
        refused = session.get(url, timeout=30)
        assert (refused.status_code, refused.json()["Error"]["reasonCode"]) == (401, "BMXAA0021E")
        assert session.get(url, headers=MAXAUTH, timeout=30).status_code == 200


def test_directory_login_takes_basic_or_the_form(maximo: HistorianPeer) -> None:
    maximo.set(auth="directory")
    form = {"j_username": "wilson", "j_password": "s3cret-Pässword"}
    basic = ("wilson", "s3cret-Pässword".encode())
    for path, options in (("oslc/login", {"auth": basic}), ("j_security_check", {"data": form})):
        with requests.Session() as session:
            assert session.post(f"{maximo.url}/{path}", timeout=30, **options).ok
            who = session.get(f"{maximo.url}/oslc/whoami", timeout=30)
            assert who.json()["userName"] == "WILSON"


def test_children_and_related_records_are_nested(maximo: HistorianPeer) -> None:
    index = next(
        i
        for i in range(ORDERS)
        if (o := plant.work_order(i)).labor_hours and o.failure is not None and o.asset is not None
    )
    member = ask(
        maximo,
        WO,
        oslc__select="wonum,labtrans{laborcode,regularhrs},failurereport{type,failurecode},"
        "asset.serialnum,asset.description",
        oslc__where=f"workorderid={500_000 + index}",
    )["member"][0]
    order = plant.work_order(index)
    assert sum(round(row["regularhrs"] * 100) for row in member["labtrans"]) == (
        order.labor_hours * 100
    )
    assert [row["failurecode"] for row in member["failurereport"]] == [
        *plant.failure_codes(order.failure)
    ]
    assert member["asset"] == {
        "serialnum": plant.asset(order.asset).serial,
        "description": plant.asset(order.asset).description,
    }


def test_asset_numbers_are_unique_within_a_site_only(maximo: HistorianPeer) -> None:
    found = ask(maximo, "/api/os/MXAPIASSET", oslc__select="assetnum,siteid,serialnum",
                oslc__where='assetnum="11430"')["member"]  # fmt: skip
    assert [member["siteid"] for member in found] == ["BEDFORD", "NASHUA", "DRESDEN"]
    assert len({member["serialnum"] for member in found}) == 3


@pytest.mark.parametrize("name", list(maximo_objects.STRUCTURES))
def test_every_structure_answers_and_has_a_schema(maximo: HistorianPeer, name: str) -> None:
    structure = maximo_objects.STRUCTURES[name]
    count = ORDERS if structure.rows < 0 else structure.rows
    assert ask(maximo, f"/api/os/{name}", count=1) == {"totalCount": count}
    member = ask(maximo, f"/api/os/{name}", oslc__select="*", oslc__pageSize=1)["member"][0]
    schema = ask(maximo, f"/api/jsonschemas/{name}")["properties"]
    plain = {key for key in member if not key.endswith(("_collectionref", "_description"))}
    assert plain - {"href", "_rowstamp"} <= set(schema)
    assert ask(maximo, member["href"].replace("/oslc/", "/api/") + "?lean=1") == member


def test_a_structure_may_be_missing(maximo: HistorianPeer) -> None:
    maximo.set(objects=["MXWODETAIL"])
    assert ask(maximo, WO, 404)["Error"]["statusCode"] == "404"
    assert ask(maximo, "/api/os/MXWODETAIL", count=1) == {"totalCount": ORDERS}


def test_chance_spoils_a_share_of_the_requests(maximo: HistorianPeer) -> None:
    maximo.set(share_429=0.3, share_reset=0.2)
    seen = set()
    for _ in range(40):
        try:
            answer = requests.get(f"{maximo.url}{WO}?lean=1&count=1", headers=KEY, timeout=30)
            seen.add(answer.status_code)
        except requests.exceptions.ConnectionError:
            seen.add(0)
    assert seen == {0, 200, 429}


def test_a_fault_may_hit_one_page(maximo: HistorianPeer) -> None:
    maximo.fault("status", match="pageno=2", status=503, times=1)
    body = ask(maximo, WO, oslc__select="wonum", oslc__pageSize=100)
    link = body["responseInfo"]["nextPage"]["href"].replace("/oslc/", "/api/")
    assert requests.get(link, headers=KEY, timeout=30).status_code == 503
    assert len(ask(maximo, link)["member"]) == 100
