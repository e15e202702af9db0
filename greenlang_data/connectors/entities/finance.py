"""Dynamics 365 Finance & Operations: the entities among its public collections.

The names are those of a client that was generated from the metadata of a system of 2025. That had
neither ``CostCenters``, which the specifications of 10.0.47 have, nor
``GeneralJournalAccountEntries``, whose columns are those of the common data model.
"""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.places import Place

_DATA: Final = "/data"


def _place(name: str, columns: dict[str, str], date: str | None = None) -> tuple[Place, ...]:
    # Its own clock is not told, so it tells calendar dates as noon in UTC.
    days = frozenset(one for one in columns if one.endswith("_date"))
    return (Place(_DATA, name, {"company_code": "dataAreaId", **columns}, date, days=days),)


PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "material": _place(
        "ReleasedProductsV2",
        {
            "material": "ItemNumber",
            "search_name": "ProductSearchName",  # its name is in ProductsV2
            "material_group": "ProductGroupId",
            "unit": "InventoryUnitSymbol",
            "net_weight": "NetProductWeight",
        },
    ),
    "supplier": tuple(
        Place(
            _DATA,
            name,
            {
                "company_code": "dataAreaId",
                "supplier": "VendorAccountNumber",
                "name": "VendorOrganizationName",
                "supplier_group": "VendorGroupId",
                "currency": "CurrencyCode",
                "tax_number": "TaxExemptNumber",
            },
        )
        for name in ("VendorsV3", "VendorsV2")
    ),
    "customer": _place(
        "CustomersV3",
        {
            "customer": "CustomerAccount",
            "name": "OrganizationName",
            "customer_group": "CustomerGroupId",
            "currency": "SalesCurrencyCode",
        },
    ),
    "purchase_order": _place(
        "PurchaseOrderHeadersV2",
        {
            "purchase_order": "PurchaseOrderNumber",
            "supplier": "OrderVendorAccountNumber",
            "status": "PurchaseOrderStatus",
            "currency": "CurrencyCode",
            "order_date": "AccountingDate",
        },
        "order_date",
    ),
    "purchase_order_item": _place(
        "PurchaseOrderLinesV2",
        {
            "purchase_order": "PurchaseOrderNumber",
            "purchase_order_item": "LineNumber",
            "material": "ItemNumber",
            "description": "LineDescription",
            "plant_code": "ReceivingSiteId",
            "quantity": "OrderedPurchaseQuantity",
            "unit": "PurchaseUnitSymbol",
            "price": "PurchasePrice",
            "price_unit": "PurchasePriceQuantity",
            "amount": "LineAmount",
            "delivery_date": "RequestedDeliveryDate",
        },
        "delivery_date",
    ),
    "supplier_invoice": _place(
        "VendorInvoiceHeaders",  # those that are pending
        {
            "supplier_invoice": "InvoiceNumber",
            "supplier": "InvoiceAccount",
            "currency": "Currency",
            "document_date": "InvoiceDate",
            "posting_date": "Date",
        },
        "document_date",
    ),
    "goods_movement": _place(
        "ProductReceiptLinesV2",
        {
            "material_document": "ProductReceiptNumber",
            "purchase_order": "PurchaseOrderNumber",
            "purchase_order_item": "PurchaseOrderLineNumber",
            "material": "ItemNumber",
            "plant_code": "ReceivingSiteId",
            "quantity": "ReceivedPurchaseQuantity",
            "unit": "PurchaseUnitSymbol",
            "posting_date": "ProductReceiptDate",
        },
        "posting_date",
    ),
    "cost_center": (
        Place(
            _DATA,
            "CostCenters",
            {"cost_center": "OperatingUnitNumber", "description": "Name"},
        ),
        Place(
            _DATA,
            "FinancialDimensionValues",
            {
                "dimension": "FinancialDimension",
                "company_code": "LegalEntityId",
                "cost_center": "DimensionValue",
                "description": "Description",
            },
        ),
    ),
    "gl_entry": (
        *_place(
            "GeneralJournalAccountEntries",
            {
                "journal_entry": "JournalNumber",
                "gl_account": "LedgerAccount",
                "description": "Description",
                "amount": "TransactionCurrencyAmount",
                "currency": "TransactionCurrencyCode",
                "posting_date": "AccountingDate",
            },
            "posting_date",
        ),
        *_place(
            "GeneralJournalAccountEntryBiEntities",  # tells neither company nor date
            {
                "gl_account": "LedgerAccount",
                "description": "Text",
                "amount": "TransactionCurrencyAmount",
                "currency": "TransactionCurrencyCode",
            },
        ),
        *_place(
            "LedgerJournalLines",
            {
                "journal_entry": "JournalBatchNumber",
                "journal_entry_item": "LineNumber",
                "gl_account": "AccountDisplayValue",
                "description": "Text",
                "debit": "DebitAmount",
                "credit": "CreditAmount",
                "currency": "CurrencyCode",
                "posting_date": "TransDate",
            },
            "posting_date",
        ),
    ),
    "plant": (
        *_place("OperationalSitesV2", {"plant_code": "SiteId", "name": "SiteName"}),
        *_place(
            "Warehouses",
            {
                "warehouse": "WarehouseId",
                "name": "WarehouseName",
                "plant_code": "OperationalSiteId",
            },
        ),
    ),
    "asset": _place(
        "FixedAssetsV2",
        {
            "fixed_asset": "FixedAssetNumber",
            "description": "Name",
            "asset_group": "FixedAssetGroupId",
        },
    ),
    "unit_of_measure": (
        Place(_DATA, "UnitsOfMeasure", {"unit": "UnitSymbol", "dimension": "UnitClass"}),
    ),
}
