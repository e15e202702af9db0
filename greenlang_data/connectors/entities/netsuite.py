"""NetSuite: the entities as SuiteQL, with the types that NetSuite does not tell.

Column names are those of the SuiteAnalytics Connect schema, as queries in public code use them; all
of it can be overridden in the configuration. Quantities of lines are in the base unit of the line's
unit, whatever was ordered in, and amounts in the currency of the transaction: of orders and bills
what is owed, which is negative in a line that takes something off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from greenlang_data.drivers.places import Place

_LINES: Final = "transactionline l JOIN transaction t ON t.id = l.transaction"
# Queries of their own, so that a line without a unit, or a login that may not read units, has lines.
_UNIT: Final = "(SELECT {} FROM unitstypeuom u{} WHERE u.internalid = l.units)"
_BASE: Final = " JOIN unitstypeuom b ON b.unitstype = u.unitstype AND b.baseunit = 'T'"
# A document has the internal ids of both; here they have the numbers that they have as records.
_SUPPLIER: Final = ("(SELECT v.entityid FROM vendor v WHERE v.id = t.entity)", "text")
_MATERIAL: Final = ("(SELECT i.itemid FROM item i WHERE i.id = l.item)", "text")
_OWN: Final = {"t.entity": "integer"}
_OWN_OF_LINE: Final = {"l.item": "integer", **_OWN}
_HEAD: Final = {
    "number": ("t.tranid", "text"),
    "supplier": _SUPPLIER,
    "status": ("t.status", "text"),
    "amount": ("-t.foreigntotal", "decimal"),  # which is a credit, where its lines are debits
    "currency": ("BUILTIN.DF(t.currency)", "text"),
    "description": ("t.memo", "text"),
    "created_at": ("t.createddate", "datetime"),
    "changed_at": ("t.lastmodifieddate", "datetime"),
}
_LINE: Final = {
    "number": ("t.tranid", "text"),
    "item": ("l.linesequencenumber", "integer"),
    "material": _MATERIAL,
    "description": ("l.memo", "text"),
    "plant_code": ("l.location", "integer"),
    "cost_center": ("l.department", "integer"),
    "quantity": ("l.quantity", "decimal"),
    "unit": (_UNIT.format("b.unitname", _BASE), "text"),
    "line_unit": ("BUILTIN.DF(l.units)", "text"),
    "line_unit_factor": (_UNIT.format("u.conversionrate", ""), "decimal"),
    "price": ("l.rate", "decimal"),
    "amount": ("l.foreignamount", "decimal"),
    "currency": ("BUILTIN.DF(t.currency)", "text"),
    "supplier": _SUPPLIER,
}
_Columns = dict[str, tuple[str, str]]


def _place(
    name: str,
    key: dict[str, str],
    columns: _Columns,
    *,
    where: str = "",
    date: str | None = None,
    own: Mapping[str, str] | None = None,
) -> tuple[Place, ...]:
    return (
        Place(
            "suiteql",
            name,
            {canonical: native for canonical, (native, _) in columns.items()},
            date,
            tuple(key),
            types={**key, **dict(columns.values()), **(own or {})},
            where=where,
        ),
    )


def _named(columns: _Columns, **names: str) -> _Columns:
    """``columns`` under other names, such as ``number`` as ``purchase_order``."""
    return {names.get(name, name): about for name, about in columns.items()}


def _dated(columns: _Columns, name: str) -> _Columns:
    return {**columns, name: ("t.trandate", "date")}


_MODIFIED: Final = {"changed_at": ("lastmodifieddate", "datetime")}
_INACTIVE: Final = {"blocked": ("isinactive", "boolean")}
_LINE_KEY: Final = {"l.uniquekey": "integer"}
_ID: Final = {"id": "integer"}

PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "material": _place(
        "item",
        _ID,
        {
            "material": ("itemid", "text"),
            "description": ("displayname", "text"),
            "material_type": ("itemtype", "text"),
            "price": ("averagecost", "decimal"),
            **_INACTIVE,
            **_MODIFIED,
        },
        date="changed_at",
    ),
    "supplier": _place(
        "vendor",
        _ID,
        {
            "supplier": ("entityid", "text"),
            "name": ("companyname", "text"),
            "email": ("email", "text"),
            **_INACTIVE,
            **_MODIFIED,
        },
        date="changed_at",
    ),
    "customer": _place(
        "customer",
        _ID,
        {
            "customer": ("entityid", "text"),
            "name": ("companyname", "text"),
            **_INACTIVE,
            **_MODIFIED,
        },
        date="changed_at",
    ),
    "purchase_order": _place(
        "transaction t",
        {"t.id": "integer"},
        _dated(_named(_HEAD, number="purchase_order"), "order_date"),
        own=_OWN,
        where="t.type = 'PurchOrd'",
        date="order_date",
    ),
    "purchase_order_item": _place(
        _LINES,
        _LINE_KEY,
        _dated(_named(_LINE, number="purchase_order", item="purchase_order_item"), "order_date"),
        own=_OWN_OF_LINE,
        where="t.type = 'PurchOrd' AND l.mainline = 'F' AND l.taxline = 'F'",
        date="order_date",
    ),
    "supplier_invoice": (
        *_place(
            "transaction t",
            {"t.id": "integer"},
            _dated(_named(_HEAD, number="supplier_invoice", amount="gross_amount"), "posting_date"),
            own=_OWN,
            where="t.type = 'VendBill'",
            date="posting_date",
        ),
        *_place(
            _LINES,
            _LINE_KEY,
            _dated(
                _named(_LINE, number="supplier_invoice", item="supplier_invoice_item"),
                "posting_date",
            ),
            own=_OWN_OF_LINE,
            where="t.type = 'VendBill' AND l.mainline = 'F' AND l.taxline = 'F'",
            date="posting_date",
        ),
    ),
    "goods_movement": _place(
        _LINES,
        _LINE_KEY,
        _dated(
            _named(_LINE, number="material_document", item="material_document_item"),
            "posting_date",
        ),
        own=_OWN_OF_LINE,
        where="t.type = 'ItemRcpt' AND l.mainline = 'F' AND l.taxline = 'F'",
        date="posting_date",
    ),
    "gl_entry": _place(
        "transactionaccountingline a JOIN transaction t ON t.id = a.transaction",
        {"a.accountingbook": "integer", "a.transaction": "integer", "a.transactionline": "integer"},
        {
            "journal_entry": ("t.tranid", "text"),
            "journal_entry_item": ("a.transactionline", "integer"),
            "gl_account": ("BUILTIN.DF(a.account)", "text"),
            "amount": ("a.amount", "decimal"),
            "debit": ("a.debit", "decimal"),
            "credit": ("a.credit", "decimal"),
            "posted": ("a.posting", "boolean"),
            "posting_date": ("t.trandate", "date"),
        },
        date="posting_date",
    ),
    "cost_center": _place(
        "department",
        _ID,
        {"cost_center": ("id", "integer"), "description": ("name", "text"), **_INACTIVE},
    ),
    "plant": _place(
        "location", _ID, {"plant_code": ("id", "integer"), "name": ("name", "text"), **_INACTIVE}
    ),
    "unit_of_measure": _place(
        "unitstypeuom",
        {"internalid": "integer"},
        {
            "unit": ("unitname", "text"),
            "dimension": ("BUILTIN.DF(unitstype)", "text"),
            "factor": ("conversionrate", "decimal"),
            "is_base": ("baseunit", "boolean"),
        },
    ),
}
