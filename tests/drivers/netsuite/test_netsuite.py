"""The NetSuite emulator: SuiteQL past its cap, both logins, values exact from text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import greenlang_data as gd
from tests.drivers.odata.helpers import assert_rows, cell, config
from tests.peers import netsuite_rows as truth
from tests.peers.erp_live import is_steady
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_netsuite

LINES = 9_000
TBA = {
    "account": "1234567_SB1",
    "consumer_key": "consumer-key",
    "consumer_secret": "s3cret-consumer",
    "token_id": "token-id",
    "token_secret": "s3cret-token",
}


peer_session, peer = renewed("peer", lambda: start_netsuite(lines=LINES), scope="module")


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    keys = {"connector_id": "suite", "erp_system": "netsuite", **TBA, **more}
    return gd.Session([config(peer.origin, **keys)])


def read(
    peer: HistorianPeer, entity: str, fields: list[str] | None = None, **more: Any
) -> pd.DataFrame:
    with session(peer, **more) as s:
        return s.erp(entity, fields=fields, limit=None)


def as_text(number: int | None) -> str | None:
    return None if number is None else str(number)


def lines_of(kind: str) -> list[dict[str, Any]]:
    """The lines of transactions of a kind, as an entity has them."""
    found = []
    for index in range(LINES):
        line = truth.transaction_line(index)
        head = truth.transaction(index // truth.LINES)
        if head["type"] == kind and not line["mainline"] and not line["taxline"]:
            unit = truth.unit(line["units"] - 1)
            found.append({
                "purchase_order": head["tranid"],
                "purchase_order_item": str(line["linesequencenumber"]),
                "material": None if line["item"] is None else truth.item(line["item"] - 1)["itemid"],
                "description": line["memo"],
                "plant_code": as_text(line["location"]),
                "cost_center": as_text(line["department"]),
                "quantity": line["quantity"],
                "unit": truth.UNITS[2 * (unit["unitstype"] - 1)],
                "line_unit": f"DF {line['units']}",
                "line_unit_factor": unit["conversionrate"],
                "price": line["rate"],
                "amount": line["foreignamount"],
                "supplier": truth.vendor(head["entity"] - 1)["entityid"],
                "l.item": line["item"],
                "t.entity": head["entity"],
                "order_date": head["trandate"],
            })  # fmt: skip
    return found


def test_every_cell_is_exact(peer: HistorianPeer) -> None:
    items = read(peer, "purchase_order_item")
    assert_rows(items, str, lines_of("PurchOrd"), key=["purchase_order", "purchase_order_item"])
    bills = read(peer, "supplier_invoice", fields=["supplier_invoice_item", "amount"])
    assert len(bills) == len(lines_of("VendBill")) < len(items)
    materials = read(peer, "material")
    rows = [truth.item(index) for index in range(2_000)]
    names = {"itemid": "material", "displayname": "description", "itemtype": "material_type",
             "averagecost": "price", "isinactive": "blocked", "lastmodifieddate": "changed_at"}  # fmt: skip
    wanted = [{name: row[name] for name in ("id", *names)} for row in rows]
    assert_rows(materials, lambda own: names.get(own, own), wanted, key=["id"])
    ledger = read(peer, "gl_entry")
    amounts = [truth.accounting_line(index)["amount"] for index in range(LINES)]
    assert sorted(map(cell, ledger["amount"])) == sorted(amounts)
    assert gd.verify(ledger) == "intact"


@pytest.mark.parametrize(
    "knobs",
    [
        {"row_cap": 1_000},
        {"total_lie": 50},
        {"date_format": "DD.MM.YYYY"},
        {"unordered": True},
    ],
    ids=str,
)
def test_nothing_is_lost_to_the_cap_or_to_the_users_own_formats(
    peer: HistorianPeer, knobs: dict[str, Any]
) -> None:
    peer.set(**knobs)
    items = read(peer, "purchase_order_item")
    assert_rows(items, str, lines_of("PurchOrd"), key=["purchase_order", "purchase_order_item"])


def test_what_is_owed_to_a_vendor_is_positive(peer: HistorianPeer) -> None:
    orders, bills = read(peer, "purchase_order"), read(peer, "supplier_invoice")
    every = [truth.transaction(one) for one in range(LINES // truth.LINES)]
    for frame, kind, number, name in (
        (orders, "PurchOrd", "purchase_order", "amount"),
        (bills, "VendBill", "supplier_invoice", "gross_amount"),
    ):
        totals = {one["tranid"]: -one["foreigntotal"] for one in every if one["type"] == kind}
        assert dict(zip(frame[number], map(cell, frame[name]), strict=True)) == totals
        assert sum(totals.values()) > 0
    with session(peer) as s:
        large = s.erp("purchase_order", filters={"amount": orders["amount"].max()}, limit=None)
    assert list(large["amount"]) == [orders["amount"].max()]


def test_rows_that_come_and_go_shift_nothing(peer: HistorianPeer) -> None:
    peer.set(inserts=1, deletes=1)
    ledger = read(peer, "gl_entry")
    key = list(zip(ledger["a.transaction"], ledger["journal_entry_item"], strict=True))
    found = {(one - 1) * truth.LINES + int(line) for one, line in key}
    assert len(found) == len(key)
    steady = {one for one in range(LINES) if is_steady(one) and is_steady(one // truth.LINES)}
    assert steady <= found


def test_filters_and_windows(peer: HistorianPeer) -> None:
    with session(peer) as s:
        odd = s.erp("material", filters={"material": ["O'Hare 3/4\"", "1E5"]}, limit=None)
        inactive = s.erp("supplier", filters={"blocked": True}, limit=None)
        none = s.erp("material", filters={"price": None}, limit=None)
        orders = s.erp("purchase_order", start="2023-02-01", end="2023-02-28", limit=None)
        price = truth.item(3)["averagecost"]
        exact = s.erp("material", filters={"price": price}, limit=None)
    assert set(odd["material"]) == {"O'Hare 3/4\"", "1E5"}
    assert len(inactive) == sum(truth.vendor(one)["isinactive"] for one in range(500))
    assert len(none) == sum(truth.item(one)["averagecost"] is None for one in range(2_000))
    every = [truth.transaction(one) for one in range(LINES // truth.LINES)]
    low, high = date(2023, 2, 1), date(2023, 2, 28)
    wanted = {
        one["tranid"] for one in every
        if one["type"] == "PurchOrd" and low <= one["trandate"] <= high
    }  # fmt: skip
    assert set(orders["purchase_order"]) == wanted != set()
    assert price in list(exact["price"])


def test_a_limit_asks_for_no_more(peer: HistorianPeer) -> None:
    with session(peer) as s, pytest.warns(gd.GreenLangWarning, match="first 4"):
        frame = s.erp("material", limit=4, fields=["material", "price"])
    assert list(frame) == ["material", "price"]
    assert len(peer.requests()) == 1


def test_a_page_that_fails_is_asked_for_again(peer: HistorianPeer) -> None:
    faults = [
        {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}, "skip": 2, "times": 1},
        {"kind": "reset", "skip": 4, "times": 1},
        {"kind": "cut", "skip": 5, "times": 1},
    ]
    peer.set(faults=[{"match": "suiteql", **one} for one in faults])
    assert len(read(peer, "gl_entry")) == LINES


def test_a_row_with_a_column_twice_is_refused(peer: HistorianPeer) -> None:
    row = '{"c0": "1", "c1": "Plant Dresden", "c2": "F", "c1": "Plant Essen"}'
    peer.fault("status", "suiteql", skip=1, status=200, body=f'{{"items": [{row}]}}')
    with pytest.raises(gd.ProtocolError, match="'c1' twice"):
        read(peer, "plant")


def test_a_row_without_its_key_is_refused_wherever_it_stands(peer: HistorianPeer) -> None:
    rows: list[dict[str, str]] = [{}, {"c0": "1", "c1": "Plant Dresden", "c2": "F"}]
    peer.fault("status", "suiteql", skip=1, status=200, body={"items": rows})
    with pytest.raises(gd.ProtocolError, match="key is empty"):
        read(peer, "plant")


def pem(key: Any) -> tuple[str, str]:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_a_certificate_gets_a_token(peer: HistorianPeer, algorithm: str) -> None:
    key: Any = ec.generate_private_key(ec.SECP256R1())
    if algorithm == "PS256":
        key = rsa.generate_private_key(65537, 3072)
    private, public = pem(key)
    peer.set(auth="oauth2", public_key=public)
    login = {"client_id": "historian-client", "private_key": private,
             "private_key_id": "certificate-1", "jwt_algorithm": algorithm}  # fmt: skip
    keys = {"connector_id": "suite", "erp_system": "netsuite", **login}
    with gd.Session([config(peer.origin, **keys)]) as s:
        assert len(s.erp("plant", limit=None)) == 3
    assert private.splitlines()[1] not in json.dumps(peer.requests())


def test_a_wrong_signature_is_told_and_shows_no_secret(peer: HistorianPeer) -> None:
    with session(peer, consumer_secret="s3cret-wrong") as s:
        with pytest.raises(gd.AuthenticationError) as caught:
            s.erp("plant")
        assert "s3cret" not in str(caught.value)
    with (
        session(peer, consumer_secret=None) as s,
        pytest.raises(gd.ConfigurationError, match="consumer_secret"),
    ):
        s.erp("plant")


def test_utility_bills_are_lines_by_the_numbers_of_suppliers(peer: HistorianPeer) -> None:
    number = truth.vendor(82)["entityid"]
    bills = {
        "entity": "supplier_invoice", "commodity_by": "supplier",
        "commodities": {"electricity": [number]}, "fields": ["quantity", "unit", "posting_date"],
    }  # fmt: skip
    with session(peer, utility_bills=bills) as s:
        frame = s.erp("utility_bill", limit=None)
        columns = set(s.erp.fields("utility_bill")["field"])
    assert len(frame) > 0
    assert set(frame["supplier"]) == {number}
    assert {"quantity", "unit", "commodity"} <= columns


def test_a_table_that_is_not_described_says_how_to_describe_it(peer: HistorianPeer) -> None:
    with session(peer) as s:
        for ask in (s.erp, s.erp.fields):
            with pytest.raises(gd.UnknownTagError, match=r"needs service.* key, columns and types"):
                ask("transactionline")


def test_only_queries_are_sent(peer: HistorianPeer) -> None:
    read(peer, "plant")
    sent = {(one["method"], one["path"].rpartition("/")[2]) for one in peer.requests()}
    assert sent == {("POST", "suiteql")}
    queries = [json.loads(one["body"])["q"] for one in peer.requests()]
    assert all(one.startswith("SELECT ") for one in queries)


def test_names_that_are_wrong_and_tables_that_are_not_known(peer: HistorianPeer) -> None:
    with session(peer) as s:
        with pytest.raises(gd.QueryError, match="quantity"):
            s.erp("purchase_order_item", filters={"quantiti": 1})
        with pytest.raises(gd.UnknownTagError, match="under entities"):
            s.erp("transactionshippingaddress")
        with pytest.raises(gd.UnknownTagError, match="'material'"):
            s.erp("materail")
        listed = s.erp.entities()
        fields = s.erp.fields("gl_entry").set_index("field")
    assert "gl_entry" in set(listed["entity"])
    assert fields.loc["amount", "data_type"] == "Edm.Decimal"


def test_an_entity_of_the_users_own(peer: HistorianPeer) -> None:
    own = {
        "service": "suiteql",
        "name": "account",
        "key": ("id",),
        "columns": {"gl_account": "acctnumber", "description": "fullname"},
        "types": {"id": "integer"},
    }
    with session(peer, entities={"gl_account": own}) as s:
        frame = s.erp("gl_account", limit=None)
    assert list(frame) == ["gl_account", "description", "id"]
    assert list(frame["gl_account"]) == ["6000", "6010", "6020", "2000"]


def test_a_condition_of_the_users_own_with_an_or_stays_one(peer: HistorianPeer) -> None:
    own = {
        "service": "suiteql",
        "name": "account",
        "key": ("id",),
        "columns": {"gl_account": "acctnumber"},
        "types": {"id": "integer"},
        "where": "acctnumber = '6000' OR acctnumber = '6010'",
    }
    with session(peer, entities={"gl_account": own}) as s:
        frame = s.erp("gl_account", filters={"gl_account": ["6010", "6020"]}, limit=None)
    assert list(frame["gl_account"]) == ["6010"]


def test_what_has_changed_since_a_frame(peer: HistorianPeer) -> None:
    with session(peer) as s:
        whole = s.erp("material", limit=None)
        since = s.erp("material", since=whole)
        instant = max(truth.item(index)["lastmodifieddate"] for index in range(2_000))
        aware = s.erp("material", since=instant.replace(tzinfo=UTC))
    latest = max(truth.item(index)["lastmodifieddate"] for index in range(2_000))
    told = whole.attrs["provenance"].full["metadata"]["completeness"]
    assert told["mark"] == latest.isoformat()

    def wanted(low: datetime) -> set[str]:
        items = map(truth.item, range(2_000))
        return {one["itemid"] for one in items if one["lastmodifieddate"] >= low}

    # The account's clock repeats an hour in autumn, and what its zone is nobody tells.
    assert set(since["material"]) == wanted(latest - timedelta(minutes=65))
    assert set(aware["material"]) == wanted(latest - timedelta(hours=12, minutes=5))


@pytest.mark.parametrize("entity", ["supplier", "record/vendor"])
def test_an_empty_text_is_a_missing_value(peer: HistorianPeer, entity: str) -> None:
    missing = [index for index in range(500) if truth.vendor(index)["email"] is None]
    some = truth.vendor(1)["email"]
    with session(peer) as s:
        empty = s.erp(entity, filters={"email": ""}, limit=None)
        either = s.erp(entity, filters={"email": ["", some, None]}, limit=None)
    assert len(empty) == len(missing) > 0
    assert empty["email"].isna().all()
    assert len(either) == len(missing) + 1
    assert "no empty texts" in " ".join(empty.attrs["provenance"].full["notes"])


def test_records_are_read_one_by_one_where_there_is_no_query(peer: HistorianPeer) -> None:
    peer.fault("reset", "record/v1/vendor/", skip=70, times=1)
    with session(peer) as s:
        frame = s.erp("record/vendor", limit=None)
        some = s.erp("record/vendor", filters={"companyName": "Stadtwerke 7 GmbH & Co. KG"},
                     fields=["entityId", "isInactive"], limit=None)  # fmt: skip
        fields = s.erp.fields("record/vendor").set_index("field")
        with pytest.raises(gd.UnknownTagError):
            s.erp("record/vendr")
    names = {"entityid": "entityId", "companyname": "companyName", "isinactive": "isInactive"}
    rows = [truth.vendor(index) for index in range(500)]
    wanted = [{name: row[name] for name in ("id", "email", *names)} for row in rows]
    assert_rows(frame, lambda own: names.get(own, own), wanted, key=["id"])
    assert list(some) == ["entityId", "isInactive"]
    assert len(some) == 1
    assert fields.loc["lastModifiedDate", "data_type"] == "Edm.DateTimeOffset"
    told = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert told["counted_before"] == told["distinct_keys"] == 500
    assert {one["method"] for one in peer.requests()} == {"GET"}
    peer.reset()
    peer.set(total_lie=9)
    with session(peer) as s, pytest.raises(gd.SourceError, match="missing"):
        s.erp("record/location", limit=None)


@pytest.mark.parametrize("limit", [None, 300, 50])
def test_fewer_ids_than_asked_for_are_not_all(peer: HistorianPeer, limit: int | None) -> None:
    peer.set(ids_cap=100)
    with session(peer) as s, pytest.raises(gd.ProtocolError, match=r"100 ids .*more"):
        s.erp("record/vendor", limit=limit)
