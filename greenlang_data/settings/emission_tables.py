"""Tables of the emission rules that a site may have other values for, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class FuelFactors:
    """``fd`` in dscf/mmBtu and ``fc`` in scf CO2/mmBtu."""

    fd: Decimal
    fc: Decimal


def _factors(fd: int, fc: int) -> FuelFactors:
    return FuelFactors(Decimal(fd), Decimal(fc))


FUEL_FACTORS: Final = MappingProxyType({
    "anthracite": _factors(10100, 1970),
    "bituminous": _factors(9780, 1800),
    "subbituminous": _factors(9780, 1800),
    "lignite": _factors(9860, 1910),
    "oil": _factors(9190, 1420),
    "natural_gas": _factors(8710, 1040),
    "propane": _factors(8710, 1190),
    "butane": _factors(8710, 1250),
    "wood_bark": _factors(9600, 1920),
    "wood_residue": _factors(9240, 1830),
})  # fmt: skip
"""40 CFR 75 App. F, Table 1."""

DILUENT_CAPS: Final = MappingProxyType({
    ("boiler", "CO2"): Decimal("5.0"),
    ("boiler", "O2"): Decimal("14.0"),
    ("turbine", "CO2"): Decimal("1.0"),
    ("turbine", "O2"): Decimal("19.0"),
})  # fmt: skip
"""Percent; CO2 below or O2 above counts as this: 40 CFR 75 App. F, section 3.3.4."""

MINIMUM_HEAT_INPUT: Final = 1.0
"""mmBtu/h; the least that equations F-15 and F-16 report, as EPA's check engine has it."""

INVALID_PER_DAY: Final = MappingProxyType({"combustion": 3, "waste": 5})
"""More invalid hours (combustion) or half-hours (waste) than this, and the day is invalid."""
