"""The Dynamics 365 emulators: companies, widths, paging cookies, limits."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import requests

from . import dynamics_rows as rows
from .dataverse_server import CHANGES, DELETIONS, changes
from .erp_live import is_steady
from .fixtures import renewed
from .historian_launch import HistorianPeer
from .launch_erp import start_dataverse, start_finance

LINES = 12_000


finance_session, finance = renewed("finance", lambda: start_finance(lines=LINES), scope="module")
dataverse_session, dataverse = renewed(
    "dataverse", lambda: start_dataverse(lines=LINES), scope="module"
)


class Client:
    """A session with a token of its own."""

    def __init__(self, peer: HistorianPeer) -> None:
        self._peer = peer
        form = {
            "grant_type": "client_credentials",
            "client_id": "historian-client",
            "client_secret": "s3cret-client",
            "scope": f"{peer.origin}/.default",
        }
        url = f"{peer.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token"
        token = requests.post(url, data=form, timeout=30).json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, path: str, status: int = 200, prefer: str = "", **options: str) -> Any:
        query = "&".join(f"{n.replace('_', '-') if n == 'cross_company' else '$' + n}={quote(t)}"
                         for n, t in options.items())  # fmt: skip
        url = path if path.startswith("http") else f"{self._peer.url}/{path}"
        headers = self._headers | ({"Prefer": prefer} if prefer else {})
        answer = requests.get(f"{url}?{query}" if query else url, headers=headers, timeout=30)
        assert answer.status_code == status, answer.text[:300]
        if "json" not in answer.headers["Content-Type"]:
            return answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def walk(self, path: str, prefer: str = "", **options: str) -> list[dict[str, Any]]:
        body = self.ask(path, prefer=prefer, **options)
        found: list[dict[str, Any]] = body["value"]
        while link := body.get("@odata.nextLink"):
            body = self.ask(link, prefer=prefer)
            found += body["value"]
        return found


def record_ids(found: list[dict[str, Any]]) -> list[int]:
    return [row["RecordId"] - rows.FIRST_RECORD for row in found]


@pytest.mark.parametrize("token", ["skip", "skiptoken"])
def test_all_companies_come_only_when_asked_for(finance: HistorianPeer, token: str) -> None:
    finance.set(page=5_000, token=token)
    client = Client(finance)
    own = client.walk("PurchaseOrderLinesV2")
    assert {row["dataAreaId"] for row in own} == {"usmf"}
    everything = client.walk("PurchaseOrderLinesV2", cross_company="true")
    assert record_ids(everything) == [*range(LINES)]
    assert client.walk("PurchaseOrderLinesV2", filter="dataAreaId eq 'demf'") == []
    few = client.walk("PurchaseOrderLinesV2", cross_company="true", skip="10", top="7000")
    assert record_ids(few) == [*range(10, 7_010)]


def test_amounts_are_exact_and_dates_are_at_noon(finance: HistorianPeer) -> None:
    found = Client(finance).ask("PurchaseOrderLinesV2", cross_company="true", top="50")["value"]
    for row, told in zip(found, map(rows.order_line, range(50)), strict=True):
        assert row["LineAmount"] == told["LineAmount"]
        assert row["RequestedDeliveryDate"][11:] in {"12:00:00Z", "00:00:00Z"}
        assert (row["RequestedDeliveryDate"] == "1900-01-01T00:00:00Z") == (
            told["RequestedDeliveryDate"] == rows.NO_DATE
        )
        assert row["@odata.etag"].startswith('W/"')


def test_vendors_are_wide(finance: HistorianPeer) -> None:
    client = Client(finance)
    assert len(client.ask("VendorsV2", top="1")["value"][0]) == rows.WIDTH + 1
    chosen = client.ask("VendorsV2", top="1", select="VendorAccountNumber")["value"][0]
    assert set(chosen) == {"@odata.etag", "VendorAccountNumber"}
    one = client.ask("VendorsV2(dataAreaId='demf',VendorAccountNumber='0000100007')")
    assert one["VendorOrganizationName"].endswith("(demf)")


def test_enumerations_want_their_own_literals(finance: HistorianPeer) -> None:
    client = Client(finance)
    member = "Microsoft.Dynamics.DataEntities.NoYes'Yes'"
    found = client.walk("PurchaseOrderLinesV2", cross_company="true",
                        filter=f"IsLineStopped eq {member}")  # fmt: skip
    assert record_ids(found) == [*range(0, LINES, 31)]
    error = client.ask("PurchaseOrderLinesV2", 400, filter="IsLineStopped eq 'Yes'")["error"]
    assert "incompatible types" in error["innererror"]["message"]
    assert '<EnumType Name="NoYes">' in client.ask("$metadata")


def test_names_are_spelled_as_they_are(finance: HistorianPeer) -> None:
    client = Client(finance)
    client.ask("purchaseorderlinesv2", 404)
    client.ask("PurchaseOrderLinesV2", 400, select="linenumber")


def test_rows_come_and_go_in_finance(finance: HistorianPeer) -> None:
    finance.set(page=2_000, inserts=2, deletes=1)
    found = record_ids(Client(finance).walk("PurchaseOrderLinesV2", cross_company="true"))
    steady = {index for index in range(LINES) if is_steady(index)}
    assert len(found) != len(set(found)) or steady - set(found)


def test_cookies_page_with_the_same_preference(dataverse: HistorianPeer) -> None:
    client = Client(dataverse)
    path = "msdyn_purchaseorderproducts"
    found = client.walk(path, prefer="odata.maxpagesize=3000", count="true")
    assert [row["versionnumber"] for row in found] == [*range(6_000_000, 6_000_000 + LINES)]
    body = client.ask(path, prefer="odata.maxpagesize=3000", count="true")
    assert body["@odata.count"] == 5_000
    wrong = client.ask(body["@odata.nextLink"])["value"]
    assert wrong[0]["versionnumber"] != 6_003_000
    client.ask(body["@odata.nextLink"].replace("pagenumber%3D%222", "pagenumber%3D%223"), 400)


def test_skips_are_refused_and_tops_forgotten(dataverse: HistorianPeer) -> None:
    client = Client(dataverse)
    assert client.ask("accounts", 400, skip="5")["error"]["code"].startswith("0x")
    assert len(client.ask("accounts", top="5")["value"]) == 5
    assert len(client.ask("accounts", prefer="odata.maxpagesize=50", top="5")["value"]) == 50


def test_annotations_stand_beside_the_values(dataverse: HistorianPeer) -> None:
    prefer = 'odata.include-annotations="*"'
    row = Client(dataverse).ask("accounts", prefer=prefer, top="1")["value"][0]
    name = "statecode@OData.Community.Display.V1.FormattedValue"
    assert row[name] == f"Formatted {row['statecode']}"


def test_changes_are_tracked(dataverse: HistorianPeer) -> None:
    dataverse.set(delta=1)
    client = Client(dataverse)
    body = client.ask("products", prefer="odata.track-changes")
    body = client.ask(body["@odata.deltaLink"])
    told, gone = [row for row in body["value"] if "reason" not in row], body["value"][-DELETIONS:]
    table = rows.dataverse_tables(10)["products"]
    changed, deleted = changes(table, 1)
    assert [row["versionnumber"] - 4_000_000 for row in told] == changed
    assert len(told) == CHANGES
    assert [row["id"] for row in gone] == [str(table.make(i)["productid"]) for i in deleted]
    assert client.ask(body["@odata.deltaLink"])["value"] == []


def test_early_retries_make_the_wait_longer(dataverse: HistorianPeer) -> None:
    client = Client(dataverse)
    dataverse.set(rate_max=1, rate_seconds=1.0, penalty_seconds=1.0)
    client.ask("accounts", top="1")
    assert client.ask("accounts", 429, top="1")["error"]["code"] == "0x80072322"
    client.ask("accounts", 429, top="1")
    time.sleep(1.1)
    client.ask("accounts", 429, top="1")


def test_tokens_are_for_a_scope_and_end(dataverse: HistorianPeer) -> None:
    dataverse.set(token_uses=1)
    client = Client(dataverse)
    client.ask("accounts", top="1")
    client.ask("accounts", 401, top="1")
    form = {"grant_type": "client_credentials", "client_id": "historian-client",
            "client_secret": "s3cret-client", "scope": dataverse.origin}  # fmt: skip
    url = f"{dataverse.origin}/contoso/oauth2/v2.0/token"
    assert requests.post(url, data=form, timeout=30).json()["error"] == "invalid_scope"
