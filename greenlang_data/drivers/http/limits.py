"""Limits that a server keeps to and does not tell."""

from __future__ import annotations

from typing import Final

_LEAST: Final = 100


def may_be_a_limit(rows: int) -> bool:
    """Whether an answer of so many samples may have ended at a limit, decimal or binary."""
    return rows >= _LEAST and (rows % 100 == 0 or rows % 64 == 0)
