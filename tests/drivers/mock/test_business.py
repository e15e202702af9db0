"""Business records fit each other and the plant."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
import pytest

from greenlang_data.drivers.mock import ENTITIES, NOW, Entity
from greenlang_data.drivers.mock.catalogue import TAGS
from tests.drivers.mock.helpers import records, rows

STATUSES = {"requested", "approved", "in_progress", "completed", "closed", "cancelled"}
CENT = Decimal("0.01")


def all_rows(entity: str) -> list[dict[str, Any]]:
    return rows(records(entity))


def column(entity: str, name: str) -> set[Any]:
    return set(records(entity)[name].to_pylist())


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.name)
def test_keys_are_unique_and_first(entity: Entity) -> None:
    table = records(entity.name)
    keys = list(zip(*(table[name].to_pylist() for name in entity.key), strict=True))
    assert len(set(keys)) == len(keys) > 0
    assert entity.record_id == entity.key[0] == table.schema.names[0]
    assert table[entity.record_id].null_count == 0
    for name in (entity.date_column, "created_at"):
        if name in table.schema.names:
            assert table[name].null_count == 0
            if entity.name != "pm":
                assert all(str(value) <= str(NOW) for value in table[name].to_pylist())


@pytest.mark.parametrize(
    ("entity", "name", "other", "key"),
    [
        ("material", "plant_code", "plant", "plant_code"),
        ("material", "supplier", "supplier", "supplier"),
        ("material", "unit", "unit_of_measure", "unit"),
        ("purchase_order", "supplier", "supplier", "supplier"),
        ("purchase_order_item", "purchase_order", "purchase_order", "purchase_order"),
        ("purchase_order_item", "material", "material", "material"),
        ("purchase_order_item", "plant_code", "plant", "plant_code"),
        ("supplier_invoice", "purchase_order", "purchase_order", "purchase_order"),
        ("goods_movement", "material", "material", "material"),
        ("goods_movement", "purchase_order", "purchase_order", "purchase_order"),
        ("goods_movement", "cost_center", "cost_center", "cost_center"),
        ("gl_entry", "supplier_invoice", "supplier_invoice", "supplier_invoice"),
        ("gl_entry", "cost_center", "cost_center", "cost_center"),
        ("utility_bill", "supplier_invoice", "supplier_invoice", "supplier_invoice"),
        ("utility_bill", "supplier", "supplier", "supplier"),
        ("asset", "cost_center", "cost_center", "cost_center"),
        ("asset", "parent_id", "asset", "asset_id"),
        ("pm", "asset_id", "asset", "asset_id"),
        ("work_order", "asset_id", "asset", "asset_id"),
        ("work_order", "pm_id", "pm", "pm_id"),
        ("work_order", "parent_id", "work_order", "work_order_id"),
    ],
)
def test_references_exist(entity: str, name: str, other: str, key: str) -> None:
    assert column(entity, name) - {None} <= column(other, key)


def test_items_add_up_to_orders_and_invoices() -> None:
    ordered: dict[str, Decimal] = defaultdict(Decimal)
    received: dict[str, Decimal] = defaultdict(Decimal)
    plants = {row["material"]: row["plant_code"] for row in all_rows("material")}
    for item in all_rows("purchase_order_item"):
        exact = item["quantity"] * item["price"] / item["price_unit"]
        assert item["amount"] == exact.quantize(CENT, ROUND_HALF_UP)
        assert plants[item["material"]] == item["plant_code"]
        ordered[item["purchase_order"]] += item["amount"]
        received[item["purchase_order"]] += item["amount"] if item["delivered"] else 0
    orders = {row["purchase_order"]: row for row in all_rows("purchase_order")}
    assert {number: row["amount"] for number, row in orders.items()} == ordered
    invoiced = [row for row in all_rows("supplier_invoice") if row["purchase_order"]]
    assert len(invoiced) > 1_000
    for invoice in invoiced:
        order = orders[invoice["purchase_order"]]
        assert invoice["amount"] == received[invoice["purchase_order"]]
        assert (invoice["supplier"], invoice["currency"]) == (order["supplier"], order["currency"])
        assert invoice["posting_date"] > order["order_date"]
        assert (invoice["status"] == "paid") == (invoice["paid_date"] is not None)


def test_receipts_are_what_was_delivered_and_issues_come_after() -> None:
    items = all_rows("purchase_order_item")
    delivered = {
        (item["purchase_order"], item["purchase_order_item"]): item
        for item in items
        if item["delivered"]
    }
    stock: dict[str, Decimal] = defaultdict(Decimal)
    receipts = 0
    for move in all_rows("goods_movement"):
        if move["movement_type"] == "101":
            item = delivered[move["purchase_order"], move["purchase_order_item"]]
            assert (move["quantity"], move["unit"]) == (item["quantity"], item["unit"])
            assert move["posting_date"] == item["delivery_date"]
            receipts += 1
        else:
            assert move["cost_center"] is not None
        stock[move["material"]] += move["quantity"] * (1 if move["purchase_order"] else -1)
        assert stock[move["material"]] >= 0
    assert receipts == len(delivered)


def test_the_ledger_balances_and_bills_are_invoiced() -> None:
    balance: dict[str, Decimal] = defaultdict(Decimal)
    for entry in all_rows("gl_entry"):
        balance[entry["journal_entry"]] += entry["amount"]
        assert (entry["debit_credit"] == "H") == (entry["amount"] < 0)
    invoices = {row["supplier_invoice"]: row for row in all_rows("supplier_invoice")}
    assert set(balance.values()) == {Decimal(0)}
    assert len(balance) == len(invoices)
    for bill in all_rows("utility_bill"):
        invoice = invoices[bill["supplier_invoice"]]
        assert (invoice["amount"], invoice["supplier"]) == (bill["amount"], bill["supplier"])
        assert set(bill["meter_tags"].split("+")) <= set(TAGS)


def test_work_orders_are_consistent() -> None:
    plans = {row["pm_id"]: row["asset_id"] for row in all_rows("pm")}
    jobs = all_rows("work_order")
    assert {job["status"] for job in jobs} == STATUSES
    for job in jobs:
        done = job["status"] in {"completed", "closed"}
        assert (job["actual_finish"] is not None) == done
        assert (job["labor_hours"] is not None) == (job["cost_total"] is not None) == done
        assert (job["actual_start"] is not None) == (done or job["status"] == "in_progress")
        assert job["created_at"] <= job["scheduled_start"] < job["scheduled_finish"]
        assert job["status_all"] == [job["status_raw"]]
        for name in ("created_at", "actual_start", "actual_finish", "changed_at"):
            assert job[name] is None or job[name] <= NOW
        if done:
            spent = job["actual_finish"] - job["actual_start"]
            assert job["labor_hours"] == Decimal(int(spent.total_seconds())) / 3600
        if job["pm_id"]:
            assert plans[job["pm_id"]] == job["asset_id"]


def test_assets_are_the_equipment_that_the_tags_belong_to() -> None:
    prefixes = {name.split(".")[0] for name in TAGS if "." in name}
    assert column("asset", "tag_prefix") - {None} == prefixes
    assert {"ASSET-001", "ASSET-002"} <= column("asset", "asset_id")
    jobs = records("work_order", filters={"status": "completed", "asset_id": ["ASSET-001"]})
    assert len(jobs) > 0


def test_types_are_exact() -> None:
    materials = records("material", filters={"plant_code": "1000"})
    assert materials["material"][0].as_py() == "000000000000001000"
    assert pa.types.is_decimal128(materials.schema.field("price").type)
    assert materials["currency"].null_count == 0
    assert materials["net_weight"].null_count > 0
    assert materials.schema.field("net_weight").metadata == {b"unit": b"kg"}
    assert records("purchase_order").schema.field("order_date").type == pa.date32()
    assert records("work_order").schema.field("created_at").type == pa.timestamp("us", tz="UTC")
    # Two neighbours that one double would merge.
    parties = records("supplier")["party_id"].to_pylist()
    assert len(set(parties)) > len({float(party) for party in parties})
