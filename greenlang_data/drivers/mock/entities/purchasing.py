"""Purchase orders, their items, and what the warehouse received and issued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.mock.entities import masters
from greenlang_data.drivers.mock.entities.common import (
    COMPANY,
    MONEY,
    PRICE,
    QUANTITY,
    TEXT,
    TODAY,
    cents,
    none_in,
    office_time,
    thousandths,
)
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import INSTANT, Entity, Row, column

ORDERS: Final = 1_200
_FIRST_ORDER: Final = date(2022, 1, 3)
_DAYS: Final = (TODAY - _FIRST_ORDER).days


@dataclass(frozen=True)
class Item:
    """One line of an order. ``delivery`` is None when the supplier has confirmed no date."""

    order: str
    number: str
    material: int
    quantity: Decimal
    price: Decimal
    amount: Decimal
    delivery: date | None

    @property
    def delivered(self) -> bool:
        """Whether it has arrived; the deliveries of today are still to come."""
        return self.delivery is not None and self.delivery < TODAY


@dataclass(frozen=True)
class Order:
    """A purchase order."""

    number: str
    supplier: int
    plant_code: str
    placed: date
    created: datetime
    items: tuple[Item, ...]

    @property
    def currency(self) -> str:
        """The supplier's."""
        return masters.supplier_home(self.supplier)[2]

    @property
    def amount(self) -> Decimal:
        """Sum of the items."""
        return sum((item.amount for item in self.items), Decimal(0))

    @property
    def received(self) -> tuple[Item, ...]:
        """The items that arrived."""
        return tuple(item for item in self.items if item.delivered)

    @property
    def status(self) -> str:
        """completed, partly_received or open, by what arrived."""
        if len(self.received) == len(self.items):
            return "completed"
        return "partly_received" if self.received else "open"


@cache
def orders() -> tuple[Order, ...]:
    """All orders, in the order they were placed."""
    return tuple(_order(n) for n in range(ORDERS))


