"""Values as literals of both versions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from greenlang_data.drivers.odata.conditions import changed_since
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.literals import literal, typed

GUID = "0F8FAD5B-D9CB-469F-A165-70867728950E"
EAST = timezone(timedelta(hours=1))


def of(kind: str, **facets: Any) -> Property:
    return Property("X", kind if "." in kind else f"Edm.{kind}", **facets)


@pytest.mark.parametrize(
    ("column", "value", "v2", "v4"),
    [
        (of("String"), "O'Hare", "'O''Hare'", "'O''Hare'"),
        (of("String"), "000123", "'000123'", "'000123'"),
        (of("String"), None, "null", "null"),
        (of("Boolean"), True, "true", "true"),
        (of("Int32"), -5, "-5", "-5"),
        (of("Int64"), 2**60, f"{2**60}L", f"{2**60}"),
        (of("Decimal"), Decimal("9.50"), "9.50M", "9.50"),
        (of("Decimal"), Decimal("1E+5"), "100000M", "100000"),
        (of("Decimal"), "1e-7", "0.0000001M", "0.0000001"),
        (of("Double"), 1.5, "1.5d", "1.5"),
        (of("Guid"), GUID, f"guid'{GUID.lower()}'", GUID.lower()),
        (of("Date"), date(2024, 1, 31), "datetime'2024-01-31T00:00:00'", "2024-01-31"),
        (of("DateTime", date_only=True), "2024-01-31", "datetime'2024-01-31T00:00:00'", None),
        (of("DateTime"), datetime(2024, 1, 31, 5), "datetime'2024-01-31T05:00:00'", None),
        (
            of("DateTimeOffset"),
            datetime(2024, 1, 31, 1, tzinfo=EAST),
            "datetimeoffset'2024-01-31T00:00:00Z'",
            "2024-01-31T00:00:00Z",
        ),
        (of("Time"), time(13, 20), "time'PT13H20M00S'", None),
        (of("TimeOfDay"), time(13, 20, 0, 500_000), "time'PT13H20M00.5S'", "13:20:00.500000"),
        (of("NS.NoYes", members=("No", "Yes")), "Yes", "NS.NoYes'Yes'", "NS.NoYes'Yes'"),
    ],
)
def test_a_value_as_either_version_writes_it(
    column: Property, value: Any, v2: str, v4: str | None
) -> None:
    checked = typed(column, value)
    assert literal(column, checked, 2) == v2
    if v4 is not None:
        assert literal(column, checked, 4) == v4


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (of("String"), 1000),
        (of("Boolean"), "X"),
        (of("Int32"), "5"),
        (of("Int32"), True),
        (of("Decimal"), "many"),
        (of("Decimal"), float("nan")),
        (of("Double"), "1.5"),
        (of("Guid"), "123"),
        (of("Date"), datetime(2024, 1, 31, tzinfo=UTC)),
        (of("Date"), "31.01.2024"),
        (of("DateTimeOffset"), datetime(2024, 1, 31)),
        (of("DateTime"), datetime(2024, 1, 31, tzinfo=UTC)),
        (of("Time"), "noon"),
        (of("NS.NoYes", members=("No", "Yes")), "Maybe"),
        (of("Binary"), b"x"),
        (of("NS.Address"), "x"),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_guessed(column: Property, value: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        typed(column, value)


def test_what_was_changed_at_no_time_that_is_told_is_kept_where_it_is_filtered_here() -> None:
    column = Property("T", "Edm.DateTimeOffset", filterable=False)
    times = [datetime(2025, 1, day, tzinfo=UTC) if day else None for day in (1, 0, 3)]
    since = changed_since("changed_at", column, datetime(2025, 1, 2, tzinfo=UTC))
    mask = since.mask(pa.array(times, pa.timestamp("us", tz="UTC")))
    assert mask.to_pylist() == [False, True, True]
