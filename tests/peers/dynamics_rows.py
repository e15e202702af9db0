"""The entities of the Dynamics 365 emulators; every row is a pure function of its index."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone

from . import erp_rows
from .erp_live import Table
from .erp_rows import Row, day, mixed, moment, scaled
from .odata_types import Column

COMPANIES = ("usmf", "demf", "jpmf")
LINES_PER_ORDER = 5
FIRST_RECORD = 5_637_144_576_000  # record ids are larger than 32 bits
WIDTH = 280  # columns of the widest entities
NO_DATE = datetime(1900, 1, 1, tzinfo=UTC)
_UNITS = ("kWh", "m3", "kg", "ea")


def noon(value: date | None) -> datetime:
    """A date as F&O tells it: at noon, and 1900 when there is none."""
    return NO_DATE if value is None else datetime.combine(value, time(12), UTC)


def yes_no(value: bool) -> str:
    return "Yes" if value else "No"


# --- finance and operations --------------------------------------------------------------


def _company(index: int) -> str:
    return COMPANIES[index % len(COMPANIES)]


def vendor(index: int) -> Row:
    """The same account numbers are in every company; most of the columns are empty."""
    number = index // len(COMPANIES)
    row: Row = {
        "dataAreaId": _company(index),
        "VendorAccountNumber": erp_rows.supplier_key(number),
        "VendorOrganizationName": f"Stadtwerke {number} GmbH & Co. KG ({_company(index)})",
        "VendorGroupId": ("10", "20", "30")[number % 3],
        "CurrencyCode": ("USD", "EUR", "JPY")[index % 3],
        "OnHoldStatus": ("No", "All", "Payment")[mixed(index, 1) % 3],
        "IsOneTimeVendor": yes_no(index % 9 == 0),
        "VendorHoldReleaseDate": noon(None if index % 4 else day(index)),
        "CreditLimit": scaled(mixed(index, 2) % 10**9, 2),
    }
    return row | {f"Dimension{place:03d}": "" for place in range(WIDTH - len(row))}


def released_product(index: int) -> Row:
    number = index // len(COMPANIES)
    return {
        "dataAreaId": _company(index),
        "ItemNumber": erp_rows.product_key(number),
        "ProductNumber": erp_rows.product_key(number),
        "ProductSearchName": f"Product {number}",
        "InventoryUnitSymbol": _UNITS[number % 4],
        "NetProductWeight": scaled(mixed(number, 1) % 10**8, 4),
        "ProductGroupId": ("ENERGY", "GAS", "PARTS")[number % 3],
        "IsPhantom": yes_no(index % 5 == 0),
    }


def order_header(index: int) -> Row:
    return {
        "dataAreaId": _company(index),
        "PurchaseOrderNumber": f"{index // len(COMPANIES):08d}",
        "OrderVendorAccountNumber": erp_rows.supplier_key(mixed(index, 1)),
        "CurrencyCode": ("USD", "EUR", "JPY")[index % 3],
        "PurchaseOrderStatus": ("Backorder", "Received", "Invoiced", "Canceled")[
            mixed(index, 2) % 4
        ],
        "ArePricesIncludingSalesTax": yes_no(index % 2 == 0),
        "AccountingDate": noon(day(index)),
        "RequestedDeliveryDate": noon(None if index % 6 == 0 else day(index + 20)),
        "DefaultReceivingSiteId": str(1 + index % 4),
    }


def order_line(index: int) -> Row:
    """Lines of an order are together; an order is in one company."""
    order, place = divmod(index, LINES_PER_ORDER)
    return {
        "dataAreaId": _company(order),
        "PurchaseOrderNumber": f"{order // len(COMPANIES):08d}",
        "LineNumber": place + 1,
        "ItemNumber": erp_rows.product_key(mixed(index, 1)),
        "LineDescription": f"Zeile {index} 'Öl'",
        "OrderedPurchaseQuantity": scaled(mixed(index, 2) % 10**10, 6),
        "PurchaseUnitSymbol": _UNITS[index % 4],
        "PurchasePrice": scaled(mixed(index, 3) % 10**10, 6),
        "LineAmount": scaled(mixed(index, 4) % 10**14 - 10**12, 6),
        "ReceivingSiteId": str(1 + index % 4),
        "ReceivingWarehouseId": f"{10 + index % 4}",
        "RequestedDeliveryDate": noon(None if index % 6 == 0 else day(index)),
        "IsLineStopped": yes_no(index % 31 == 0),
        "IsDeleted": yes_no(index % 41 == 0),
        "RecordId": FIRST_RECORD + index,
    }


def account_entry(index: int) -> Row:
    """A line of a posted entry, which alone knows the company and the date."""
    amount = scaled(mixed(index, 1) % 10**12 - 10**11, 2)
    return {
        "SourceKey": FIRST_RECORD * 1000 + index,
        "GeneralJournalEntry": FIRST_RECORD + index // 2,
        "LedgerAccount": f"{(606300, 606400)[index % 2]}-{index % 9 + 1:03d}--",
        "TransactionCurrencyCode": ("USD", "EUR", "JPY")[index % 3],
        "TransactionCurrencyAmount": amount,
        "AccountingCurrencyAmount": amount * 2,
        "IsCredit": yes_no(amount < 0),
        "Quantity": scaled(mixed(index, 2) % 10**8, 3),
        "Text": f"Strom {index}",
    }


def operating_unit(index: int) -> Row:
    kind = ("OMDepartment", "OMCostCenter", "OMBusinessUnit")[index % 3]
    return {
        "OperatingUnitNumber": f"{index:03d}",
        "Name": f"{kind.removeprefix('OM')} {index}",
        "OperatingUnitType": kind,
    }


def warehouse(index: int) -> Row:
    return {
        "dataAreaId": _company(index),
        "WarehouseId": str(10 + index // len(COMPANIES)),
        "WarehouseName": f"Warehouse {index}",
        "OperationalSiteId": str(1 + index % 4),
    }


def legal_entity(index: int) -> Row:
    return {"LegalEntityId": COMPANIES[index], "Name": f"Contoso {COMPANIES[index].upper()}"}


# --- Dataverse ---------------------------------------------------------------------------


def _guid(salt: int, index: int) -> uuid.UUID:
    return uuid.UUID(int=mixed(index, salt) << 64 | salt << 32 | index)


def account(index: int) -> Row:
    return {
        "accountid": _guid(1, index),
        "accountnumber": erp_rows.supplier_key(index) if index % 5 else None,
        "name": f'Konto {index}: "Öl & Gas"',
        "statecode": int(index % 10 == 0),
        "statuscode": 2 if index % 10 == 0 else 1,
        "creditlimit": None if index % 3 else scaled(mixed(index, 1) % 10**9, 2),
        "donotemail": index % 4 == 0,
        "_ownerid_value": _guid(9, index % 7),
        "createdon": moment(index).replace(microsecond=0),
        "modifiedon": moment(index + 1).replace(microsecond=0),
        "versionnumber": 3_000_000 + index,
    }


def dataverse_product(index: int) -> Row:
    return {
        "productid": _guid(2, index),
        "productnumber": erp_rows.product_key(index),
        "name": f"Produkt {index}",
        "currentcost": scaled(mixed(index, 1) % 10**9, 4),
        "_defaultuomid_value": _guid(8, index % 4),
        "statecode": int(index % 20 == 0),
        "modifiedon": moment(index).replace(microsecond=0),
        "versionnumber": 4_000_000 + index,
    }


def _midnight(value: date) -> datetime:
    """A date of Field Service, as the user in Berlin's winter wrote it."""
    return datetime.combine(value, time(0), timezone(timedelta(hours=1))).astimezone(UTC)


