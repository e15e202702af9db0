"""Parameters of emissions reports, by EPA's own codes.

Some codes are there twice: measured, and derived from other parameters. ``CO2C`` is the measured
one, ``derived:CO2C`` the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from greenlang_data.settings.ecmps_units import (
    DERIVABLE,
    DERIVED,
    MONITORED,
    parameters_with_units,
)

Kind = Literal["monitor", "derived", "operating"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Where a parameter stands in an hour, under which code, and in which unit."""

    kind: Kind
    code: str
    unit: str | None


OPERATING: Final = {"operating_time": "h", "load": None}
"""Of the hour itself; the unit of the load is told in the report."""


def parameter_of(tag: str, units: Mapping[str, str]) -> Parameter | None:
    """What a call means by ``tag``, or None. ``units`` are those of the site, by tag."""
    if tag in OPERATING:
        return Parameter("operating", tag, OPERATING[tag])
    if tag in MONITORED:
        return Parameter("monitor", tag, units.get(tag, MONITORED[tag]))
    code = tag.removeprefix(DERIVED)
    if code not in DERIVABLE:
        return None
    return Parameter("derived", code, units.get(tag, DERIVABLE[code]))


def known() -> list[str]:
    """All tags."""
    return [*parameters_with_units(), *OPERATING]
