"""The constants of the equations, each with its source.

``UNVERIFIED`` names what has not been read again in the rule itself; a value of one's own goes
in by the argument of the function that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

POUNDS_PER_SCF: Final = MappingProxyType({
    "SO2": Decimal("1.660e-7"),
    "NOx": Decimal("1.194e-7"),
    "CO": Decimal("7.268e-8"),
})  # fmt: skip
"""K in lb/scf per ppm at 68 F and 29.92 inHg: 40 CFR 75 App. F; 60 App. A Method 19, Table 19-1."""

TONS_CO2_PER_SCF: Final = Decimal("5.7e-7")
"""K in short tons per scf and percent CO2: 40 CFR 75 App. F, section 4."""

AMBIENT_OXYGEN_US: Final = Decimal("20.9")
"""Percent oxygen of air in Method 19 and Appendix F."""

AMBIENT_OXYGEN_EU: Final = Decimal(21)
"""Percent oxygen of air in Directive 2010/75/EU, Annex VI Part 7."""

AMBIENT_MOISTURE: Final = Decimal("0.027")
"""Bwa, the default fraction of water in ambient air: Method 19, equation 19-2."""


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

MOLAR_MASS: Final = MappingProxyType({
    "NO": Decimal("30.006"),
    "NO2": Decimal("46.0055"),
    "NOx": Decimal("46.0055"),
    "SO2": Decimal("64.066"),
    "CO": Decimal("28.010"),
})  # fmt: skip
"""g/mol. NOx counts as NO2, always."""

MOLAR_VOLUME: Final = MappingProxyType({
    0: Decimal("22.414"),
    20: Decimal("24.055"),
    25: Decimal("24.465"),
})  # fmt: skip
"""L/mol at 101.325 kPa and this temperature in degrees Celsius."""

CONFIDENCE_PERCENT: Final = MappingProxyType({
    "CO": Decimal(10),
    "SO2": Decimal(20),
    "NOx": Decimal(20),
    "dust": Decimal(30),
    "TOC": Decimal(30),
    "HCl": Decimal(40),
    "HF": Decimal(40),
})  # fmt: skip
"""95 % confidence interval in percent of the limit: Directive 2000/76/EC Annex III; 17. BImSchV."""

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

UNVERIFIED: Final = MappingProxyType({
    "FUEL_FACTORS": "read in a copy of Table 1, not in the current CFR",
    "DILUENT_CAPS": "the section number and the caps of turbines",
    "MINIMUM_HEAT_INPUT": "EPA's check engine, not the rule",
    "INVALID_PER_DAY": "IED Annex V Part 3 and Annex VI Part 8 not read again",
    "validity.HourRule": "40 CFR 75.10(d)(1) not read again",
    "modc.MODC": "meanings of codes above 10, and the two lists, from EPA's check engine",
    "percentile": "40 CFR 72.2: where two ranks satisfy it, the smaller value is taken",
    "availability": "40 CFR 75.32: the hour itself counts, and one decimal decides the tier",
    "gaps": "40 CFR 72.2: a missing data period counts operating hours only",
    "lookback": "App. C 2.2: the last 2160 hours of all loads, and of them those of the load bin",
    "substitution": "75.33(c): an empty load bin takes the next higher one, then the maximum",
    "substitution.open": "a gap without an hour after waits for it",
    "substitution.low": "75.36 and 75.37: the lesser, 10th and 5th percentile and minimum",
})  # fmt: skip
"""What was not verified, and what about it."""
