"""Rows from what is heard: none lost, none made up, none twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.schema import SNAPSHOT
from greenlang_data.errors import ProtocolError
from greenlang_data.frames.series import gather_series
from greenlang_data.frames.watched import GAP, SAMPLES, Samples, series_of_samples

TAGS = ("a", "b", "c")
ARRIVED = 10**18


def row(tag: str, second: int | None, value: float | None = 1.0, **more: Any) -> dict[str, Any]:
    moment = None if second is None else datetime.fromtimestamp(second, UTC)
    usual = {"quality": "good", "status": "Good", "unit": "bar", "data_type": "Double"}
    return {"tag_id": tag, "tag_name": tag, "value": value, "timestamp": moment, **usual, **more}


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=SNAPSHOT)


def heard(samples: Samples, *rows: dict[str, Any], arrived: int = ARRIVED) -> list[tuple[Any, ...]]:
    added = samples.add(batch(*rows), arrived)
    assert added.schema == SAMPLES
    return [
        (one["tag"], one["timestamp"].value // 10**9, one["value"], one["status"])
        for one in added.to_pylist()
    ]


ROWS = st.lists(
    st.tuples(st.sampled_from(TAGS), st.integers(0, 4), st.sampled_from([None, 0.0, 1.5])),
    max_size=12,
)


@settings(deadline=None)
@given(st.lists(ROWS, max_size=6))
def test_only_repeats_are_left_out(batches: list[list[tuple[str, int, float | None]]]) -> None:
    samples = Samples(TAGS, "plant")
    expected: list[tuple[str, int, float | None, str]] = []
    last: dict[str, tuple[int, float | None]] = {}
    found: list[tuple[Any, ...]] = []
    for rows in batches:
        found += heard(samples, *(row(*one) for one in rows))
        for tag, second, value in rows:
            if last.get(tag) != (second, value):
                expected.append((tag, second, value, "Good"))
            last[tag] = (second, value)
    assert found == expected
    assert samples.repeated == sum(map(len, batches)) - len(expected)


def test_what_differs_in_anything_is_no_repeat() -> None:
    samples = Samples(TAGS, "plant")
    heard(samples, row("a", 1, None, text="on"))
    assert heard(samples, row("a", 1, None, text="on")) == []
    assert len(heard(samples, row("a", 1, None, text="off"))) == 1
    assert len(heard(samples, row("a", 1, None, text="off", status="Other"))) == 1
    assert len(heard(samples, row("a", 1, None, quality="uncertain", status="Other"))) == 1
    assert len(heard(samples, row("a", 1, 0.0, quality="uncertain", status="Other"))) == 1


def test_rows_without_a_time_stamp_have_that_of_their_arrival() -> None:
    samples = Samples(TAGS, "plant")
    assert heard(samples, row("a", None), row("a", None)) == [("a", 10**9, 1.0, "Good")] * 2


def test_a_gap_marks_every_tag_and_what_holds_after_it() -> None:
    samples = Samples(TAGS, "plant")
    heard(samples, row("a", 1), row("b", 10**9 + 5))
    gap = samples.gap(ARRIVED).to_pylist()
    assert [one["tag"] for one in gap] == list(TAGS)
    assert {(one["value"], one["text"], one["quality"], one["status"]) for one in gap} == {
        (None, None, "bad", GAP)
    }
    assert [one["unit"] for one in gap] == ["bar", "bar", None]
    # Never before the last sample, even if the source's clock is fast.
    assert [one["timestamp"].value for one in gap] == [ARRIVED, ARRIVED + 5 * 10**9 + 1, ARRIVED]
    later = ARRIVED + 60 * 10**9
    assert heard(samples, row("a", 1), arrived=later) == [("a", 10**9 + 60, 1.0, "Good")]
    assert heard(samples, row("a", 1), arrived=later) == []
    # A value that changed meanwhile keeps the source's own time stamp.
    assert heard(samples, row("b", 10**9 + 9), arrived=later) == [("b", 10**9 + 9, 1.0, "Good")]


def test_after_a_failure_what_holds_is_told_again() -> None:
    samples = Samples(TAGS, "plant")
    heard(samples, row("a", 1))
    heard(samples, row("a", None, None, quality="bad", status="Gone", failure="no route"))
    assert samples.failures == {"a": "no route"}
    assert samples.read.tolist() == [True, False, False]
    assert heard(samples, row("a", 1)) == [("a", 10**9, 1.0, "Good")]


def test_bad_values_and_foreign_tags() -> None:
    samples = Samples(TAGS, "plant")
    assert heard(samples, row("a", 1, 99.0, quality="bad", status="Bad")) == [("a", 1, None, "Bad")]
    with pytest.raises(ProtocolError, match="never asked for"):
        heard(samples, row("d", 1))


def test_series_are_sorted_and_change_of_unit_or_type_is_told() -> None:
    samples = Samples(TAGS, "plant")
    batches = [
        samples.add(batch(row("b", 5, 1.0), row("a", 3, 3.0), row("a", 1, 1.0)), ARRIVED),
        samples.add(batch(row("a", 2, 0.5, data_type="Boolean"), row("b", 6, unit="Pa")), ARRIVED),
    ]
    made, notes = series_of_samples(TAGS, batches, {"c": "not there"})
    a, b, c = gather_series(made)
    assert a.column("value").to_pylist() == [1.0, 0.5, 3.0]
    assert (a.unit, a.data_type) == ("bar", "")  # or 0.5 would become True
    assert (b.unit, b.data_type) == (None, "Double")
    assert (c.rows, c.failure) == (0, "not there")
    assert notes == [
        "the data type of a changed: Double, Boolean",
        "the unit of b changed: bar, Pa",
    ]
