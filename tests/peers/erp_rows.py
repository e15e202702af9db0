"""The business data of the ERP servers: every row is a pure function of its index.

Values are ``str``, ``bool``, ``int``, ``Decimal``, ``date``, ``datetime`` (aware, UTC) and
``None``; the servers write them in their own dialects and tests compare with these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

ITEMS_PER_ORDER = 10
FIRST_DAY = date(2023, 1, 1)
FIRST_MOMENT = datetime(2023, 1, 1, tzinfo=UTC)
OPEN_END = date(9999, 12, 31)
PLANTS = ("1010", "1020", "1710", "DE01", "0001")
SUPPLIERS = 500
PRODUCTS = 2_000
LEDGER_LINES = 3_000
# Texts that a careless reader takes for numbers, dates, quotes or nothing.
ODD_PRODUCTS = (
    "000000000000000123",
    "00000123",
    "1E5",
    "0x1F",
    "NaN",
    "NULL",
    "O'Hare 3/4\"",
    "Rohöl & Gas +5%",
    "2024-01-31",
    "TRUE",
)


def mixed(index: int, salt: int) -> int:
    """A number that looks random and depends on nothing but its arguments."""
    value = (index * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9 + 1) & (2**64 - 1)
    value = ((value ^ (value >> 31)) * 0x94D049BB133111EB) & (2**64 - 1)
    return value ^ (value >> 29)


def scaled(number: int, places: int) -> Decimal:
    """An exact decimal of whole units of its last place."""
    return Decimal(number).scaleb(-places)


def day(index: int) -> date:
    return FIRST_DAY + timedelta(days=index % 1400)


def moment(index: int) -> datetime:
    """Milliseconds matter, and so do the hours around midnight."""
    return FIRST_MOMENT + timedelta(milliseconds=mixed(index, 9) % (1400 * 86_400_000))


def product_key(index: int) -> str:
    number = index % PRODUCTS
    return ODD_PRODUCTS[number] if number < len(ODD_PRODUCTS) else f"{1_000_000 + number:018d}"


def supplier_key(index: int) -> str:
    return f"{100_000 + index % SUPPLIERS:010d}"


def purchase_order(index: int) -> Row:
    return {
        "PurchaseOrder": f"{4_500_000_000 + index}",
        "CompanyCode": ("1010", "1710", "0001")[index % 3],
        "PurchaseOrderType": ("NB", "ZNB", "FO")[mixed(index, 1) % 3],
        "CreatedByUser": f"CB{mixed(index, 2) % 10_000_000:010d}",
        "CreationDate": day(index),
        "LastChangeDateTime": moment(index),
        "Supplier": supplier_key(mixed(index, 3)),
        "PurchasingOrganization": ("1010", "1710")[index % 2],
        "PurchasingGroup": f"{index % 7:03d}",
        "PurchaseOrderDate": day(index) if index % 11 else None,
        "DocumentCurrency": ("EUR", "USD", "JPY")[index % 3],
        "ExchangeRate": scaled(mixed(index, 4) % 300_000_000, 5),
        "PurchasingProcessingStatus": f"{index % 9 + 1:02d}",
    }


def purchase_order_item(index: int) -> Row:
    order, place = divmod(index, ITEMS_PER_ORDER)
    empty = index % 13 == 0
    return {
        "PurchaseOrder": f"{4_500_000_000 + order}",
        "PurchaseOrderItem": f"{(place + 1) * 10:05d}",
        "PurchasingDocumentDeletionCode": "L" if index % 101 == 0 else "",
        "PurchaseOrderItemText": f"Position {index} für {product_key(index)}"[:40],
        "Plant": PLANTS[mixed(index, 1) % len(PLANTS)],
        "StorageLocation": None if empty else f"{index % 50:04d}",
        "MaterialGroup": ("ENERGY", "GAS", "L001", "00107000")[mixed(index, 2) % 4],
        "Material": product_key(mixed(index, 3)),
        "OrderQuantity": scaled(mixed(index, 4) % 10**10, 3),
        "PurchaseOrderQuantityUnit": ("KWH", "M3", "KG", "PC")[index % 4],
        "OrderPriceUnit": ("KWH", "M3", "KG", "PC")[index % 4],
        "DocumentCurrency": ("EUR", "USD", "JPY")[order % 3],
        "NetPriceAmount": None if empty else scaled(mixed(index, 5) % 10**9 - 10**6, 3),
        "NetPriceQuantity": Decimal((1, 10, 100, 1000)[index % 4]),
        "TaxCode": f"V{index % 3}",
        "PriceIsToBePrinted": index % 2 == 0,
        "OverdelivTolrtdLmtRatioInPct": scaled(index % 300, 1),
        "UnlimitedOverdeliveryIsAllowed": None if empty else index % 5 == 0,
        "IsReturnsItem": index % 37 == 0,
        "IsCompletelyDelivered": index % 3 == 0,
        "IsFinallyInvoiced": index % 7 == 0,
        "AccountAssignmentCategory": "K" if index % 6 == 0 else "",
        "ItemNetWeight": scaled(mixed(index, 6) % 10**9, 3),
        "ItemWeightUnit": "KG",
        "PurchaseContract": "" if index % 4 else f"{4_600_000_000 + index % 1000}",
        "PurchaseRequisition": f"{10_000_000 + index:010d}",
        "RequisitionerName": None if empty else f"USER{index % 90:02d}",
        "ManufacturerMaterial": f"{mixed(index, 7) % 10**12:012d}",
        "DownPaymentDueDate": OPEN_END if index % 997 == 0 else None if empty else day(index),
    }


def product(index: int) -> Row:
    return {
        "Product": product_key(index),
        "ProductType": ("ROH", "FERT", "HIBE")[index % 3],
        "CreationDate": day(index),
        "LastChangeDateTime": moment(index) if index % 17 else None,
        "IsMarkedForDeletion": index % 50 == 0,
        "GrossWeight": scaled(mixed(index, 1) % 10**8, 3),
        "NetWeight": scaled(mixed(index, 1) % 10**8 // 2, 3),
        "WeightUnit": "KG",
        "ProductGroup": ("ENERGY", "GAS", "L001", "00107000")[index % 4],
        "BaseUnit": ("KWH", "M3", "KG", "PC")[index % 4],
    }


def product_description(index: int) -> Row:
    number, language = divmod(index, 2)
    return {
        "Product": product_key(number),
        "Language": ("DE", "EN")[language],
        "ProductDescription": (f"Erzeugnis Nr. {number}", f"Product no. {number}")[language],
    }


def product_plant(index: int) -> Row:
    number, place = divmod(index, 2)
    return {
        "Product": product_key(number),
        "Plant": PLANTS[(number + place) % len(PLANTS)],
        "PurchasingGroup": f"{number % 7:03d}",
        "MRPType": ("PD", "ND")[place],
        "ProfitCenter": f"{number % 40:010d}",
    }


def supplier(index: int) -> Row:
    return {
        "Supplier": supplier_key(index),
        "SupplierName": f"Stadtwerke Nr. {index} GmbH & Co. KG",
        "SupplierAccountGroup": ("SUPL", "0001")[index % 2],
        "CreationDate": day(index * 3),
        "VATRegistration": f"DE{mixed(index, 1) % 10**9:09d}",
        "DeletionIndicator": index % 40 == 0,
    }


def cost_center(index: int) -> Row:
    """Three periods of validity of each cost centre, the last one without an end."""
    number, period = divmod(index, 3)
    return {
        "ControllingArea": "A000",
        "CostCenter": f"{17_101_000 + number:010d}",
        "ValidityEndDate": (date(2022, 12, 31), date(2024, 12, 31), OPEN_END)[period],
        "ValidityStartDate": (date(2000, 1, 1), date(2023, 1, 1), date(2025, 1, 1))[period],
        "CompanyCode": ("1010", "1710")[number % 2],
        "CostCenterCategory": "EFV"[period],
        "Department": f"DEPT{number % 12}",
    }


def material_document_item(index: int) -> Row:
    document, place = divmod(index, 4)
    return {
        "MaterialDocumentYear": str(2023 + document % 3),
        "MaterialDocument": f"{4_900_000_000 + document}",
        "MaterialDocumentItem": f"{place + 1:04d}",
        "Material": product_key(mixed(index, 1)),
        "Plant": PLANTS[index % len(PLANTS)],
        "StorageLocation": f"{index % 50:04d}",
        "GoodsMovementType": ("101", "102", "201", "261")[place],
        "Supplier": supplier_key(mixed(index, 2)) if place < 2 else "",
        "PurchaseOrder": f"{4_500_000_000 + document}" if place < 2 else "",
        "PurchaseOrderItem": "00010" if place < 2 else "00000",
        "QuantityInEntryUnit": scaled(mixed(index, 3) % 10**9, 3),
        "EntryUnit": ("KWH", "M3", "KG", "PC")[index % 4],
        "TotalGoodsMvtAmtInCCCrcy": scaled(mixed(index, 4) % 10**10, 3),
        "CompanyCodeCurrency": "EUR",
        "CostCenter": f"{17_101_000 + index % 300:010d}" if place == 2 else "",
    }


def supplier_invoice(index: int) -> Row:
    return {
        "SupplierInvoice": f"{5_105_600_000 + index // 2}",
        "FiscalYear": str(2024 + index % 2),
        "CompanyCode": ("1010", "1710", "0001")[index % 3],
        "DocumentDate": day(index),
        "PostingDate": day(index + 3),
        "InvoicingParty": supplier_key(mixed(index, 1)),
        "DocumentCurrency": ("EUR", "USD", "JPY")[index % 3],
        "InvoiceGrossAmount": scaled(mixed(index, 2) % 10**10 - 10**8, 3),
    }


def gl_account_line_item(index: int) -> Row:
    """Three lines of each entry, and each of them in two ledgers."""
    line, ledger = divmod(index, 2)
    entry, place = divmod(line, 3)
    amount = scaled(mixed(line, 1) % 10**12 - 5 * 10**11, 3)
    return {
        "SourceLedger": "0L",
        "CompanyCode": ("1010", "1710", "0001")[entry % 3],
        "FiscalYear": str(2023 + entry % 3),
        "AccountingDocument": f"{100_000_000 + entry:010d}",
        "LedgerGLLineItem": f"{place + 1:06d}",
        "Ledger": ("0L", "2L")[ledger],
        "GLAccount": f"{(400_000, 476_000, 11_001_000)[place]:010d}",
        "CostCenter": "" if place else f"{17_101_000 + entry % 300:010d}",
        "CompanyCodeCurrency": ("EUR", "USD", "EUR")[entry % 3],
        "AmountInCompanyCodeCurrency": amount,
        "BaseUnit": "KWH" if place == 1 else "",
        "Quantity": scaled(mixed(line, 2) % 10**8, 3) if place == 1 else scaled(0, 3),
        "DebitCreditCode": "H" if amount < 0 else "S",
        "PostingDate": day(entry),
        "DocumentDate": day(entry + 1),
    }


def rows(make: Callable[[int], Row], count: int) -> Iterator[Row]:
    """The first ``count`` rows of a table."""
    return map(make, range(count))
