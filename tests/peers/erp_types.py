"""A table with one column of each EDM type: the extremes, nothing at all, and ordinary values."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal

from .erp_rows import Row, day, mixed, moment, scaled

EXTREME_ROWS = 3

# sqlite writes 15 digits of a binary number, so no value here has more of them.
_LARGEST: Row = {
    "Text": "Ä€𝄞\t\"quoted\" 'single' \\ </script>",
    "LongText": "line 1\nline 2\r\n" + "x" * 5_000,
    "Flag": True,
    "Byte": 255,
    "Int16": 2**15 - 1,
    "Int32": 2**31 - 1,
    "Int64": 2**53 - 1,
    "Amount": Decimal("9999999999999.99"),
    "Quantity": Decimal("9999999999.999"),
    "FloatingPoint": 1.25e300,
    "Day": date(9999, 12, 31),
    "TimeOfDay": time(23, 59, 59),
    "Moment": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    "ExactMoment": datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    "Reference": uuid.UUID(int=2**128 - 1),
    "Octets": bytes(range(236, 256)),
}
_SMALLEST: Row = {
    "Text": "",
    "LongText": "",
    "Flag": False,
    "Byte": 0,
    "Int16": -(2**15),
    "Int32": -(2**31),
    "Int64": -(2**53) + 1,
    "Amount": Decimal("-9999999999999.99"),
    "Quantity": Decimal("0.001"),
    "FloatingPoint": -2.5e-300,
    "Day": date(1, 1, 1),
    "TimeOfDay": time(0, 0, 0),
    "Moment": datetime(1, 1, 1, tzinfo=UTC),
    "ExactMoment": datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    "Reference": uuid.UUID(int=0),
    "Octets": b"",
}
_NOTHING: Row = dict.fromkeys(_LARGEST)


def every_type(index: int) -> Row:
    """Row 0 has the largest values, row 1 the smallest, row 2 none but its key and number."""
    head: Row = {"ID": uuid.UUID(int=mixed(index, 1) << 64 | index), "Number": index}
    if index < EXTREME_ROWS:
        return head | (_LARGEST, _SMALLEST, _NOTHING)[index]
    return head | {
        "Text": f"{index:010d}",
        "LongText": f"Text {index}",
        "Flag": index % 2 == 0,
        "Byte": index % 256,
        "Int16": index % 2**15 - 2**14,
        "Int32": mixed(index, 2) % 2**32 - 2**31,
        "Int64": mixed(index, 3) % 2**53 - 2**52,
        "Amount": scaled(mixed(index, 4) % 10**13 - 10**12, 2),
        "Quantity": scaled(mixed(index, 5) % 10**12, 3),
        "FloatingPoint": (mixed(index, 6) % 10**10 - 10**9) / 8,
        "Day": day(index),
        "TimeOfDay": time(index % 24, index % 60, index % 59),
        "Moment": moment(index).replace(microsecond=0),
        "ExactMoment": moment(index),
        "Reference": uuid.UUID(int=mixed(index, 7) << 64 | mixed(index, 8)),
        "Octets": mixed(index, 9).to_bytes(8, "big"),
    }
