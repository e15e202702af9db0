"""Samples that were read one by one, put where they belong among those that were read as columns.

``after`` tells for each how many of the columns' samples come before it, in order.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def insert_values(values: np.ndarray, after: np.ndarray, others: pa.Array) -> pa.Array:
    """Numbers among which there may be nulls."""
    whole = np.insert(values, after, np.asarray(others.fill_null(0.0)))
    if not others.null_count:
        return pa.array(whole)
    missing = np.insert(np.zeros(len(values), bool), after, np.asarray(others.is_null()))
    return pa.array(whole, mask=missing)


def insert_texts(rows: int, after: np.ndarray, others: pa.Array | None) -> pa.Array | None:
    """Texts, of which the columns' samples have none."""
    if others is None:
        return None
    which = np.insert(np.full(rows, -1), after, np.arange(len(others)))
    return others.take(pa.array(which, mask=which < 0))
