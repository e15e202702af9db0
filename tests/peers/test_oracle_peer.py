"""The Oracle Fusion emulator: resources, children, and paging that cannot be trusted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import requests

from . import oracle_tables as tables
from .erp_live import is_steady
from .fixtures import renewed
from .historian_launch import HistorianPeer
from .launch_erp import start_oracle

AUTH: Any = ("operator", "s3cret-Pässword".encode())
ORDERS = 1_200


oracle_session, oracle = renewed("oracle", lambda: start_oracle(orders=ORDERS), scope="module")


def ask(url: str, status: int = 200, version: str = "1", **options: Any) -> Any:
    headers = {"REST-Framework-Version": version}
    answer = requests.get(url, params=options, headers=headers, auth=AUTH, timeout=30)
    assert answer.status_code == status, answer.text[:300]
    if "json" not in answer.headers["Content-Type"]:
        return answer.text
    return json.loads(answer.text, parse_float=Decimal)


def walk(url: str, limit: int = 500, **options: Any) -> list[dict[str, Any]]:
    """Page by page until a page is empty."""
    found: list[dict[str, Any]] = []
    offset = 0
    while items := ask(url, limit=limit, offset=offset, **options)["items"]:
        found += items
        offset += len(items)
    return found


def keys(items: list[dict[str, Any]], name: str = "POHeaderId") -> list[int]:
    return [item[name] - tables.FIRST_ID - (10**6 if name == "POHeaderId" else 0) for item in items]


def test_ids_have_eighteen_digits_and_amounts_all_of_theirs(oracle: HistorianPeer) -> None:
    found = walk(f"{oracle.url}/purchaseOrders", orderBy="POHeaderId:asc", onlyData="true")
    assert len(found) == ORDERS
    for item, told in zip(found, map(tables.purchase_order, range(ORDERS)), strict=True):
        assert (item["POHeaderId"], item["OrderNumber"]) == (
            told["POHeaderId"],
            told["OrderNumber"],
        )
        assert Decimal(item["Ordered"]) == told["Ordered"]
        assert item["CreationDate"] == told["CreationDate"].isoformat(timespec="milliseconds")
        assert item["Description"] == told["Description"]


def test_a_limit_is_lowered_without_a_word(oracle: HistorianPeer) -> None:
    body = ask(f"{oracle.url}/purchaseOrders", limit=5_000, totalResults="true")
    assert (body["count"], body["limit"], body["hasMore"]) == (500, 500, True)
    assert body["totalResults"] == ORDERS
    assert ask(f"{oracle.url}/purchaseOrders")["count"] == 25
    oracle.set(cap=499)
    assert ask(f"{oracle.url}/purchaseOrders", limit=500)["count"] == 499


def test_without_order_rows_are_repeated_and_lost(oracle: HistorianPeer) -> None:
    found = keys(walk(f"{oracle.url}/purchaseOrders", fields="POHeaderId"))
    assert len(set(found)) < len(found)


def test_an_order_that_holds_rows_equal_is_none(oracle: HistorianPeer) -> None:
    found = keys(walk(f"{oracle.url}/purchaseOrders", orderBy="CurrencyCode", limit=100))
    assert len(set(found)) < len(found)
    found = keys(walk(f"{oracle.url}/purchaseOrders", orderBy="CurrencyCode,POHeaderId", limit=100))
    assert sorted(found) == [*range(ORDERS)]


@pytest.mark.parametrize("form", ["always", "never"])
def test_has_more_and_totals_may_lie(oracle: HistorianPeer, form: str) -> None:
    oracle.set(has_more=form, total_lie=13)
    body = ask(f"{oracle.url}/suppliers", limit=500, totalResults="true")
    assert body["hasMore"] == (form == "always")
    assert body["totalResults"] == 513


def test_rows_come_and_go(oracle: HistorianPeer) -> None:
    oracle.set(inserts=1, deletes=2)
    found = keys(walk(f"{oracle.url}/purchaseOrders", limit=200, orderBy="POHeaderId"))
    steady = {index for index in range(ORDERS) if is_steady(index)}
    assert len(found) != len(set(found)) or steady - set(found)


@pytest.mark.parametrize(
    ("version", "q", "fits"),
    [
        ("1", "CurrencyCode='EUR';Ordered>500000", lambda r: r["CurrencyCode"] == "EUR" and r["Ordered"] > 500_000),
        ("2", "CurrencyCode = 'EUR' and Ordered > 500000", lambda r: r["CurrencyCode"] == "EUR" and r["Ordered"] > 500_000),
        ("4", "CurrencyCode in ('EUR','JPY')", lambda r: r["CurrencyCode"] in {"EUR", "JPY"}),
        ("2", "StatusCode LIKE 'C%' or Description is null", lambda r: r["StatusCode"][0] == "C" or r["Description"] is None),
        ("2", "LastUpdateDate >= '2025-01-01T00:00:00+00:00'", lambda r: r["LastUpdateDate"].year >= 2025),
        ("1", f"POHeaderId={tables.FIRST_ID + 10**6 + 7}", lambda r: r["OrderNumber"] == "00000007"),
    ],
)  # fmt: skip
def test_q_finds_what_it_says(oracle: HistorianPeer, version: str, q: str, fits: Any) -> None:
    found = walk(f"{oracle.url}/purchaseOrders", version=version, q=q, orderBy="POHeaderId")
    wanted = [i for i in range(ORDERS) if fits(tables.purchase_order(i))]
    assert keys(found) == wanted
    assert found


@pytest.mark.parametrize(
    "options",
    [
        {"q": "Nope=1"},
        {"q": "Ordered>much"},
        {"q": "CurrencyCode=EUR"},
        {"orderBy": "Nope"},
        {"fields": "Nope"},
        {"limit": "x"},
        {"finder": "Nope;A=1"},
    ],
)
def test_what_cannot_be_read_is_told(oracle: HistorianPeer, options: dict[str, str]) -> None:
    url = f"{oracle.url}/purchaseOrders"
    assert isinstance(ask(url, 400, **options), str)
    assert ask(url, 400, version="4", **options)["o:errorDetails"][0]["detail"]


def test_children_are_behind_links_or_expanded(oracle: HistorianPeer) -> None:
    order = ask(f"{oracle.url}/purchaseOrders", limit=1, orderBy="POHeaderId")["items"][0]
    links = {link["rel"]: link["href"] for link in order["links"]}
    assert str(order["POHeaderId"]) not in links["self"]
    lines = ask(links["child"])["items"]
    assert [line["LineNumber"] for line in lines] == [1, 2, 3, 4, 5]
    assert ask(f"{links['child']}/{lines[2]['POLineId']}/child/schedules")["count"] == 2
    assert ask(links["self"])["OrderNumber"] == order["OrderNumber"]
    options = {"limit": 1, "orderBy": "POHeaderId", "expand": "lines.schedules"}
    expanded = ask(f"{oracle.url}/purchaseOrders", **options)["items"][0]
    assert [len(line["schedules"]) for line in expanded["lines"]] == [2] * 5
    newer = ask(f"{oracle.url}/purchaseOrders", version="3", **options)["items"][0]
    assert newer["lines"]["count"] == 5
    fields = "OrderNumber;lines:LineNumber,Price"
    chosen = ask(f"{oracle.url}/purchaseOrders", limit=1, fields=fields, onlyData="true")["items"][
        0
    ]
    assert set(chosen) == {"OrderNumber", "lines"}
    assert set(chosen["lines"][0]) == {"LineNumber", "Price"}


def test_every_resource_answers_and_is_described(oracle: HistorianPeer) -> None:
    for name, resource in tables.resources(ORDERS).items():
        item = ask(f"{oracle.url}/{name}", limit=1, onlyData="true")["items"][0]
        described = ask(f"{oracle.url}/{name}/describe")["Resources"][name]
        assert [a["name"] for a in described["attributes"]] == list(resource.columns) == list(item)


def test_roles_and_logins_are_checked(oracle: HistorianPeer) -> None:
    oracle.set(forbidden=["invoices"])
    assert ask(f"{oracle.url}/invoices", 403) == "Forbidden"
    oracle.set(auth="oauth")
    assert requests.get(f"{oracle.url}/suppliers", auth=AUTH, timeout=30).status_code == 401
    client = {"client_id": "historian-client", "client_secret": "s3cret-client"}
    form = {"grant_type": "client_credentials", "scope": "urn:opc:resource:fa:instance", **client}
    token = requests.post(f"{oracle.origin}/oauth2/v1/token", data=form, timeout=30).json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert requests.get(f"{oracle.url}/suppliers", headers=bearer, timeout=30).ok
