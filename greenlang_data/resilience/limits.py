"""How much one call may draw from a source."""

from __future__ import annotations

from greenlang_data.errors import LoadBudgetExceeded


class LoadBudget:
    """The largest answer one call may draw from a source, in points (rows); None is no limit.

    Make one for each attempt: it counts what has arrived.
    """

    def __init__(self, max_points: int | None, *, source: str = "") -> None:
        self.max_points = max_points
        self.source = source
        self.counted = 0

    def check_plan(self, points: int | None) -> None:
        """Refuse, before anything is sent, a call expected to answer too many points.

        None is an unknown number and passes; `count` still watches the answer.

        Raises
        ------
        LoadBudgetExceeded : more points than the source allows.
        """
        if points is not None and self.max_points is not None and points > self.max_points:
            raise self._exceeded(f"the call would read about {points:,} points")

    def count(self, rows: int) -> None:
        """Add rows that have arrived.

        Raises
        ------
        LoadBudgetExceeded : more rows have arrived in all than the source allows.
        """
        self.counted += rows
        if self.max_points is not None and self.counted > self.max_points:
            raise self._exceeded(f"{self.counted:,} points have arrived and more may follow")

    def _exceeded(self, found: str) -> LoadBudgetExceeded:
        return LoadBudgetExceeded(
            f"{found}, and the source's limit is {self.max_points:,}",
            source=self.source,
        )
