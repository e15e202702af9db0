"""Aggregates computed here, against the plainest way to compute them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.intervals import Intervals, NotNumbersError, rows_batch

START, WIDTH = 1_000, 10
GOOD, UNCERTAIN, BAD = 0, 0x40000000, 0x80000000


def columns(samples: list[tuple[int, float, int]], kind: int = 11) -> Columns:
    made = Columns.empty(len(samples))
    made.source = np.array([START + time for time, _, _ in samples], np.int64)
    made.numbers = np.array([value for _, value, _ in samples], np.float64)
    made.codes = np.array([code for _, _, code in samples], np.uint32)
    made.valid[:] = True
    made.kinds[:] = kind
    return made


def computed(
    pages: list[list[tuple[int, float, int]]], count: int, aggregation: str
) -> list[tuple[int, Any, str, str]]:
    intervals = Intervals(START, WIDTH, 0, count, aggregation)
    batches = [
        rows_batch("t", rows, None, intervals.data_type)
        for page in pages
        for rows in intervals.add(columns(page))
    ]
    batches += [rows_batch("t", rows, None, intervals.data_type) for rows in intervals.finish()]
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert [row["timestamp"].value for row in rows] == [START + n * WIDTH for n in range(count)]
    return [(n, row["value"], row["quality"], row["status"]) for n, row in enumerate(rows)]


def plainly(
    samples: list[tuple[int, float, int]], count: int, aggregation: str
) -> list[tuple[int, Any, str, str]]:
    reduces: dict[str, Callable[[list[float]], float]] = {
        "avg": lambda values: math.fsum(values) / len(values),
        "sum": math.fsum,
        "min": min,
        "max": max,
        "count": len,
    }
    reduce = reduces[aggregation]
    rows: list[tuple[int, Any, str, str]] = []
    for n in range(count):
        inside = [one for one in samples if n * WIDTH <= one[0] < n * WIDTH + WIDTH]
        good = [value for _, value, code in inside if code == GOOD]
        if not good:
            rows.append((n, None, "bad", "NoData"))
        elif len(good) < len(inside):
            rows.append((n, float(reduce(good)), "uncertain", "UncertainDataSubNormal"))
        else:
            rows.append((n, float(reduce(good)), "good", "Good"))
    return rows


samples = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.floats(-1e6, 1e6),
        st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, BAD]),
    ),
    max_size=60,
).map(lambda found: sorted(found, key=lambda one: one[0]))


@settings(max_examples=300, deadline=None)
@given(samples, st.lists(st.integers(0, 60), max_size=5), st.integers(10, 13))
@pytest.mark.parametrize("aggregation", ["avg", "min", "max", "sum", "count"])
def test_against_the_plain_way(
    aggregation: str, found: list[tuple[int, float, int]], cuts: list[int], count: int
) -> None:
    edges = [0, *sorted(min(cut, len(found)) for cut in cuts), len(found)]
    pages = [found[low:high] for low, high in pairwise(edges)]
    ours, plain = computed(pages, count, aggregation), plainly(found, count, aggregation)
    for mine, other in zip(ours, plain, strict=True):
        assert mine[2:] == other[2:]
        if other[1] is None:
            assert mine[1] is None
        else:
            assert mine[1] == pytest.approx(other[1], rel=1e-12, abs=1e-9)


def test_long_gaps_come_in_blocks() -> None:
    intervals = Intervals(START, WIDTH, 0, 200_000, "avg")
    sizes = [
        len(rows[0]) for rows in intervals.add(columns([(5, 1.0, GOOD), (1_999_995, 3.0, GOOD)]))
    ]
    sizes += [len(rows[0]) for rows in intervals.finish()]
    assert sum(sizes) == 200_000
    assert max(sizes) <= 50_000


def test_what_is_no_number_is_left_out_or_refused() -> None:
    nan = computed([[(1, math.nan, GOOD), (2, 4.0, GOOD)]], 1, "avg")
    assert nan == [(0, 4.0, "uncertain", "UncertainDataSubNormal")]
    text = columns([(1, 0.0, GOOD)], kind=12)
    text.valid[:] = False
    with pytest.raises(NotNumbersError, match="String"):
        list(Intervals(START, WIDTH, 0, 1, "max").add(text))
    counted = Intervals(START, WIDTH, 0, 1, "count")
    list(counted.add(text))
    (rows,) = counted.finish()
    assert rows[1].tolist() == [1.0]
