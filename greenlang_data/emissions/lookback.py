"""The hours that a substitute value is taken from: 40 CFR 75.33 and Appendix C, section 2.2."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from greenlang_data.emissions.arrays import (
    Floats,
    exact,
    near_tie,
    round_half_away,
    rounded_decimal,
)
from greenlang_data.emissions.availability import CLOCK_HOURS
from greenlang_data.emissions.percentile import percentile


@dataclass
class LookBack:
    """The quality-assured values before one gap.

    ``values`` are the last ``limit`` quality-assured hours before the gap, none more than 26,280
    clock hours before it, and ``bins`` their load bins (None: not load-based). Statistics are
    kept, because the hours of one gap share them.
    """

    rows: npt.NDArray[np.int64]
    values: Floats
    bins: npt.NDArray[np.int64] | None
    _known: dict[tuple[str, int, int], float] = field(default_factory=dict)

    @classmethod
    def before(
        cls,
        row: int,
        limit: int,
        assured_rows: npt.NDArray[np.int64],
        values: Floats,
        bins: npt.NDArray[np.int64] | None,
    ) -> LookBack:
        """The look-back of a gap that begins at ``row``, over the column ``values``."""
        end = int(np.searchsorted(assured_rows, row))
        rows = assured_rows[max(0, end - limit) : end]
        rows = rows[rows >= row - CLOCK_HOURS]
        return cls(rows, values[rows], None if bins is None else bins[rows])

    def bin_for(self, wanted: int) -> int | None:
        """``wanted``, or the next higher load bin that has values; None when there is none."""
        if self.bins is None:
            return 0 if len(self.values) else None
        higher = self.bins[self.bins >= wanted]
        return int(higher.min()) if len(higher) else None

    def of_bin(self, load_bin: int) -> Floats:
        """The values of one load bin, or all of them when they are not load-based."""
        return self.values if self.bins is None else self.values[self.bins == load_bin]

    def percentile(self, load_bin: int, percent: int) -> float:
        """The percentile of 40 CFR 72.2; 100 is the maximum."""
        key = ("percentile", load_bin, percent)
        if key not in self._known:
            self._known[key] = percentile(self.of_bin(load_bin), percent)
        return self._known[key]

    def minimum(self, load_bin: int) -> float:
        """The smallest value."""
        return float(self.of_bin(load_bin).min())

    def mean(self, load_bin: int, decimals: int) -> float:
        """The arithmetic mean, rounded as EPA rounds."""
        key = ("mean", load_bin, decimals)
        if key not in self._known:
            self._known[key] = mean(self.of_bin(load_bin), decimals)
        return self._known[key]


def mean(values: Floats, decimals: int) -> float:
    """The mean of values, rounded half away from zero; exact where it is near a tie.

    >>> mean(np.array([0.7, 0.2]), 1)
    0.5
    """
    about = float(values.mean())
    if not near_tie(np.array([about]), decimals)[0]:
        return float(round_half_away(about, decimals))
    total = sum((exact(value) for value in values), exact(0.0))
    return rounded_decimal(total / len(values), decimals)
