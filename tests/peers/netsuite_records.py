"""The record service of the NetSuite emulator: collections that name ids only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .erp_rows import Row
from .netsuite_rows import OWED, Kind
from .netsuite_sql import BadQuery, strftime_of

# Record type -> table, the test of its rows, and the names that the service gives its columns.
TYPES: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "purchaseOrder": ("transaction", lambda row: row["type"] == "PurchOrd"),
    "vendorBill": ("transaction", lambda row: row["type"] == "VendBill"),
    "itemReceipt": ("transaction", lambda row: row["type"] == "ItemRcpt"),
    "vendor": ("vendor", lambda _: True),
    "inventoryItem": ("item", lambda row: row["itemtype"] == "InvtPart"),
    "location": ("location", lambda _: True),
    "department": ("department", lambda _: True),
}
_NAMES = {
    "tranid": "tranId", "trandate": "tranDate", "createddate": "createdDate",
    "lastmodifieddate": "lastModifiedDate", "foreigntotal": "total", "entityid": "entityId",
    "companyname": "companyName", "isinactive": "isInactive", "itemid": "itemId",
    "displayname": "displayName", "itemtype": "itemType", "unitstype": "unitsType",
    "averagecost": "averageCost",
}  # fmt: skip
_TYPES = {"INTEGER": ("integer", None), "NUMERIC": ("number", "double"), "FLAG": ("boolean", None),
          "DATE": ("string", "date"), "DATETIME": ("string", "date-time"),
          "TEXT": ("string", None)}  # fmt: skip
_TERM = re.compile(r"\s*(\w+)\s+(\w+)\s+(?:\"([^\"]*)\"|(\S+))\s*(?:AND\b|$)", re.IGNORECASE)


def rows_of(type_: str, kinds: dict[str, Kind], q: str, date_format: str) -> list[Row]:
    """The rows of a record type that meet a filter such as ``lastModifiedDate ON_OR_AFTER "..."``."""
    table, belongs = TYPES[type_]
    kind = kinds[table]
    tests, place = [], 0
    while place < len(q):
        found = _TERM.match(q, place)
        if not found:
            raise BadQuery(f"Invalid query parameter: {q}")
        value = found[3] if found[3] is not None else found[4]
        tests.append(_test(kind, found[1], found[2].upper(), value, date_format))
        place = found.end()
    rows = (kind.make(index) for index in range(kind.rows))
    return [row for row in rows if belongs(row) and all(test(row) for test in tests)]


def _test(
    kind: Kind, name: str, relation: str, value: str, date_format: str
) -> Callable[[Row], bool]:
    column = name.lower()
    if column not in kind.columns:
        raise BadQuery(f"Invalid query parameter: field {name} is not there.")
    if relation in {"ON_OR_AFTER", "BEFORE"}:
        try:
            edge = datetime.strptime(value, strftime_of(date_format)).date()  # noqa: DTZ007
        except ValueError as error:
            raise BadQuery(f"Invalid date value (must be {date_format}).") from error
        return lambda row: (_day(row[column]) >= edge) == (relation == "ON_OR_AFTER")
    if relation in {"IS", "EQUAL"}:
        return lambda row: str(row[column]) == value
    raise BadQuery(f"Invalid query parameter: the operator {relation} is not known.")


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def record(type_: str, row: Row, base: str) -> dict[str, Any]:
    """One record: names in camel case, references as objects, nothing left out."""
    told: dict[str, Any] = {"links": [{"rel": "self", "href": f"{base}/{row['id']}"}]}
    if row.get("type") in OWED:  # which a record tells as what is owed
        row = {**row, "foreigntotal": -row["foreigntotal"]}
    for name, value in row.items():
        if value is not None and name != "type":
            told[_NAMES.get(name, name)] = _json(name, value)
    return told | {"id": str(row["id"])}


def _json(name: str, value: Any) -> Any:
    if name in {"entity", "currency"}:
        return {"id": str(value), "refName": f"Ref {value}", "links": []}
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def schema(type_: str, kinds: dict[str, Kind]) -> dict[str, Any]:
    """The JSON schema of a record type."""
    properties = {}
    for name, kind in kinds[TYPES[type_][0]].columns.items():
        told, form = _TYPES[kind]
        known = {"title": name, "type": told, "nullable": True}
        properties[_NAMES.get(name, name)] = known | ({"format": form} if form else {})
    return {"type": "object", "properties": properties, "x-ns-filterable": list(properties)}
