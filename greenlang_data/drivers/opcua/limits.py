"""How much a server takes in one request: what it says, and what it turned out to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Larger requests are not faster, and smaller ones can be under way at the same time.
LARGEST_READ: Final = 2_000
LARGEST_TRANSLATE: Final = 1_000
LARGEST_HISTORY: Final = 20
LARGEST_PAGE: Final = 50_000
# Nodes of a browse may have many children each, so a few fill an answer.
LARGEST_BROWSE: Final = 500
LARGEST_ITEMS: Final = 2_000

# Where a server keeps its limits: Server.ServerCapabilities.OperationLimits.
# The last one stands beside them: MaxHistoryContinuationPoints.
LIMIT_NODES: Final = {
    "read": 11705,
    "history": 12165,
    "translate": 11712,
    "browse": 11710,
    "items": 11714,
    "points": 2737,
}


class Limits:
    """Nodes per request, rows per page; they only ever shrink while the connection lasts."""

    def __init__(self) -> None:
        self._largest = {
            "read": LARGEST_READ,
            "translate": LARGEST_TRANSLATE,
            "history": LARGEST_HISTORY,
            "points": 4 * LARGEST_HISTORY,
            "page": LARGEST_PAGE,
            "browse": LARGEST_BROWSE,
            "items": LARGEST_ITEMS,
        }
        self.one_at_a_time = False
        self.refused_aggregates: set[int] = set()

    def __getitem__(self, kind: str) -> int:
        return self._largest[kind]

    def learn(self, told: Mapping[str, float]) -> None:
        """Take the server's own limits; it says 0 where it has none."""
        for kind, number in told.items():
            if number >= 1:
                self.shrink(kind, int(number))

    def shrink(self, kind: str, number: int) -> None:
        """Ask for no more than ``number`` from now on."""
        self._largest[kind] = max(1, min(self._largest[kind], number))
