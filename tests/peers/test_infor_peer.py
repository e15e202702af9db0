"""The Infor EAM emulator does what public sources say, odd as it may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from . import infor_rows
from . import maintained_plant as plant
from .fixtures import renewed
from .historian_launch import HistorianPeer
from .launch_cmms import start_infor
from .maintained_plant import State

AUTH = ("operator", "s3cret-Pässword".encode())
HEADERS = {"Accept": "application/json", "tenant": "GREENLANG_TST", "organization": "*"}
ORDERS = 400
ZONE = ZoneInfo("Europe/Berlin")


infor_session, infor = renewed("infor", lambda: start_infor(orders=ORDERS), scope="module")


def body_of(
    grid: str, cursor: int = 0, rows: int = 150, dataspy: str | None = "101", **parts: Any
) -> dict[str, Any]:
    body = {
        "GRID": {
            "GRID_NAME": grid,
            "NUMBER_OF_ROWS_FIRST_RETURNED": rows,
            "CURSOR_POSITION": cursor,
        },
        "GRID_TYPE": {"TYPE": "LIST"},
        "REQUEST_TYPE": "LIST.HEAD_DATA.STORED",
        "LOCALIZE_RESULT": "false",
    }
    return body | ({"DATASPY": {"DATASPY_ID": dataspy}} if dataspy else {}) | parts


def post(peer: HistorianPeer, body: dict[str, Any], status: int = 200, **headers: str) -> Any:
    answer = requests.post(
        f"{peer.url}/grids", json=body, headers=HEADERS | headers, auth=AUTH, timeout=30
    )
    assert answer.status_code == status, answer.text[:300]
    return answer.json()


def get(peer: HistorianPeer, path: str, status: int = 200, **headers: str) -> Any:
    answer = requests.get(peer.url + path, headers=HEADERS | headers, auth=AUTH, timeout=30)
    assert answer.status_code == status, answer.text[:300]
    return answer.json()


def rows_of(data: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {field["FIELDNAME"]: field["FIELDVALUE"] for field in record["DATAFIELD"]}
        for record in data["DATARECORD"]
    ]


def walk(peer: HistorianPeer, grid: str, **parts: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor, more = 0, True
    while more:
        data = post(peer, body_of(grid, cursor, **parts))["Result"]["ResultData"]
        found += rows_of(data)
        more = data["METADATA"]["MORERECORDPRESENT"] == "+"
        cursor = data.get("NEXTCURSORPOSITION", 0)
    return found


def where(*terms: tuple[str, str, str], joiner: str = "AND") -> dict[str, Any]:
    entries = [
        {
            "ALIAS_NAME": name,
            "OPERATOR": relation,
            "VALUE": value,
            "JOINER": joiner,
            "SEQNUM": place,
        }
        for place, (name, relation, value) in enumerate(terms)
    ]
    return {"MULTIADDON_FILTERS": {"MADDON_FILTER": entries}}


def keys(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["organization"], row["workordernum"]) for row in rows]


def wanted(*states: State) -> list[tuple[str, str]]:
    orders = map(plant.work_order, range(ORDERS))
    return [(o.site.name, o.number) for o in orders if not states or o.state in states]


def shaped(date: dict[str, Any]) -> datetime:
    """A date in parts, read the way that its documentation tells."""
    hours, minutes = int(date["TIMEZONE"][:3]), int(date["TIMEZONE"][3:])
    shift = timedelta(hours=hours, minutes=minutes)
    year = (datetime.fromtimestamp(date["YEAR"] / 1000, UTC) + shift).year
    month, day, hour, minute, second = (
        int(date[name]) for name in ("MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
    )
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC) - shift


def test_a_grid_comes_whole_in_pages(infor: HistorianPeer) -> None:
    rows = walk(infor, "WSJOBS")
    assert keys(rows) == wanted()
    for row, order in zip(rows, map(plant.work_order, range(ORDERS)), strict=True):
        created = datetime.strptime(row["datecreated"].title(), "%d-%b-%Y %H:%M")  # noqa: DTZ007
        assert created.replace(tzinfo=ZONE) == order.reported.astimezone(ZONE)
        cost = order.labor_cost + order.material_cost
        assert Decimal(row["totalcost"].replace(",", "")) == cost
        assert (row["datecompleted"] == "") == (order.actual_finish is None)
        assert row["safety"] == ("-1" if order.row % 7 == 0 else "0")
    assert any("," in row["totalcost"] for row in rows)


def test_the_default_dataspy_hides_rows(infor: HistorianPeer) -> None:
    rows = walk(infor, "WSJOBS", dataspy=None)
    assert not {row["evt_rstatus"] for row in rows} & {"C"}
    assert 0 < len(rows) < ORDERS


def test_numbers_and_dates_have_dialects(infor: HistorianPeer) -> None:
    infor.set(numbers="german", dates="iso", true="+")
    row = walk(infor, "WSJOBS", **where(("totalcost", ">", "1000000")))[0]
    assert row["totalcost"].count(".") == 2
    assert row["totalcost"][-3] == ","
    assert datetime.fromisoformat(row["datecreated"])
    assert row["safety"] in {"+", "0"}


def test_filters_join_and_nest(infor: HistorianPeer) -> None:
    done = walk(infor, "WSJOBS", **where(("evt_rstatus", "=", "C"), ("workordertype", "=", "PPM")))
    orders = list(map(plant.work_order, range(ORDERS)))
    finished = {State.COMPLETED, State.CLOSED, State.CANCELLED}
    assert keys(done) == [
        (o.site.name, o.number) for o in orders if o.state in finished and o.kind == "PM"
    ]
    start = "01-MAR-2024 00:00"
    late = walk(
        infor, "WSJOBS", **where(("datecreated", ">=", start), ("equipment", "IS EMPTY", ""))
    )
    begin = datetime(2024, 3, 1, tzinfo=ZONE)
    assert keys(late) == [
        (o.site.name, o.number) for o in orders if o.reported >= begin and o.asset is None
    ]
    either = where(("priority", "=", "1"), ("priority", "IN", "2,3"), joiner="OR")
    assert len(walk(infor, "WSJOBS", **either)) == sum(o.priority in {1, 2, 3} for o in orders)
    nested = where(("priority", "=", "1"), ("priority", "=", "2"), joiner="OR")
    entries = nested["MULTIADDON_FILTERS"]["MADDON_FILTER"]
    entries[0]["LPAREN"], entries[1]["RPAREN"], entries[1]["JOINER"] = "true", "true", "AND"
    entries.append(
        {"ALIAS_NAME": "organization", "OPERATOR": "BEGINS", "VALUE": "NAS", "SEQNUM": 9}
    )
    assert len(walk(infor, "WSJOBS", **nested)) == sum(
        o.priority in {1, 2} and o.site.name == "NASHUA" for o in orders
    )


def test_rows_are_sorted_when_that_is_wanted(infor: HistorianPeer) -> None:
    rows = walk(infor, "WSJOBS", ADDON_SORT={"ALIAS_NAME": "dateupdated", "TYPE": "DESC"})
    moments = [datetime.strptime(row["dateupdated"].title(), "%d-%b-%Y %H:%M") for row in rows]  # noqa: DTZ007
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize(
    "body",
    [
        body_of("NOSUCH"),
        body_of("WSJOBS", dataspy="999"),
        body_of("WSJOBS", **where(("nosuch", "=", "1"))),
        body_of("WSJOBS", **where(("priority", "~", "1"))),
        body_of("WSJOBS", **where(("totalcost", ">", "much"))),
        body_of("WSJOBS", ADDON_SORT={"ALIAS_NAME": "nosuch"}),
        body_of("WSJOBS", REQUEST_TYPE="SAVE"),
    ],
)
def test_what_cannot_be_done_is_an_alert(infor: HistorianPeer, body: dict[str, Any]) -> None:
    alert = post(infor, body, 400)["ErrorAlert"][0]
    assert set(alert) == {"Code", "Location", "Message", "Name"}


@pytest.mark.parametrize("header", ["tenant", "organization"])
def test_tenant_and_organization_must_be_named(infor: HistorianPeer, header: str) -> None:
    assert header in post(infor, body_of("WSJOBS"), 400, **{header: ""})["ErrorAlert"][0]["Message"]


def test_a_session_is_lost_with_status_400(infor: HistorianPeer) -> None:
    infor.set(session_uses=1)
    url = f"{infor.url}/assets/11430%23NASHUA"
    keeps = HEADERS | {"keepsession": "true"}
    opened = requests.get(url, headers=keeps, auth=AUTH, timeout=30).headers["sessionid"]
    with_session = keeps | {"sessionid": opened}
    assert requests.get(url, headers=with_session, timeout=30).status_code == 200
    lost = requests.get(url, headers=with_session, timeout=30)
    assert lost.status_code == 400
    assert lost.json()["ErrorAlert"][0]["Name"].endswith(".NoSessionException")


def test_bearer_tokens_open_too(infor: HistorianPeer) -> None:
    form = {"grant_type": "client_credentials", "client_id": "historian-client",
            "client_secret": "s3cret-client"}  # fmt: skip
    token = requests.post(f"{infor.origin}/oauth2/token", data=form, timeout=30).json()
    bearer = HEADERS | {"Authorization": f"Bearer {token['access_token']}"}
    assert requests.get(f"{infor.url}/assets", headers=bearer, timeout=30).status_code == 200
    assert requests.get(f"{infor.url}/assets", headers=HEADERS, timeout=30).status_code == 401


def test_entities_have_dates_and_numbers_in_parts(infor: HistorianPeer) -> None:
    broken = [i for i in range(ORDERS) if plant.work_order(i).downtime]
    for index in broken[:20]:
        order = plant.work_order(index)
        data = get(infor, f"/workorders/{order.number}%23{order.site.name}")["Result"]["ResultData"]
        found = data["WorkOrder"]
        assert shaped(found["REPORTED"]) == order.reported
        cost = found["TOTALCOST"]
        assert Decimal(cost["VALUE"]).scaleb(-cost["NUMOFDEC"]) == (
            order.labor_cost + order.material_cost
        )
        assert ("COMPLETEDDATE" in found) == (order.actual_finish is not None)
    alert = get(infor, "/workorders/1025%23NOWHERE", 400)["ErrorAlert"][0]
    assert "1025#NOWHERE" in alert["Message"]


@pytest.mark.parametrize("form", ["zero", "missing", "stuck"])
def test_collections_page_with_a_header(infor: HistorianPeer, form: str) -> None:
    infor.set(cursor=form)
    found, cursor = [], 0
    while True:
        data = get(infor, "/assets", cursorposition=str(cursor))["Result"]["ResultData"]
        found += [record["AssetEquipment"] for record in data["DATARECORD"]]
        following = data.get("NEXTCURSORPOSITION", 0)
        if following <= cursor:
            break
        cursor = following
    assert [asset["SERIALNUMBER"] for asset in found] == [
        plant.asset(index).serial for index in range(plant.ASSETS)
    ]


def test_pages_are_cut_down_without_a_word(infor: HistorianPeer) -> None:
    infor.set(max_rows=30)
    data = post(infor, body_of("WSJOBS", rows=5_000))["Result"]["ResultData"]
    assert (len(data["DATARECORD"]), data["NEXTCURSORPOSITION"]) == (30, 30)


@pytest.mark.parametrize("name", list(infor_rows.GRIDS))
def test_every_grid_answers(infor: HistorianPeer, name: str) -> None:
    grid = infor_rows.GRIDS[name]
    rows = walk(infor, name, rows=1_000)
    assert len(rows) == (ORDERS if grid.rows < 0 else grid.rows)
    assert set(rows[0]) == set(grid.make(0))


def test_without_accept_the_answer_is_xml(infor: HistorianPeer) -> None:
    answer = requests.get(
        f"{infor.url}/assets", headers=HEADERS | {"Accept": "*/*"}, auth=AUTH, timeout=30
    )
    assert answer.headers["Content-Type"] == "application/xml"
