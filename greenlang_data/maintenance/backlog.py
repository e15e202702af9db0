"""Backlog: work that is still to be done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from greenlang_data.errors import QueryError
from greenlang_data.maintenance.orders import DONE_STATUS, OPEN_STATUS, checked_orders

_DAY_SECONDS = 86400.0


def backlog(
    orders: pd.DataFrame,
    *,
    at: datetime,
    open_status: Collection[str] = OPEN_STATUS,
    done_status: Collection[str] = DONE_STATUS,
) -> pd.DataFrame:
    """Open work orders per site at ``at``, the moment the orders were read.

    ``open`` counts orders whose status is one of ``open_status`` and that were created by ``at``;
    ``overdue`` those of them with ``due_at < at``; ``oldest_days`` is ``at - created_at`` of the
    oldest. ``unknown`` counts orders whose status is neither open nor done, or that are open with
    an unknown date of creation: they may be backlog, and are in none of the other numbers.

    The frame shows what the status is now and not what it was, so an ``at`` in the past counts
    too little; the canonical frame has no planned hours, so the backlog is not in weeks of labor.

    Returns ``site, open, overdue, oldest_days, unknown``.
    """
    moment = pd.Timestamp(at)
    if moment.tzinfo is None:
        raise QueryError("at has no time zone", remedy="Give one.")
    both = sorted(set(open_status) & set(done_status))
    if both:
        raise QueryError(f"{', '.join(both)} cannot be both open and done")
    checked_orders(orders, "status", "created_at", "due_at")
    is_open = orders["status"].isin(list(open_status)).fillna(False).to_numpy(dtype=bool)
    is_done = orders["status"].isin(list(done_status)).fillna(False).to_numpy(dtype=bool)
    created = orders["created_at"]
    waiting = is_open & (created <= moment).fillna(False).to_numpy(dtype=bool)
    late = (orders["due_at"] < moment).fillna(False).to_numpy(dtype=bool)
    undated = is_open & created.isna().to_numpy()
    table = pd.DataFrame(
        {
            "site": orders["site"].to_numpy(),
            "open": waiting,
            "overdue": waiting & late,
            "oldest_days": ((moment - created).dt.total_seconds() / _DAY_SECONDS)
            .where(waiting)
            .to_numpy(),
            "unknown": (~is_open & ~is_done) | undated,
        }
    )
    return table.groupby("site", as_index=False, dropna=False).agg(
        {"open": "sum", "overdue": "sum", "oldest_days": "max", "unknown": "sum"}
    )