def _order(n: int) -> Order:
    number = f"{4_500_000_001 + n}"
    placed = _FIRST_ORDER + timedelta(n * _DAYS // ORDERS)
    plant_code = masters.PLANT_CODES[none_in("order.plant", n, 5)]
    lines = 1 + pick("order.lines", n, 6)
    items = tuple(_item(number, placed, plant_code, n * 10 + line) for line in range(lines))
    created = office_time(placed, "order", n)
    supplier = pick("order.supplier", n, masters.SUPPLIERS)
    return Order(number, supplier, plant_code, placed, created, items)


def _item(order: str, placed: date, plant_code: str, key: int) -> Item:
    # Of each five materials the last is kept in plant 2000 and the others in plant 1000.
    group = pick("item.group", key, masters.MATERIALS // 5) * 5
    material = group + (4 if plant_code == "2000" else pick("item.material", key, 4))
    whole = masters.material_kind(material).unit == "PC"
    size = 1 + pick("item.quantity", key, 40)
    quantity = thousandths(size * 1_000 if whole else size * 1_250)
    price = masters.material_price(material)
    delivery = placed + timedelta(5 + pick("item.delivery", key, 40))
    return Item(
        order,
        f"{(key % 10 + 1) * 10:05d}",
        material,
        quantity,
        price,
        cents(quantity * price),
        None if none_in("item.delivery", key, 30) else delivery,
    )


def _order_rows() -> Iterator[Row]:
    for order in orders():
        yield {
            "purchase_order": order.number,
            "supplier": masters.supplier_id(order.supplier),
            "plant_code": order.plant_code,
            "company_code": COMPANY,
            "order_date": order.placed,
            "status": order.status,
            "amount": order.amount,
            "currency": order.currency,
            "created_at": order.created,
        }


def _item_rows() -> Iterator[Row]:
    for order in orders():
        for item in order.items:
            kind = masters.material_kind(item.material)
            yield {
                "purchase_order": order.number,
                "purchase_order_item": item.number,
                "material": masters.material_id(item.material),
                "description": kind.text,
                "material_group": kind.group,
                "supplier": masters.supplier_id(order.supplier),
                "plant_code": order.plant_code,
                "quantity": item.quantity,
                "unit": kind.unit,
                "price": item.price,
                "price_unit": 1,
                "amount": item.amount,
                "currency": order.currency,
                "order_date": order.placed,
                "delivery_date": item.delivery,
                "delivered": item.delivered,
                "created_at": order.created,
            }


@dataclass(frozen=True)
class _Movement:
    day: date
    type: str
    order: Order
    item: Item
    quantity: Decimal
    cost_center: str | None


def _movements() -> Iterator[_Movement]:
    for order in orders():
        for item in order.received:
            if item.delivery is None:
                continue
            yield _Movement(item.delivery, "101", order, item, item.quantity, None)
            key = int(order.number) * 10 + int(item.number) // 10
            used = item.delivery + timedelta(1 + pick("issue.day", key, 60))
            if used < TODAY and not none_in("issue", key, 3):
                part = min(item.quantity, Decimal(1 + pick("issue.quantity", key, 20)))
                center = masters.COST_CENTERS[pick("issue.center", key, 3)]
                yield _Movement(used, "261", order, item, part, center)


def _movement_rows() -> Iterator[Row]:
    # Documents are numbered as they are posted; an issue never comes before its receipt.
    posted = sorted(_movements(), key=lambda m: (m.day, m.type, m.order.number, m.item.number))
    for n, movement in enumerate(posted):
        receipt = movement.type == "101"
        yield {
            "material_document": f"{5_000_000_001 + n}",
            "material_document_year": movement.day.year,
            "material_document_item": "0001",
            "movement_type": movement.type,
            "material": masters.material_id(movement.item.material),
            "plant_code": movement.order.plant_code,
            "storage_location": "0001",
            "quantity": movement.quantity,
            "unit": masters.material_kind(movement.item.material).unit,
            "purchase_order": movement.order.number if receipt else None,
            "purchase_order_item": movement.item.number if receipt else None,
            "cost_center": movement.cost_center,
            "posting_date": movement.day,
            "created_at": office_time(movement.day, "movement", n),
        }


PURCHASE_ORDER: Final = Entity(
    "purchase_order",
    ("purchase_order",),
    "order_date",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("purchase_order", "supplier", "plant_code")),
            column("company_code", TEXT),
            column("order_date", pa.date32()),
            column("status", TEXT),
            column("amount", MONEY),
            column("currency", TEXT),
            column("created_at", INSTANT),
        ]
    ),
    _order_rows,
)
PURCHASE_ORDER_ITEM: Final = Entity(
    "purchase_order_item",
    ("purchase_order", "purchase_order_item"),
    "order_date",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("purchase_order", "purchase_order_item")),
            *(column(name, TEXT) for name in ("material", "description", "material_group")),
            *(column(name, TEXT) for name in ("supplier", "plant_code")),
            column("quantity", QUANTITY),
            column("unit", TEXT),
            column("price", PRICE),
            column("price_unit", pa.int64()),
            column("amount", MONEY),
            column("currency", TEXT),
            column("order_date", pa.date32()),
            column("delivery_date", pa.date32()),
            column("delivered", pa.bool_()),
            column("created_at", INSTANT),
        ]
    ),
    _item_rows,
)
GOODS_MOVEMENT: Final = Entity(
    "goods_movement",
    ("material_document", "material_document_year", "material_document_item"),
    "posting_date",
    pa.schema(
        [
            column("material_document", TEXT),
            column("material_document_year", pa.int64()),
            *(column(name, TEXT) for name in ("material_document_item", "movement_type")),
            *(column(name, TEXT) for name in ("material", "plant_code", "storage_location")),
            column("quantity", QUANTITY),
            *(column(name, TEXT) for name in ("unit", "purchase_order", "purchase_order_item")),
            column("cost_center", TEXT),
            column("posting_date", pa.date32()),
            column("created_at", INSTANT),
        ]
    ),
    _movement_rows,
)
