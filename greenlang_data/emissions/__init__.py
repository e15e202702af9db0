"""What regulators compute from continuous emissions monitoring, over frames and arrays.

Each function names its equation. Units and basis are arguments and never guessed: wet and dry,
two units or two reference oxygens in one computation raise :class:`~greenlang_data.errors.QueryError`.
Null stays null, and what is not known to be valid is not.

========================  ==========================================================
hours                     ``hourly_averages`` by an ``HourRule``, ``monitor_availability``,
                          ``substitute`` by a ``Parameter`` of ``PARAMETERS``
codes                     ``MODC``, ``quality_flag`` of a code, ``consistent`` (of both)
mass                      ``mass_rate``, ``mass_rate_from_heat_input``, ``hourly_mass``,
                          ``total_tons``, ``bias_adjusted``
rate and heat             ``emission_rate``, ``heat_input_from_co2``,
                          ``heat_input_from_o2``, ``co2_from_o2``, ``diluent_cap``
corrections               ``to_dry``, ``to_wet``, ``to_reference_oxygen``,
                          ``to_mg_per_nm3``, ``to_ppm``
EU                        ``validated_average``, ``daily_averages``
basis                     ``basis_of`` (of a frame, a ``Basis``), ``require_same_basis``
numbers                   ``round_half_away``, ``percentile``, ``AMBIENT_OXYGEN_US`` and
                          ``AMBIENT_OXYGEN_EU`` (percent), ``FUEL_FACTORS``
========================  ==========================================================

``constants`` has every constant and its source, and in ``UNVERIFIED`` what was not read again in
the rule itself. ``Rules.from_toml`` has a site's own values of those.
"""

from __future__ import annotations

from greenlang_data.emissions.arrays import round_half_away
from greenlang_data.emissions.availability import monitor_availability
from greenlang_data.emissions.basis import Basis, require_same_basis
from greenlang_data.emissions.concentration import to_mg_per_nm3, to_ppm
from greenlang_data.emissions.constants import (
    AMBIENT_OXYGEN_EU,
    AMBIENT_OXYGEN_US,
    FUEL_FACTORS,
    UNVERIFIED,
)
from greenlang_data.emissions.corrections import to_dry, to_reference_oxygen, to_wet
from greenlang_data.emissions.diluent import co2_from_o2, diluent_cap
from greenlang_data.emissions.heat_input import heat_input_from_co2, heat_input_from_o2
from greenlang_data.emissions.mass import (
    bias_adjusted,
    hourly_mass,
    mass_rate,
    mass_rate_from_heat_input,
    total_tons,
)
from greenlang_data.emissions.missing_data import PARAMETERS, Parameter
from greenlang_data.emissions.modc import consistent, quality_flag
from greenlang_data.emissions.of_frame import basis_of
from greenlang_data.emissions.percentile import percentile
from greenlang_data.emissions.rates import emission_rate
from greenlang_data.emissions.rules import Rules
from greenlang_data.emissions.substitution import substitute
from greenlang_data.emissions.validated import daily_averages, validated_average
from greenlang_data.emissions.validity import HourRule, hourly_averages
from greenlang_data.settings.modc import MODC

__all__ = [
    "AMBIENT_OXYGEN_EU",
    "AMBIENT_OXYGEN_US",
    "FUEL_FACTORS",
    "MODC",
    "PARAMETERS",
    "UNVERIFIED",
    "Basis",
    "HourRule",
    "Parameter",
    "Rules",
    "basis_of",
    "bias_adjusted",
    "co2_from_o2",
    "consistent",
    "daily_averages",
    "diluent_cap",
    "emission_rate",
    "heat_input_from_co2",
    "heat_input_from_o2",
    "hourly_averages",
    "hourly_mass",
    "mass_rate",
    "mass_rate_from_heat_input",
    "monitor_availability",
    "percentile",
    "quality_flag",
    "require_same_basis",
    "round_half_away",
    "substitute",
    "to_dry",
    "to_mg_per_nm3",
    "to_ppm",
    "to_reference_oxygen",
    "to_wet",
    "total_tons",
    "validated_average",
]
