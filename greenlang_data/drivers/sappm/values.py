"""Single values as SAP writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def without_zeros(number: str | None) -> str | None:
    """A number as SAP shows it: internally it has leading zeros.

    >>> without_zeros("000000000217100002"), without_zeros("0A1"), without_zeros("000")
    ('217100002', '0A1', '0')
    """
    return (number.lstrip("0") or "0") if number and number.isdigit() else number


def exact(value: Any) -> Decimal | None:
    """A number without loss, None for empty text; a binary one is the shortest decimal that stands for it.

    >>> exact(0.1), exact("1.728E5")
    (Decimal('0.1'), Decimal('1.728E+5'))
    """
    if value is None or value == "":
        return None
    return Decimal(repr(value) if isinstance(value, float) else value)
