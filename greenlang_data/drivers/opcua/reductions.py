"""What the samples of an interval are reduced to, in pieces that can be put together.

Everything is computed in extended precision and rounded once, at the end.
"""

from __future__ import annotations

from typing import Final

import numpy as np


class Reduction:
    """An aggregate that needs one number per interval, which a ufunc makes of the samples."""

    parts = 1
    # Good samples without which there is no value.
    least = 1

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc = ufunc

    def nothing(self, intervals: int) -> np.ndarray:
        """Room for the parts of so many intervals."""
        return np.zeros((self.parts, intervals), np.longdouble)

    def reduce(self, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The parts of the intervals whose good samples begin at ``starts``; none is empty."""
        reduced: np.ndarray = self._ufunc.reduceat(values, starts)[np.newaxis]
        return reduced

    def merge(self, early: np.ndarray, late: np.ndarray, before: int, after: int) -> np.ndarray:
        """The parts of one interval that came in two pieces of so many good samples."""
        merged: np.ndarray = self._ufunc(early, late)
        return merged

    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        """The aggregate of each interval."""
        value: np.ndarray = parts[0]
        return value


class _Average(Reduction):
    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        return np.asarray(parts[0] / good)


class _Count(Reduction):
    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        return good


class _Ends(Reduction):
    """The first and the last sample; the value is the difference."""

    parts = 2

    def __init__(self) -> None:
        super().__init__(np.add)

    def reduce(self, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        ends = np.append(starts[1:], len(values)) - 1
        return np.stack([values[starts], values[ends]])

    def merge(self, early: np.ndarray, late: np.ndarray, before: int, after: int) -> np.ndarray:
        return np.array([early[0], late[1]])

    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        return np.asarray(parts[1] - parts[0])


class _First(_Ends):
    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        return np.asarray(parts[0])


class _Last(_Ends):
    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        return np.asarray(parts[1])


class _Range(Reduction):
    parts = 2

    def __init__(self) -> None:
        super().__init__(np.maximum)

    def reduce(self, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        return np.stack([lowest, highest])

    def merge(self, early: np.ndarray, late: np.ndarray, before: int, after: int) -> np.ndarray:
        return np.array([min(early[0], late[0]), max(early[1], late[1])])

    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        return np.asarray(parts[1] - parts[0])


class _Variance(Reduction):
    """Mean and sum of squares about it, as Chan merges them; ``sample``: divided by n - 1."""

    parts = 2

    def __init__(self, *, sample: bool, root: bool) -> None:
        super().__init__(np.add)
        self.least = 2 if sample else 1
        self._fewer = int(sample)
        self._root = root

    def reduce(self, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        sizes = np.diff(np.append(starts, len(values)))
        means = np.add.reduceat(values, starts) / sizes
        squares = (values - np.repeat(means, sizes)) ** 2
        return np.stack([means, np.add.reduceat(squares, starts)])

    def merge(self, early: np.ndarray, late: np.ndarray, before: int, after: int) -> np.ndarray:
        count, apart = before + after, late[0] - early[0]
        mean = early[0] + apart * after / count
        return np.array([mean, early[1] + late[1] + apart * apart * before * after / count])

    def value(self, parts: np.ndarray, good: np.ndarray) -> np.ndarray:
        variance = np.asarray(parts[1] / np.maximum(good - self._fewer, 1))
        return np.sqrt(variance) if self._root else variance


REDUCTIONS: Final[dict[str, Reduction]] = {
    "avg": _Average(np.add),
    "sum": Reduction(np.add),
    "min": Reduction(np.minimum),
    "max": Reduction(np.maximum),
    "count": _Count(np.add),
    "Start": _First(),
    "End": _Last(),
    "Delta": _Ends(),
    "Range": _Range(),
    "StandardDeviationSample": _Variance(sample=True, root=True),
    "StandardDeviationPopulation": _Variance(sample=False, root=True),
    "VarianceSample": _Variance(sample=True, root=False),
    "VariancePopulation": _Variance(sample=False, root=False),
}
