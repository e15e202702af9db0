"""Emission rates in lb/mmBtu: 40 CFR 60 Appendix A, Method 19; 40 CFR 75 Appendix F, section 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greenlang_data.emissions.arrays import Formula, Values, evaluate
from greenlang_data.emissions.basis import (
    Moisture,
    checked_moisture,
    checked_unit,
    require_moisture,
)
from greenlang_data.emissions.constants import (
    AMBIENT_MOISTURE,
    AMBIENT_OXYGEN_US,
    POUNDS_PER_SCF,
)
from greenlang_data.errors import QueryError


@dataclass(frozen=True)
class Equation:
    """One equation of Method 19: its name, and whether it has the stack moisture in it.

    The formula takes K, concentration, F-factor, diluent, percent moisture, percent oxygen of
    air, and the fraction of water in ambient air.
    """

    name: str
    uses_moisture: bool
    formula: Formula


# Water is in percent here, so that (100 - water) / 100 stays exact in decimals.
EQUATIONS: Final[dict[tuple[str, str, str], Equation]] = {
    ("fd", "dry", "dry"): Equation(
        "19-1", False, lambda k, c, f, o2, _w, air, _a: (k * c * f * air, air - o2)
    ),
    ("fw", "wet", "wet"): Equation(
        "19-2", False, lambda k, c, f, o2, _w, air, a: (k * c * f * air, air * (1 - a) - o2)
    ),
    ("fd", "wet", "wet"): Equation(
        "19-3", True, lambda k, c, f, o2, w, air, _a: (
            100 * k * c * f * air, air * (100 - w) - 100 * o2)
    ),
    ("fd", "wet", "dry"): Equation(
        "19-4", True, lambda k, c, f, o2, w, air, _a: (
            100 * k * c * f * air, (100 - w) * (air - o2))
    ),
    ("fd", "dry", "wet"): Equation(
        "19-5", True, lambda k, c, f, o2, w, air, _a: (
            (100 - w) * k * c * f * air, air * (100 - w) - 100 * o2)
    ),
    ("fc", "dry", "dry"): Equation(
        "19-6", False, lambda k, c, f, co2, _w, _air, _a: (100 * k * c * f, co2)
    ),
    ("fc", "wet", "wet"): Equation(
        "19-7", False, lambda k, c, f, co2, _w, _air, _a: (100 * k * c * f, co2)
    ),
    ("fc", "wet", "dry"): Equation(
        "19-8", True, lambda k, c, f, co2, w, _air, _a: (100 * 100 * k * c * f, (100 - w) * co2)
    ),
    ("fc", "dry", "wet"): Equation(
        "19-9", True, lambda k, c, f, co2, w, _air, _a: (k * c * f * (100 - w), co2)
    ),
}  # fmt: skip
"""By F-factor, basis of the concentration and basis of the diluent."""


def emission_rate(
    concentration: Values,
    diluent: Values,
    *,
    pollutant: str,
    unit: str,
    concentration_basis: Moisture,
    diluent_basis: Moisture,
    fd: Values = None,
    fc: Values = None,
    fw: Values = None,
    moisture: Values = None,
    ambient_moisture: Values = AMBIENT_MOISTURE,
    decimals: int | None = 3,
) -> Values:
    """Emission rate of SO2, NOx or CO in lb/mmBtu by the equation that :func:`equation` names.

    ``concentration`` in ppm, and one F-factor: ``fd`` (dscf/mmBtu) or ``fw`` (wscf/mmBtu) with
    percent O2 as the diluent, ``fc`` (scf CO2/mmBtu) with percent CO2. ``moisture`` is the
    percent of water in the stack gas, ``ambient_moisture`` the fraction Bwa of equation 19-2.
    Null where the oxygen is that of air or more, or the CO2 is not positive.

    ``fd`` dry/dry: F-5 = 19-1. ``fw`` wet/wet: 19-2. ``fd`` wet/wet: 19-3; wet/dry: 19-4 (19-3D
    is the same); dry/wet: 19-5. ``fc``: F-6 = 19-6 dry/dry, 19-7 wet/wet, 19-8 wet/dry, 19-9
    dry/wet.

    >>> emission_rate(43.2, 4.2, pollutant="NOx", unit="ppm", concentration_basis="dry",
    ...               diluent_basis="dry", fd=8991, decimals=4)
    0.058
    """
    checked_unit(pollutant, unit, ("ppm",))
    if pollutant not in POUNDS_PER_SCF:
        raise QueryError(f"there is no factor for {pollutant!r}, only {', '.join(POUNDS_PER_SCF)}")
    kind, factor = _one_factor(fd=fd, fc=fc, fw=fw)
    chosen = equation(
        factor=kind, concentration_basis=concentration_basis, diluent_basis=diluent_basis
    )
    require_moisture(chosen.uses_moisture, moisture is not None, chosen.name)
    return evaluate(
        chosen.formula,
        POUNDS_PER_SCF[pollutant],
        concentration,
        factor,
        diluent,
        moisture if chosen.uses_moisture else 0,
        AMBIENT_OXYGEN_US,
        ambient_moisture,
        decimals=decimals,
    )


def equation(*, factor: str, concentration_basis: str, diluent_basis: str) -> Equation:
    """The equation for an F-factor and two bases; raises QueryError when there is none.

    >>> equation(factor="fd", concentration_basis="dry", diluent_basis="wet").name
    '19-5'
    """
    checked_moisture("concentration_basis", concentration_basis)
    checked_moisture("diluent_basis", diluent_basis)
    found = EQUATIONS.get((factor, concentration_basis, diluent_basis))
    if found is None:
        raise QueryError(
            f"Method 19 has no equation for {factor} with a {concentration_basis} concentration "
            f"and a {diluent_basis} diluent",
            remedy="Take another F-factor, or convert one of them with to_dry.",
        )
    return found


def _one_factor(**factors: Values) -> tuple[str, Values]:
    given = [(name, value) for name, value in factors.items() if value is not None]
    if len(given) != 1:
        raise QueryError(
            f"{len(given)} F-factors were given, and the equation takes one",
            remedy="Give fd= or fw= with O2, or fc= with CO2.",
        )
    return given[0]
