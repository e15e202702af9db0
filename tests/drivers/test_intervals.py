"""Aggregates computed here, against the same in plain Python."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.intervals import EVENT_WEIGHTED, EventIntervals, NotNumbersError
from greenlang_data.drivers.schema import (
    QUALITIES,
    TIMESTAMP,
    constant_dictionary,
    quality_array,
    series_batch,
)

WIDTH = 10

Row = tuple[int, float | None, int]  # time, number, quality code

PLAIN: dict[str, Callable[[list[float]], float]] = {
    "avg": lambda values: float(sum(map(Fraction, values)) / len(values)),
    "sum": lambda values: float(sum(map(Fraction, values))),
    "min": min,
    "max": max,
    "count": len,
    "std": lambda values: math.sqrt(statistics.variance(map(Fraction, values))),
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "range": lambda values: max(values) - min(values),
    "delta": lambda values: values[-1] - values[0],
}


def batch_of(rows: list[Row], text: list[str | None] | None = None) -> pa.RecordBatch:
    return series_batch(
        "tag",
        pa.array([row[0] for row in rows], pa.int64()).cast(TIMESTAMP),
        pa.array([row[1] for row in rows], pa.float64()),
        quality_array(np.array([row[2] for row in rows], np.int8)),
        constant_dictionary("x", len(rows)),
        text=None if text is None else pa.array(text, pa.string()),
    )


def aggregated(
    rows: list[Row], cuts: list[int], end: int, aggregation: str
) -> list[dict[str, Any]]:
    intervals = EventIntervals(0, end, WIDTH, aggregation)
    for first, last in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        intervals.add(batch_of(rows[first:last]))
    (batch,) = intervals.batches("tag", "bar", "Float32")
    return list(batch.to_pylist())


values = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
row = st.tuples(st.integers(0, 59), st.none() | values, st.integers(0, 2))


def test_there_is_a_meaning_for_each() -> None:
    assert PLAIN.keys() == EVENT_WEIGHTED


@pytest.mark.parametrize("aggregation", sorted(PLAIN))
@given(rows=st.lists(row, max_size=40), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_the_same_as_plainly_and_however_it_came_in_batches(
    aggregation: str, rows: list[Row], cuts: list[int]
) -> None:
    rows = sorted(rows, key=lambda one: one[0])
    cuts = sorted(min(cut, len(rows)) for cut in cuts)
    found = aggregated(rows, cuts, 57 if not rows or rows[-1][0] < 57 else 60, aggregation)
    assert [one["timestamp"].value for one in found] == [0, 10, 20, 30, 40, 50]
    for number, one in enumerate(found):
        inside = [one for one in rows if one[0] // WIDTH == number]
        used = [value for _, value, code in inside if value is not None and code != 2]
        if len(used) < (2 if aggregation == "std" else 1):
            assert (one["value"], one["quality"], one["status"]) == (None, "bad", "NoData")
            continue
        plain = PLAIN[aggregation](used)
        assert one["value"] == pytest.approx(plain, rel=1e-12, abs=1e-6)
        whole = len(used) == len(inside) and all(code == 0 for _, _, code in inside)
        assert one["quality"] == ("good" if whole else "uncertain")


def test_texts_have_ends_and_a_number_but_no_average() -> None:
    rows: list[Row] = [(0, None, 0), (5, None, 0), (12, 4.0, 0)]
    texts = ["on", "off", None]
    for aggregation, expected in {"first": ["on", None], "last": ["off", None]}.items():
        intervals = EventIntervals(0, 20, WIDTH, aggregation)
        intervals.add(batch_of(rows, texts))
        (batch,) = intervals.batches("tag", None, "Variant")
        assert batch.column("text").to_pylist() == expected
        assert batch.column("value").to_pylist() == [None, 4.0]
        assert set(batch.column("quality").to_pylist()) == {QUALITIES[0]}
    intervals = EventIntervals(0, 20, WIDTH, "avg")
    with pytest.raises(NotNumbersError):
        intervals.add(batch_of(rows, texts))


def test_a_long_sum_is_right_to_the_last_digit() -> None:
    rows: list[Row] = [(0, 1e16, 0), *[(1, 1.0, 0)] * 1000, (2, -1e16, 0)]
    assert aggregated(rows, [], 10, "sum")[0]["value"] == 1000.0
