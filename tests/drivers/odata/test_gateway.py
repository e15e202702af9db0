"""The SAP Gateway emulator: exact values on every wire, and pages in every kind of trouble."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.every_type import exact_rows, frame_cells, parquet_cells, wrong_cells
from tests.drivers.odata.helpers import (
    EVERY_TYPE,
    ITEMS,
    ITEMS_V4,
    LOGIN,
    assert_rows,
    config,
    native_names,
)
from tests.peers.erp_live import is_steady
from tests.peers.erp_rows import (
    LEDGER_LINES,
    cost_center,
    gl_account_line_item,
    purchase_order_item,
)
from tests.peers.historian_launch import HistorianPeer

ROWS = 1_500
KEY = ["PurchaseOrder", "PurchaseOrderItem"]


@pytest.fixture
def peer(gateway: HistorianPeer) -> HistorianPeer:
    return gateway


@pytest.fixture(params=[ITEMS, ITEMS_V4], ids=["v2", "v4"])
def items(request: pytest.FixtureRequest) -> Any:
    return request.param


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    return gd.Session([config(peer.origin, **{**LOGIN, **more})])


def read(peer: HistorianPeer, entity: str, **more: Any) -> pd.DataFrame:
    with session(peer, **more) as s:
        return s.erp(entity, limit=None)


def assert_all_items(frame: pd.DataFrame) -> None:
    rows = [purchase_order_item(index) for index in range(ROWS)]
    assert_rows(frame, native_names(frame), rows, key=KEY)


@pytest.mark.parametrize("wire", ["v2", "asked", "always", "never"])
def test_values_beyond_what_binary_numbers_hold_are_exact(
    peer: HistorianPeer, wire: str, tmp_path: Path
) -> None:
    services = {}
    if wire != "v2":
        peer.set(ieee754=wire)
        services = {"Z_EVERY_TYPE_SRV": "/sap/opu/odata4/sap/Z_EVERY_TYPE_SRV"}
    frame = read(peer, EVERY_TYPE, services=services)
    rows = exact_rows(wire)
    assert wrong_cells(frame_cells(frame), rows) == []
    gd.to_parquet(frame, tmp_path / "types.parquet")
    assert wrong_cells(parquet_cells(str(tmp_path / "types.parquet")), rows) == []


@pytest.mark.parametrize(
    "knobs",
    [
        {"token": "offset", "page": 700},
        {"token": "quoted", "page": 700},
        {"token": "opaque", "page": 700},
        {"page": 1_000, "lowered_page": 300, "lowered_after": 1},
        {"silent_cap": 400},
        {"page": 0},
        {"unordered": True},
        {"next_relative": True},
        {"next_host": "elsewhere.example"},
        {"page": 500, "inserts": 1, "deletes": 2},
        {"honours_maxpagesize": False},
        {"initial_date": "zeros"},
    ],
    ids=str,
)
def test_every_row_comes_once(peer: HistorianPeer, items: str, knobs: dict[str, Any]) -> None:
    peer.set(**knobs)
    frame = read(peer, items)
    if "inserts" not in knobs:
        assert_all_items(frame)
        return
    names = native_names(frame)
    found = [
        (int(order) - 4_500_000_000) * 10 + int(item) // 10 - 1
        for order, item in zip(frame[names(KEY[0])], frame[names(KEY[1])], strict=True)
    ]
    assert len(found) == len(set(found))
    assert {one for one in range(ROWS) if is_steady(one)} <= set(found)


def test_a_key_of_dates_and_texts_is_gone_on_from(peer: HistorianPeer) -> None:
    peer.set(page=70)
    v4 = {"API_COSTCENTER_SRV": "/sap/opu/odata4/sap/API_COSTCENTER_SRV"}
    for services in ({}, v4):
        frame = read(peer, "cost_center", page_size=70, services=services)
        rows = [cost_center(index) for index in range(900)]
        key = ["ControllingArea", "CostCenter", "ValidityEndDate"]
        assert_rows(frame, native_names(frame), rows, key=key)
        told = frame.attrs["provenance"].full["metadata"]["completeness"]
        assert told["paged_by"] == "key"
        assert told["pages"] >= 13


def test_lines_of_entries_are_not_added_up_whatever_columns_are_asked_for(
    peer: HistorianPeer,
) -> None:
    peer.set(page=400)
    rows = [gl_account_line_item(index) for index in range(LEDGER_LINES)]
    frame = read(peer, "gl_entry")
    key = ["AccountingDocument", "LedgerGLLineItem", "Ledger"]
    assert_rows(frame, native_names(frame), rows, key=key)
    with session(peer) as s:
        some = s.erp("gl_entry", fields=["gl_account", "amount"], limit=None)
        own = s.erp("API_GLACCOUNTLINEITEM/GLAccountLineItem", fields=["Quantity"], limit=None)
        leading = s.erp("gl_entry", filters={"ledger": "0L"}, fields=["amount"], limit=None)
        march = s.erp("gl_entry", start="2023-03-01", end="2023-03-31", limit=None)
    every = sorted(one["AmountInCompanyCodeCurrency"] for one in rows)
    assert sorted(some["amount"]) == every
    assert len(own) == LEDGER_LINES
    assert sum(leading["amount"]) == sum(every) / 2
    low, high = date(2023, 3, 1), date(2023, 3, 31)
    assert len(march) == sum(low <= one["PostingDate"] <= high for one in rows) > 0
    assert "is a total" not in notes(frame) + notes(some) + notes(own)


def test_totals_say_that_they_are_totals(peer: HistorianPeer) -> None:
    place = {"service": "API_GLACCOUNTLINEITEM", "name": "GLAccountLineItem"}
    entities = {"balance": {**place, "columns": {"account": "GLAccount"}}}
    fields = ["account", "AmountInCompanyCodeCurrency"]
    with (
        session(peer, entities=entities) as s,
        pytest.warns(gd.GreenLangWarning, match="GLAccountLineItem is a total over all"),
    ):
        frame = s.erp("balance", fields=fields, limit=None)
    assert len(frame) == 3


def test_a_fault_now_and_then_loses_nothing(peer: HistorianPeer, items: str) -> None:
    peer.set(page=150)
    faults = [
        {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}, "skip": 3, "times": 1},
        {"kind": "reset", "skip": 7, "times": 1},
        {"kind": "cut", "skip": 10, "times": 1},
        {"kind": "status", "status": 503, "skip": 13, "times": 1},
    ]
    peer.set(faults=[{"match": "Item", **one} for one in faults])
    assert_all_items(read(peer, items))


def test_counts_that_lie_are_not_believed_or_told(peer: HistorianPeer, items: str) -> None:
    peer.set(count_lie=-7)
    assert_all_items(read(peer, items))
    peer.set(count_lie=7)
    with pytest.raises(gd.SourceError, match="counts 1507"):
        read(peer, items, max_retries=0)
    assert_all_items(read(peer, items, trust_counts=False))


def test_a_wrong_password_is_told_and_asked_once(peer: HistorianPeer) -> None:
    with pytest.raises(gd.AuthenticationError):
        read(peer, ITEMS, password="wrong-s3cret")
    assert len(peer.requests()) == 1


def test_an_error_in_a_header_of_a_success(peer: HistorianPeer, items: str) -> None:
    peer.set(sap_message="error")
    with pytest.raises(gd.SourceError):
        read(peer, items)
    peer.set(sap_message="warning")
    assert any("warns" in one for one in read(peer, items).attrs["provenance"].full["notes"])


def test_a_service_that_is_forbidden_is_passed_over_where_another_has_the_records(
    peer: HistorianPeer,
) -> None:
    peer.fault("status", "API_PURCHASEORDER_PROCESS_SRV", status=403, body={})
    with session(peer) as s:
        frame = s.erp("purchase_order_item", limit=None)
        assert_all_items(frame)
        assert "may not read" in " ".join(frame.attrs["provenance"].full["notes"])
        with pytest.raises(gd.AuthenticationError, match="may not read"):
            s.erp("API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrder")
        listed = s.erp.entities()
    assert "API_PRODUCT_SRV" in set(listed["service"])
    assert "API_PURCHASEORDER_PROCESS_SRV" not in set(listed["service"])


def test_a_column_of_a_frame_filters_and_a_mapping_does_not(peer: HistorianPeer) -> None:
    with gd.Session([config(peer.origin, **LOGIN)]) as s:
        every = s.erp("purchase_order_item", limit=None)
        wanted = every["purchase_order"].drop_duplicates().iloc[:3]
        frame = s.erp("purchase_order_item", filters={"purchase_order": wanted}, limit=None)
        same = s.erp(
            "purchase_order_item", filters={"purchase_order": wanted.to_numpy()}, limit=None
        )
        with pytest.raises(gd.QueryError, match="a value or a list"):
            s.erp("purchase_order_item", filters={"purchase_order": {"from": "1"}})
    assert set(frame["purchase_order"]) == set(wanted)
    assert frame.equals(same)
    assert gd.verify(frame) == "intact"


def test_lines_of_orders_tell_what_goes_back_is_deleted_and_what_a_price_is_for(
    peer: HistorianPeer,
) -> None:
    told = {
        "returns_item": "IsReturnsItem",
        "deletion_code": "PurchasingDocumentDeletionCode",
        "price_quantity_unit": "OrderPriceUnit",
    }
    key = ["purchase_order", "purchase_order_item"]
    rows = [purchase_order_item(index) for index in range(ROWS)]
    expected = {
        (row["PurchaseOrder"], row["PurchaseOrderItem"]): [row[own] for own in told.values()]
        for row in rows
    }
    frame = read(peer, "purchase_order_item")
    values = frame[[*key, *told]].itertuples(index=False)
    assert {(order, item): rest for order, item, *rest in values} == expected
    assert frame["returns_item"].any()
    assert not frame["returns_item"].all()


def test_a_source_is_for_its_company_and_plants(peer: HistorianPeer) -> None:
    with session(peer, company_code="1710", plant_codes=["1010", "DE01"]) as s:
        orders = s.erp("purchase_order", limit=None)
        some = s.erp("purchase_order_item", limit=None)
        one = s.erp("purchase_order_item", filters={"plant_code": "0001"}, limit=None)
    assert set(orders["company_code"]) == {"1710"}
    assert set(some["plant_code"]) == {"1010", "DE01"}
    assert set(one["plant_code"]) == {"0001"}
    assert "as the source is configured" in " ".join(some.attrs["provenance"].full["notes"])


@pytest.mark.parametrize("errors", ["json", "xml", "html"])
def test_a_refusal_is_an_error_whatever_it_looks_like(peer: HistorianPeer, errors: str) -> None:
    peer.set(errors=errors)
    with session(peer) as s, pytest.raises(gd.GreenLangError):
        s.erp("API_NONE_SRV/Nothing")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Material", "material"),
        ("a_purchaseorderitem", "A_PurchaseOrderItem"),
        ("API_PURCHASEORDER_PROCESS_SRV/a_purchaseorderitem", "A_PurchaseOrderItem"),
    ],
)
def test_a_name_in_the_wrong_case_is_told_the_right_one_alone(
    peer: HistorianPeer, wrong: str, right: str
) -> None:
    said = f"Did you mean '{right}'. Upper and lower case are told apart"
    with session(peer) as s, pytest.raises(gd.UnknownTagError, match=said):
        s.erp(wrong)
