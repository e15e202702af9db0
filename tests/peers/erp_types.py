"""A table with one column of each EDM type: the extremes, nothing at all, and ordinary values."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from .erp_rows import Row, day, mixed, moment, scaled
from .odata_types import Moment

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


_EXACT: tuple[Row, ...] = (
    {
        "FloatingPoint": 1.7976931348623157e308,
        "Int64": 2**63 - 1,
        "BigAmount": Decimal("12345678901234567.12345678901234"),
        "Signed": 127,
        "Precise": Moment(datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC), 9),
    },
    {
        "FloatingPoint": -5e-324,
        "Int64": -(2**63),
        "BigAmount": Decimal("-0.00000000000001"),
        "Signed": -128,
        "Precise": Moment(datetime(1900, 1, 1, tzinfo=UTC), 1),
    },
    dict.fromkeys(("FloatingPoint", "Int64", "BigAmount", "Signed", "Precise")),
)


def exact_type(index: int) -> Row:
    """As ``every_type``, with the values that binary numbers and milliseconds cannot hold."""
    row = every_type(index)
    if index < EXTREME_ROWS:
        return row | _EXACT[index]
    return row | {
        "FloatingPoint": (mixed(index, 6) % 2**53 - 2**52) / 1024,
        "Int64": mixed(index, 3) - 2**63,
        "BigAmount": scaled(mixed(index, 10) * 10**9 + mixed(index, 11) % 10**9, 14),
        "Signed": index % 256 - 128,
        "Precise": Moment(moment(index) + timedelta(microseconds=index % 1000), index % 10),
    }
