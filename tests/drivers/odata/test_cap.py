"""SAP's own framework as the server: every cell over both versions and both writings of numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.odata.every_type import plain
from tests.drivers.odata.helpers import (
    EVERY_TYPE,
    ITEMS,
    ITEMS_V4,
    assert_rows,
    cap_config,
    cell,
    native_names,
)
from tests.peers.erp_rows import product_plant, purchase_order, purchase_order_item
from tests.peers.erp_types import every_type
from tests.peers.launch_erp import CapPeer

ROWS = 6_000


@pytest.fixture(scope="module", params=[False, True], ids=["strings", "numbers"])
def peer(request: pytest.FixtureRequest) -> Any:
    """SAP CAP, with exact numbers as strings and as numbers over V4."""
    from tests.peers.fixtures import running
    from tests.peers.launch_erp import start_cap

    yield from running(lambda: start_cap(items=ROWS, numbers=request.param))


def session(peer: CapPeer, **more: Any) -> gd.Session:
    return gd.Session([cap_config(peer, **more)])


@pytest.mark.parametrize("entity", [ITEMS, ITEMS_V4])
def test_every_row_of_many_pages_is_there_once_and_exact(peer: CapPeer, entity: str) -> None:
    with session(peer) as s:
        frame = s.erp(entity, limit=None)
    rows = [purchase_order_item(index) for index in range(ROWS)]
    key = ["PurchaseOrder", "PurchaseOrderItem"]
    assert_rows(frame, native_names(frame), rows, key=key)
    told = frame.attrs["provenance"]["metadata"]["completeness"]
    assert told["counted_before"] == told["counted_after"] == told["distinct_keys"] == ROWS
    assert told["pages"] > 1
    assert told["drift"] is False
    assert gd.verify(frame) == "intact"


def test_canonical_columns_come_first_and_the_systems_own_after(peer: CapPeer) -> None:
    with session(peer) as s:
        frame = s.erp("purchase_order", limit=None)
        orders = [purchase_order(index) for index in range(ROWS // 10)]
        assert list(frame)[:6] == [
            "purchase_order", "supplier", "company_code", "status", "currency", "order_date",
        ]  # fmt: skip
        assert "ExchangeRate" in frame
        assert_rows(frame, native_names(frame), orders, key=["PurchaseOrder"])
        some = s.erp("purchase_order", fields=["ExchangeRate", "order_date"], limit=None)
    assert list(some) == ["ExchangeRate", "order_date"]


@pytest.mark.parametrize("service", ["v2", "v4"])
def test_every_type_with_its_extremes_and_nothing(
    peer: CapPeer, service: str, tmp_path: Path
) -> None:
    root = "/odata/v4/Z_EVERY_TYPE_SRV" if service == "v4" else None
    if root is not None:
        root = "/sap/opu/odata4/sap/Z_EVERY_TYPE_SRV"
    services = {"Z_EVERY_TYPE_SRV": root} if root else {}
    with session(peer, services=services) as s:
        frame = s.erp(EVERY_TYPE, limit=None)
    rows = [plain(every_type(index)) for index in range(1_000)]
    assert_rows(frame, str, rows, key=["Number"])
    path = tmp_path / "types.parquet"
    gd.to_parquet(frame, path)
    again = pd.read_parquet(path, dtype_backend="pyarrow")
    for name in frame:
        assert [cell(v) for v in again[name]] == [cell(v) for v in frame[name]], name


def test_a_filter_and_a_list_and_a_window_are_the_servers_work(peer: CapPeer) -> None:
    with session(peer) as s:
        materials = ["O'Hare 3/4\"", "Rohöl & Gas +5%", "00000123"]
        frame = s.erp(ITEMS, filters={"material": materials, "quantity": None}, limit=None)
        assert len(frame) == 0
        frame = s.erp(ITEMS, filters={"material": materials}, limit=None)
        orders = s.erp(
            "purchase_order", filters={"currency": "EUR"}, start="2023-02-01", end="2023-02-10",
            limit=None,
        )  # fmt: skip
    rows = [purchase_order_item(index) for index in range(ROWS)]
    wanted = [row for row in rows if row["Material"] in materials]
    assert_rows(frame, native_names(frame), wanted, key=["PurchaseOrder", "PurchaseOrderItem"])
    told = frame.attrs["provenance"]["metadata"]["completeness"]
    assert (told["filtered_by_server"], told["filtered_here"]) == (["material"], [])
    low, high = date(2023, 2, 1), date(2023, 2, 10)
    heads = [purchase_order(index) for index in range(ROWS // 10)]
    within = [
        row
        for row in heads
        if row["DocumentCurrency"] == "EUR"
        and row["PurchaseOrderDate"] is not None
        and low <= row["PurchaseOrderDate"] <= high
    ]
    assert_rows(orders, native_names(orders), within, key=["PurchaseOrder"])


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_a_calendar_date_asked_for_is_that_date_in_any_zone(peer: CapPeer, zone: str) -> None:
    with gd.Session([cap_config(peer)], tz=zone) as s:
        frame = s.erp("purchase_order", start="2023-02-01", end="2023-02-10", limit=None)
        days = sorted(set(frame["order_date"]))
    assert (days[0], days[-1]) == (date(2023, 2, 1), date(2023, 2, 10))


def test_decimals_and_booleans_filter_exactly(peer: CapPeer) -> None:
    row = purchase_order_item(77)
    for entity in (ITEMS, ITEMS_V4):
        with session(peer) as s:
            frame = s.erp(entity, filters={"OrderQuantity": row["OrderQuantity"]}, limit=None)
            done = s.erp(entity, filters={"IsCompletelyDelivered": True}, limit=None)
        assert [cell(v) for v in frame[native_names(frame)("OrderQuantity")]] == [
            row["OrderQuantity"]
        ]
        assert bool(done[native_names(done)("IsCompletelyDelivered")].iloc[0])


def test_a_material_by_plant_is_read_where_plants_are(peer: CapPeer) -> None:
    with session(peer) as s:
        frame = s.erp("material", filters={"plant_code": "DE01"}, limit=None)
    wanted = [row for row in map(product_plant, range(4_000)) if row["Plant"] == "DE01"]
    assert_rows(frame, native_names(frame), wanted, key=["Product", "Plant"])
    told = frame.attrs["provenance"]["metadata"]["completeness"]
    assert told["entity_set"].endswith("/A_ProductPlant")


def test_a_limit_reads_no_more_than_it_needs_and_tells_that_there_is_more(peer: CapPeer) -> None:
    peer.clear_requests()
    with session(peer) as s, pytest.warns(gd.GreenLangWarning, match="first 5"):
        frame = s.erp(ITEMS, limit=5)
    assert len(frame) == 5
    assert len(peer.requests()) == 2
    assert {one["method"] for one in peer.requests()} == {"GET"}


def test_names_that_are_wrong_are_errors_that_name_the_nearest(peer: CapPeer) -> None:
    with session(peer) as s:
        with pytest.raises(gd.QueryError, match="plant_code"):
            s.erp(ITEMS, filters={"plant_cod": "1010"})
        with pytest.raises(gd.QueryError, match="OrderQuantity"):
            s.erp(ITEMS, fields=["OrderQuantit"])
        with pytest.raises(gd.UnknownTagError, match="A_PurchaseOrderItem"):
            s.erp("API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderIten")
        with pytest.raises(gd.UnknownTagError, match="asset"):
            s.erp("asset")
        with pytest.raises(gd.QueryError, match="no date"):
            s.erp(ITEMS, filters={"plant_code": "1010"}, start="2023-01-01")
        with pytest.raises(gd.QueryError, match="text"):
            s.erp(ITEMS, filters={"plant_code": 1010})
        with pytest.raises(gd.QueryError, match="decimal"):
            s.erp(ITEMS, filters={"quantity": "many"})
        assert len(s.erp("A_ProductPlant", limit=None)) == 4_000


def test_another_name_of_the_server_in_its_links_harms_nobody_who_pages_by_key(
    peer: CapPeer,
) -> None:
    with session(peer, server_names=()) as s:
        frame = s.erp(ITEMS, limit=None)
    assert len(frame) == ROWS
    assert {one["headers"]["host"] for one in peer.requests()} == {f"127.0.0.1:{peer.port}"}


def test_metadata_are_read_once(peer: CapPeer) -> None:
    with session(peer) as s:
        s.erp(ITEMS, limit=1, filters={"PurchaseOrder": "4500000000", "PurchaseOrderItem": "00010"})
        peer.clear_requests()
        s.erp(ITEMS, limit=1, filters={"PurchaseOrder": "4500000001", "PurchaseOrderItem": "00010"})
    assert [one["method"] for one in peer.requests()] == ["GET"]


def test_an_entity_is_where_the_configuration_says(peer: CapPeer) -> None:
    own = {
        "service": "API_PRODUCT_SRV",
        "name": "A_ProductDescription",
        "columns": {"material": "Product", "text": "ProductDescription"},
    }
    with session(peer, entities={"material_text": own}) as s:
        frame = s.erp("material_text", filters={"Language": "EN"}, limit=None)
    assert list(frame) == ["material", "text", "Language"]
    assert len(frame) == 2_000


def test_an_exact_decimal_is_a_decimal(peer: CapPeer) -> None:
    with session(peer) as s:
        frame = s.erp(ITEMS, limit=None, fields=["price_unit", "quantity"])
    assert str(frame["quantity"].dtype) == "decimal128(13, 3)[pyarrow]"
    assert set(frame["price_unit"]) == {Decimal(1), Decimal(10), Decimal(100), Decimal(1000)}
