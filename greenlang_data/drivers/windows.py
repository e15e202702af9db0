"""Windows in time, where a driver knows what a connector does not: days or instants."""

from __future__ import annotations

from datetime import date

from greenlang_data.errors import QueryError


def check_instants(start: date, end: date, source: str) -> None:
    """Refuse a window of points in time that ends with its start; of days it would be one day."""
    if end <= start:
        raise QueryError(
            f"end {end} is not after start {start}, of points in time",
            source=source,
            remedy="Swap them, or widen the window.",
        )
