"""Percentiles of the missing data rules: 40 CFR 72.2."""

from __future__ import annotations

import numpy as np

from greenlang_data.emissions.arrays import Floats
from greenlang_data.errors import QueryError


def percentile(values: Floats, percent: int) -> float:
    """The smallest value with at least ``percent`` % of the values at or below it.

    It is one of the values and never interpolated; nulls do not count. NaN when there are none.
    Raises QueryError unless ``percent`` is a whole number from 1 to 100.

    >>> percentile(np.arange(1.0, 11.0), 90), percentile(np.arange(1.0, 12.0), 90)
    (9.0, 10.0)
    """
    if not 1 <= percent <= 100 or percent != int(percent):
        raise QueryError(f"a percentile of {percent} is not a whole number from 1 to 100")
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan")
    rank = -(-len(known) * int(percent) // 100)  # rounded up in whole numbers
    return float(np.partition(known, rank - 1)[rank - 1])
