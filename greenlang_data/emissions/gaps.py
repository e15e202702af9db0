"""Missing data periods: 40 CFR 72.2 and 75.31(b)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Gap:
    """One missing data period, by rows of the hourly column.

    ``rows`` are its operating hours, ``before`` and ``after`` the operating hours around it, -1
    where there is none.
    """

    rows: npt.NDArray[np.int64]
    before: int
    after: int

    @property
    def hours(self) -> int:
        """How long it is, in operating hours."""
        return len(self.rows)


def gaps(operating: npt.NDArray[np.bool_], missing: npt.NDArray[np.bool_]) -> list[Gap]:
    """The missing data periods of an hourly column, in order.

    Hours in which the unit stood still are in no period and do not end one, because the rule
    speaks of unit operating hours.

    >>> [gap.rows.tolist() for gap in gaps(np.array([1, 1, 0, 1, 1], bool),
    ...                                    np.array([0, 1, 0, 1, 0], bool))]
    [[1, 3]]
    """
    places = np.flatnonzero(operating)
    edges = np.diff(np.concatenate([[False], missing[places], [False]]).astype(np.int8))
    found = []
    for first, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        before = int(places[first - 1]) if first else -1
        after = int(places[end]) if end < len(places) else -1
        found.append(Gap(places[first:end], before, after))
    return found
