"""Dynamics 365 Finance & Operations: the entities among its public collections.

The names are those of a client that was generated from the metadata of a system of 2025, but for
``CostCenters``: that is in the specifications of 10.0.47 only. Lines of orders tell no currency,
which is that of the order, nor whether their amounts include sales tax, which the order tells too.
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
            "prices_include_tax": "ArePricesIncludingSalesTax",
            "posting_date": "AccountingDate",  # there is no date of the order itself
        },
        "posting_date",
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
            "deleted": "IsDeleted",
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
        # These are departments and business units as well. Values of financial dimensions, where a
        # site has its cost centres there, are those of a dimension that only the site can name.
        Place(
            _DATA,
            "OperatingUnits",
            {"cost_center": "OperatingUnitNumber", "description": "Name"},
            where="OperatingUnitType eq "
            "Microsoft.Dynamics.DataEntities.OMOperatingUnitType'OMCostCenter'",
        ),
    ),
    # Neither company nor date is told here, but by the entry that a line is of
    # (GeneralJournalEntryBiEntities). Lines of ledger journals are no entries before these are
    # posted, and few of the entries come from them.
    "gl_entry": (
        Place(
            _DATA,
            "GeneralJournalAccountEntryBiEntities",
            {
                "journal_entry_id": "GeneralJournalEntry",
                "gl_account": "LedgerAccount",
                "description": "Text",
                "amount": "TransactionCurrencyAmount",  # what is credited is negative
                "currency": "TransactionCurrencyCode",
                "credited": "IsCredit",
                "quantity": "Quantity",
            },
        ),
        # Known from the common data model; no system's metadata with it was seen.
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
