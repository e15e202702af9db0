"""Parameters of emissions reports, by EPA's own codes, with the units of the instructions."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

DERIVED: Final = "derived:"
"""Before a code that a measured parameter has too."""

MONITORED: Final = MappingProxyType({
    "SO2C": "ppm",
    "NOXC": "ppm",
    "CO2C": "%",
    "O2C": "%",
    "H2O": "%",
    "FLOW": "scf/h",
})  # fmt: skip
DERIVABLE: Final = MappingProxyType({
    "SO2": "lb/h",
    "SO2R": "lb/mmBtu",
    "NOX": "lb/h",
    "NOXR": "lb/mmBtu",
    "CO2": "short tons/h",
    "CO2C": "%",
    "HI": "mmBtu/h",
    "H2O": "%",
})  # fmt: skip


def parameters_with_units() -> list[str]:
    """All that have a unit in the table."""
    twice = [f"{DERIVED}{code}" for code in DERIVABLE if code in MONITORED]
    once = [code for code in DERIVABLE if code not in MONITORED]
    return [*MONITORED, *once, *twice]
