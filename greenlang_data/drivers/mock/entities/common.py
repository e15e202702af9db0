"""What the record makers share: amounts of money, dates, and the site's present."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.cmms.entities import Entity as Canonical
from greenlang_data.drivers.mock.clock import NOW
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import column

TODAY: Final = NOW.date()
COMPANY: Final = "1000"
SOURCE: Final = "mock"

TEXT: Final = pa.string()
MONEY: Final = pa.decimal128(15, 2)
PRICE: Final = pa.decimal128(11, 2)
QUANTITY: Final = pa.decimal128(13, 3)

_CENT: Final = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """``amount`` rounded to two places, halves away from zero as accountants do."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def thousandths(number: int) -> Decimal:
    """A decimal of three places."""
    return Decimal(number).scaleb(-3)


def hundredths(number: int) -> Decimal:
    """A decimal of two places."""
    return Decimal(number).scaleb(-2)


def office_time(day: date, name: str, key: int) -> datetime:
    """An instant of ``day`` between 07:00 and 15:00 UTC."""
    midnight = datetime(day.year, day.month, day.day, 7, tzinfo=UTC)
    return midnight + timedelta(seconds=pick(name, key, 8 * 3600))


def none_in(name: str, key: int, one_in: int) -> bool:
    """Whether an optional value is missing, about once in ``one_in``."""
    return pick(f"{name}.missing", key, one_in) == 0


def maintained(entity: Canonical, *own: pa.Field) -> pa.Schema:
    """The canonical columns of a maintenance record, then the site's own."""
    return pa.schema([*(column(name, kind.value) for name, kind in entity.columns.items()), *own])
