"""SAP S/4HANA: the entities in its released APIs.

Services and sets are those of SAP's API catalogue (api.sap.com). What a system does not have is
passed over at run time, and ``entities`` in the configuration overrides any of it; that is also
how services of an ECC Gateway are named.
"""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.places import Place

_ORDERS: Final = "API_PURCHASEORDER_PROCESS_SRV"
_ORDERS_V4: Final = "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001"
_PRODUCTS: Final = "API_PRODUCT_SRV"
_PARTNERS: Final = "API_BUSINESS_PARTNER"
_MOVEMENTS: Final = "API_MATERIAL_DOCUMENT_SRV"
_INVOICES: Final = "API_SUPPLIERINVOICE_PROCESS_SRV"

_ORDER: Final = {
    "purchase_order": "PurchaseOrder",
    "supplier": "Supplier",
    "company_code": "CompanyCode",
    "order_date": "PurchaseOrderDate",
    "status": "PurchasingProcessingStatus",
    "currency": "DocumentCurrency",
    "created_date": "CreationDate",
    "changed_at": "LastChangeDateTime",
}
_ITEM: Final = {
    "purchase_order": "PurchaseOrder",
    "purchase_order_item": "PurchaseOrderItem",
    "material": "Material",
    "description": "PurchaseOrderItemText",
    "material_group": "MaterialGroup",
    "plant_code": "Plant",
    "quantity": "OrderQuantity",
    "unit": "PurchaseOrderQuantityUnit",
    "price": "NetPriceAmount",
    "price_unit": "NetPriceQuantity",
    "price_quantity_unit": "OrderPriceUnit",  # which need not be the unit of the quantity
    "currency": "DocumentCurrency",
    "deletion_code": "PurchasingDocumentDeletionCode",
    "delivered": "IsCompletelyDelivered",
    "returns_item": "IsReturnsItem",  # what goes back has a quantity without a sign as well
}
_PARTNER: Final = {
    "tax_number": "VATRegistration",
    "blocked": "PostingIsBlocked",
    "deleted": "DeletionIndicator",
    "created_date": "CreationDate",
}

PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "material": (
        Place(
            _PRODUCTS,
            "A_Product",
            {
                "material": "Product",
                "material_type": "ProductType",
                "material_group": "ProductGroup",
                "unit": "BaseUnit",
                "net_weight": "NetWeight",
                "weight_unit": "WeightUnit",
                "deleted": "IsMarkedForDeletion",
                "created_date": "CreationDate",
                "changed_at": "LastChangeDateTime",
            },
            "created_date",
        ),
        # A material has plants of its own, so whoever names one reads these.
        Place(_PRODUCTS, "A_ProductPlant", {"material": "Product", "plant_code": "Plant"}),
        Place(
            _PRODUCTS,
            "A_ProductDescription",
            {"material": "Product", "language": "Language", "description": "ProductDescription"},
        ),
    ),
    "supplier": (
        Place(
            _PARTNERS,
            "A_Supplier",
            {"supplier": "Supplier", "name": "SupplierName", **_PARTNER},
            "created_date",
        ),
        Place(
            _PARTNERS,
            "A_SupplierCompany",
            {"supplier": "Supplier", "company_code": "CompanyCode"},
        ),
    ),
    "customer": (
        Place(
            _PARTNERS,
            "A_Customer",
            {"customer": "Customer", "name": "CustomerName", **_PARTNER},
            "created_date",
        ),
        Place(
            _PARTNERS,
            "A_CustomerCompany",
            {"customer": "Customer", "company_code": "CompanyCode"},
        ),
    ),
    "purchase_order": (
        Place(_ORDERS, "A_PurchaseOrder", _ORDER, "order_date"),
        Place(_ORDERS_V4, "PurchaseOrder", _ORDER, "order_date"),
    ),
    "purchase_order_item": (
        Place(_ORDERS, "A_PurchaseOrderItem", _ITEM),
        Place(_ORDERS_V4, "PurchaseOrderItem", _ITEM),
        Place(
            _ORDERS,
            "A_PurchaseOrderScheduleLine",
            {
                "purchase_order": "PurchasingDocument",
                "purchase_order_item": "PurchasingDocumentItem",
                "delivery_date": "ScheduleLineDeliveryDate",
                "quantity": "ScheduleLineOrderQuantity",
                "unit": "PurchaseOrderQuantityUnit",
            },
            "delivery_date",
        ),
    ),
    "supplier_invoice": (
        Place(
            _INVOICES,
            "A_SupplierInvoice",
            {
                "supplier_invoice": "SupplierInvoice",
                "fiscal_year": "FiscalYear",
                "supplier": "InvoicingParty",
                "company_code": "CompanyCode",
                "document_date": "DocumentDate",
                "posting_date": "PostingDate",
                # What is to be paid, tax included; the API tells no net amount of the whole. It is
                # positive in a credit memo too.
                "gross_amount": "InvoiceGrossAmount",
                "credit_memo": "SupplierInvoiceIsCreditMemo",
                "status": "SupplierInvoiceStatus",
                "currency": "DocumentCurrency",
            },
            "posting_date",
        ),
    ),
    "goods_movement": (
        Place(
            _MOVEMENTS,
            "A_MaterialDocumentItem",
            {
                "material_document": "MaterialDocument",
                "material_document_year": "MaterialDocumentYear",
                "material_document_item": "MaterialDocumentItem",
                "movement_type": "GoodsMovementType",
                "material": "Material",
                "plant_code": "Plant",
                "storage_location": "StorageLocation",
                # Without a sign: the type of the movement says whether it came or went.
                "quantity": "QuantityInEntryUnit",
                "unit": "EntryUnit",
                "cancelled": "GoodsMovementIsCancelled",
                "supplier": "Supplier",
                "purchase_order": "PurchaseOrder",
                "purchase_order_item": "PurchaseOrderItem",
                "cost_center": "CostCenter",
            },
        ),
        # Only the head of a document knows when it was posted.
        Place(
            _MOVEMENTS,
            "A_MaterialDocumentHeader",
            {
                "material_document": "MaterialDocument",
                "material_document_year": "MaterialDocumentYear",
                "document_date": "DocumentDate",
                "posting_date": "PostingDate",
                "created_date": "CreationDate",
            },
            "posting_date",
        ),
    ),
    "cost_center": (
        Place(
            "API_COSTCENTER_SRV",
            "A_CostCenter",
            {
                "cost_center": "CostCenter",
                "controlling_area": "ControllingArea",
                "company_code": "CompanyCode",
                # One row for each period of validity.
                "valid_from": "ValidityStartDate",
                "valid_to": "ValidityEndDate",
                "department": "Department",
            },
            "valid_from",
        ),
    ),
    "gl_entry": (
        # The service adds up what the columns that are asked for do not tell apart, and has no key
        # but a text made of them: with this one in every question its rows are lines of entries.
        # An entry is in several ledgers, so amounts are added up within one of them only.
        Place(
            "API_GLACCOUNTLINEITEM",
            "GLAccountLineItem",
            {
                "journal_entry": "AccountingDocument",
                "journal_entry_item": "LedgerGLLineItem",
                "fiscal_year": "FiscalYear",
                "ledger": "Ledger",
                "company_code": "CompanyCode",
                "gl_account": "GLAccount",
                "description": "DocumentItemText",
                "cost_center": "CostCenter",
                "plant_code": "Plant",
                "supplier": "Supplier",
                "amount": "AmountInCompanyCodeCurrency",  # what is credited is negative
                "currency": "CompanyCodeCurrency",
                "debit_credit": "DebitCreditCode",
                "quantity": "Quantity",
                "unit": "BaseUnit",
                "posting_date": "PostingDate",
                "document_date": "DocumentDate",
                "changed_at": "LastChangeDateTime",
            },
            "posting_date",
            (
                "SourceLedger",
                "CompanyCode",
                "FiscalYear",
                "AccountingDocument",
                "LedgerGLLineItem",
                "Ledger",
            ),
        ),
        # For a login that may not read the lines: totals, which published metadata give no entry's
        # number, so whoever needs the lines has to be given the right.
        Place(
            "API_JOURNALENTRYITEMBASIC_SRV",
            "A_JournalEntryItemBasic",
            {
                "journal_entry": "AccountingDocument",
                "journal_entry_item": "AccountingDocumentItem",
                "fiscal_year": "FiscalYear",
                "company_code": "CompanyCode",
                "gl_account": "GLAccount",
                "cost_center": "CostCenter",
                "amount": "AmountInCompanyCodeCurrency",
                "currency": "CompanyCodeCurrency",
                "debit_credit": "DebitCreditCode",
                "posting_date": "PostingDate",
            },
            "posting_date",
        ),
    ),
    "plant": tuple(
        # Known from what others wrote about it; no metadata of it was seen.
        Place(service, "Plant", {"plant_code": "Plant", "name": "PlantName"})
        for service in (
            "api_plant_2/srvd_a2x/sap/plant/0001",
            "api_plant/srvd_a2x/sap/plant/0001",
        )
    ),
    "asset": (
        Place(
            "api_fixedasset/srvd_a2x/sap/fixedasset/0001",
            "FixedAsset",
            {
                "fixed_asset": "MasterFixedAsset",
                "fixed_asset_subnumber": "FixedAsset",
                "company_code": "CompanyCode",
                # The three that follow were not seen in published metadata.
                "description": "FixedAssetDescription",
                "cost_center": "CostCenter",
                "plant_code": "Plant",
            },
        ),
    ),
    "unit_of_measure": (
        # There is no released set of units alone; these are those that materials have.
        Place(
            _PRODUCTS,
            "A_ProductUnitsOfMeasure",
            {
                "material": "Product",
                "unit": "AlternativeUnit",
                "numerator": "QuantityNumerator",
                "denominator": "QuantityDenominator",
            },
        ),
    ),
}
