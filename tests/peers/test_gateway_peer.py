"""The SAP Gateway emulator: exact values, pages, and everything that goes wrong with them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import requests

from . import erp_rows, erp_types
from . import maintained_plant as plant
from .erp_live import is_steady
from .fixtures import renewed
from .gateway_tables import CHANGES, odp_changes
from .historian_launch import HistorianPeer
from .launch_erp import start_gateway

AUTH: Any = ("operator", "s3cret-Pässword".encode())
ORDERS = "API_PURCHASEORDER_PROCESS_SRV"
ITEMS = 3_000
V4 = "/sap/opu/odata4/sap"


gateway_session, gateway = renewed("gateway", lambda: start_gateway(items=ITEMS), scope="module")


def ask(url: str, status: int = 200, headers: Any = None, **options: str) -> requests.Response:
    query = "&".join(f"${name}={quote(text)}" for name, text in options.items())
    full = f"{url}?{query}" if query else url
    answer = requests.get(full, headers=headers, auth=AUTH, timeout=30)
    assert answer.status_code == status, answer.text[:300]
    return answer


def walk(url: str, **options: str) -> Iterator[list[dict[str, Any]]]:
    body = ask(url, **options).json()["d"]
    yield body["results"]
    while link := body.get("__next"):
        body = ask(link).json()["d"]
        yield body["results"]


def numbers(pages: Iterator[list[dict[str, Any]]]) -> list[int]:
    """The indices of purchase order items."""
    rows = [row for page in pages for row in page]
    return [
        (int(row["PurchaseOrder"]) - 4_500_000_000) * 10 + int(row["PurchaseOrderItem"]) // 10 - 1
        for row in rows
    ]


def items(peer: HistorianPeer) -> str:
    return f"{peer.url}/{ORDERS}/A_PurchaseOrderItem"


@pytest.mark.parametrize("token", ["offset", "quoted", "opaque"])
def test_pages_are_whole_with_any_token(gateway: HistorianPeer, token: str) -> None:
    gateway.set(token=token, page=700)
    assert numbers(walk(items(gateway), select="PurchaseOrder,PurchaseOrderItem")) == [
        *range(ITEMS)
    ]
    assert numbers(walk(items(gateway), skip="100", top="1500")) == [*range(100, 1600)]


def test_an_order_that_holds_rows_equal_is_none(gateway: HistorianPeer) -> None:
    gateway.set(unordered=True, page=500)
    assert len(set(numbers(walk(items(gateway))))) < ITEMS
    assert len(set(numbers(walk(items(gateway), orderby="Plant")))) < ITEMS
    whole = numbers(walk(items(gateway), orderby="Plant,PurchaseOrder,PurchaseOrderItem"))
    assert sorted(whole) == [*range(ITEMS)]


def test_the_cap_sinks_in_the_middle(gateway: HistorianPeer) -> None:
    gateway.set(page=1_000, lowered_page=300, lowered_after=1)
    sizes = [len(page) for page in walk(items(gateway))]
    assert sizes == [1_000, *(300,) * 6, 200]


def test_a_silent_cap_has_no_next_link(gateway: HistorianPeer) -> None:
    gateway.set(silent_cap=400)
    body = ask(items(gateway), inlinecount="allpages").json()["d"]
    assert (len(body["results"]), body["__count"], "__next" in body) == (400, str(ITEMS), False)


def test_counts_may_lie(gateway: HistorianPeer) -> None:
    gateway.set(count_lie=-7)
    assert ask(f"{items(gateway)}/$count").text == str(ITEMS - 7)
    assert ask(items(gateway), inlinecount="allpages").json()["d"]["__count"] == str(ITEMS - 7)


def test_rows_come_and_go_while_pages_are_read(gateway: HistorianPeer) -> None:
    gateway.set(page=500, inserts=1, deletes=2)
    found = numbers(walk(items(gateway)))
    steady = [index for index in range(ITEMS) if is_steady(index)]
    assert len(found) != len(set(found)) or set(steady) - set(found)
    gateway.reset()
    gateway.set(page=500, inserts=1, deletes=2, token="opaque")
    found = numbers(walk(items(gateway)))
    assert len(found) == len(set(found))
    assert set(steady) <= set(found)


def test_extremes_are_exact_over_both_versions(gateway: HistorianPeer) -> None:
    v2 = f"{gateway.url}/Z_EVERY_TYPE_SRV/EveryTypeSet"
    v4 = f"{gateway.origin}{V4}/Z_EVERY_TYPE_SRV/EveryTypeSet"
    strings = {"Accept": "application/json;IEEE754Compatible=true"}
    rows = {
        "v2": ask(v2, orderby="Number", top="50").json()["d"]["results"],
        "v4": json.loads(ask(v4, orderby="Number", top="50").text, parse_float=Decimal)["value"],
        "v4 strings": ask(v4, headers=strings, orderby="Number", top="50").json()["value"],
    }
    for index, told in enumerate(map(erp_types.exact_type, range(50))):
        for name in ("Int64", "BigAmount", "Amount", "Quantity", "Number", "Signed", "Text"):
            for wire in rows.values():
                found = wire[index][name]
                if isinstance(told[name], Decimal):
                    assert Decimal(found) == told[name]
                elif name == "Int64" and found is not None:
                    assert int(found) == told[name]
                else:
                    assert found == told[name]
        double = rows["v2"][index]["FloatingPoint"]
        assert told["FloatingPoint"] == (None if double is None else float(double))
    assert isinstance(rows["v4 strings"][0]["Int64"], str)
    assert isinstance(rows["v4"][0]["Int64"], int)
    assert rows["v4"][0]["Precise"] == "2024-02-29T23:59:59.9999999Z"
    assert rows["v2"][1]["ExactMoment"] == "/Date(-1+0000)/"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Plant eq '1010' and NetPriceAmount gt 100.5M",
         lambda row: row["Plant"] == "1010" and (row["NetPriceAmount"] or 0) > Decimal("100.5")),
        ("DownPaymentDueDate ge datetime'2024-01-01T00:00:00'",
         lambda row: str(row["DownPaymentDueDate"] or "") >= "2024-01-01"),
        ("substringof('für 1E5',PurchaseOrderItemText) or Material eq 'O''Hare 3/4\"'",
         lambda row: "für 1E5" in row["PurchaseOrderItemText"] or row["Material"] == "O'Hare 3/4\""),
        ("not (IsCompletelyDelivered eq true) and StorageLocation eq null",
         lambda row: not row["IsCompletelyDelivered"] and row["StorageLocation"] is None),
    ],
)  # fmt: skip
def test_filters_find_what_they_say(gateway: HistorianPeer, text: str, fits: Any) -> None:
    wanted = [i for i in range(ITEMS) if fits(erp_rows.purchase_order_item(i))]
    assert numbers(walk(items(gateway), filter=text)) == wanted


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "Nope eq 1"},
        {"filter": "Plant eq"},
        {"filter": "(Plant eq '1'"},
        {"select": "Nope"},
        {"orderby": "Nope"},
        {"top": "many"},
        {"skiptoken": "!"},
    ],
)
@pytest.mark.parametrize("form", ["json", "xml", "html"])
def test_what_cannot_be_read_is_an_error_in_any_form(
    gateway: HistorianPeer, options: dict[str, str], form: str
) -> None:
    gateway.set(errors=form)
    answer = ask(items(gateway), 400, **options)
    assert form in answer.headers["Content-Type"]


def test_v4_takes_page_sizes_and_may_link_relatively(gateway: HistorianPeer) -> None:
    url = f"{gateway.origin}{V4}/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrder"
    gateway.set(next_relative=True)
    answer = ask(url, headers={"Prefer": "odata.maxpagesize=50"}, count="true")
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=50"
    body = answer.json()
    assert (len(body["value"]), body["@odata.count"]) == (50, ITEMS // 10)
    assert body["@odata.nextLink"] == "PurchaseOrder?$count=true&$skiptoken=50"
    one = ask(f"{url}('4500000003')").json()
    assert one["Supplier"] == erp_rows.purchase_order(3)["Supplier"]


def test_a_batch_needs_a_csrf_token(gateway: HistorianPeer) -> None:
    body = (
        "--b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        "GET A_PurchaseOrder?$top=1 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--b1--\r\n"
    )
    kind = {"Content-Type": "multipart/mixed; boundary=b1"}
    with requests.Session() as session:
        session.auth = AUTH
        url = f"{gateway.url}/{ORDERS}"
        refused = session.post(f"{url}/$batch", body, headers=kind, timeout=30)
        assert (refused.status_code, refused.headers["X-CSRF-Token"]) == (403, "Required")
        root = session.get(f"{url}/", headers={"X-CSRF-Token": "Fetch"}, timeout=30)
        token = {"X-CSRF-Token": root.headers["X-CSRF-Token"]}
        answer = session.post(f"{url}/$batch", body, headers=kind | token, timeout=30)
    assert answer.status_code == 202
    assert re.search(r'"PurchaseOrder":"4500000000"', answer.text)


def test_a_200_may_carry_an_error(gateway: HistorianPeer) -> None:
    gateway.set(sap_message="error")
    assert json.loads(ask(items(gateway)).headers["sap-message"])["severity"] == "error"


def test_a_source_of_changes_goes_from_delta_to_delta(gateway: HistorianPeer) -> None:
    gateway.set(delta=2)
    url = f"{gateway.url}/Z_ODP_MATERIAL_SRV/AttrOf0MATERIAL_ATTR"
    tracking = {"Prefer": "odata.track-changes"}
    body = ask(url, headers=tracking, top="5000").json()["d"]
    while link := body.get("__next"):
        body = ask(link, headers=tracking).json()["d"]
    changes = []
    while True:
        body = ask(body["__delta"]).json()["d"]
        if not body["results"]:
            break
        changes.append(body["results"])
    assert [len(rows) for rows in changes] == [CHANGES, CHANGES]
    assert [row["ODQ_CHANGEMODE"] for row in changes[1]] == [
        row["ODQ_CHANGEMODE"] for row in odp_changes(2)
    ]
    gateway.set(delta=0)
    ask(f"{url}?!deltatoken='D3'", 410)


def test_chance_spoils_a_share_of_the_requests(gateway: HistorianPeer) -> None:
    gateway.set(share_429=0.2, share_reset=0.1, share_cut=0.1, share_503=0.1)
    seen: dict[str, int] = {}
    for _ in range(120):
        try:
            answer = requests.get(f"{items(gateway)}?$top=1", auth=AUTH, timeout=30)
            what = str(answer.status_code)
            assert what != "429" or answer.headers["Retry-After"] == "1"
        except requests.exceptions.ChunkedEncodingError:
            what = "cut"
        except requests.exceptions.ConnectionError:
            what = "reset"
        seen[what] = seen.get(what, 0) + 1
    assert set(seen) == {"200", "429", "503", "cut", "reset"}
    assert 12 <= seen["429"] <= 36


def test_too_many_rows_are_a_dump(gateway: HistorianPeer) -> None:
    gateway.set(time_out_rows=500)
    assert "TIME_OUT" in ask(items(gateway), 500, top="501").text
    assert len(ask(items(gateway), top="500").json()["d"]["results"]) == 500


def test_there_is_a_login_and_a_token(gateway: HistorianPeer) -> None:
    assert requests.get(items(gateway), timeout=30).status_code == 401
    gateway.set(auth="oauth")
    ask(items(gateway), 401)
    form = {"grant_type": "client_credentials"}
    client = ("historian-client", "s3cret-client")
    url = f"{gateway.origin}/sap/bc/sec/oauth2/token"
    token = requests.post(url, data=form, auth=client, timeout=30).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{items(gateway)}?$top=1", headers=bearer, timeout=30).ok


def test_metadata_have_an_etag_and_empty_dates_a_form(gateway: HistorianPeer) -> None:
    url = f"{gateway.url}/{ORDERS}/$metadata"
    etag = ask(url).headers["ETag"]
    assert ask(url, 304, headers={"If-None-Match": etag}).text == ""
    gateway.set(initial_date="zeros")
    row = ask(items(gateway), filter="DownPaymentDueDate eq null", top="1").json()["d"]["results"][
        0
    ]
    assert row["DownPaymentDueDate"] == "0000-00-00T00:00:00"


def test_maintenance_orders_lead_to_another_host(gateway: HistorianPeer) -> None:
    url = f"{gateway.url}/API_MAINTENANCEORDER;v=0002/MaintenanceOrder"
    row = ask(url, top="1").json()["d"]["results"][0]
    link = row["to_MaintenanceOrderOperation"]["__deferred"]["uri"]
    assert link.startswith("https://sandbox.example.invalid/")
    text = ask(f"{gateway.url}/API_MAINTENANCEORDER/$metadata").text
    assert re.search(r'<Property Name="SystemStatusText"[^>]*sap:filterable="false"', text)
    assert '<NavigationProperty Name="to_MaintenanceOrderOperation"' in text
    for options in ({"filter": "SystemStatusText eq 'REL'"}, {"orderby": "SystemStatusText"}):
        assert "SystemStatusText" in ask(url, 400, **options).text


def test_binary_numbers_have_an_exponent(gateway: HistorianPeer) -> None:
    url = f"{gateway.url}/API_MAINTNOTIFICATION/MaintenanceNotification"
    rows = ask(url, filter="NotifProcessingPhase eq '4'").json()["d"]["results"]
    for row in rows:
        found = plant.notification(int(row["MaintenanceNotification"]) - 10_000_000)
        assert found.malfunction_end
        span = found.malfunction_end - found.malfunction_start
        assert "E" in row["MaintObjectDowntimeDuration"]
        assert float(row["MaintObjectDowntimeDuration"]) == span.total_seconds()


def test_a_bucket_empties_and_fills(gateway: HistorianPeer) -> None:
    gateway.set(bucket_rate=1, bucket_size=2, retry_after="date")
    answers = [requests.get(f"{items(gateway)}?$top=1", auth=AUTH, timeout=30) for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(answer.headers["Retry-After"].endswith("GMT") for answer in refused)
    time.sleep(1.1)
    assert requests.get(f"{items(gateway)}?$top=1", auth=AUTH, timeout=30).ok
