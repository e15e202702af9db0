"""The resources of the Oracle Fusion emulator; every row is a pure function of its index."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from . import erp_rows
from .erp_rows import Row, day, mixed, moment, scaled
from .odata_types import Column

FIRST_ID = 300_000_000_000_000_001  # eighteen digits, more than a binary number holds
LINES_PER_ORDER, LINES_PER_INVOICE, SCHEDULES_PER_LINE = 5, 3, 2
UNITS = (("KWH", "Kilowatt Hour"), ("M3", "Cubic Meter"), ("KG", "Kilogram"), ("EA", "Each"))
ORGANIZATIONS = ("M1", "001", "DE01")

_TEXT, _ID, _COUNT = Column("string"), Column("int64"), Column("int32")
_NUMBER, _DATE, _MOMENT = Column("decimal"), Column("date"), Column("moment")
_FLAG = Column("boolean")


class Resource(NamedTuple):
    """A collection: its columns, how a row is made, and the collections below each row."""

    name: str
    key: str
    columns: dict[str, Column]
    make: Callable[[int], Row]
    rows: int
    hashed: bool = False  # addressed by an opaque text instead of its key
    children: tuple[Child, ...] = ()


class Child(NamedTuple):
    """A collection below each row; row ``i`` has the rows ``i * each`` to ``i * each + each - 1``."""

    resource: Resource
    each: int


def address(resource: Resource, row: Row) -> str:
    """What a row is addressed by in links."""
    key = str(row[resource.key])
    if not resource.hashed:
        return key
    digest = hashlib.sha256(f"{resource.name}{key}".encode()).hexdigest().upper()
    return f"00020000000EACED00057708{digest[:40]}"


def _supplier_name(index: int) -> str:
    return f"Stadtwerke {index % erp_rows.SUPPLIERS} GmbH & Co. KG"


def supplier(index: int) -> Row:
    return {
        "SupplierId": FIRST_ID + index,
        "SupplierNumber": erp_rows.supplier_key(index),
        "Supplier": _supplier_name(index),
        "TaxpayerId": f"{mixed(index, 1) % 10**11:011d}" if index % 4 else None,
        "StatusCode": "ACTIVE" if index % 12 else "INACTIVE",
        "CreationDate": moment(index),
        "LastUpdateDate": moment(index + 7),
        "InactiveDate": None if index % 12 else day(index),
    }


def purchase_order(index: int) -> Row:
    return {
        "POHeaderId": FIRST_ID + 10**6 + index,
        "OrderNumber": f"{index:08d}",
        "ProcurementBU": ("Vision Operations", "Vision Germany")[index % 2],
        "SupplierId": FIRST_ID + mixed(index, 1) % erp_rows.SUPPLIERS,
        "Supplier": _supplier_name(mixed(index, 1)),
        "CurrencyCode": ("USD", "EUR", "JPY")[index % 3],
        "Ordered": scaled(mixed(index, 2) % 10**11, 2),
        "StatusCode": ("OPEN", "CLOSED", "CANCELED", "PENDING APPROVAL")[mixed(index, 3) % 4],
        "Description": None if index % 5 == 0 else f'Order {index}: Öl & "Gas"',
        "CreationDate": moment(index),
        "LastUpdateDate": moment(index + 3),
    }


def order_line(index: int) -> Row:
    order, place = divmod(index, LINES_PER_ORDER)
    unit = UNITS[index % len(UNITS)]
    return {
        "POLineId": FIRST_ID + 2 * 10**6 + index,
        "POHeaderId": FIRST_ID + 10**6 + order,
        "LineNumber": place + 1,
        "Item": None if index % 7 == 0 else erp_rows.product_key(mixed(index, 1)),
        "Description": f"Line {index}",
        "Category": ("Energy", "Gas", "Services")[mixed(index, 2) % 3],
        "Quantity": None if index % 11 == 0 else scaled(mixed(index, 3) % 10**9, 3),
        "UOMCode": unit[0],
        "UOM": unit[1],
        "Price": scaled(mixed(index, 4) % 10**8, 4),
        "StatusCode": ("OPEN", "CLOSED")[index % 2],
    }


def schedule(index: int) -> Row:
    line, place = divmod(index, SCHEDULES_PER_LINE)
    return {
        "LineLocationId": FIRST_ID + 4 * 10**6 + index,
        "POLineId": FIRST_ID + 2 * 10**6 + line,
        "ScheduleNumber": place + 1,
        "Quantity": scaled(mixed(index, 1) % 10**8, 3),
        "ShipToOrganizationCode": ORGANIZATIONS[index % 3],
        "RequestedDeliveryDate": day(index),
        "PromisedDeliveryDate": day(index + 5) if index % 3 else None,
    }


def invoice(index: int) -> Row:
    amount = scaled(mixed(index, 1) % 10**10, 2)
    return {
        "InvoiceId": FIRST_ID + 6 * 10**6 + index,
        "InvoiceNumber": f"R-{index:06d}/{2024 + index % 2}",
        "InvoiceCurrency": ("USD", "EUR", "JPY")[index % 3],
        "InvoiceAmount": -amount if index % 20 == 0 else amount,
        "InvoiceDate": day(index),
        "AccountingDate": day(index + 2),
        "BusinessUnit": ("Vision Operations", "Vision Germany")[index % 2],
        "SupplierNumber": erp_rows.supplier_key(mixed(index, 2)),
        "Supplier": _supplier_name(mixed(index, 2)),
        "InvoiceType": "Credit memo" if index % 20 == 0 else "Standard",
        "CanceledFlag": index % 11 == 0,
        "LastUpdateDate": moment(index),
    }


def invoice_line(index: int) -> Row:
    """It does not say which invoice it is of."""
    place = index % LINES_PER_INVOICE
    return {
        "LineNumber": place + 1,
        "LineType": ("Item", "Tax", "Freight")[place],
        "LineAmount": scaled(mixed(index, 1) % 10**9, 2),
        "Quantity": scaled(mixed(index, 2) % 10**8, 3) if place == 0 else None,
        "UnitPrice": scaled(mixed(index, 3) % 10**6, 4) if place == 0 else None,
        "UOM": UNITS[index % 4][1] if place == 0 else None,
        "Description": f"Electricity meter {index}",
        "AccountingDate": day(index),
        "CanceledFlag": index % 33 == 0,
        "DiscardedFlag": index % 35 == 0,
        "DistributionCombination": f"01-000-{5_000 + index % 40:05d}-0000",
    }


def item(index: int) -> Row:
    number, place = divmod(index, len(ORGANIZATIONS))
    return {
        "ItemId": FIRST_ID + 8 * 10**6 + number,
        "OrganizationId": FIRST_ID + 9 * 10**6 + place,
        "OrganizationCode": ORGANIZATIONS[place],
        "ItemNumber": erp_rows.product_key(number),
        "ItemDescription": f"Item {number}",
        "PrimaryUOMValue": UNITS[number % 4][1],
        "ItemStatusValue": ("Active", "Inactive")[number % 9 == 0],
        "WeightUOMValue": "Kilogram",
        "UnitWeightQuantity": scaled(mixed(number, 1) % 10**6, 3),
        "LastUpdateDateTime": moment(number),
    }


def organization(index: int) -> Row:
    return {
        "OrganizationId": FIRST_ID + 9 * 10**6 + index,
        "OrganizationCode": ORGANIZATIONS[index],
        "OrganizationName": f"Plant {ORGANIZATIONS[index]}",
    }


def unit(index: int) -> Row:
    return {
        "UnitOfMeasureId": FIRST_ID + 10**7 + index,
        "UOMCode": UNITS[index][0],
        "UOM": UNITS[index][1],
    }


def _columns(make: Callable[[int], Row], **kinds: Column) -> dict[str, Column]:
    """The columns of a row, which are texts unless told otherwise."""
    return {name: kinds.get(name, _TEXT) for name in make(1)}


def resources(orders: int) -> dict[str, Resource]:
    """The resources, with ``orders`` purchase orders and a third as many invoices."""
    updated = {"CreationDate": _MOMENT, "LastUpdateDate": _MOMENT}
    schedules = Resource(
        "schedules", "LineLocationId",
        _columns(schedule, LineLocationId=_ID, POLineId=_ID, ScheduleNumber=_COUNT,
                 Quantity=_NUMBER, RequestedDeliveryDate=_DATE, PromisedDeliveryDate=_DATE),
        schedule, orders * LINES_PER_ORDER * SCHEDULES_PER_LINE,
    )  # fmt: skip
    lines = Resource(
        "lines", "POLineId",
        _columns(order_line, POLineId=_ID, POHeaderId=_ID, LineNumber=_COUNT, Quantity=_NUMBER,
                 Price=_NUMBER),
        order_line, orders * LINES_PER_ORDER,
        children=(Child(schedules, SCHEDULES_PER_LINE),),
    )  # fmt: skip
    invoice_lines = Resource(
        "invoiceLines", "LineNumber",
        _columns(invoice_line, LineNumber=_COUNT, LineAmount=_NUMBER, CanceledFlag=_FLAG,
                 DiscardedFlag=_FLAG, Quantity=_NUMBER, UnitPrice=_NUMBER, AccountingDate=_DATE),
        invoice_line, orders // 3 * LINES_PER_INVOICE,
    )  # fmt: skip
    found = (
        Resource(
            "purchaseOrders", "POHeaderId",
            _columns(purchase_order, POHeaderId=_ID, SupplierId=_ID, Ordered=_NUMBER, **updated),
            purchase_order, orders, hashed=True, children=(Child(lines, LINES_PER_ORDER),),
        ),
        Resource(
            "invoices", "InvoiceId",
            _columns(invoice, InvoiceId=_ID, InvoiceAmount=_NUMBER, InvoiceDate=_DATE,
                     CanceledFlag=_FLAG,
                     AccountingDate=_DATE, LastUpdateDate=_MOMENT),
            invoice, orders // 3, hashed=True,
            children=(Child(invoice_lines, LINES_PER_INVOICE),),
        ),
        Resource(
            "suppliers", "SupplierId",
            _columns(supplier, SupplierId=_ID, InactiveDate=_DATE, **updated),
            supplier, erp_rows.SUPPLIERS,
        ),
        Resource(
            "itemsV2", "ItemId",
            _columns(item, ItemId=_ID, OrganizationId=_ID, UnitWeightQuantity=_NUMBER,
                     LastUpdateDateTime=_MOMENT),
            item, 1_500, hashed=True,
        ),
        Resource("inventoryOrganizations", "OrganizationId",
                 _columns(organization, OrganizationId=_ID), organization, len(ORGANIZATIONS)),
        Resource("unitsOfMeasure", "UOMCode", _columns(unit, UnitOfMeasureId=_ID), unit, len(UNITS)),
    )  # fmt: skip
    return {resource.name: resource for resource in found}
