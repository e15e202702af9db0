"""The canonical columns: their one order, and which of them are identifiers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from greenlang_data.drivers.places import Place

# Some systems tell them as numbers and some as texts, with zeros in front; here all are texts.
IDENTIFIERS: Final = frozenset({
    "material_document", "material_document_item", "journal_entry", "journal_entry_item",
    "supplier_invoice", "supplier_invoice_item", "purchase_order", "purchase_order_item",
    "fixed_asset", "asset_id", "material", "supplier", "customer", "plant_code", "cost_center",
    "company_code", "warehouse", "gl_account",
})  # fmt: skip

ORDER: Final = (
    # What it is, and what it belongs to.
    "material_document", "material_document_year", "material_document_item", "ledger",
    "journal_entry", "journal_entry_id", "journal_entry_item", "supplier_invoice",
    "supplier_invoice_item", "fiscal_year", "purchase_order", "purchase_order_item", "fixed_asset",
    "fixed_asset_subnumber", "asset_id", "material", "supplier", "supplier_name", "customer",
    "plant_code", "warehouse", "storage_location", "cost_center", "controlling_area",
    "company_code", "business_unit", "gl_account",
    # What is said about it.
    "description", "language", "name", "search_name", "email", "tax_number", "movement_type",
    "invoice_type", "line_type", "material_type", "material_group", "supplier_group",
    "customer_group", "asset_group", "department", "status", "blocked", "deleted", "deletion_code",
    "cancelled", "discarded", "returns_item", "delivered", "posted", "credit_memo",
    # How much.
    "quantity", "unit", "line_unit", "line_unit_factor", "numerator", "denominator", "factor",
    "is_base", "dimension", "weight", "net_weight", "weight_unit", "price", "price_unit",
    "price_quantity_unit", "amount", "gross_amount", "debit", "credit", "debit_credit", "credited",
    "currency", "prices_include_tax",
    # When.
    "order_date", "ordered_at", "delivery_date", "document_date", "posting_date", "valid_from",
    "valid_to", "created_date", "created_at", "changed_at",
)  # fmt: skip
_PLACE: Final = {name: place for place, name in enumerate(ORDER)}


def in_order(place: Place) -> Place:
    """``place`` with its columns in the order that they have whichever system answers."""
    names = sorted(place.columns, key=lambda name: _PLACE.get(name, len(ORDER)))
    return replace(place, columns={name: place.columns[name] for name in names})


def with_identifiers(place: Place) -> Place:
    """``place`` with its canonical identifiers as texts."""
    return replace(place, texts=IDENTIFIERS & place.columns.keys())
