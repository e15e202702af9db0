"""SAP's mock server for Fiori elements: another OData V2 and V4, in which SAP writes no next links."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import assert_rows, config, native_names
from tests.peers.erp_rows import Row, cost_center, purchase_order_item
from tests.peers.launch_erp import ODataPeer

ITEMS = 1_000
SERVICE = "API_PURCHASEORDER_PROCESS_SRV"
ITEM_SET = f"{SERVICE}/A_PurchaseOrderItem"
KEY = ["PurchaseOrder", "PurchaseOrderItem"]


@pytest.fixture(params=["v2", "v4"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def session(peer: ODataPeer, version: str, **more: Any) -> gd.Session:
    root = "odata" if version == "v2" else "odata4"
    names = (SERVICE, "API_COSTCENTER_SRV")
    services = {name: f"/sap/opu/{root}/sap/{name}" for name in names}
    return gd.Session([config(peer.origin, services=services, **more)])


def item(index: int, version: str) -> Row:
    """A row as this server tells it: over V2 it makes the start of 1970 of a missing date."""
    row = purchase_order_item(index)
    due = row["DownPaymentDueDate"]
    return row | {"DownPaymentDueDate": date(1970, 1, 1) if version == "v2" and not due else due}


def told(frame: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = frame.attrs["provenance"].full["metadata"]["completeness"]
    return found


@pytest.mark.parametrize("size", [5_000, 150])
def test_every_row_comes_once_and_exact(fe_peer: ODataPeer, version: str, size: int) -> None:
    with session(fe_peer, version, page_size=size) as s:
        frame = s.erp(ITEM_SET, limit=None)
    rows = [item(index, version) for index in range(ITEMS)]
    assert_rows(frame, native_names(frame), rows, key=KEY)
    assert told(frame)["counted_before"] == told(frame)["distinct_keys"] == ITEMS
    assert gd.verify(frame) == "intact"


def test_a_key_of_dates_and_texts_is_gone_on_from(fe_peer: ODataPeer, version: str) -> None:
    with session(fe_peer, version, page_size=200) as s:
        frame = s.erp("API_COSTCENTER_SRV/A_CostCenter", limit=None)
    key = ["ControllingArea", "CostCenter", "ValidityEndDate"]
    rows = [cost_center(index) for index in range(900)]
    assert_rows(frame, native_names(frame), rows, key=key)


def test_filters_columns_and_limits_are_the_servers_work(fe_peer: ODataPeer, version: str) -> None:
    materials = ["Rohöl & Gas +5%", "00000123", "1E5"]  # it reads no quotes in quotes
    low, high = date(2023, 3, 1), date(2023, 3, 31)
    with session(fe_peer, version) as s:
        some = s.erp(ITEM_SET, filters={"Material": materials}, limit=None)
        due = s.erp(ITEM_SET, filters={"DownPaymentDueDate": [low, high]}, limit=None)
        with pytest.warns(gd.GreenLangWarning):
            few = s.erp(ITEM_SET, fields=["Plant", "OrderQuantity"], limit=7)
    rows = [item(index, version) for index in range(ITEMS)]
    wanted = [row for row in rows if row["Material"] in materials]
    assert_rows(some, native_names(some), wanted, key=KEY)
    wanted = [row for row in rows if row["DownPaymentDueDate"] in (low, high)]
    assert_rows(due, native_names(due), wanted, key=KEY)
    assert told(some)["filtered_here"] == told(due)["filtered_here"] == []
    assert (list(few), len(few)) == (["Plant", "OrderQuantity"], 7)


def test_no_token_for_writing_is_fetched_and_nothing_but_gets_is_sent(
    fe_peer: ODataPeer, version: str
) -> None:
    with session(fe_peer, version, page_size=400) as s:
        s.erp(ITEM_SET, limit=None)
        s.erp.fields(ITEM_SET)
    sent = fe_peer.requests()
    assert {one["method"] for one in sent} == {"GET"}
    assert not any("x-csrf-token" in one["headers"] for one in sent)
    assert not any("$batch" in one["path"] for one in sent)
