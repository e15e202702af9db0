"""What CAMPD's hours hold: names, units and flags.

Units are those of EPA's property metadata; masses are of the whole hour, already multiplied by
the operating time, while loads are rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greenlang_data.drivers.schema import GOOD, QUALITIES, UNCERTAIN


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity: the field of a row, CAMPD's own name, its unit, the field of its flag."""

    field: str
    native: str
    unit: str
    flag: str | None = None


MEASURANDS: Final[dict[str, Column]] = {
    "SO2": Column("so2_mass", "so2Mass", "lb", "so2_mass_measure_flg"),
    "SO2_rate": Column("so2_rate", "so2Rate", "lb/mmBtu", "so2_rate_measure_flg"),
    "NOx": Column("nox_mass", "noxMass", "lb", "nox_mass_measure_flg"),
    "NOx_rate": Column("nox_rate", "noxRate", "lb/mmBtu", "nox_rate_measure_flg"),
    "CO2": Column("co2_mass", "co2Mass", "short tons", "co2_mass_measure_flg"),
    "CO2_rate": Column("co2_rate", "co2Rate", "short tons/mmBtu", "co2_rate_measure_flg"),
    "heat_input": Column("heat_input", "heatInput", "mmBtu", "heat_input_measure_flg"),
    "gross_load": Column("gross_load", "grossLoad", "MW"),
    "steam_load": Column("steam_load", "steamLoad", "1000 lb/h"),
    "operating_time": Column("op_time", "opTime", "h"),
}
"""What a call may ask for, by its name here; CAMPD's own names are understood too."""

_BY_NATIVE: Final = {one.native: one for one in MEASURANDS.values()}

MEASURE_FLAGS: Final[dict[str, tuple[str, int]]] = {
    "Measured": ("measured", GOOD),
    "Calculated": ("calculated", GOOD),
    "Substitute": ("substituted", UNCERTAIN),
    "Measured and Substitute": ("partly_substituted", UNCERTAIN),
}
"""Flags of EPA's property metadata: what they are called here, and their quality. Any other is
kept as it is, and uncertain: LME, Other, Undetermined and Unknown Code have been seen elsewhere,
and their meaning was not verified."""


def column_of(name: str) -> Column | None:
    """The column that a call means by ``name``, or None."""
    return MEASURANDS.get(name) or _BY_NATIVE.get(name)


def flag_meaning(flag: str, chosen: dict[str, str]) -> tuple[str, int]:
    """What to call a flag, and its quality; ``chosen`` are qualities that a user has set."""
    name, quality = MEASURE_FLAGS.get(flag, (flag, UNCERTAIN))
    return name, QUALITIES.index(chosen[flag]) if flag in chosen else quality
