"""Supplier invoices for orders and utilities, and the ledger lines they make."""

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
    TEXT,
    TODAY,
    cents,
    none_in,
    office_time,
)
from greenlang_data.drivers.mock.entities.purchasing import orders
from greenlang_data.drivers.mock.entities.utilities import Bill, bills
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import INSTANT, Entity, Row, column

VAT: Final = Decimal("0.19")
"""Value added tax on supplies from within Germany (UStG section 12); others: reverse charge."""

GOODS_ACCOUNT: Final = "0000191100"
ENERGY_ACCOUNT: Final = "0000615000"
TAX_ACCOUNT: Final = "0000154000"
PAYABLE_ACCOUNT: Final = "0000160000"


@dataclass(frozen=True)
class Invoice:
    """A supplier's invoice; ``net`` is the sum of what was received."""

    number: str
    key: int
    supplier: int
    order: str | None
    bill: str | None
    posted: date
    created: datetime
    net: Decimal

    @property
    def tax(self) -> Decimal:
        """Value added tax on ``net``."""
        domestic = masters.supplier_home(self.supplier)[0] == "DE"
        return cents(self.net * VAT) if domestic else Decimal("0.00")

    @property
    def currency(self) -> str:
        """The supplier's."""
        return masters.supplier_home(self.supplier)[2]

    @property
    def due(self) -> date:
        """The last day to pay."""
        return self.posted + timedelta(masters.payment_days(self.supplier))


@cache
def invoices() -> tuple[Invoice, ...]:
    """All invoices, numbered as they were posted."""
    drafts: list[tuple[date, str, int, str | None, str | None, Decimal]] = []
    for n, order in enumerate(orders()):
        arrived = [item.delivery for item in order.received if item.delivery is not None]
        if not arrived:
            continue
        posted = max(arrived) + timedelta(2 + pick("invoice.posted", n, 8))
        if posted < TODAY:
            net = sum((item.amount for item in order.received), Decimal(0))
            drafts.append((posted, order.number, order.supplier, order.number, None, net))
    for bill in bills():
        supplier = bill.utility.supplier
        drafts.append((bill.posted, bill.number, supplier, None, bill.number, bill.amount))
    drafts.sort(key=lambda draft: draft[:2])
    return tuple(
        Invoice(
            f"{5_105_600_001 + n}", n, supplier, order_number, bill_number, posted,
            office_time(posted, "invoice", n), net,
        )
        for n, (posted, _, supplier, order_number, bill_number, net) in enumerate(drafts)
    )  # fmt: skip


@cache
def _invoice_numbers() -> dict[str, str]:
    return {invoice.bill: invoice.number for invoice in invoices() if invoice.bill is not None}


def invoice_of_bill(bill: Bill) -> str:
    """The number of the invoice that a utility bill came with."""
    return _invoice_numbers()[bill.number]


def _invoice_rows() -> Iterator[Row]:
    for invoice in invoices():
        paid = invoice.due - timedelta(pick("invoice.paid", invoice.key, 6))
        done = paid <= TODAY and not none_in("invoice.paid", invoice.key, 30)
        yield {
            "supplier_invoice": invoice.number,
            "fiscal_year": invoice.posted.year,
            "supplier": masters.supplier_id(invoice.supplier),
            "purchase_order": invoice.order,
            "company_code": COMPANY,
            "document_date": invoice.posted - timedelta(1),
            "posting_date": invoice.posted,
            "due_date": invoice.due,
            "paid_date": paid if done else None,
            "status": "paid" if done else "open",
            "amount": invoice.net,
            "tax_amount": invoice.tax,
            "currency": invoice.currency,
            "created_at": invoice.created,
        }


def _ledger_rows() -> Iterator[Row]:
    for invoice in invoices():
        account = GOODS_ACCOUNT if invoice.order else ENERGY_ACCOUNT
        center = None if invoice.order else masters.COST_CENTERS[0]
        lines = [(account, center, invoice.net), (TAX_ACCOUNT, None, invoice.tax)]
        lines.append((PAYABLE_ACCOUNT, None, -(invoice.net + invoice.tax)))
        for number, (gl_account, cost_center, amount) in enumerate(lines, start=1):
            yield {
                "journal_entry": f"{5_100_000_001 + invoice.key}",
                "journal_entry_item": number,
                "fiscal_year": invoice.posted.year,
                "company_code": COMPANY,
                "gl_account": gl_account,
                "cost_center": cost_center,
                "supplier": masters.supplier_id(invoice.supplier),
                "supplier_invoice": invoice.number,
                "amount": amount,
                "currency": invoice.currency,
                "debit_credit": "H" if amount < 0 else "S",
                "posting_date": invoice.posted,
                "created_at": invoice.created,
            }


SUPPLIER_INVOICE: Final = Entity(
    "supplier_invoice",
    ("supplier_invoice", "fiscal_year"),
    "posting_date",
    pa.schema(
        [
            column("supplier_invoice", TEXT),
            column("fiscal_year", pa.int64()),
            *(column(name, TEXT) for name in ("supplier", "purchase_order", "company_code")),
            *(column(name, pa.date32()) for name in ("document_date", "posting_date")),
            *(column(name, pa.date32()) for name in ("due_date", "paid_date")),
            column("status", TEXT),
            column("amount", MONEY),
            column("tax_amount", MONEY),
            column("currency", TEXT),
            column("created_at", INSTANT),
        ]
    ),
    _invoice_rows,
)
GL_ENTRY: Final = Entity(
    "gl_entry",
    ("journal_entry", "journal_entry_item"),
    "posting_date",
    pa.schema(
        [
            column("journal_entry", TEXT),
            column("journal_entry_item", pa.int64()),
            column("fiscal_year", pa.int64()),
            *(column(name, TEXT) for name in ("company_code", "gl_account", "cost_center")),
            *(column(name, TEXT) for name in ("supplier", "supplier_invoice")),
            column("amount", MONEY),
            *(column(name, TEXT) for name in ("currency", "debit_credit")),
            column("posting_date", pa.date32()),
            column("created_at", INSTANT),
        ]
    ),
    _ledger_rows,
)
