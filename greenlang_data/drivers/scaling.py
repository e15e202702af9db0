"""``raw * scale + offset`` as exactly as a float64 can hold it.

A scale such as 0.1 means the decimal number and not the float64 nearest to it, so a raw 213 must
give 21.3, while 213 * 0.1 gives 21.3 and 3 * 0.1 gives 0.30000000000000004. Scale and offset are
therefore taken as the shortest decimals that print them and brought to one denominator:

    value = (raw * factor + shift) / divisor        three integers, computed once

While ``raw * factor + shift`` stays below 2**53 it is exact in float64, the divisor is too, and
the one division rounds correctly. Elsewhere Python's integers do the same without any limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import inf, lcm
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

EXACT: Final = 2**53
"""A float64 holds every integer up to this one."""

_FLOAT32_BITS: Final = 24
_FLOAT64_BITS: Final = 53


class Scale(NamedTuple):
    """``value = (raw * factor + shift) / divisor``, in lowest terms."""

    factor: int
    shift: int
    divisor: int

    @classmethod
    @lru_cache(maxsize=1024)  # maps repeat few scales many times
    def of(cls, scale: float, offset: float) -> Self:
        """From the two numbers as they are printed.

        >>> Scale.of(0.1, 32.0)
        Scale(factor=1, shift=320, divisor=10)
        """
        exact_scale, exact_offset = Fraction(repr(scale)), Fraction(repr(offset))
        divisor = lcm(exact_scale.denominator, exact_offset.denominator)
        return cls(int(exact_scale * divisor), int(exact_offset * divisor), divisor)

    @property
    def keeps_integers(self) -> bool:
        """Whether an integer stays one."""
        return self.divisor == 1

    def apply(self, raw: float) -> int | float:
        """The exact integer for an integer that stays one, else the nearest float64.

        Raises OverflowError when no float64 is near.
        """
        numerator, denominator = raw.as_integer_ratio()
        numerator = numerator * self.factor + self.shift * denominator
        if self.keeps_integers and isinstance(raw, int):
            return numerator
        return numerator / (denominator * self.divisor)

    def bound(self, kind: str) -> float:
        """Raw values of smaller magnitude may be scaled in float64: only the division rounds."""
        if not _is_exact(self.divisor):
            return 0.0
        if not kind.startswith("float"):
            return float(max(0, (EXACT - abs(self.shift)) // abs(self.factor)))
        # A float has no smallest step, so the sum with an offset may need any number of digits.
        spare = _FLOAT64_BITS - (_FLOAT32_BITS if kind == "float32" else _FLOAT64_BITS)
        return inf if self.shift == 0 and abs(self.factor) <= 2**spare else 0.0


class Scales:
    """The scales of many values of one type, as columns."""

    def __init__(self, scales: Sequence[Scale], kind: str) -> None:
        self._scales = scales
        self._bounds = np.array([scale.bound(kind) for scale in scales])
        # Not exact only where the bound is zero, and then these are not used.
        self._factors, self._shifts, self._divisors = (
            np.array([_as_float(scale[part]) for scale in scales]) for part in range(3)
        )

    def apply(self, raw: NDArray[Any]) -> tuple[NDArray[np.float64], dict[int, int | float | None]]:
        """Scaled values, and by position those to be taken instead: computed without a limit.

        Among the latter, None means that the value is too large for a float64. Raw values that
        are not finite stay what they are.
        """
        numbers = as_float64(raw)
        with np.errstate(all="ignore"):
            values = (numbers * self._factors + self._shifts) / self._divisors
        beyond = np.isfinite(numbers) & ~(np.abs(numbers) < self._bounds)
        return values, {
            position: _unlimited(self._scales[position], raw[position].item())
            for position in np.flatnonzero(beyond).tolist()
        }


def as_float64(raw: NDArray[Any]) -> NDArray[np.float64]:
    """The same numbers as float64; silent about signalling NaNs, which stay NaNs."""
    with np.errstate(invalid="ignore"):
        return raw.astype(np.float64)


def _unlimited(scale: Scale, raw: float) -> int | float | None:
    try:
        return scale.apply(raw)
    except OverflowError:
        return None


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return inf


def _is_exact(number: int) -> bool:
    nearest = _as_float(number)
    return nearest != inf and int(nearest) == number
