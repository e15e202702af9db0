"""Wet to dry, and to a reference oxygen: Directive 2010/75/EU, Annex VI Part 7."""

from __future__ import annotations

from greenlang_data.emissions.arrays import Values, evaluate, floats_of
from greenlang_data.emissions.basis import Moisture, checked_moisture
from greenlang_data.errors import QueryError


def to_dry(values: Values, moisture: Values, *, decimals: int | None = None) -> Values:
    """A wet concentration on the dry basis: ``wet / (1 - H2O/100)``, moisture in percent.

    >>> to_dry(90.0, 10.0)
    100.0
    """
    _check_moisture(moisture)
    return evaluate(lambda c, water: (100 * c, 100 - water), values, moisture, decimals=decimals)


def to_wet(values: Values, moisture: Values, *, decimals: int | None = None) -> Values:
    """A dry concentration on the wet basis: ``dry * (1 - H2O/100)``, moisture in percent.

    >>> to_wet(100.0, 10.0)
    90.0
    """
    _check_moisture(moisture)
    return evaluate(lambda c, water: (c * (100 - water), 100), values, moisture, decimals=decimals)


def to_reference_oxygen(
    values: Values,
    oxygen: Values,
    *,
    reference: float,
    ambient: Values,
    basis: Moisture,
    oxygen_basis: Moisture,
    decimals: int | None = None,
) -> Values:
    """Concentrations at the ``reference`` percent of oxygen.

    ``values * (ambient - reference) / (ambient - oxygen)``. ``ambient`` is the oxygen of air that
    the regulation has, ``constants.AMBIENT_OXYGEN_EU`` (21) or ``AMBIENT_OXYGEN_US`` (20.9): it
    changes the result, so it has no default. Usual references: 3 % gas and oil boilers, 6 % solid
    fuel, 11 % waste, 15 % turbines and engines. Null where there is as much oxygen as in air.

    Raises QueryError unless values and oxygen are both dry, or the reference is not below air.

    >>> to_reference_oxygen(43.2, 4.2, reference=15, ambient=20.9, basis="dry",
    ...                     oxygen_basis="dry", decimals=1)
    15.3
    """
    for name, value in (("basis", basis), ("oxygen_basis", oxygen_basis)):
        if checked_moisture(name, value) != "dry":
            raise QueryError(
                f"{name} is wet, and a reference oxygen is of dry gas",
                remedy="Convert it with to_dry first.",
            )
    if not 0 <= reference < float(ambient):
        raise QueryError(f"a reference oxygen of {reference} % is not below that of air, {ambient}")
    return evaluate(
        lambda c, o2, ref, air: (c * (air - ref), air - o2),
        values,
        oxygen,
        reference,
        ambient,
        decimals=decimals,
    )


def _check_moisture(moisture: Values) -> None:
    percent = floats_of(moisture)
    if ((percent < 0) | (percent > 100)).any():
        raise QueryError("moisture is in percent, and some of it is below 0 or above 100")
