"""Percent monitor data availability: 40 CFR 75.32, equations 8 and 9."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from greenlang_data.emissions.arrays import Floats, Values, evaluate
from greenlang_data.errors import QueryError

OPERATING_HOURS: Final = 8760
CLOCK_HOURS: Final = 26280
"""Three years of clock hours, the longest that any look-back reaches."""


def monitor_availability(
    operating: Any,
    quality_assured: Any,
    *,
    since_certification: bool,
    decimals: int | None = 1,
) -> Values:
    """Percent availability of every operating hour, null for the others.

    ``operating`` and ``quality_assured`` are booleans, one per clock hour without a gap, in
    order; an hour counts as quality assured only when the unit operated.

    Before 8,760 operating hours, equation 8: ``100 * quality-assured hours / operating hours``
    since certification; afterwards equation 9, the same over the last 8,760 operating hours, and
    never more than the last 26,280 clock hours. The hour itself counts. Where the rows do not
    begin at certification (``since_certification=False``), it is null until they reach far
    enough back.

    >>> monitor_availability([1, 1, 0, 1], [1, 0, 0, 1], since_certification=True).tolist()
    [100.0, 50.0, nan, 66.7]
    """
    runs = _flags("operating", operating)
    good = _flags("quality_assured", quality_assured)
    if runs.shape != good.shape:
        raise QueryError("operating and quality_assured differ in length")
    start = _window_starts(runs)
    hours = _count(runs, start)
    assured = _count(runs & good, start)
    known = runs
    if not since_certification:
        far = (hours >= OPERATING_HOURS) | (np.arange(len(runs)) + 1 >= CLOCK_HOURS)
        known = runs & far
    return evaluate(
        lambda q, n: (100 * q, n),
        assured,
        np.where(known, hours, np.nan),
        decimals=decimals,
    )


def _window_starts(runs: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The first row that counts for each row."""
    rows = np.arange(len(runs))
    places = np.flatnonzero(runs)
    before = np.cumsum(runs) - OPERATING_HOURS
    oldest = np.zeros(len(runs), np.int64)
    if len(places):
        oldest = np.where(before > 0, places[np.clip(before, 0, len(places) - 1)], 0)
    return np.maximum(oldest, np.maximum(rows - CLOCK_HOURS + 1, 0))


def _count(flags: npt.NDArray[np.bool_], start: npt.NDArray[np.int64]) -> Floats:
    total = np.concatenate([[0], np.cumsum(flags)])
    return np.asarray(total[1:] - total[start], np.float64)


def _flags(name: str, values: Any) -> npt.NDArray[np.bool_]:
    column = pd.Series(values, dtype=object)
    if not column.isin([True, False]).all():
        raise QueryError(
            f"{name} has values that are neither true nor false",
            remedy="Whether the unit operated must be known for every hour.",
        )
    return column.to_numpy(dtype=bool)
