"""Mass rates, and masses from them: 40 CFR 75 Appendix F, sections 2, 4 and 8."""

from __future__ import annotations

import numpy as np

from greenlang_data.emissions.arrays import (
    Values,
    evaluate,
    exact,
    floats_of,
    rounded_decimal,
)
from greenlang_data.emissions.basis import (
    Moisture,
    checked_moisture,
    checked_unit,
    require_moisture,
)
from greenlang_data.emissions.constants import POUNDS_PER_SCF, TONS_CO2_PER_SCF
from greenlang_data.errors import QueryError


def mass_rate(
    concentration: Values,
    flow: Values,
    *,
    pollutant: str,
    unit: str,
    concentration_basis: Moisture,
    flow_basis: Moisture,
    moisture: Values = None,
    decimals: int | None = 1,
) -> Values:
    """Mass per hour of SO2, NOx or CO in lb/h, and of CO2 in short tons/h.

    ``concentration`` in ``unit`` (ppm; percent for CO2), ``flow`` in scf/h (scfh at 68 F),
    ``moisture`` in percent.

    Same basis, equations F-1, F-11 and F-26A: ``K C Q``. Dry concentration and wet flow, F-2 and
    F-26B: ``K C Q (100 - H2O) / 100``. Raises QueryError for a wet concentration with a dry flow,
    for which the appendix has no equation.

    >>> mass_rate(100.0, 30e6, pollutant="SO2", unit="ppm", concentration_basis="dry",
    ...           flow_basis="wet", moisture=10.0)
    448.2
    """
    factor, wanted = _factor(pollutant)
    checked_unit(pollutant, unit, (wanted,))
    checked_moisture("concentration_basis", concentration_basis)
    checked_moisture("flow_basis", flow_basis)
    mixed = concentration_basis != flow_basis
    if mixed and concentration_basis == "wet":
        raise QueryError(
            "a wet concentration and a dry flow have no equation in Appendix F",
            remedy="Convert the concentration with to_dry.",
        )
    require_moisture(mixed, moisture is not None, "F-2" if mixed else "F-1")
    if not mixed:
        return evaluate(
            lambda c, q, k: (k * c * q, 1), concentration, flow, factor, decimals=decimals
        )
    return evaluate(
        lambda c, q, water, k: (k * c * q * (100 - water), 100),
        concentration,
        flow,
        moisture,
        factor,
        decimals=decimals,
    )


def mass_rate_from_heat_input(
    rate: Values, heat_input: Values, *, decimals: int | None = 1
) -> Values:
    """lb/h from lb/mmBtu and mmBtu/h, equation F-24A: ``rate * heat input``.

    >>> mass_rate_from_heat_input(0.25, 1000.2)
    250.1
    """
    return evaluate(lambda e, h: (e * h, 1), rate, heat_input, decimals=decimals)


def hourly_mass(rate: Values, operating_time: Values, *, decimals: int | None = 1) -> Values:
    """Mass of the hour from the rate per hour and the fraction of the hour operated.

    >>> hourly_mass(100.0, 0.25)
    25.0
    """
    _check_operating_time(operating_time)
    return evaluate(lambda e, t: (e * t, 1), rate, operating_time, decimals=decimals)


def total_tons(mass: Values, operating_time: Values, *, decimals: int | None = 1) -> float:
    """Short tons of all operating hours, ``sum(lb) / 2000``, from the hourly masses in lb.

    NaN when an operating hour has no mass, or it is not known whether the unit operated: a total
    that leaves hours out would look whole.

    >>> total_tons([4000.0, None, 1000.0], [1.0, 0.0, 0.5])
    2.5
    """
    _check_operating_time(operating_time)
    pounds, times = np.broadcast_arrays(floats_of(mass), floats_of(operating_time))
    counted = pounds[times != 0]
    if np.isnan(counted).any() or np.isnan(times).any():
        return float("nan")
    total = sum((exact(one) for one in counted), exact(0.0)) / 2000
    return float(total) if decimals is None else rounded_decimal(total, decimals)


def bias_adjusted(values: Values, factor: float, *, decimals: int | None = 1) -> Values:
    """``values * factor``, the bias adjustment of a failed bias test: 75 App. A, section 7.6.5.

    Applied before mass and rate. Raises QueryError for a factor below 1, which no test gives.

    >>> bias_adjusted(100.0, 1.05)
    105.0
    """
    if not factor >= 1:
        raise QueryError(f"a bias adjustment factor of {factor} is below 1")
    return evaluate(lambda value, by: (value * by, 1), values, factor, decimals=decimals)


def _factor(pollutant: str) -> tuple[object, str]:
    if pollutant == "CO2":
        return TONS_CO2_PER_SCF, "%"
    if pollutant in POUNDS_PER_SCF:
        return POUNDS_PER_SCF[pollutant], "ppm"
    known = ", ".join([*POUNDS_PER_SCF, "CO2"])
    raise QueryError(f"there is no factor for {pollutant!r}, only for {known}")


def _check_operating_time(operating_time: Values) -> None:
    times = floats_of(operating_time)
    if ((times < 0) | (times > 1)).any():
        raise QueryError(
            "operating times are fractions of an hour, and some are below 0 or above 1",
            remedy="Divide minutes by 60.",
        )
