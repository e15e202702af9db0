"""Values of numpy and pandas in a filter: as Python's own, or told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import greenlang_data as gd

DAY = datetime(2024, 2, 29)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ([np.int64(2**53 + 1), np.uint8(5)], [2**53 + 1, 5]),
        ([np.str_("007"), "008"], ["007", "008"]),
        ([np.bool_(True)], [True]),
        ([np.float64(0.5)], [0.5]),
        ([np.datetime64("2024-02-29")], [date(2024, 2, 29)]),
        ([np.datetime64("2024-02-29", "ns"), np.datetime64("2024-02-29", "s")], [DAY, DAY]),
        (np.array(["2024-02-29"], "M8[ns]"), [DAY]),
        ([pd.Timestamp("2024-02-29", tz="UTC")], [DAY.replace(tzinfo=UTC)]),
        (pd.Timestamp("2024-02-29"), DAY),
        (np.str_("007"), "007"),
        (np.array("007"), "007"),
        (pd.Series([1, 2], dtype="Int64"), [1, 2]),
        (pd.Index(["a"]), ["a"]),
        (pa.array([Decimal("1.10"), None]), [Decimal("1.10"), None]),
        (("a", None), ["a", None]),
        ("a", "a"),
        (5, 5),
    ],
)
def test_values_are_pythons_own(given: Any, plain: Any) -> None:
    found = gd.ERPQuery(entity_type="material", filters={"x": given}).filters["x"]
    assert found == plain
    for one in found if isinstance(found, list) else [found]:
        assert type(one).__module__ in ("builtins", "datetime", "decimal")


@pytest.mark.parametrize(
    "missing",
    [pd.NA, pd.NaT, float("nan"), np.float64("nan"), np.datetime64("NaT"), np.datetime64("NaT", "ns")],
    ids=repr,
)  # fmt: skip
def test_a_missing_value_is_told(missing: Any) -> None:
    with gd.Session(mock=True) as s:
        for given in (missing, ["M-1", missing], np.array(["M-1", missing], object)):
            with pytest.raises(gd.QueryError, match="'material' is to be compared with a missing"):
                s.erp("material", filters={"material": given})


def test_a_time_finer_than_a_query_carries_is_told() -> None:
    with gd.Session(mock=True) as s, pytest.raises(gd.QueryError, match="in whole microseconds"):
        s.erp("material", filters={"created_at": [np.datetime64("2024-02-29T00:00:00.000000001")]})


def test_records_are_found_by_numpys_numbers_and_texts() -> None:
    with gd.Session(mock=True) as s:
        items = s.erp("purchase_order_item", limit=None)
        number = next(n for n in items.columns if items[n].dtype.kind in "iu")
        for column in ("purchase_order", number):
            wanted = items[column].to_numpy()[0]
            plain = wanted.item() if hasattr(wanted, "item") else wanted
            scalar = np.str_(plain) if isinstance(plain, str) else np.int64(plain)
            found = s.erp("purchase_order_item", filters={column: [scalar]}, limit=None)
            same = s.erp("purchase_order_item", filters={column: [plain]}, limit=None)
            assert len(found) == (items[column] == plain).sum() > 0
            assert found.equals(same)
            one, other = (each.attrs["provenance"]["query_hash"] for each in (found, same))
            assert one == other
