"""Microsoft Dataverse: the entities among its tables, some only with Field Service or dual-write.

The names are those of Microsoft's entity reference and of its reference of dual-write's mappings;
the total cost of an order's product and the numbers of customer assets were found in neither.
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
                "order_date": "msdyn_purchaseorderdate",
                "amount": "msdyn_totalamount",
            },
            "order_date",
        ),
    ),
    "purchase_order_item": (
        _place(
            "msdyn_purchaseorderproducts",
            {
                "description": "msdyn_name",
                "quantity": "msdyn_quantity",
                "amount": "msdyn_totalcost",
                "price": "msdyn_unitcost",
            },
        ),
    ),
    "goods_movement": (
        _place(
            "msdyn_purchaseorderreceiptproducts",
            {"description": "msdyn_name", "quantity": "msdyn_quantity"},
        ),
    ),
    "plant": (_place("msdyn_warehouses", {"plant_code": "msdyn_name"}),),
    "asset": (_place("msdyn_customerassets", {"asset_id": "msdyn_name"}),),
    "unit_of_measure": (_place("uoms", {"unit": "name", "numerator": "quantity"}),),
}
