"""Utility bills: what the meters of the plant counted, month by month (UTC)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.mock import plant
from greenlang_data.drivers.mock.clock import seconds
from greenlang_data.drivers.mock.entities import masters
from greenlang_data.drivers.mock.entities.common import (
    MONEY,
    TEXT,
    cents,
    none_in,
    office_time,
    thousandths,
)
from greenlang_data.drivers.mock.meters import Meter
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import INSTANT, Entity, Row, column

_YEARS: Final = (2022, 2023, 2024)


@dataclass(frozen=True)
class Utility:
    """A commodity that is metered. ``tags`` are the flow tags whose sum the bill is of."""

    name: str
    code: str
    unit: str
    tags: tuple[str, ...]
    meters: tuple[Meter, ...]
    supplier: int
    price: Decimal


_ELECTRICITY: Final = Utility(
    "electricity", "EL", "kWh", ("SitePower",), (plant.SITE_POWER,), 0, Decimal("0.18750")
)
_GAS: Final = Utility(
    "natural_gas",
    "NG",
    "m3",
    ("Boiler2.FuelFlow", "GasTurbine.FuelFlow"),
    (plant.BOILER_2.fuel_meter, plant.TURBINE.fuel_meter),
    1,
    Decimal("0.52310"),
)
_OIL: Final = Utility(
    "fuel_oil",
    "FO",
    "kg",
    ("Boiler1.FuelFlow",),
    (plant.BOILER_1.fuel_meter,),
    2,
    Decimal("0.91200"),
)
UTILITIES: Final = (_ELECTRICITY, _GAS, _OIL)


@dataclass(frozen=True)
class Bill:
    """One month of one commodity; ``quantity`` is exact, ``amount`` rounded to cents."""

    number: str
    utility: Utility
    first: date
    last: date
    quantity: Decimal
    price: Decimal
    posted: date
    created: datetime

    @property
    def amount(self) -> Decimal:
        """Quantity times price."""
        return cents(self.quantity * self.price)


@cache
def bills() -> tuple[Bill, ...]:
    """All bills by month, then commodity."""
    months = [(year, month) for year in _YEARS for month in range(1, 13)]
    return tuple(
        _bill(utility, n * len(UTILITIES) + place, *month)
        for n, month in enumerate(months)
        for place, utility in enumerate(UTILITIES)
    )


def _bill(utility: Utility, key: int, year: int, month: int) -> Bill:
    follows = (year + 1, 1) if month == 12 else (year, month + 1)
    begin, end = seconds(year, month, 1), seconds(*follows, 1)
    used = sum(meter.thousandths(begin, end) for meter in utility.meters)
    last = date(*follows, 1) - timedelta(1)
    # Prices move by up to 8 % up or down from month to month.
    price = (utility.price * (920 + pick(f"{utility.name}.price", key, 161))).scaleb(-3)
    posted = last + timedelta(6 + pick("bill.posted", key, 5))
    return Bill(
        f"UB-{year}-{month:02d}-{utility.code}",
        utility,
        date(year, month, 1),
        last,
        thousandths(used),
        price.quantize(Decimal("0.00001")),
        posted,
        office_time(posted, "bill", key),
    )


def _rows() -> Iterator[Row]:
    from greenlang_data.drivers.mock.entities.accounting import invoice_of_bill

    for n, bill in enumerate(bills()):
        yield {
            "utility_bill": bill.number,
            "supplier": masters.supplier_id(bill.utility.supplier),
            "supplier_invoice": invoice_of_bill(bill),
            "plant_code": "1000",
            "commodity": bill.utility.name,
            "meter_tags": "+".join(bill.utility.tags),
            "period_start": bill.first,
            "period_end": bill.last,
            "quantity": bill.quantity,
            "unit": bill.utility.unit,
            "price": bill.price,
            "amount": bill.amount,
            "currency": masters.supplier_home(bill.utility.supplier)[2],
            "contract": None if none_in("bill.contract", n, 20) else f"C-{bill.utility.code}-01",
            "posting_date": bill.posted,
            "created_at": bill.created,
        }


UTILITY_BILL: Final = Entity(
    "utility_bill",
    ("utility_bill",),
    "period_start",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("utility_bill", "supplier", "supplier_invoice")),
            *(column(name, TEXT) for name in ("plant_code", "commodity", "meter_tags")),
            column("period_start", pa.date32()),
            column("period_end", pa.date32()),
            column("quantity", pa.decimal128(15, 3)),
            column("unit", TEXT),
            column("price", pa.decimal128(11, 5)),
            column("amount", MONEY),
            *(column(name, TEXT) for name in ("currency", "contract")),
            column("posting_date", pa.date32()),
            column("created_at", INSTANT),
        ]
    ),
    _rows,
)
