"""Parameters of emissions reports, by EPA's own codes, with the units of the instructions.

Some codes are there twice: measured, and derived from other parameters. ``CO2C`` is the measured
one, ``derived:CO2C`` the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["monitor", "derived", "operating"]
DERIVED: Final = "derived:"


@dataclass(frozen=True, slots=True)
class Parameter:
    """Where a parameter stands in an hour, under which code, and in which unit."""

    kind: Kind
    code: str
    unit: str | None


MONITORED: Final = {
    "SO2C": "ppm",
    "NOXC": "ppm",
    "CO2C": "%",
    "O2C": "%",
    "H2O": "%",
    "FLOW": "scf/h",
}
DERIVABLE: Final = {
    "SO2": "lb/h",
    "SO2R": "lb/mmBtu",
    "NOX": "lb/h",
    "NOXR": "lb/mmBtu",
    "CO2": "short tons/h",
    "CO2C": "%",
    "HI": "mmBtu/h",
    "H2O": "%",
}
OPERATING: Final = {"operating_time": "h", "load": None}
"""Of the hour itself; the unit of the load is told in the report."""


def parameter_of(tag: str) -> Parameter | None:
    """What a call means by ``tag``, or None."""
    if tag in OPERATING:
        return Parameter("operating", tag, OPERATING[tag])
    if tag in MONITORED:
        return Parameter("monitor", tag, MONITORED[tag])
    code = tag.removeprefix(DERIVED)
    return Parameter("derived", code, DERIVABLE[code]) if code in DERIVABLE else None


def known() -> list[str]:
    """All tags."""
    twice = [f"{DERIVED}{code}" for code in DERIVABLE if code in MONITORED]
    once = [code for code in DERIVABLE if code not in MONITORED]
    return [*MONITORED, *once, *twice, *OPERATING]
