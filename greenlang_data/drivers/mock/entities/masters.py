"""Master data: plants, materials, suppliers, customers, cost centres, units of measure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.mock.entities.common import (
    COMPANY,
    PRICE,
    QUANTITY,
    TEXT,
    hundredths,
    none_in,
    office_time,
    thousandths,
)
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import INSTANT, Entity, Row, column

MATERIALS: Final = 600
SUPPLIERS: Final = 60
CUSTOMERS: Final = 40
PLANT_CODES: Final = ("1000", "2000")
COST_CENTERS: Final = ("0000004100", "0000004200", "0000004300", "0000004900")

_FIRST_DAY: Final = date(2015, 1, 5)


class Kind(NamedTuple):
    """A group of materials: ``price`` in cents and ``weight`` in grams are typical of one unit."""

    group: str
    type: str
    text: str
    unit: str
    price: int
    weight: int | None


KINDS: Final = (
    Kind("CHEM", "ROH", "Boiler water additive", "KG", 420, 1_000),
    Kind("SPARE", "ERSA", "Valve seal set", "PC", 5_890, 350),
    Kind("SPARE", "ERSA", "Pump bearing", "PC", 12_450, 2_100),
    Kind("LUBE", "HIBE", "Turbine oil", "L", 640, 870),
    Kind("FILTER", "ERSA", "Air filter cartridge", "PC", 8_300, 4_800),
    Kind("STEEL", "ROH", "Tube, seamless", "M", 2_790, 6_300),
    Kind("GAS", "HIBE", "Calibration gas, 10 l", "PC", 23_900, 14_000),
    Kind("SERVICE", "DIEN", "Inspection hour", "H", 9_400, None),
)

_NAMES: Final = ("Nordwerk", "Alvera", "Kestrel", "Müller & Söhne", "Tavola", "Łódź Stal")
_TRADES: Final = ("Chemicals", "Valves", "Supplies", "Tubes", "Services", "Energy")
_HOMES: Final = (
    ("DE", "Hamburg", "EUR"),
    ("DE", "Leipzig", "EUR"),
    ("AT", "Linz", "EUR"),
    ("PL", "Łódź", "EUR"),
    ("CH", "Basel", "CHF"),
    ("US", "Houston", "USD"),
)


def material_id(number: int) -> str:
    """The key of the material of that number: eighteen digits, as SAP stores it."""
    return f"{1_000 + number:018d}"


def material_kind(number: int) -> Kind:
    """What the material of that number is."""
    return KINDS[number % len(KINDS)]


def material_price(number: int) -> Decimal:
    """Its standard price for one unit, EUR."""
    typical = material_kind(number).price
    return hundredths(typical * (70 + pick("material.price", number, 61)) // 100)


def material_plant(number: int) -> str:
    """Its plant: one in five is kept in plant 2000."""
    return PLANT_CODES[number % 5 == 4]


def supplier_id(number: int) -> str:
    """The key of the supplier of that number, ten digits."""
    return f"{100_001 + number:010d}"


def supplier_home(number: int) -> tuple[str, str, str]:
    """Its country, city and currency."""
    return _HOMES[pick("supplier.home", number, len(_HOMES))]


def payment_days(number: int) -> int:
    """Days in which the supplier of that number is to be paid."""
    return (14, 30, 30, 60)[pick("supplier.days", number, 4)]


def _materials() -> Iterator[Row]:
    for n in range(MATERIALS):
        kind = material_kind(n)
        created = office_time(_FIRST_DAY + timedelta(5 * n), "material", n)
        yield {
            "material": material_id(n),
            "description": f"{kind.text} {n // len(KINDS) + 1}",
            "material_type": kind.type,
            "material_group": kind.group,
            "plant_code": material_plant(n),
            "unit": kind.unit,
            "price": material_price(n),
            "currency": "EUR",
            "net_weight": None if kind.weight is None else thousandths(kind.weight),
            "hazardous": None if none_in("material.hazardous", n, 12) else kind.group == "CHEM",
            "supplier": None
            if none_in("material.supplier", n, 9)
            else supplier_id(pick("material.supplier", n, SUPPLIERS)),
            "deleted": none_in("material.deleted", n, 40),
            "created_at": created,
            "changed_at": None
            if none_in("material.changed", n, 3)
            else created + timedelta(hours=pick("material.changed", n, 9_000)),
        }


def _partner(kind: str, n: int) -> dict[str, Any]:
    name = _NAMES[pick(f"{kind}.name", n, len(_NAMES))]
    trade = _TRADES[pick(f"{kind}.trade", n, len(_TRADES))]
    created = office_time(_FIRST_DAY + timedelta(20 * n), kind, n)
    changed = created + timedelta(hours=pick(f"{kind}.changed", n, 20_000))
    return {
        "name": f"{name} {trade} {n + 1}",
        "tax_number": None if none_in(f"{kind}.tax", n, 6) else f"{pick(kind, n, 10**9):09d}",
        "blocked": none_in(f"{kind}.blocked", n, 25),
        "created_at": created,
        "changed_at": None if none_in(f"{kind}.changed", n, 4) else changed,
    }


def _suppliers() -> Iterator[Row]:
    for n in range(SUPPLIERS):
        country, city, currency = supplier_home(n)
        place = {"country": country, "city": city, "currency": currency}
        # Eighteen digits, as some systems number their parties: more than a double holds.
        keys = {"supplier": supplier_id(n), "party_id": 300_100_000_000_000_001 + 2 * n}
        yield keys | place | {"payment_days": payment_days(n)} | _partner("supplier", n)


def _customers() -> Iterator[Row]:
    for n in range(CUSTOMERS):
        country, city, currency = _HOMES[pick("customer.home", n, len(_HOMES))]
        place = {"country": country, "city": city, "currency": currency}
        yield {"customer": f"{200_001 + n:010d}"} | place | _partner("customer", n)


def _cost_centers() -> Iterator[Row]:
    names = ("Steam generation", "Power generation", "Cooling", "Administration")
    for n, key in enumerate(COST_CENTERS):
        yield {
            "cost_center": key,
            "description": names[n],
            "controlling_area": "A000",
            "company_code": COMPANY,
            "plant_code": "1000",
            "valid_from": date(2015, 1, 1),
            "valid_to": None,  # SAP writes 9999-12-31 for an open end
        }


def _plants() -> Iterator[Row]:
    places = (("1000", "Energy centre", "Hamburg"), ("2000", "Warehouse", "Leipzig"))
    for code, name, city in places:
        yield {
            "plant_code": code,
            "name": name,
            "city": city,
            "country": "DE",
            "company_code": COMPANY,
            "time_zone": "Europe/Berlin",
        }


def _units() -> Iterator[Row]:
    # unit, description, UCUM, dimension, factor to the base unit of its dimension
    for unit, text, ucum, dimension, factor in (
        ("KG", "Kilogram", "kg", "mass", (1, 1)),
        ("G", "Gram", "g", "mass", (1, 1_000)),
        ("TO", "Tonne", "t", "mass", (1_000, 1)),
        ("L", "Litre", "L", "volume", (1, 1_000)),
        ("M3", "Cubic metre", "m3", "volume", (1, 1)),
        ("M", "Metre", "m", "length", (1, 1)),
        ("PC", "Piece", "1", None, (1, 1)),
        ("H", "Hour", "h", "time", (3_600, 1)),
        ("KWH", "Kilowatt hour", "kW.h", "energy", (3_600_000, 1)),
    ):
        yield {
            "unit": unit,
            "description": text,
            "ucum": ucum,
            "dimension": dimension,
            "numerator": factor[0],
            "denominator": factor[1],
        }


_COMMON: Final = [
    column("tax_number", TEXT),
    column("blocked", pa.bool_()),
    column("created_at", INSTANT),
    column("changed_at", INSTANT),
]
_PLACE: Final = [column("country", TEXT), column("city", TEXT), column("currency", TEXT)]

MATERIAL: Final = Entity(
    "material",
    ("material",),
    "created_at",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("material", "description", "material_type")),
            *(column(name, TEXT) for name in ("material_group", "plant_code", "unit")),
            column("price", PRICE),
            column("currency", TEXT),
            column("net_weight", QUANTITY, "kg"),
            column("hazardous", pa.bool_()),
            column("supplier", TEXT),
            column("deleted", pa.bool_()),
            column("created_at", INSTANT),
            column("changed_at", INSTANT),
        ]
    ),
    _materials,
)
SUPPLIER: Final = Entity(
    "supplier",
    ("supplier",),
    "created_at",
    pa.schema(
        [
            column("supplier", TEXT),
            column("name", TEXT),
            *_PLACE,
            column("payment_days", pa.int64(), "d"),
            column("party_id", pa.int64()),
            *_COMMON,
        ]
    ),
    _suppliers,
)
CUSTOMER: Final = Entity(
    "customer",
    ("customer",),
    "created_at",
    pa.schema([column("customer", TEXT), column("name", TEXT), *_PLACE, *_COMMON]),
    _customers,
)
COST_CENTER: Final = Entity(
    "cost_center",
    ("cost_center",),
    "valid_from",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("cost_center", "description", "controlling_area")),
            *(column(name, TEXT) for name in ("company_code", "plant_code")),
            column("valid_from", pa.date32()),
            column("valid_to", pa.date32()),
        ]
    ),
    _cost_centers,
)
PLANT: Final = Entity(
    "plant",
    ("plant_code",),
    None,
    pa.schema(
        [
            *(column(name, TEXT) for name in ("plant_code", "name", "city", "country")),
            *(column(name, TEXT) for name in ("company_code", "time_zone")),
        ]
    ),
    _plants,
)
UNIT_OF_MEASURE: Final = Entity(
    "unit_of_measure",
    ("unit",),
    None,
    pa.schema(
        [
            *(column(name, TEXT) for name in ("unit", "description", "ucum", "dimension")),
            column("numerator", pa.int64()),
            column("denominator", pa.int64()),
        ]
    ),
    _units,
)
