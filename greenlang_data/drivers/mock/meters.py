"""Flows whose totals are exact: what a meter counts is the sum of what it showed.

A rate is in thousandths of its unit (W for kW, g/h for kg/h, l/h for m3/h). It changes every
``STEP`` seconds; between two knots the steps lie on a straight line, with a jitter that cancels
out in each pair of steps. Knots are multiples of ``GRAIN``, which makes each step a whole number
and the total of each ten minutes a whole number of thousandths of the unit times one hour:
10 s * (60 a + 59/2 (b - a)) = 600 a + 295 (b - a), divisible by 3600 when a and b are by 720.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from greenlang_data.drivers.mock.clock import RANGE_END, RANGE_START, IntArray
from greenlang_data.drivers.mock.noise import KNOT, Knots, around

STEP: Final = 10
"""Seconds for which a metered rate holds its value."""

GRAIN: Final = 720
"""Metered rates at the knots are multiples of this many thousandths of their unit."""

_STEPS: Final = KNOT // STEP


@dataclass(frozen=True)
class Meter:
    """A rate through ``knots``, with a jitter of up to ``jitter`` while it is not zero."""

    knots: Knots
    seed: int
    jitter: int

    def rate(self, times: IntArray) -> IntArray:
        """Thousandths of the unit at ``times`` (seconds)."""
        if not len(times):
            return np.empty(0, np.int64)
        step, start, rise, within = self._place(times)
        sign = 1 - 2 * (step & 1)
        slope = rise // _STEPS * within
        slope += start
        slope += sign * self._pair_jitter(step, start, rise)
        return slope

    def total(self, times: IntArray) -> IntArray:
        """Sum of rate times seconds from the start of 2015 to ``times``, multiples of ``STEP``.

        In thousandths of the unit times a second: joules for a power in kW.
        """
        if not len(times):
            return np.empty(0, np.int64)
        step, start, rise, within = self._place(times)
        part = start * within + rise // _STEPS * (within * (within - 1) // 2)
        # After an odd number of steps one half of a pair is still without its counterpart.
        part += (within & 1) * self._pair_jitter(step - 1, start, rise)
        return self._totals[times // KNOT - RANGE_START // KNOT] + part * STEP

    def thousandths(self, begin: int, end: int) -> int:
        """Consumption between two knots, in thousandths of the unit times an hour, exactly."""
        first, last = self.total(np.array([begin, end], np.int64)).tolist()
        whole, rest = divmod(last - first, 3600)
        if rest:
            raise ValueError(f"{begin} and {end} are not both whole multiples of {KNOT} seconds")
        return int(whole)

    def _place(self, times: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        step = times // STEP
        number = step // _STEPS
        within = step - number * _STEPS
        first = int(number.min())
        values = self.knots(np.arange(first, int(number.max()) + 2, dtype=np.int64))
        number -= first
        return step, values[number], np.diff(values)[number], within

    def _pair_jitter(self, step: IntArray, start: IntArray, rise: IntArray) -> IntArray:
        jitter = around(self.seed, step >> 1, self.jitter)
        jitter *= (start > 0) & (start + rise > 0)
        return jitter

    @cached_property
    def _totals(self) -> IntArray:
        numbers = np.arange(RANGE_START // KNOT, RANGE_END // KNOT + 2, dtype=np.int64)
        values = self.knots(numbers)
        totals = np.zeros(len(numbers), np.int64)
        np.cumsum(600 * values[:-1] + 295 * np.diff(values), out=totals[1:])
        return totals
