"""The sqlite file that an SAP CAP server answers from, made from the model and the row functions."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import erp_rows, erp_types, sap_pm_rows
from . import maintained_plant as plant
from .erp_rows import Row
from .launch import BUILD_FOLDER, FOLDER

CAP_FOLDER = FOLDER / "cap"
_SOURCES = ("cap_database.py", "erp_rows.py", "erp_types.py", "odata_types.py", "maintained_plant.py",
            "sap_pm_rows.py", "cap/db/*.cds", "cap/srv/*.cds")  # fmt: skip


def tables(items: int, orders: int) -> dict[str, tuple[Callable[[int], Row], int]]:
    """Each table's row function and number of rows.

    There are ``items`` purchase order items and ``orders`` maintenance orders.
    """
    return _business(items) | _maintenance(orders)


def _maintenance(orders: int) -> dict[str, tuple[Callable[[int], Row], int]]:
    return {
        "maintenance_MaintenanceOrder": (sap_pm_rows.order, orders),
        "maintenance_MaintenanceOrderOperation": (sap_pm_rows.operation, 2 * orders),
        "maintenance_MaintenanceNotification": (sap_pm_rows.notification, 600),
        "maintenance_Equipment": (sap_pm_rows.equipment, sap_pm_rows.PERIODS * plant.ASSETS),
        "maintenance_FunctionalLocation": (sap_pm_rows.functional_location, plant.LOCATIONS),
        "maintenance_MaintenancePlan": (sap_pm_rows.plan, plant.PLANS),
        "maintenance_MaintenanceItem": (sap_pm_rows.item, plant.PLANS),
        "maintenance_MaintenancePlanCycle": (sap_pm_rows.cycle, plant.PLANS),
        "maintenance_MaintenancePlanSchedule": (sap_pm_rows.schedule, 2 * plant.PLANS),
        "maintenance_MeasuringPoint": (sap_pm_rows.measuring_point, plant.METERS_THERE),
        "maintenance_MeasurementDocument": (sap_pm_rows.measurement, sap_pm_rows.DOCUMENTS),
    }


def _business(items: int) -> dict[str, tuple[Callable[[int], Row], int]]:
    return {
        "business_PurchaseOrderItem": (erp_rows.purchase_order_item, items),
        "business_PurchaseOrder": (erp_rows.purchase_order, items // erp_rows.ITEMS_PER_ORDER),
        "business_Product": (erp_rows.product, erp_rows.PRODUCTS),
        "business_ProductDescription": (erp_rows.product_description, 2 * erp_rows.PRODUCTS),
        "business_ProductPlant": (erp_rows.product_plant, 2 * erp_rows.PRODUCTS),
        "business_Supplier": (erp_rows.supplier, erp_rows.SUPPLIERS),
        "business_CostCenter": (erp_rows.cost_center, 900),
        "business_MaterialDocumentItem": (erp_rows.material_document_item, 4_000),
        "business_SupplierInvoice": (erp_rows.supplier_invoice, 3_000),
        "business_GLAccountLineItem": (erp_rows.gl_account_line_item, erp_rows.LEDGER_LINES),
        "business_EveryType": (erp_types.every_type, 1_000),
    }


def make_database(node: Path, items: int, orders: int, target: Path) -> None:
    """Put the database with the rows of ``tables`` at ``target``; made once, then copied."""
    sources = sorted(path for pattern in _SOURCES for path in FOLDER.glob(pattern))
    contents = b"".join(path.read_bytes() for path in sources)
    kept = BUILD_FOLDER / f"cap-{hashlib.sha256(contents).hexdigest()[:16]}-{items}-{orders}.sqlite"
    if not kept.exists():
        BUILD_FOLDER.mkdir(exist_ok=True)
        for old in BUILD_FOLDER.glob(f"cap-*-{items}-{orders}.sqlite"):
            if old != kept:
                old.unlink(missing_ok=True)
        # Test processes may build at the same time, so each builds aside and moves into place.
        unfinished = BUILD_FOLDER / f"{kept.stem}.{os.getpid()}"
        unfinished.unlink(missing_ok=True)
        _build(unfinished, _statements(node), tables(items, orders))
        unfinished.replace(kept)
    shutil.copyfile(kept, target)


def _statements(node: Path) -> str:
    command = [str(node), str(CAP_FOLDER / "ddl.js")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def _build(
    path: Path, statements: str, contents: dict[str, tuple[Callable[[int], Row], int]]
) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + statements)
        database.execute("BEGIN")
        for table, (make, count) in contents.items():
            _insert(database, table, erp_rows.rows(make, count))
        database.execute("COMMIT")
    finally:
        database.close()


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    iterator: Iterator[Row] = iter(rows)
    first = next(iterator)
    marks = ",".join("?" * len(first))
    statement = f"INSERT INTO {table} ({','.join(first)}) VALUES ({marks})"
    database.execute(statement, _cells(first))
    database.executemany(statement, map(_cells, iterator))


def _cells(row: Row) -> list[Any]:
    return [_cell(value) for value in row.values()]


def _cell(value: Any) -> Any:
    """A value as CAP keeps it: decimals as binary numbers, times as text with a Z."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
