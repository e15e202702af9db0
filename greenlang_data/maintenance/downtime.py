"""Downtime of assets, and the mean time between their failures."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import numpy as np
import pandas as pd

from greenlang_data.emissions.arrays import floats_of
from greenlang_data.errors import QueryError
from greenlang_data.maintenance.orders import (
    IDENTITY,
    begun_in_window,
    checked_failure_types,
    checked_orders,
    checked_window,
)


def downtime(orders: pd.DataFrame, *, start: datetime, end: datetime) -> pd.DataFrame:
    """Hours of downtime per asset, ``sum(downtime_hours)`` of the orders that began in the window.

    An order belongs to the window when ``start <= actual_start < end``. The downtime is what the
    system recorded: Maximo's ``totdowntime``, SAP PM's ``MaintObjectDowntimeDuration``, Infor's
    ``DOWNTIMEHOURS``, in hours.

    Returns ``site, asset_id, downtime_hours, orders, unknown``; ``unknown`` counts orders without
    a downtime, and then the sum is null, for the asset may have stood longer; where your system
    leaves the downtime empty when there was none, fill it with 0 first. Orders that have not
    begun, or name no asset, are not in it.
    """
    table = begun_in_window(checked_orders(orders, "actual_start", "downtime_hours"), start, end)
    hours = floats_of(table["downtime_hours"])
    if (hours < 0).any():
        raise QueryError("a downtime is below zero")
    table = table[IDENTITY].assign(downtime_hours=hours, unknown=np.isnan(hours))
    sums = table.groupby(IDENTITY, as_index=False, observed=True, sort=True).agg(
        downtime_hours=("downtime_hours", "sum"),
        orders=("unknown", "size"),
        unknown=("unknown", "sum"),
    )
    sums["downtime_hours"] = sums["downtime_hours"].where(sums["unknown"] == 0)
    return sums


def mean_time_between_failures(
    orders: pd.DataFrame,
    *,
    start: datetime,
    end: datetime,
    failure_types: Collection[str],
) -> pd.DataFrame:
    """Hours between failures per asset, ``(window - downtime) / failures`` (EN 15341, ISO 14224).

    A failure is an order of one of the ``failure_types`` (values of ``type``, the site's own: no
    default is right everywhere) with ``start <= actual_start < end``; the downtime is that of all
    orders of the window, planned ones too, so that only time in operation counts.

    Returns ``site, asset_id, failures, operating_hours, mtbf_hours``, a row per asset with an
    order in the window. Without a failure the mean is null and not infinite; with an unknown
    downtime, both are null. Raises QueryError when the downtime is longer than the window.
    """
    first, last = checked_window(start, end)
    types = checked_failure_types(failure_types)
    checked_orders(orders, "type", "actual_start", "downtime_hours")
    sums = downtime(orders, start=start, end=end)
    length = (last - first) / pd.Timedelta(hours=1)
    if (sums["downtime_hours"] > length).any():
        raise QueryError(
            "the recorded downtime is longer than the window",
            remedy="Look for orders that count the same downtime twice, or a wrong unit.",
        )
    failed = begun_in_window(orders, start, end)
    failed = failed[failed["type"].isin(types).to_numpy()]
    counts = failed.groupby(IDENTITY, observed=True).size()
    keys = pd.MultiIndex.from_frame(sums[IDENTITY])
    sums["failures"] = counts.reindex(keys, fill_value=0).to_numpy()
    sums["operating_hours"] = length - sums["downtime_hours"]
    sums["mtbf_hours"] = (sums["operating_hours"] / sums["failures"]).where(sums["failures"] > 0)
    return sums[[*IDENTITY, "failures", "operating_hours", "mtbf_hours"]]
