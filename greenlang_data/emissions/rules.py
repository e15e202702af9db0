"""The values that the computations use, with those of a site in place of the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import pandas as pd

from greenlang_data.emissions.constants import (
    DILUENT_CAPS,
    FUEL_FACTORS,
    INVALID_PER_DAY,
    MINIMUM_HEAT_INPUT,
    FuelFactors,
)
from greenlang_data.emissions.validity import HOUR_RULE, HourRule
from greenlang_data.settings.emission_rules import EmissionSettings
from greenlang_data.settings.modc import MODC_TABLE, ModcTable
from greenlang_data.settings.toml import read_emissions


@dataclass(frozen=True)
class Rules:
    """Tables and numbers to give to the functions; the usual ones where a site has none.

    ``fuel_factors["oil"].fd`` (dscf/mmBtu) goes into a rate, ``diluent_caps["boiler", "CO2"]``
    (percent) as ``cap=``, ``minimum_heat_input`` (mmBtu/h) as ``minimum=``,
    ``invalid_per_day["waste"]`` as ``invalid_per_day=``, ``hour_rule`` as ``rule=``, and ``modc``
    as ``modc=``.

    >>> Rules().diluent_caps["boiler", "CO2"]
    Decimal('5.0')
    """

    fuel_factors: Mapping[str, FuelFactors] = field(default_factory=lambda: FUEL_FACTORS)
    diluent_caps: Mapping[tuple[str, str], Decimal] = field(default_factory=lambda: DILUENT_CAPS)
    minimum_heat_input: float = MINIMUM_HEAT_INPUT
    invalid_per_day: Mapping[str, int] = field(default_factory=lambda: INVALID_PER_DAY)
    hour_rule: HourRule = HOUR_RULE
    modc: ModcTable = MODC_TABLE

    @classmethod
    def from_toml(cls, path: str | Path = "greenlang.toml") -> Self:
        """Those of the table ``[emissions]`` of a ``greenlang.toml``.

        Raises ConfigurationError naming the file, the key and the nearest right one.
        """
        own = read_emissions(path)
        caps: dict[tuple[str, str], Decimal] = {
            (unit, gas): cap
            for unit, gases in own.diluent_caps.items()
            for gas, cap in gases.items()
        }
        fuels = {name: FuelFactors(one.fd, one.fc) for name, one in own.fuel_factors.items()}
        minimum = own.minimum_heat_input
        invalid: dict[str, int] = dict(INVALID_PER_DAY)
        invalid.update(own.invalid_per_day.items())
        return cls(
            MappingProxyType({**FUEL_FACTORS, **fuels}),
            MappingProxyType({**DILUENT_CAPS, **caps}),
            MINIMUM_HEAT_INPUT if minimum is None else minimum,
            MappingProxyType(invalid),
            _hour_rule(own),
            MODC_TABLE.but(own.modc),
        )


def _hour_rule(own: EmissionSettings) -> HourRule:
    apart = own.readings_apart
    given: dict[str, Any] = {
        "measured_flags": own.measured_flags,
        "maintenance_flags": own.maintenance_flags,
        "apart": None if apart is None else pd.Timedelta(minutes=apart),
    }
    return replace(HOUR_RULE, **{name: one for name, one in given.items() if one is not None})
