"""Utility bills: lines of another entity, with the commodity by the user's rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.peers.erp_rows import LEDGER_LINES, gl_account_line_item, purchase_order_item
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_gateway

ROWS = 400
BY_GROUP = {
    "entity": "purchase_order_item",
    "commodity_by": "material_group",
    "commodities": {"electricity": ["ENERGY"], "natural_gas": ["GAS"]},
    "fields": ["purchase_order", "purchase_order_item", "plant_code", "quantity", "unit"],
}


@pytest.fixture(scope="module")
def peer() -> Iterator[HistorianPeer]:
    with start_gateway(items=ROWS) as running:
        yield running


def session(peer: HistorianPeer, rules: dict[str, Any] | None, **more: Any) -> gd.Session:
    login = {"username": "operator", "password": "s3cret-Pässword"}
    return gd.Session([config(peer.origin, **login, utility_bills=rules, **more)])


def test_by_material_group(peer: HistorianPeer, tmp_path: Path) -> None:
    names = {"ENERGY": "electricity", "GAS": "natural_gas"}
    rows = [purchase_order_item(index) for index in range(ROWS)]
    truth = {
        (row["PurchaseOrder"], row["PurchaseOrderItem"]): (
            row["OrderQuantity"], row["PurchaseOrderQuantityUnit"], names[row["MaterialGroup"]],
        )
        for row in rows if row["MaterialGroup"] in names
    }  # fmt: skip
    with session(peer, BY_GROUP) as s:
        frame = s.erp("utility_bill", limit=None)
        path = gd.to_parquet(s.scan(gd.ERPQuery(entity_type="utility_bill")), tmp_path / "bills")
        gas = s.erp("utility_bill", filters={"commodity": "natural_gas"}, limit=None)
        assert "material_group" in set(s.erp.fields("utility_bill")["field"])
    assert list(frame.columns) == [*BY_GROUP["fields"], "material_group", "commodity"]
    cells = [frame[one] for one in ("quantity", "unit", "commodity")]
    keys = zip(frame["purchase_order"], frame["purchase_order_item"], strict=True)
    assert dict(zip(keys, zip(*cells, strict=True), strict=True)) == truth
    assert gd.read_parquet(path)["commodity"].tolist() == frame["commodity"].tolist()
    assert len(gas) == sum(frame["commodity"] == "natural_gas")
    assert set(gas["commodity"]) == {"natural_gas"}
    told = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert told["filtered_by_server"] == ["material_group"]


def test_by_account_and_what_the_rules_leave_out(peer: HistorianPeer) -> None:
    key = ["journal_entry", "journal_entry_item", "ledger"]
    rules = {
        "entity": "gl_entry",
        "commodity_by": "GLAccount",
        "commodities": {"water": ["0000476000"]},
        "fields": [*key, "amount", "currency"],
    }
    truth = [gl_account_line_item(index) for index in range(LEDGER_LINES)]
    bills = {
        (one["AccountingDocument"], one["LedgerGLLineItem"], one["Ledger"]): one
        for one in truth
        if one["GLAccount"] == "0000476000"
    }
    with session(peer, rules) as s:
        frame = s.erp("utility_bill", limit=None)
    found = dict(zip(zip(*(frame[one] for one in key), strict=True), frame["amount"], strict=True))
    assert found == {key: one["AmountInCompanyCodeCurrency"] for key, one in bills.items()}
    wider = rules | {"filters": {"GLAccount": ["0000476000", "0011001000"]}}
    with session(peer, wider) as s, pytest.raises(gd.ConfigurationError, match="'0011001000' have"):
        s.erp("utility_bill", limit=None)


def test_rules_that_cannot_be(peer: HistorianPeer) -> None:
    with session(peer, None) as s, pytest.raises(gd.QueryError, match="not configured"):
        s.erp("utility_bill")
    with session(peer, BY_GROUP) as s:
        with pytest.raises(gd.QueryError, match="no commodity 'steam'"):
            s.erp("utility_bill", filters={"commodity": "steam"})
        with pytest.raises(gd.QueryError, match="changes of a view"):
            s.erp("utility_bill", since="start")
    wrong = BY_GROUP | {"commodity_by": "material_grop"}
    with session(peer, wrong) as s, pytest.raises(gd.QueryError, match="material_group"):
        s.erp("utility_bill")
    for key, value in {
        "commodities": {"a": ["GAS"], "b": ["GAS"]},
        "fields": ["quantity"],
        "entity": "utility_bill",
    }.items():
        with pytest.raises(ValueError, match=r"utility_bill|more than once|quantity and unit"):
            session(peer, BY_GROUP | {key: value})
