"""ppm, ppb and mg/Nm3."""

from __future__ import annotations

from decimal import Decimal

from greenlang_data.emissions.arrays import Values, evaluate
from greenlang_data.emissions.basis import checked_unit
from greenlang_data.emissions.constants import MOLAR_MASS, MOLAR_VOLUME
from greenlang_data.errors import QueryError


def to_mg_per_nm3(
    values: Values,
    *,
    pollutant: str,
    unit: str,
    temperature: int,
    decimals: int | None = None,
) -> Values:
    """mg/m3 at 101.325 kPa and ``temperature`` (0, 20 or 25 degrees Celsius) from ppm or ppb.

    ``ppm * M / V``: molar mass by molar volume. The Nm3 of Directive 2010/75/EU is at 0 degrees;
    there is no default, because 20 and 25 are in use too. NOx counts as NO2. Wet stays wet and
    dry stays dry.

    >>> to_mg_per_nm3(100.0, pollutant="SO2", unit="ppm", temperature=0, decimals=2)
    285.83
    """
    mass, volume = _constants(pollutant, temperature)
    return evaluate(
        lambda c, m, v: (c * m, v), values, _scaled(mass, unit), volume, decimals=decimals
    )


def to_ppm(
    values: Values,
    *,
    pollutant: str,
    unit: str,
    temperature: int,
    decimals: int | None = None,
) -> Values:
    """Volume parts from mass, ppm from ``mg/Nm3`` at 101.325 kPa and ``temperature``: ``c * V / M``, the inverse.

    >>> to_ppm(205.25, pollutant="NOx", unit="mg/Nm3", temperature=0, decimals=1)
    100.0
    """
    checked_unit(pollutant, unit, ("mg/Nm3",))
    mass, volume = _constants(pollutant, temperature)
    return evaluate(lambda c, m, v: (c * v, m), values, mass, volume, decimals=decimals)


def _constants(pollutant: str, temperature: int) -> tuple[Decimal, Decimal]:
    if pollutant not in MOLAR_MASS:
        raise QueryError(f"there is no molar mass for {pollutant!r}, only {', '.join(MOLAR_MASS)}")
    if temperature not in MOLAR_VOLUME:
        known = ", ".join(str(one) for one in MOLAR_VOLUME)
        raise QueryError(f"there is no molar volume at {temperature} degrees, only at {known}")
    return MOLAR_MASS[pollutant], MOLAR_VOLUME[temperature]


def _scaled(mass: Decimal, unit: str) -> Decimal:
    return mass / 1000 if checked_unit("the concentration", unit, ("ppm", "ppb")) == "ppb" else mass
