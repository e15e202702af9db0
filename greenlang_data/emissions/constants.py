"""The constants of the equations, each with its source.

``UNVERIFIED`` names what has not been read again in the rule itself. A value of one's own goes in
by the argument of the function that uses it; those of a site stand in the table ``[emissions]`` of
``greenlang.toml``, which :class:`~greenlang_data.emissions.Rules` reads.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Final

from greenlang_data.settings.emission_tables import (
    DILUENT_CAPS,
    FUEL_FACTORS,
    INVALID_PER_DAY,
    MINIMUM_HEAT_INPUT,
    FuelFactors,
)

__all__ = [
    "AMBIENT_MOISTURE",
    "AMBIENT_OXYGEN_EU",
    "AMBIENT_OXYGEN_US",
    "CONFIDENCE_PERCENT",
    "DILUENT_CAPS",
    "FUEL_FACTORS",
    "INVALID_PER_DAY",
    "MINIMUM_HEAT_INPUT",
    "MOLAR_MASS",
    "MOLAR_VOLUME",
    "POUNDS_PER_SCF",
    "TONS_CO2_PER_SCF",
    "UNVERIFIED",
    "FuelFactors",
]

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
