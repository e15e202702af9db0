"""The records of the NetSuite emulator; every row is a pure function of its index.

Times are on the account's clock, Los Angeles, as NetSuite keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from . import erp_rows
from .erp_rows import Row, day, mixed, moment, scaled

ZONE = ZoneInfo("America/Los_Angeles")
LINES = 5
UNITS = ("kWh", "MWh", "m³", "Dm³")  # each second one is a thousand of the one before
ACCOUNTS = ("6000 Electricity", "6010 Natural Gas", "6020 Water", "2000 Accounts Payable")
OWED = {"PurchOrd", "VendBill"}
_LOCATIONS = ("Plant Dresden", "Plant Bedford", "Plant Nashua")


class Kind(NamedTuple):
    """A table: its columns with the types that SuiteQL knows, and how a row is made."""

    columns: dict[str, str]
    make: Callable[[int], Row]
    rows: int


def local(value: datetime) -> datetime:
    """A moment on the account's clock, to the second."""
    return value.astimezone(ZONE).replace(tzinfo=None, microsecond=0)


def transaction(index: int) -> Row:
    kind = ("PurchOrd", "VendBill", "ItemRcpt", "Journal")[index % 4]
    total = scaled(mixed(index, 3) % 10**10 - 10**8, 2)
    return {
        "id": index + 1,
        "tranid": f"{kind[:2].upper()}{index:06d}",
        "type": kind,
        "trandate": day(mixed(index, 1)),
        "createddate": local(moment(index)),
        "lastmodifieddate": local(moment(index + 1)),
        "entity": 1 + mixed(index, 2) % erp_rows.SUPPLIERS if kind != "Journal" else None,
        "status": "ABF"[index % 3],
        "currency": 1 + index % 3,
        # What is owed to a vendor is told as the credit that it is, by lines that are debits.
        "foreigntotal": -total if kind in OWED else total,
        "memo": None if index % 3 else f"Rechnung {index}: 'Öl'",
        "posting": kind != "PurchOrd",
    }


def transaction_line(index: int) -> Row:
    """Quantities are in the base unit of ``units``, as SuiteQL tells them."""
    of_transaction, place = divmod(index, LINES)
    first = place == 0
    return {
        "uniquekey": index + 1,
        "transaction": of_transaction + 1,
        "id": place,
        "linesequencenumber": place,
        "mainline": first,
        "taxline": place == LINES - 1 and of_transaction % 8 == 1,  # of some bills
        "item": None if first else 1 + mixed(index, 1) % erp_rows.PRODUCTS,
        "quantity": None if first else scaled(mixed(index, 2) % 10**8, 3),
        "units": None if first else 1 + index % len(UNITS),
        "rate": None if first else scaled(mixed(index, 3) % 10**6, 4),
        "netamount": scaled(mixed(index, 4) % 10**9, 2),  # in the company's currency
        "foreignamount": scaled(mixed(index, 5) % 10**9, 2),
        "expenseaccount": None if first else 1 + index % 3,
        "location": 1 + index % len(_LOCATIONS),
        "department": None if index % 4 == 0 else 1 + index % 12,
        "memo": f"Zeile {place}" if index % 2 else None,
    }


def accounting_line(index: int) -> Row:
    amount = scaled(mixed(index, 4) % 10**9 - 10**8, 2)
    return {
        "accountingbook": 1,
        "transaction": index // LINES + 1,
        "transactionline": index % LINES,
        "account": 1 + index % len(ACCOUNTS),
        "amount": amount,
        "debit": amount if amount > 0 else None,
        "credit": -amount if amount < 0 else None,
        "posting": index % 4 != 0,
    }


def item(index: int) -> Row:
    return {
        "id": index + 1,
        "itemid": erp_rows.product_key(index),
        "displayname": f"Item {index}",
        "itemtype": ("InvtPart", "NonInvtPart", "Service")[index % 3],
        "unitstype": 1 + index % 2,
        "averagecost": None if index % 5 == 0 else scaled(mixed(index, 1) % 10**7, 4),
        "isinactive": index % 30 == 0,
        "lastmodifieddate": local(moment(index)),
    }


def vendor(index: int) -> Row:
    return {
        "id": index + 1,
        "entityid": erp_rows.supplier_key(index),
        "companyname": f"Stadtwerke {index} GmbH & Co. KG",
        "email": None if index % 3 == 0 else f"v{index}@example.com",
        "isinactive": index % 25 == 0,
        "lastmodifieddate": local(moment(index)),
    }


def account(index: int) -> Row:
    number, _, name = ACCOUNTS[index].partition(" ")
    return {"id": index + 1, "acctnumber": number, "fullname": name, "accttype": "Expense"}


def location(index: int) -> Row:
    return {"id": index + 1, "name": _LOCATIONS[index], "isinactive": False}


def department(index: int) -> Row:
    return {"id": index + 1, "name": f"Department {index + 1}", "isinactive": index == 11}


def units_type(index: int) -> Row:
    return {"id": index + 1, "name": ("Energy", "Volume")[index]}


def unit(index: int) -> Row:
    return {
        "internalid": index + 1,
        "unitstype": 1 + index // 2,
        "unitname": UNITS[index],
        "conversionrate": scaled((1_000, 1_000_000)[index % 2], 3),
        "baseunit": index % 2 == 0,
    }


_TYPES = {"int": "INTEGER", "Decimal": "NUMERIC", "date": "DATE", "datetime": "DATETIME",
          "bool": "FLAG", "str": "TEXT"}  # fmt: skip


def _kind(make: Callable[[int], Row], rows: int) -> Kind:
    """A table with the types of the first values that its columns have."""
    columns: dict[str, str] = {}
    for index in range(min(rows, 60)):
        for name, value in make(index).items():
            if value is not None:
                columns.setdefault(name, _TYPES[type(value).__name__])
    return Kind({name: columns[name] for name in make(0)}, make, rows)


def kinds(lines: int) -> dict[str, Kind]:
    """The tables, with ``lines`` transaction lines, five to a transaction."""
    return {
        "transaction": _kind(transaction, -(-lines // LINES)),
        "transactionline": _kind(transaction_line, lines),
        "transactionaccountingline": _kind(accounting_line, min(lines, 50_000)),
        "item": _kind(item, erp_rows.PRODUCTS),
        "vendor": _kind(vendor, erp_rows.SUPPLIERS),
        "account": _kind(account, len(ACCOUNTS)),
        "location": _kind(location, len(_LOCATIONS)),
        "department": _kind(department, 12),
        "unitstype": _kind(units_type, 2),
        "unitstypeuom": _kind(unit, len(UNITS)),
    }
