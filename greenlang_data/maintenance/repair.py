"""The mean time to repair."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from greenlang_data.errors import QueryError
from greenlang_data.maintenance.orders import (
    IDENTITY,
    begun_in_window,
    checked_failure_types,
    checked_orders,
)

_HOUR_SECONDS: Final = 3600.0


def mean_time_to_repair(
    orders: pd.DataFrame,
    *,
    start: datetime,
    end: datetime,
    failure_types: Collection[str],
) -> pd.DataFrame:
    """Hours per repair and asset, ``sum(actual_finish - actual_start) / repairs`` (EN 15341).

    A repair is an order of one of the ``failure_types`` (values of ``type``, the site's own) with
    ``start <= actual_start < end``, whenever it was finished. One that is not finished, or of which
    the start or the finish is a calendar date only, is counted in ``unknown`` and is in no other
    number: while there are such, the mean is that of the repairs which are known.

    Returns ``site, asset_id, repairs, repair_hours, mttr_hours, unknown``, a row per asset with a
    repair in the window. Without a known repair the mean is null. Raises QueryError for an order
    that was finished before it began.
    """
    types = checked_failure_types(failure_types)
    checked_orders(orders, "type", "actual_start", "actual_finish")
    table = begun_in_window(orders, start, end)
    table = table[table["type"].isin(types).to_numpy()]
    spans = table["actual_finish"] - table["actual_start"]
    hours = spans.dt.total_seconds().to_numpy(float) / _HOUR_SECONDS
    if (hours < 0).any():
        raise QueryError(
            "an order was finished before it began", remedy="Correct it, or leave it out."
        )
    hours = np.where(_are_days(table), np.nan, hours)
    table = table[IDENTITY].assign(repair_hours=hours, unknown=np.isnan(hours))
    found = table.groupby(IDENTITY, as_index=False, observed=True, sort=True).agg(
        repairs=("repair_hours", "count"),
        repair_hours=("repair_hours", "sum"),
        unknown=("unknown", "sum"),
    )
    known = found["repairs"] > 0
    found["mttr_hours"] = (found["repair_hours"] / found["repairs"]).where(known)
    return found[[*IDENTITY, "repairs", "repair_hours", "mttr_hours", "unknown"]]


def _are_days(table: pd.DataFrame) -> np.ndarray:
    """Which orders have a start or a finish without a time of day."""
    found = np.zeros(len(table), bool)
    for name in ("actual_start_is_date", "actual_finish_is_date"):
        if name in table:
            found |= table[name].fillna(False).to_numpy(dtype=bool)
    return found
