"""Any window, in any order and in any pieces, shows the same plant."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.base import Snapshot
from greenlang_data.drivers.mock import NOW
from greenlang_data.drivers.mock.catalogue import TAGS
from greenlang_data.drivers.mock.noise import around, below, pick, seed_of
from tests.drivers.mock.helpers import listed, moment, one, read, rows, series, window

NAMES: list[str] = [row["tag_name"] for row in listed()]
VARIANTS = st.sampled_from([(), ("bad-quality",), ("dst",), ("bad-quality", "dst")])
# Where much happens: clock changes, the shut-down, a turn of the year, both ends, the present.
PLACES = st.sampled_from(
    [
        moment(2024, 3, 31, 1),
        moment(2024, 10, 27, 1),
        moment(2023, 8, 1),
        moment(2023, 8, 8),
        moment(2020, 8, 3),
        moment(2015, 1, 1),
        moment(2036, 1, 1),
        moment(2019, 6, 5, 6, 10),
        NOW,
    ]
)
OFFSETS = st.integers(-3_700_000_000, 3_700_000_000)
MICROSECOND = timedelta(microseconds=1)


def joined(tag: str, edges: list[datetime], variants: tuple[str, ...]) -> pa.Table:
    pieces = list(pairwise(edges))
    # The last piece is asked for first.
    tables = [
        one(window(tag, start, end - start), *variants)
        for start, end in reversed(pieces)
        if end > start
    ]
    return pa.concat_tables(reversed(tables)).combine_chunks()


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(NAMES), PLACES, st.lists(OFFSETS, min_size=3, max_size=5), VARIANTS)
def test_pieces_make_the_whole(
    tag: str, place: datetime, offsets: list[int], variants: tuple[str, ...]
) -> None:
    edges = [place + offset * MICROSECOND for offset in sorted(offsets)]
    if edges[-1] == edges[0]:
        return
    whole = one(window(tag, edges[0], edges[-1] - edges[0]), *variants)
    parts = joined(tag, edges, variants)
    # The dictionaries behind quality and status may differ; what they say may not.
    assert rows(parts) == rows(whole)
    stamps = whole["timestamp"].cast(pa.int64()).to_numpy()
    assert not len(stamps) or (stamps % (TAGS[tag].scan * 10**9) == 0).all()
    assert (np.diff(stamps) >= (0 if "dst" in variants else 1)).all()


def expected(raw: list[dict[str, Any]], aggregation: str) -> tuple[float | None, str, str]:
    good = [Fraction(row["value"]) for row in raw if row["quality"] == "good"]
    if not good:
        return None, "bad", "NoData"
    quality = "good" if len(good) == len(raw) else "uncertain"
    status = raw[0]["status"] if quality == "good" else "UncertainDataSubNormal"
    if aggregation == "count":
        return len(good), quality, status
    if aggregation in {"min", "max"}:
        return float({"min": min, "max": max}[aggregation](good)), quality, status
    # The doubles stand for decimals; sums are those of the decimals.
    total = sum((Fraction(str(float(value))) for value in good), Fraction(0))
    return float(total if aggregation == "sum" else total / len(good)), quality, status


NUMBERS = [name for name in NAMES if not TAGS[name].textual]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(NUMBERS),
    PLACES,
    OFFSETS,
    st.integers(1, 5_000_000_000),
    st.sampled_from([500_000, 1_000_000, 7_300_000, 60_000_000, 900_000_000, 86_400_000_000]),
    st.sampled_from(["avg", "min", "max", "sum", "count"]),
    VARIANTS,
)
def test_aggregates_are_those_of_the_raw_samples(
    tag: str, place: datetime, offset: int, length: int, step: int, how: str,
    variants: tuple[str, ...],
) -> None:  # fmt: skip
    start = min(max(place + offset * MICROSECOND, moment(2015, 1, 1)), moment(2035, 12, 31))
    length = min(length, step * 40)
    asked = window(tag, start, length * MICROSECOND, step / 1_000_000, how)
    raw = rows(one(window(tag, start, length * MICROSECOND), *variants))
    answer = rows(one(asked, *variants))
    first = int(start.timestamp()) * 1_000_000 + start.microsecond
    assert [row["timestamp"].value // 1000 for row in answer] == list(
        range(first, first + length, step)
    )
    bins: dict[int, list[dict[str, Any]]] = {}
    for row in raw:
        bins.setdefault((row["timestamp"].value // 1000 - first) // step, []).append(row)
    for place_in_answer, row in enumerate(answer):
        wanted = expected(bins.get(place_in_answer, []), how)
        assert (row["value"], row["quality"], row["status"]) == wanted


@pytest.mark.parametrize("variants", [(), ("bad-quality",)])
def test_a_snapshot_is_the_raw_sample_of_now(variants: tuple[str, ...]) -> None:
    (snapshot,) = read(Snapshot(tuple(NAMES)), *variants)
    history = series(window(tuple(NAMES), NOW, timedelta(seconds=1)), *variants)
    for row in snapshot.to_pylist():
        (sample,) = rows(history[row["tag_id"]])
        for name in ("timestamp", "value", "text", "quality", "status"):
            assert row[name] == sample[name], row["tag_id"]


def test_batches_are_small_and_chunking_leaves_no_seam() -> None:
    start, length = moment(2024, 10, 26), timedelta(days=3)
    for variants in ((), ("dst",)):
        batches = read(window("Temperature", start, length), *variants)
        assert len(batches) > 1
        assert max(map(len, batches)) <= 100_000
    inside = one(window("Temperature", start + timedelta(hours=13), timedelta(hours=2)))
    whole = one(window("Temperature", start, length))
    assert rows(whole.slice(13 * 3600, 7200)) == rows(inside)


def test_names_of_one_tag_show_the_same() -> None:
    names = ("Temperature", "ns=2;s=Temperature")
    plain, node = series(window(names, NOW, timedelta(minutes=1))).values()
    assert plain.equals(node)


def test_one_picked_number_is_that_of_the_array() -> None:
    keys = np.arange(-50, 50, dtype=np.int64)
    for bound in (1, 7, 10**9):
        picked = [pick("some.name", int(key), bound) for key in keys]
        assert picked == below(seed_of("some.name"), keys, bound).tolist()
    assert set(around(1, keys, 2).tolist()) == {-2, -1, 0, 1, 2}
