"""The columns of the canonical work-order frame that the measures read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from greenlang_data.errors import QueryError

IDENTITY: Final = ["site", "asset_id"]
"""An asset is one of a site: the same number at two sites is two assets."""

OPEN_STATUS: Final = frozenset(
    ("requested", "approved", "created", "released", "in_progress", "awaiting")
)
"""Canonical statuses of work that is still to be done."""

DONE_STATUS: Final = frozenset(("work_done", "completed", "closed", "cancelled", "deleted"))
"""Canonical statuses of work that is not. Any other is unknown, and is neither."""

UNVERIFIED: Final = MappingProxyType({
    "mean_time_between_failures": "EN 15341 and ISO 14224 not read again",
    "mean_time_to_repair": "EN 15341 not read again; repair is from actual start to actual finish",
    "work_done": "confirmed work that is not yet technically completed counts as done",
})  # fmt: skip
"""What was not verified, and what about it."""


def checked_orders(orders: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame; raises QueryError when a column is absent or an order is there twice."""
    missing = [name for name in ("work_order_id", *IDENTITY, *columns) if name not in orders]
    if missing:
        raise QueryError(
            f"the frame has no column {', '.join(missing)}",
            remedy="Give a work-order frame of Session.cmms.",
        )
    if orders.duplicated(["site", "work_order_id"]).any():
        raise QueryError(
            "a work order of a site is there twice, and would count twice",
            remedy="Drop the duplicates.",
        )
    return orders


def checked_window(start: Any, end: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Both as instants; raises QueryError without a time zone, or when end is not after start."""
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    if first.tzinfo is None or last.tzinfo is None:
        raise QueryError("start or end has no time zone", remedy="Give one.")
    if not first < last:
        raise QueryError(f"the window from {first} to {last} has no length")
    return first, last


def checked_failure_types(types: Collection[str]) -> list[str]:
    """As a list; raises QueryError for none, and for one text."""
    if not types or isinstance(types, str):
        raise QueryError("failure_types is no list of types", remedy="Give it as ['CM', 'EM'].")
    return list(types)


def begun_in_window(orders: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """The orders of an asset with ``start <= actual_start < end``."""
    first, last = checked_window(start, end)
    begun = orders["actual_start"]
    inside = (begun >= first) & (begun < last) & orders["asset_id"].notna()
    return orders[inside.fillna(False).to_numpy(dtype=bool)]
