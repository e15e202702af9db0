"""The Oracle Fusion emulator: exact values, and all rows whatever it says about pages and totals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.oracle.page import Wanted, rows_decoder
from tests.drivers.odata.helpers import assert_rows, config, native_names
from tests.peers import oracle_tables as tables
from tests.peers.erp_live import is_steady
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_oracle

ORDERS = 1_200
LOGIN = {"username": "operator", "password": "s3cret-Pässword"}


peer_session, peer = renewed("peer", lambda: start_oracle(orders=ORDERS), scope="module")


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    keys = {"connector_id": "fusion", "erp_system": "oracle", **LOGIN, **more}
    return gd.Session([config(peer.origin, **keys)])


def read(peer: HistorianPeer, entity: str, **more: Any) -> pd.DataFrame:
    with session(peer, **more) as s:
        return s.erp(entity, limit=None)


def orders(frame: pd.DataFrame, count: int = ORDERS) -> None:
    rows = [tables.purchase_order(index) for index in range(count)]
    assert_rows(frame, native_names(frame), rows, key=["POHeaderId"])


def test_every_cell_of_every_resource_is_exact(peer: HistorianPeer) -> None:
    orders(read(peer, "purchase_order"))
    invoices = read(peer, "supplier_invoice")
    rows = [tables.invoice(index) for index in range(ORDERS // 3)]
    assert_rows(invoices, native_names(invoices), rows, key=["InvoiceId"])
    credit = invoices["invoice_type"] == "Credit memo"
    assert set(invoices["gross_amount"][credit] < 0) == {True}
    materials = read(peer, "material")
    rows = [tables.item(index) for index in range(1_500)]
    assert_rows(materials, native_names(materials), rows, key=["ItemId", "OrganizationId"])
    units = read(peer, "unit_of_measure")
    assert_rows(units, native_names(units), list(map(tables.unit, range(4))), key=["UOMCode"])


def test_lines_of_invoices_say_what_they_are_for(peer: HistorianPeer) -> None:
    names = {
        "InvoiceId": "InvoiceId", "LineNumber": "supplier_invoice_item", "LineType": "line_type",
        "LineAmount": "amount", "AccountingDate": "posting_date", "CanceledFlag": "cancelled",
        "DiscardedFlag": "discarded",
    }  # fmt: skip
    with session(peer) as s:
        lines = s.erp("supplier_invoice", fields=list(names.values()), limit=None)
    each = tables.LINES_PER_INVOICE
    told = [
        {**tables.invoice_line(n), "InvoiceId": tables.invoice(n // each)["InvoiceId"]}
        for n in range(ORDERS // 3 * each)
    ]
    wanted = [
        {**{name: row[name] for name in names}, "LineNumber": str(row["LineNumber"])}
        for row in told
    ]
    assert_rows(lines, names.__getitem__, wanted, key=["InvoiceId", "LineNumber"])
    assert set(lines["line_type"]) == {"Item", "Tax", "Freight"}


def test_lines_come_with_their_orders(peer: HistorianPeer) -> None:
    frame = read(peer, "purchase_order_item")
    rows = [tables.order_line(index) for index in range(5 * ORDERS)]
    rows = [{**row, "LineNumber": str(row["LineNumber"])} for row in rows]
    assert_rows(frame, native_names(frame), rows, key=["POLineId"])
    order = tables.purchase_order(7)
    lines = frame[frame["purchase_order"] == order["OrderNumber"]]
    assert len(lines) == 5
    assert set(lines["currency"]) == {order["CurrencyCode"]}
    assert list(frame)[:3] == ["purchase_order", "purchase_order_item", "material"]


@pytest.mark.parametrize(
    "knobs",
    [
        {"has_more": "always"},
        {"has_more": "never"},
        {"total_lie": -13},
        {"cap": 499},
        {"cap": 70},
        {"inserts": 1, "deletes": 2},
    ],
    ids=str,
)
def test_all_orders_come_once_whatever_is_said_of_pages(
    peer: HistorianPeer, knobs: dict[str, Any]
) -> None:
    peer.set(**knobs)
    frame = read(peer, "purchase_order")
    if "inserts" not in knobs:
        orders(frame)
        return
    first = tables.FIRST_ID + 10**6
    found = {int(one) - first for one in frame[native_names(frame)("POHeaderId")]}
    assert len(found) == len(frame)
    assert {one for one in range(ORDERS) if is_steady(one)} <= found


def test_a_server_that_does_not_sort_is_refused(peer: HistorianPeer) -> None:
    """Pages by key would lose the rows that it gives later, and its totals prove nothing."""
    peer.set(order_by="Ordered")
    with pytest.raises(gd.ProtocolError, match="order"):
        read(peer, "purchase_order")


def test_fewer_orders_than_the_total_are_refused_unless_that_is_known(peer: HistorianPeer) -> None:
    peer.set(total_lie=13)
    with pytest.raises(gd.SourceError, match=f"counts {ORDERS + 13}.*gave {ORDERS}"):
        read(peer, "purchase_order")
    frame = read(peer, "purchase_order", trust_counts=False)
    orders(frame)
    assert f"counts {ORDERS + 13}" in " ".join(frame.attrs["provenance"].full["notes"])


def test_the_count_after_a_read_was_made_after_it(peer: HistorianPeer) -> None:
    peer.set(inserts=1, deletes=2)
    told = read(peer, "purchase_order").attrs["provenance"].full["metadata"]["completeness"]
    assert told["counted_after"] != told["counted_before"]
    assert told["drift"] is True
    with session(peer) as s, pytest.warns(gd.GreenLangWarning, match="limit"):
        some = s.erp("purchase_order", limit=10)
    told = some.attrs["provenance"].full["metadata"]["completeness"]
    assert told["counted_after"] is None
    assert told["drift"] is None


def test_filters_are_the_servers_work(peer: HistorianPeer) -> None:
    with session(peer) as s:
        euros = s.erp("purchase_order", filters={"currency": ["EUR", "JPY"]}, limit=None)
        odd = s.erp("supplier", filters={"name": "Stadtwerke 7 GmbH & Co. KG"}, limit=None)
        none = s.erp("purchase_order", filters={"description": None}, limit=None)
        amount = {"amount": tables.purchase_order(5)["Ordered"]}
        exact = s.erp("purchase_order", filters=amount, limit=None)
        bills = s.erp("supplier_invoice", start="2023-02-01", end="2023-02-28", limit=None)
        lines = s.erp("purchase_order_item", limit=None,
                      filters={"purchase_order": "00000007", "unit": "KWH"})  # fmt: skip
        item = s.erp("material", filters={"material": "O'Hare 3/4\""}, limit=None)
    rows = [tables.purchase_order(index) for index in range(ORDERS)]
    wanted = [row for row in rows if row["CurrencyCode"] != "USD"]
    assert_rows(euros, native_names(euros), wanted, key=["POHeaderId"])
    assert list(odd["SupplierId"]) == [tables.FIRST_ID + 7]
    wanted = [row for row in rows if row["Description"] is None]
    assert_rows(none, native_names(none), wanted, key=["POHeaderId"])
    assert Decimal(exact["amount"].iloc[0]) == tables.purchase_order(5)["Ordered"]
    invoices = [tables.invoice(index) for index in range(ORDERS // 3)]
    within = [r for r in invoices if date(2023, 2, 1) <= r["InvoiceDate"] <= date(2023, 2, 28)]
    assert_rows(bills, native_names(bills), within, key=["InvoiceId"])
    assert set(lines["unit"]) <= {"KWH"}
    assert len(lines) >= 1
    told = lines.attrs["provenance"].full["metadata"]["completeness"]
    assert (told["filtered_by_server"], told["filtered_here"]) == (["purchase_order"], ["unit"])
    assert len(item) == 3


def test_a_value_that_no_row_can_hold_fits_none(peer: HistorianPeer) -> None:
    with session(peer) as s:
        every = s.erp("purchase_order_item", limit=None)
        price = next(one for one in every["price"] if one is not None)
        some = [price, Decimal("0.123456789012345"), Decimal("1e30")]
        found = s.erp("purchase_order_item", filters={"price": some}, limit=None)
        none = s.erp("purchase_order_item", filters={"price": some[1]}, limit=None)
    assert len(found) == sum(one == price for one in every["price"])
    assert len(none) == 0


def test_a_limit_reads_no_more_than_it_needs(peer: HistorianPeer) -> None:
    with session(peer) as s, pytest.warns(gd.GreenLangWarning, match="first 7"):
        frame = s.erp("purchase_order", limit=7, fields=["amount", "OrderNumber"])
    assert list(frame) == ["amount", "OrderNumber"]
    assert len(frame) == 7
    pages = [one for one in peer.requests() if one["path"].endswith("/purchaseOrders")]
    assert len(pages) == 1
    assert ["limit", "8"] in pages[0]["query"]


def test_a_page_that_fails_is_asked_for_again(peer: HistorianPeer) -> None:
    peer.set(cap=100)
    faults = [
        {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}, "skip": 2, "times": 1},
        {"kind": "reset", "skip": 5, "times": 1},
        {"kind": "cut", "skip": 7, "times": 1},
    ]
    peer.set(faults=[{"match": "purchaseOrders\\?", **one} for one in faults])
    orders(read(peer, "purchase_order"))


def test_what_is_not_there_is_an_error_with_the_nearest(peer: HistorianPeer) -> None:
    with session(peer) as s:
        with pytest.raises(gd.QueryError, match="currency"):
            s.erp("purchase_order", filters={"curency": "EUR"})
        with pytest.raises(gd.UnknownTagError, match="invoices"):
            s.erp("invoices/invoicesLines")
        with pytest.raises(gd.UnknownTagError, match="gl_entry"):
            s.erp("gl_entry")
        lines = s.erp("purchaseOrders/lines", filters={"OrderNumber": "00000007"}, limit=None)
        assert len(lines) == 5


def test_a_missing_role_and_a_wrong_password_are_told(peer: HistorianPeer) -> None:
    peer.set(forbidden=["invoices"])
    with pytest.raises(gd.AuthenticationError):
        read(peer, "supplier_invoice")
    with pytest.raises(gd.AuthenticationError):
        read(peer, "supplier", password="wrong")
    with session(peer) as s:
        entities = s.erp.entities()
    assert "purchaseOrders/lines" in set(entities["name"])
    assert "invoices" not in set(entities["service"])


def test_a_client_logs_in_with_a_token(peer: HistorianPeer) -> None:
    peer.set(auth="oauth")
    client = {"client_id": "historian-client", "client_secret": "s3cret-client"}
    keys = {"connector_id": "fusion", "erp_system": "oracle", **client}
    where = {"token_url": f"{peer.origin}/oauth2/v1/token", "scope": "urn:opc:resource:fa:instance"}
    with gd.Session([config(peer.origin, **keys, **where)]) as s:
        assert len(s.erp("supplier", limit=None)) == 500
    assert {one["method"] for one in peer.requests()} == {"GET", "POST"}


def test_fields_are_told_by_the_system(peer: HistorianPeer) -> None:
    with session(peer) as s:
        frame = s.erp.fields("purchase_order_item").set_index("field")
    assert frame.loc["quantity", "native_name"] == "Quantity"
    assert bool(frame.loc["POLineId", "in_key"])
    assert frame.loc["quantity", "filtered_by"] == "here"
    assert frame.loc["purchase_order", "filtered_by"] == "server"


def test_keys_are_told_where_the_pod_does_not_tell_them(peer: HistorianPeer) -> None:
    with session(peer) as s:
        listed = s.erp.entities().set_index("entity")
        columns = s.erp.fields("material").set_index("field")
    assert listed.loc["material", "key"] == "ItemId, OrganizationId"
    assert listed.loc["purchase_order_item", "key"] == "POHeaderId, POLineId"
    assert list(columns.index[columns["in_key"]]) == ["ItemId", "OrganizationId"]


def test_what_has_changed_since_a_frame(peer: HistorianPeer) -> None:
    with session(peer) as s:
        whole = s.erp("purchase_order", limit=None)
        since = s.erp("purchase_order", since=whole)
        items = s.erp("material", since="2024-06-01T00:00Z")  # of a key of two columns
    wanted = [
        one
        for one in map(tables.item, range(1_500))
        if one["LastUpdateDateTime"] is None
        or one["LastUpdateDateTime"] >= datetime(2024, 5, 31, 23, 55, tzinfo=UTC)
    ]
    assert len(items) == len(wanted) > 500
    moments = [tables.purchase_order(index)["LastUpdateDate"] for index in range(ORDERS)]
    told = whole.attrs["provenance"].full["metadata"]["completeness"]
    assert told["mark"] == max(moments).isoformat()
    assert 1 <= len(since) < 20


@pytest.mark.parametrize(
    "body",
    [
        '{"items": [{"A": 1}], "count": 2}',
        '{"items": [], "count": 1}',
        '{"items": [{"A": 1, "lines": {"items": [], "count": 3, "hasMore": false}}], "count": 1}',
    ],
)
def test_rows_that_a_page_lacks_by_its_own_count_are_missed(body: str) -> None:
    key = Property("A", "Edm.Int64")
    wanted = Wanted((key,), "lines" if "lines" in body else "", (Property("B", "Edm.Int64"),))
    with pytest.raises(ValueError, match=r"of \d rows that it says it has"):
        rows_decoder(wanted, ["A"])(body.encode())


def test_a_record_with_an_attribute_twice_is_refused(peer: HistorianPeer) -> None:
    item = '{"POHeaderId": 1, "OrderNumber": "1", "POHeaderId": 2}'
    body = f'{{"items": [{item}], "count": 1, "hasMore": false}}'
    peer.fault("status", r"purchaseOrders\?", status=200, body=body)
    with pytest.raises(gd.ProtocolError, match="'POHeaderId' twice"):
        read(peer, "purchase_order")


@pytest.mark.parametrize("name", ["7", "null", "[]"])
def test_a_description_without_names_is_refused(peer: HistorianPeer, name: str) -> None:
    attributes = f'[{{"name": "POHeaderId"}}, {{"name": {name}}}]'
    body = f'{{"Resources": {{"purchaseOrders": {{"attributes": {attributes}}}}}}}'
    peer.fault("status", "purchaseOrders/describe", status=200, body=body)
    with pytest.raises(gd.ProtocolError, match="description of purchaseOrders"):
        read(peer, "purchase_order")


def test_rows_that_were_not_filtered_are_not_given_for_those_that_were_asked_for(
    peer: HistorianPeer,
) -> None:
    peer.set(filters=False)
    number = tables.purchase_order(7)["OrderNumber"]
    with (
        session(peer) as s,
        pytest.raises(gd.SourceError, match=r"does not filter by purchase_order"),
    ):
        s.erp("purchase_order", filters={"purchase_order": number}, fields=["status"], limit=5)
