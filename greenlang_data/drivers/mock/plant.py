"""The simulated site: what each unit burns, makes and draws at any time.

Boiler 1 burns light fuel oil, boiler 2 and the gas turbine natural gas. Load follows the day (a
parabola that peaks at 14:00 UTC), the week (weekends 30 % lower), the year (higher in winter) and
a little noise; fuel follows load; everything else follows fuel. Sizes and efficiencies are design
values of this site and stand for no real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from greenlang_data.drivers.mock.clock import OUTAGES, RANGE_START, IntArray
from greenlang_data.drivers.mock.meters import GRAIN, Meter
from greenlang_data.drivers.mock.noise import KNOT, Knots, around, seed_of

FULL: Final = 10_000
"""Full load; loads are in hundredths of a percent."""

LOWEST: Final = 3_500
"""The lowest load that a running unit holds."""

_YEAR: Final = 52_595  # knots in 365.2425 days
_HOURS: Final = 168  # of a week, from Monday 00:00 UTC
_FIRST_MONDAY: Final = 72  # 1970-01-01 was a Thursday, three days into its week


def _week() -> IntArray:
    hours = np.arange(_HOURS, dtype=np.int64)
    daily = 144 - (hours % 24 - 14) ** 2
    level = 6_000 + 20 * np.maximum(daily, 0)
    level[hours >= 5 * 24] = level[hours >= 5 * 24] * 7 // 10
    return level


_WEEK: Final = _week()


def load_knots(seed: int, numbers: IntArray) -> IntArray:
    """Load of a unit at knots, 0 or ``LOWEST`` .. ``FULL``."""
    hour = numbers // 6
    sixth = numbers - hour * 6
    now, then = _WEEK[(hour + _FIRST_MONDAY) % _HOURS], _WEEK[(hour + _FIRST_MONDAY + 1) % _HOURS]
    from_summer = 2 * ((numbers - RANGE_START // KNOT) % _YEAR) - _YEAR
    season = 1_200 * from_summer**2 // _YEAR**2 - 600
    load: IntArray = now + (then - now) * sixth // 6 + season + around(seed, numbers, 250)
    np.clip(load, LOWEST, FULL, out=load)
    load[_out(numbers)] = 0
    return load


def _out(numbers: IntArray) -> NDArray[np.bool_]:
    out = np.zeros(len(numbers), np.bool_)
    for begin, end in OUTAGES:
        # Knots of one call are consecutive, so its span can be skipped without looking at each.
        if begin <= int(numbers[-1]) * KNOT and int(numbers[0]) * KNOT <= end:
            out |= (numbers * KNOT >= begin) & (numbers * KNOT <= end)
    return out


def _grain(values: IntArray) -> IntArray:
    return values // GRAIN * GRAIN


@dataclass(frozen=True)
class Unit:
    """A boiler or turbine. ``capacity`` is its fuel at full load, in thousandths of the unit."""

    name: str
    title: str
    stack: str
    fuel: str
    fuel_unit: str
    capacity: int

    def load(self, numbers: IntArray) -> IntArray:
        """Load at knots."""
        return load_knots(seed_of(self.name), numbers)

    def _fuel_knots(self, numbers: IntArray) -> IntArray:
        return _grain(self.load(numbers) * self.capacity // FULL)

    @property
    def fuel_meter(self) -> Meter:
        """The unit's fuel flow, in thousandths of ``fuel_unit`` per hour."""
        return _METERS[self.name]


BOILER_1: Final = Unit("Boiler1", "Boiler 1", "STACK-001", "oil", "kg", 1_200_000)
BOILER_2: Final = Unit("Boiler2", "Boiler 2", "STACK-002", "natural_gas", "m3", 1_500_000)
TURBINE: Final = Unit("GasTurbine", "Gas turbine", "STACK-003", "natural_gas", "m3", 2_400_000)
UNITS: Final = (BOILER_1, BOILER_2, TURBINE)
_METERS: Final = {
    unit.name: Meter(unit._fuel_knots, seed_of(f"{unit.name}.FuelFlow"), unit.capacity // 200)
    for unit in UNITS
}


def site_load(numbers: IntArray) -> IntArray:
    """Mean load of the two boilers at knots."""
    return (BOILER_1.load(numbers) + BOILER_2.load(numbers)) // 2


def _power_knots(numbers: IntArray) -> IntArray:
    # 400 kW of lighting and offices stay on in the shut-down; 3.8 MW go with the load.
    return _grain(400_000 + 380 * site_load(numbers) + around(seed_of("office"), numbers, 20_000))


SITE_POWER: Final = Meter(_power_knots, seed_of("SitePower"), 5_000)
"""Electric power drawn from the grid, W."""

TURBINE_WATTS_PER_LITRE_PER_HOUR: Final = 3
"""3 kW for 1 m3/h of gas: 28 % of its gross calorific value of 38.2 MJ/m3."""

# kg of steam from 1000 kg (oil) or m3 (gas) at 88 % efficiency and 2.75 MJ/kg of enthalpy rise:
# 45.6 MJ/kg * 0.88 / 2.75 and 38.2 MJ/m3 * 0.88 / 2.75.
_STEAM_FROM_OIL: Final = 14_592
_STEAM_FROM_GAS: Final = 12_224


def steam_flow(times: IntArray) -> IntArray:
    """Steam of both boilers, kg/h."""
    oil, gas = BOILER_1.fuel_meter.rate(times), BOILER_2.fuel_meter.rate(times)
    return (oil * _STEAM_FROM_OIL + gas * _STEAM_FROM_GAS) // 1_000_000


def with_load(name: str, stopped: int, running: int, gain: int, wander: int) -> Knots:
    """Knots of a reading: ``stopped`` at no load, else ``running`` plus up to ``gain`` by load."""
    seed = seed_of(f"{name}.wander")

    def knots(numbers: IntArray) -> IntArray:
        load = site_load(numbers)
        level = np.where(load > 0, running + gain * load // FULL, stopped)
        level += around(seed, numbers, wander)
        return level

    return knots


def ambient_knots(numbers: IntArray) -> IntArray:
    """Air temperature at knots in tenths of Cel: year between 0 and 20, day of 8, and noise."""
    from_summer = 2 * ((numbers - RANGE_START // KNOT) % _YEAR) - _YEAR
    from_noon = numbers % 144 - 84  # warmest at 14:00 UTC
    from_noon = np.where(from_noon < -72, from_noon + 144, from_noon)
    season = 200 - 200 * from_summer**2 // _YEAR**2
    return season + 40 - 80 * from_noon**2 // 72**2 + around(seed_of("air"), numbers, 8)
