"""What a tag of the simulated plant is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from greenlang_data.drivers.mock.clock import IntArray
from greenlang_data.drivers.mock.noise import Knots, around, seed_of, straight
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN

Codes = NDArray[np.int8]
Reading = Callable[[IntArray], IntArray]

NORMAL, CALIBRATION, MAINTENANCE, FAILED, INACCURATE = range(5)
"""Why a sample is what it is; indices into the two tables below."""

CODE_QUALITY: Final = np.array([GOOD, BAD, BAD, BAD, UNCERTAIN], np.int8)
CODE_STATUS: Final = (
    "calibration",
    "maintenance",
    "BadSensorFailure",
    "UncertainSensorNotAccurate",
)


@dataclass(frozen=True)
class Tag:
    """One measured point.

    ``counts`` gives whole numbers of ``10 ** -decimals`` of the unit at ascending times that are
    multiples of ``scan`` seconds. For a String they index ``states``. ``codes`` tells the samples
    that are not normal, or is None when all are. ``minimum`` and ``maximum`` bound the values.
    """

    name: str
    description: str
    unit: str | None
    scan: int
    decimals: int
    minimum: float
    maximum: float
    counts: Reading
    data_type: str = "Double"
    states: tuple[str, ...] = ()
    good_status: str = "Good"
    codes: Callable[[IntArray], Codes] | None = None

    @property
    def seed(self) -> int:
        """The seed of what happens to this tag only."""
        return seed_of(self.name)

    @property
    def statuses(self) -> tuple[str, ...]:
        """Status text by code."""
        return (self.good_status, *CODE_STATUS)

    @property
    def textual(self) -> bool:
        """Whether values are texts: states, or integers that no double holds."""
        return bool(self.states) or self.data_type == "UInt64"


def slow_reading(knots: Knots, jitter: int, name: str) -> Reading:
    """A reading on the straight lines between ``knots``, with ``jitter`` counts of noise."""
    seed = seed_of(f"{name}.jitter")

    def reading(times: IntArray) -> IntArray:
        counts = straight(knots, times)
        counts += around(seed, times, jitter)
        return counts

    return reading
