"""Microsoft Dataverse: the entities among its tables, some only with Field Service or dual-write.

The names are those of Microsoft's entity reference and of its reference of dual-write's mappings.
Amounts are in the currency that ``_transactioncurrencyid_value`` names. What Field Service shows as a
date it tells as midnight in the zone of the user who wrote it, so it is a time here.
"""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.places import Place

_API: Final = "/api/data/v9.2"
_TIMES: Final = {"created_at": "createdon", "changed_at": "modifiedon"}


def _place(name: str, columns: dict[str, str], date: str = "created_at") -> Place:
    return Place(_API, name, {**columns, **_TIMES}, date)


PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "material": (
        _place("products", {"material": "productnumber", "description": "name"}),
        _place("msdyn_globalproducts", {"material": "msdyn_productnumber"}),
    ),
    "supplier": (
        _place("msdyn_vendors", {"supplier": "msdyn_vendoraccountnumber", "name": "msdyn_name"}),
        _place("accounts", {"supplier": "accountnumber", "name": "name"}),
    ),
    "customer": (_place("accounts", {"customer": "accountnumber", "name": "name"}),),
    "purchase_order": (
        _place(
            "msdyn_purchaseorders",
            {
                "purchase_order": "msdyn_name",
                "ordered_at": "msdyn_purchaseorderdate",
                "status": "msdyn_systemstatus",
                "amount": "msdyn_totalamount",
            },
            "ordered_at",
        ),
    ),
    "purchase_order_item": (
        _place(
            "msdyn_purchaseorderproducts",
            {
                "purchase_order_item": "msdyn_lineorder",
                "description": "msdyn_description",
                "quantity": "msdyn_quantity",
                "amount": "msdyn_totalcost",
                "price": "msdyn_unitcost",
                "status": "msdyn_itemstatus",
            },
        ),
    ),
    "goods_movement": (
        _place(
            "msdyn_purchaseorderreceiptproducts",
            {
                "name": "msdyn_name",
                "quantity": "msdyn_quantity",
                "amount": "msdyn_totalcost",
                "price": "msdyn_unitcost",
            },
        ),
    ),
    "plant": (
        _place("msdyn_operationalsites", {"plant_code": "msdyn_siteid", "name": "msdyn_name"}),
        # Field Service has these alone, by a name; dual-write gives them a number as well.
        _place(
            "msdyn_warehouses", {"warehouse": "msdyn_warehouseidentifier", "name": "msdyn_name"}
        ),
    ),
    # They have a name, and no number but that of the record.
    "asset": (
        _place("msdyn_customerassets", {"asset_id": "msdyn_customerassetid", "name": "msdyn_name"}),
    ),
    "unit_of_measure": (_place("uoms", {"unit": "name", "numerator": "quantity"}),),
}
