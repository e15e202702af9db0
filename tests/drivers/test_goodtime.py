"""The share of good time, beside adding it up second by second."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.goodtime import GoodTime
from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    TIMESTAMP,
    UNCERTAIN,
    quality_array,
    series_batch,
)

START = 1_000_000


@given(
    samples=st.lists(st.tuples(st.integers(0, 99), st.sampled_from([GOOD, UNCERTAIN, BAD]))),
    width=st.integers(1, 120),
    good_before=st.booleans(),
    cut=st.integers(0, 20),
)
def test_each_second_is_as_good_as_its_newest_sample(
    samples: list[tuple[int, int]], width: int, good_before: bool, cut: int
) -> None:
    samples.sort(key=lambda one: one[0])
    share = GoodTime(START, START + 100, width, good_before=good_before)
    for part in (samples[:cut], samples[cut:]):
        times = pa.array([START + time for time, _ in part], pa.int64()).cast(TIMESTAMP)
        nothing = pa.nulls(len(part), pa.float64())
        quality = quality_array(np.array([one for _, one in part], np.int8))
        status = pa.nulls(len(part), pa.string()).dictionary_encode()
        share.add(series_batch("tag", times, nothing, quality, status))
    (batch,) = share.batches("tag")
    good = [
        ([good_before] + [one != BAD for time, one in samples if time <= second])[-1]
        for second in range(100)
    ]
    parts = [good[first : first + width] for first in range(0, 100, width)]
    expected = [100 * sum(part) / len(part) for part in parts]
    assert np.allclose(batch.column("value").to_pylist(), expected)
    starts = np.asarray(batch.column("timestamp").cast(pa.int64())) - START
    assert starts.tolist() == list(range(0, 100, width))
