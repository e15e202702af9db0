"""Which records of a window are not there, against looking for each of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.absent import absent

SECOND = 1_000_000_000


@given(
    st.sets(st.integers(-50, 400)),
    st.integers(0, 100),
    st.integers(0, 200),
    st.integers(1, 7),
    st.integers(-20, 20),
)
def test_the_missing_are_counted_and_the_first_is_named(
    there: set[int], begin: int, length: int, period: int, phase: int
) -> None:
    due = [one for one in range(begin, begin + length) if (one - phase) % period == 0]
    half = period * SECOND // 2

    def is_there(one: int) -> bool:
        return any(-half <= (other - one) * SECOND < period * SECOND - half for other in there)

    missing = [one for one in due if not is_there(one)]
    moments = np.array(sorted(there), np.int64) * SECOND
    told = absent(
        moments, begin * SECOND, (begin + length) * SECOND, period * SECOND, phase * SECOND
    )
    if not missing:
        assert told == ""
    else:
        first = np.datetime64(missing[0], "s")
        assert told == f"{len(missing)} of {len(due)} records (the first of {first}Z)"
