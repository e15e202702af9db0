"""The services of the SAP Gateway emulator: SAP CAP's model, and a source of changes."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import erp_rows, erp_types, sap_pm_rows
from . import maintained_plant as plant
from .erp_live import Table
from .erp_rows import Row, mixed
from .launch import FOLDER
from .odata_types import Column

_KINDS = {
    "String": "string", "LargeString": "string", "Decimal": "decimal", "Date": "date",
    "Time": "time", "Timestamp": "moment", "DateTime": "moment", "Boolean": "boolean",
    "Integer": "int32", "Int16": "int16", "Int32": "int32", "Int64": "int64", "UInt8": "byte",
    "Double": "double", "UUID": "guid", "Binary": "binary",
}  # fmt: skip
_ELEMENT = re.compile(
    r"^(?P<hidden>\s*@sap\.filterable: 'false'[^\n]*\n)?\s*(?P<key>key )?\s*(?P<name>\w+)\s*: "
    r"(?P<kind>\w+)(?:\((?P<size>\d+)(?:, (?P<scale>\d+))?\))?;",
    re.MULTILINE,
)
CHANGES = 200  # rows of the delta source that change from one delta to the next
Services = dict[str, dict[str, Table]]
# Sets whose rows lead to others: the property's name and the other set.
LINKS = {
    "A_PurchaseOrder": ("to_PurchaseOrderItem", "A_PurchaseOrderItem"),
    "MaintenanceOrder": ("to_MaintenanceOrderOperation", "MaintenanceOrderOperation"),
}


def _model() -> dict[str, tuple[tuple[str, ...], dict[str, Column]]]:
    """Keys and columns of each entity of SAP CAP's model."""
    folder = FOLDER / "cap" / "db"
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.cds")))
    found = {}
    for name, body in re.findall(r"^entity (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        elements = list(_ELEMENT.finditer(body))
        keys = tuple(e["name"] for e in elements if e["key"])
        columns = {
            e["name"]: Column(
                _KINDS[e["kind"]], int(e["size"] or 0), int(e["scale"] or 0), not e["hidden"]
            )
            for e in elements
        }
        found[name] = (keys, columns)
    return found


def services(items: int, orders: int) -> Services:
    """Every service and its sets: ``items`` purchase order items, ``orders`` maintenance orders."""
    return _business(items) | _maintenance(orders)


def _maintenance(orders: int) -> Services:
    model = _model()

    def sets(*wanted: tuple[str, Callable[[int], Row], int]) -> dict[str, Table]:
        return {name: Table(name, *model[name], make, rows) for name, make, rows in wanted}

    return {
        "API_MAINTENANCEORDER": sets(
            ("MaintenanceOrder", sap_pm_rows.order, orders),
            ("MaintenanceOrderOperation", sap_pm_rows.operation, 2 * orders),
        ),
        "API_MAINTNOTIFICATION": sets(("MaintenanceNotification", sap_pm_rows.notification, 600)),
        "API_EQUIPMENT": sets(
            ("Equipment", sap_pm_rows.equipment, sap_pm_rows.PERIODS * plant.ASSETS)
        ),
        "API_FUNCTIONALLOCATION": sets(
            ("FunctionalLocation", sap_pm_rows.functional_location, plant.LOCATIONS)
        ),
        "API_MAINTENANCEPLAN": sets(
            ("MaintenancePlan", sap_pm_rows.plan, plant.PLANS),
            ("MaintenanceItem", sap_pm_rows.item, plant.PLANS),
            ("MaintenancePlanCycle", sap_pm_rows.cycle, plant.PLANS),
            ("MaintenancePlanSchedule", sap_pm_rows.schedule, 2 * plant.PLANS),
        ),
        "api_measuringpoint/srvd_a2x/sap/measuringpoint/0001": sets(
            ("MeasuringPoint", sap_pm_rows.measuring_point, plant.METERS_THERE)
        ),
        "api_measurementdocument/srvd_a2x/sap/measurementdocument/0001": sets(
            ("MeasurementDocument", sap_pm_rows.measurement, sap_pm_rows.DOCUMENTS)
        ),
    }


def _business(items: int) -> Services:
    model = _model()

    def table(name: str, entity: str, make: Callable[[int], Row], rows: int) -> dict[str, Table]:
        keys, columns = model[entity]
        return {name: Table(name, keys, columns, make, rows)}

    orders = items // erp_rows.ITEMS_PER_ORDER
    keys, columns = model["EveryType"]
    exact = columns | {
        "BigAmount": Column("decimal", 31, 14),
        "Signed": Column("sbyte"),
        "Precise": Column("moment"),
    }
    every = Table("EveryTypeSet", keys, exact, erp_types.exact_type, 1_000)
    return {
        "API_PURCHASEORDER_PROCESS_SRV": {
            **table("A_PurchaseOrder", "PurchaseOrder", erp_rows.purchase_order, orders),
            **table(
                "A_PurchaseOrderItem", "PurchaseOrderItem", erp_rows.purchase_order_item, items
            ),
        },
        "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001": {
            **table("PurchaseOrder", "PurchaseOrder", erp_rows.purchase_order, orders),
            **table("PurchaseOrderItem", "PurchaseOrderItem", erp_rows.purchase_order_item, items),
        },
        "API_PRODUCT_SRV": {
            **table("A_Product", "Product", erp_rows.product, erp_rows.PRODUCTS),
            **table("A_ProductPlant", "ProductPlant", erp_rows.product_plant, 4_000),
        },
        "API_BUSINESS_PARTNER": table(
            "A_Supplier", "Supplier", erp_rows.supplier, erp_rows.SUPPLIERS
        ),
        "API_COSTCENTER_SRV": table("A_CostCenter", "CostCenter", erp_rows.cost_center, 900),
        "API_MATERIAL_DOCUMENT_SRV": table(
            "A_MaterialDocumentItem",
            "MaterialDocumentItem",
            erp_rows.material_document_item,
            4_000,
        ),
        "API_SUPPLIERINVOICE_PROCESS_SRV": table(
            "A_SupplierInvoice", "SupplierInvoice", erp_rows.supplier_invoice, 3_000
        ),
        "API_GLACCOUNTLINEITEM": {"GLAccountLineItem": _ledger(*model["GLAccountLineItem"])},
        "Z_EVERY_TYPE_SRV": {"EveryTypeSet": every},
        "Z_ODP_MATERIAL_SRV": {ODP.name: ODP},
    }


def _ledger(_: tuple[str, ...], columns: dict[str, Column]) -> Table:
    """Its only key is a text that nothing can be sorted or filtered by."""
    own = {"ID": Column("string", 0, 0, searchable=False), **columns}
    return Table(
        "GLAccountLineItem",
        ("ID",),
        own,
        lambda index: {"ID": str(index), **erp_rows.gl_account_line_item(index)},
        erp_rows.LEDGER_LINES,
    )


# --- changes from an operational data provider -------------------------------------------

_ODP_COLUMNS = {
    "MATNR": Column("string", 40),
    "MATKL": Column("string", 9),
    "NTGEW": Column("decimal", 13, 3),
    "AEDAT": Column("date"),
    "ODQ_CHANGEMODE": Column("string", 1),
    "ODQ_ENTITYCNTR": Column("decimal", 19, 0),
}


def odp_row(index: int) -> Row:
    """A row of the whole source."""
    return _odp_row(index, 0, "", 1)


def _odp_row(index: int, delta: int, mode: str, counter: int) -> Row:
    row = erp_rows.product(index)
    return {
        "MATNR": row["Product"],
        "MATKL": row["ProductGroup"],
        "NTGEW": row["NetWeight"] + delta,
        "AEDAT": erp_rows.day(index + delta),
        "ODQ_CHANGEMODE": mode,
        "ODQ_ENTITYCNTR": counter,
    }


ODP = Table("AttrOf0MATERIAL_ATTR", ("MATNR",), _ODP_COLUMNS, odp_row, erp_rows.PRODUCTS)


def odp_changes(delta: int) -> list[Row]:
    """What the delta of a number brings; every tenth change is a deletion."""
    found = []
    for place in range(CHANGES):
        index = mixed(delta * CHANGES + place, 77) % erp_rows.PRODUCTS
        gone = place % 10 == 9
        found.append(_odp_row(index, delta, "D" if gone else "U", -1 if gone else 1))
    return found
