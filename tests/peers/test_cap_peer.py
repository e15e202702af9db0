"""SAP CAP serves the rows of ``erp_rows`` over both OData versions, page by page."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
import requests

from . import erp_rows, erp_types
from .launch_erp import CapPeer, start_cap

ORDERS = "API_PURCHASEORDER_PROCESS_SRV"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ITEMS = 2_000


@pytest.fixture(scope="module")
def strings() -> Iterator[CapPeer]:
    with start_cap(items=ITEMS, page=300) as peer:
        yield peer


@pytest.fixture(scope="module")
def numbers() -> Iterator[CapPeer]:
    with start_cap(items=ITEMS, page=300, numbers=True) as peer:
        yield peer


def get(url: str, status: int = 200, /, **options: str) -> requests.Response:
    query = "&".join(f"${key}={quote(text)}" for key, text in options.items())
    answer = requests.get(f"{url}?{query}" if query else url, timeout=30)
    assert answer.status_code == status, answer.text[:300]
    return answer


def pages_v4(url: str) -> Iterator[list[dict[str, Any]]]:
    while url:
        body = get(url).json(parse_float=Decimal)
        yield body["value"]
        link = body.get("@odata.nextLink")
        url = urljoin(url, link) if link else ""


def pages_v2(url: str) -> Iterator[list[dict[str, Any]]]:
    while url:
        body = get(url).json()["d"]
        yield body["results"]
        link = urlsplit(body.get("__next", ""))
        url = urlsplit(url)._replace(query=link.query).geturl() if link.query else ""


def v4_text(value: Any) -> Any:
    """A row function's value as OData V4 writes it, exact numbers as text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).decode()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def v2_time(text: str | None) -> datetime | None:
    found = re.fullmatch(r"/Date\((-?\d+)(\+0000)?\)/", text or "")
    return EPOCH + timedelta(milliseconds=int(found[1])) if found else None


def same_v4(found: list[dict[str, Any]], wanted: list[erp_rows.Row]) -> None:
    plain = [{name: _comparable(value) for name, value in row.items()} for row in found]
    told = [{name: _comparable(v4_text(value)) for name, value in row.items()} for row in wanted]
    assert plain == told


def _comparable(value: Any) -> Any:
    return str(value).replace(".000Z", "Z") if not isinstance(value, bool | None) else value


def test_the_large_table_is_whole_over_v4(cap_peer: CapPeer) -> None:
    url = f"{cap_peer.v4(ORDERS)}/A_PurchaseOrderItem"
    assert get(f"{url}/$count").text == "120000"
    last = get(url, top="1", orderby="PurchaseOrder desc,PurchaseOrderItem desc").json()["value"]
    same_v4(last, [erp_rows.purchase_order_item(119_999)])


def test_v4_pages_are_whole_and_their_links_relative(strings: CapPeer) -> None:
    url = f"{strings.v4(ORDERS)}/A_PurchaseOrderItem"
    assert get(url).json()["@odata.nextLink"] == "A_PurchaseOrderItem?%24skiptoken=300"
    found = [row for page in pages_v4(url) for row in page]
    same_v4(found, list(erp_rows.rows(erp_rows.purchase_order_item, ITEMS)))


def test_exact_numbers_are_strings_in_one_profile_and_numbers_in_the_other(
    strings: CapPeer, numbers: CapPeer
) -> None:
    wanted = {}
    for peer, kind in ((strings, str), (numbers, int | float)):
        url = f"{peer.v4('Z_EVERY_TYPE_SRV')}/EveryTypeSet"
        row = get(url, filter="Number eq 5").json()["value"][0]
        assert isinstance(row["Amount"], kind)
        assert isinstance(row["Int64"], kind)
        wanted[kind] = {name: Decimal(str(row[name])) for name in ("Amount", "Int64", "Quantity")}
    told = erp_types.every_type(5)
    assert all(found == {name: told[name] for name in found} for found in wanted.values())


def test_every_type_keeps_its_extremes_over_v4(strings: CapPeer) -> None:
    url = f"{strings.v4('Z_EVERY_TYPE_SRV')}/EveryTypeSet?$orderby=Number"
    found = [row for page in pages_v4(url) for row in page]
    assert len(found) == 1_000
    for row, wanted in zip(found, map(erp_types.every_type, range(1_000)), strict=True):
        double, told = row.pop("FloatingPoint"), wanted.pop("FloatingPoint")
        assert (double is None and told is None) or float(double) == told
        amounts = {name: row.pop(name) for name in ("Amount", "Quantity")}
        for name, text in amounts.items():
            value = wanted.pop(name)
            assert text is None if value is None else Decimal(text) == value
        row["Int64"], wanted["Int64"] = str(row["Int64"]), str(wanted["Int64"])
        same_v4([row], [wanted])