def dataverse_order(index: int) -> Row:
    return {
        "msdyn_purchaseorderid": _guid(3, index),
        "msdyn_name": f"PO-{index:05d}",
        "msdyn_purchaseorderdate": _midnight(day(index)),
        "msdyn_totalamount": scaled(mixed(index, 1) % 10**10, 2),
        "msdyn_systemstatus": 690_970_000 + index % 4,
        "_msdyn_vendor_value": _guid(1, mixed(index, 2) % 500),
        "modifiedon": moment(index).replace(microsecond=0),
        "versionnumber": 5_000_000 + index,
    }


def dataverse_order_product(index: int) -> Row:
    return {
        "msdyn_purchaseorderproductid": _guid(4, index),
        "_msdyn_purchaseorder_value": _guid(3, index // LINES_PER_ORDER),
        "_msdyn_product_value": _guid(2, mixed(index, 1) % erp_rows.PRODUCTS),
        "msdyn_lineorder": index % LINES_PER_ORDER + 1,
        "msdyn_name": f"OP-{index:06d}",
        "msdyn_description": f"Öl & Gas {index}" if index % 4 == 0 else None,
        "msdyn_itemstatus": 690_970_000 + index % 3,
        "msdyn_quantity": (mixed(index, 2) % 10**6) / 8,
        "msdyn_totalcost": None if index % 9 == 0 else scaled(mixed(index, 3) % 10**9, 2),
        "modifiedon": moment(index).replace(microsecond=0),
        "versionnumber": 6_000_000 + index,
    }


_KINDS = {"str": "string", "int": "int64", "Decimal": "decimal", "float": "double",
          "bool": "boolean", "datetime": "moment", "date": "date", "UUID": "guid"}  # fmt: skip
_PICKED = {
    **dict.fromkeys(("IsOneTimeVendor", "IsPhantom", "IsLineStopped", "IsCredit", "IsDeleted",
                     "ArePricesIncludingSalesTax"), "yesno"),
    **dict.fromkeys(("statecode", "statuscode", "msdyn_systemstatus", "msdyn_lineorder",
                     "msdyn_itemstatus"), "int32"),
    "OperatingUnitType": "unittype",
}  # fmt: skip


def _table(name: str, keys: str, make: Callable[[int], Row], rows: int) -> Table:
    columns: dict[str, Column] = {}
    for index in range(min(rows, 30)):
        for column, value in make(index).items():
            if value is not None and column not in columns:
                kind = _KINDS[type(value).__name__]
                kind = _PICKED.get(column, kind)
                columns[column] = Column(kind, 32 if kind == "decimal" else 0, 6)
    ordered = {column: columns[column] for column in make(0)}
    return Table(name, tuple(keys.split()), ordered, make, rows)


def finance_tables(lines: int) -> dict[str, Table]:
    """The entities of finance and operations, with ``lines`` purchase order lines."""
    found = (
        _table("VendorsV2", "dataAreaId VendorAccountNumber", vendor, 1_500),
        _table("ReleasedProductsV2", "dataAreaId ItemNumber", released_product, 3_000),
        _table("PurchaseOrderHeadersV2", "dataAreaId PurchaseOrderNumber", order_header,
               lines // LINES_PER_ORDER),
        _table("PurchaseOrderLinesV2", "dataAreaId PurchaseOrderNumber LineNumber", order_line, lines),
        _table("GeneralJournalAccountEntryBiEntities", "SourceKey", account_entry, 3_000),
        _table("OperatingUnits", "OperatingUnitNumber", operating_unit, 30),
        _table("Warehouses", "dataAreaId WarehouseId", warehouse, 12),
        _table("LegalEntities", "LegalEntityId", legal_entity, len(COMPANIES)),
    )  # fmt: skip
    return {table.name: table for table in found}


def dataverse_tables(lines: int) -> dict[str, Table]:
    """The entity sets of Dataverse, with ``lines`` products of purchase orders."""
    found = (
        _table("accounts", "accountid", account, 500),
        _table("products", "productid", dataverse_product, erp_rows.PRODUCTS),
        _table("msdyn_purchaseorders", "msdyn_purchaseorderid", dataverse_order,
               lines // LINES_PER_ORDER),
        _table("msdyn_purchaseorderproducts", "msdyn_purchaseorderproductid",
               dataverse_order_product, lines),
    )  # fmt: skip
    return {table.name: table for table in found}
