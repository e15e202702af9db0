"""The business records of the simulated site, by canonical entity name."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.mock.entities.accounting import GL_ENTRY, SUPPLIER_INVOICE
from greenlang_data.drivers.mock.entities.assets import ASSET, PM
from greenlang_data.drivers.mock.entities.failures import FAILURE
from greenlang_data.drivers.mock.entities.masters import (
    COST_CENTER,
    CUSTOMER,
    MATERIAL,
    PLANT,
    SUPPLIER,
    UNIT_OF_MEASURE,
)
from greenlang_data.drivers.mock.entities.meter_readings import METER
from greenlang_data.drivers.mock.entities.notifications import NOTIFICATION
from greenlang_data.drivers.mock.entities.purchasing import (
    GOODS_MOVEMENT,
    PURCHASE_ORDER,
    PURCHASE_ORDER_ITEM,
)
from greenlang_data.drivers.mock.entities.utilities import UTILITY_BILL
from greenlang_data.drivers.mock.entities.work_orders import WORK_ORDER
from greenlang_data.drivers.mock.records import Entity

ENTITIES: Final[dict[str, Entity]] = {
    entity.name: entity
    for entity in (
        MATERIAL,
        SUPPLIER,
        CUSTOMER,
        PURCHASE_ORDER,
        PURCHASE_ORDER_ITEM,
        SUPPLIER_INVOICE,
        GOODS_MOVEMENT,
        COST_CENTER,
        GL_ENTRY,
        PLANT,
        ASSET,
        UNIT_OF_MEASURE,
        UTILITY_BILL,
        WORK_ORDER,
        PM,
        NOTIFICATION,
        METER,
        FAILURE,
    )
}
"""Every entity; ``asset`` serves both ERP (fixed assets) and CMMS (equipment)."""