def test_v2_wraps_counts_and_links_to_another_host(strings: CapPeer) -> None:
    url = f"{strings.v2(ORDERS)}/A_PurchaseOrderItem"
    body = get(url, inlinecount="allpages").json()["d"]
    assert body["__count"] == str(ITEMS)
    assert body["__next"].startswith("http://localhost:")
    found = [row for page in pages_v2(url) for row in page]
    keys = [(row["PurchaseOrder"], row["PurchaseOrderItem"]) for row in found]
    wanted = list(erp_rows.rows(erp_rows.purchase_order_item, ITEMS))
    assert keys == [(row["PurchaseOrder"], row["PurchaseOrderItem"]) for row in wanted]
    for row, told in zip(found, wanted, strict=True):
        assert row["Material"] == told["Material"]
        due = v2_time(row["DownPaymentDueDate"])
        assert (due.date() if due else None) == told["DownPaymentDueDate"]
        price = row["NetPriceAmount"]
        assert (None if price is None else Decimal(price)) == told["NetPriceAmount"]


def test_v2_writes_times_as_ticks_and_durations(strings: CapPeer) -> None:
    url = f"{strings.v2('Z_EVERY_TYPE_SRV')}/EveryTypeSet"
    rows = get(url, filter="Number lt 3", orderby="Number").json()["d"]["results"]
    assert [row["TimeOfDay"] for row in rows] == ["PT23H59M59S", "PT00H00M00S", None]
    assert [row["ExactMoment"] for row in rows] == [
        "/Date(253402300799999+0000)/",
        "/Date(-1+0000)/",
        None,
    ]
    assert [row["Int64"] for row in rows] == [str(2**53 - 1), str(1 - 2**53), None]


@pytest.mark.parametrize(
    ("literal", "name"),
    [
        ("datetime'2023-01-10T00:00:00'", "CreationDate"),
        ("'0000100123'", "Supplier"),
    ],
)
def test_v2_filters_take_v2_literals(strings: CapPeer, literal: str, name: str) -> None:
    url = f"{strings.v2(ORDERS)}/A_PurchaseOrder"
    rows = get(url, filter=f"{name} eq {literal}").json()["d"]["results"]
    wanted = re.sub(r"datetime|'|T00:00:00", "", literal)
    told = [
        row["PurchaseOrder"]
        for row in erp_rows.rows(erp_rows.purchase_order, ITEMS // erp_rows.ITEMS_PER_ORDER)
        if str(row[name]) == wanted
    ]
    assert [row["PurchaseOrder"] for row in rows] == told


def test_keyset_tokens_hold_keys() -> None:
    with start_cap(items=ITEMS, page=300, keyset=True) as peer:
        url = f"{peer.v4(ORDERS)}/A_PurchaseOrderItem"
        assert not get(url).json()["@odata.nextLink"].split("skiptoken=")[1].isdigit()
        found = [row for page in pages_v4(url) for row in page]
    same_v4(found, list(erp_rows.rows(erp_rows.purchase_order_item, ITEMS)))


def test_a_top_makes_pages_larger_up_to_a_limit(strings: CapPeer) -> None:
    url = f"{strings.v4(ORDERS)}/A_PurchaseOrderItem"
    assert len(get(url, top="1500").json()["value"]) == 1_500
    with start_cap(items=ITEMS, max_page=500) as peer:
        url = f"{peer.v2(ORDERS)}/A_PurchaseOrderItem"
        body = get(url, top="1500").json()["d"]
        assert (len(body["results"]), "__next" in body) == (500, True)


def test_errors_name_what_is_wrong(strings: CapPeer) -> None:
    for url in (strings.v2(ORDERS), strings.v4(ORDERS)):
        error = get(f"{url}/A_PurchaseOrder", 400, filter="Nope eq 1").json()["error"]
        assert "Nope" in str(error["message"])


def test_only_what_clients_ask_is_logged_and_a_login_may_be_wanted(
    cap_factory: Callable[..., CapPeer],
) -> None:
    peer = cap_factory(items=ITEMS, user="reader", password="s3cret")
    url = f"{peer.v2(ORDERS)}/$metadata"
    get(url, 401)
    answer = requests.get(url, auth=("reader", "s3cret"), timeout=30)
    assert answer.status_code == 200
    assert 'Name="NetPriceAmount" Type="Edm.Decimal" Precision="14" Scale="3"' in answer.text
    assert [entry["method"] for entry in peer.requests()] == ["GET", "GET"]
