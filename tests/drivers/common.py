"""What the tests of many drivers have in common."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

QUICK: Final[dict[str, Any]] = {
    "max_retries": 2,
    "retry_min_wait": 0.01,
    "retry_max_wait": 0.05,
    "circuit_breaker_threshold": 50,
}
"""Policies of a source that is tried again at once."""


def notes(frame: pd.DataFrame) -> str:
    """All that the provenance notes about a frame."""
    return " | ".join(frame.attrs["provenance"].full["notes"])
