"""Oracle Fusion Cloud: the entities among its REST resources.

Keys are told here, because ``describe`` need not name them; all of it can be overridden in the
configuration.

Names were held against what Oracle publishes and what others received. Not seen there: the status
codes of suppliers, orders and their lines, an order's currency, a line's unit, price and category,
and the columns of inventory organizations and units of measure but the unit's code. A resource
that does not have one of them is read without it.
"""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.places import Place


def _place(
    name: str, key: tuple[str, ...], columns: dict[str, str], date: str | None = None
) -> Place:
    return Place(name.partition("/")[0], name, columns, date, key)


PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "material": (
        _place(
            "itemsV2",
            ("ItemId", "OrganizationId"),
            {
                "material": "ItemNumber",
                "description": "ItemDescription",
                "plant_code": "OrganizationCode",
                "unit": "PrimaryUOMValue",
                "status": "ItemStatusValue",
                "weight": "UnitWeightQuantity",  # neither net nor gross is said
                "weight_unit": "WeightUOMValue",
                "changed_at": "LastUpdateDateTime",
            },
            "changed_at",
        ),
    ),
    "supplier": (
        _place(
            "suppliers",
            ("SupplierId",),
            {
                "supplier": "SupplierNumber",
                "name": "Supplier",
                "tax_number": "TaxpayerId",
                "status": "StatusCode",
                "created_at": "CreationDate",
                "changed_at": "LastUpdateDate",
            },
            "created_at",
        ),
    ),
    "purchase_order": (
        _place(
            "purchaseOrders",
            ("POHeaderId",),
            {
                "purchase_order": "OrderNumber",
                "supplier_name": "Supplier",
                "business_unit": "ProcurementBU",
                "status": "StatusCode",
                "amount": "Ordered",
                "currency": "CurrencyCode",
                "description": "Description",
                "created_at": "CreationDate",
                "changed_at": "LastUpdateDate",
            },
            "created_at",
        ),
    ),
    "purchase_order_item": (
        _place(
            "purchaseOrders/lines",
            ("POHeaderId", "POLineId"),
            {
                "purchase_order": "OrderNumber",
                "purchase_order_item": "LineNumber",
                "material": "Item",
                "description": "Description",
                "material_group": "Category",
                "supplier_name": "Supplier",
                "quantity": "Quantity",
                "unit": "UOMCode",
                "price": "Price",
                "currency": "CurrencyCode",
                "status": "StatusCode",
                "created_at": "CreationDate",
            },
            "created_at",
        ),
    ),
    "supplier_invoice": (
        _place(
            "invoices",
            ("InvoiceId",),
            {
                "supplier_invoice": "InvoiceNumber",
                "supplier": "SupplierNumber",
                "supplier_name": "Supplier",
                "business_unit": "BusinessUnit",
                "document_date": "InvoiceDate",
                "posting_date": "AccountingDate",
                "gross_amount": "InvoiceAmount",  # of a credit memo it is negative
                "currency": "InvoiceCurrency",
                "invoice_type": "InvoiceType",
                "cancelled": "CanceledFlag",
                "changed_at": "LastUpdateDate",
            },
            "document_date",
        ),
        _place(
            "invoices/invoiceLines",
            ("InvoiceId", "LineNumber"),
            {
                "supplier_invoice": "InvoiceNumber",
                "supplier_invoice_item": "LineNumber",
                "supplier": "SupplierNumber",
                "line_type": "LineType",  # taxes and freight are lines as well
                "description": "Description",
                "quantity": "Quantity",
                "unit": "UOM",
                "price": "UnitPrice",
                "amount": "LineAmount",
                "currency": "InvoiceCurrency",
                "document_date": "InvoiceDate",
                "posting_date": "AccountingDate",  # the line's own
                "cancelled": "CanceledFlag",
                "discarded": "DiscardedFlag",
            },
            "document_date",
        ),
    ),
    "plant": (
        _place(
            "inventoryOrganizations",
            ("OrganizationId",),
            {"plant_code": "OrganizationCode", "name": "OrganizationName"},
        ),
    ),
    "unit_of_measure": (
        _place("unitsOfMeasure", ("UOMCode",), {"unit": "UOMCode", "description": "UOM"}),
    ),
}
