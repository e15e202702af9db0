"""Heat input rates: 40 CFR 75 Appendix F, section 5.2."""

from __future__ import annotations

from typing import Any

from greenlang_data.emissions.arrays import Values, evaluate
from greenlang_data.emissions.basis import Moisture, checked_moisture, require_moisture
from greenlang_data.emissions.constants import AMBIENT_OXYGEN_US, MINIMUM_HEAT_INPUT
from greenlang_data.errors import QueryError


def heat_input_from_co2(
    flow: Values,
    co2: Values,
    *,
    fc: Values,
    flow_basis: Moisture,
    co2_basis: Moisture,
    moisture: Values = None,
    decimals: int | None = 1,
    minimum: float | None = MINIMUM_HEAT_INPUT,
) -> Values:
    """Heat input in mmBtu/h from wet flow in scf/h and CO2 in percent.

    Wet CO2, F-15: ``Q CO2 / (100 Fc)``. Dry CO2, F-16: ``Q (100 - H2O) CO2 / (10000 Fc)``.
    ``fc`` in scf CO2/mmBtu, ``moisture`` in percent; ``minimum`` is the least that is reported,
    None for none. Raises QueryError for a dry flow.

    >>> heat_input_from_co2(30e6, 10.0, fc=1800, flow_basis="wet", co2_basis="wet")
    1666.7
    """
    _check_flow(flow_basis)
    if checked_moisture("co2_basis", co2_basis) == "wet":
        require_moisture(False, moisture is not None, "F-15")
        return evaluate(
            lambda q, c, f: (q * c, 100 * f), flow, co2, fc, decimals=decimals, lowest=minimum
        )
    require_moisture(True, moisture is not None, "F-16")
    return evaluate(
        lambda q, c, f, water: (q * (100 - water) * c, 10000 * f),
        flow,
        co2,
        fc,
        moisture,
        decimals=decimals,
        lowest=minimum,
    )


def heat_input_from_o2(
    flow: Values,
    o2: Values,
    *,
    fd: Values,
    moisture: Values,
    flow_basis: Moisture,
    o2_basis: Moisture,
    decimals: int | None = 1,
    minimum: float | None = None,
) -> Values:
    """Heat input in mmBtu/h from wet flow in scf/h, O2 and moisture in percent.

    Wet O2, F-17: ``Q / Fd * (0.209 (100 - H2O) - O2) / 20.9``. Dry O2, F-18:
    ``Q (100 - H2O) (20.9 - O2) / (2090 Fd)``. ``fd`` in dscf/mmBtu. Null where the oxygen is
    more than that of air. Raises QueryError for a dry flow.

    >>> heat_input_from_o2(30e6, 6.0, fd=9780, moisture=10.0, flow_basis="wet", o2_basis="dry")
    1968.2
    """
    _check_flow(flow_basis)
    require_moisture(True, moisture is not None, "F-17 and F-18")
    wet = checked_moisture("o2_basis", o2_basis) == "wet"
    return evaluate(
        _f17 if wet else _f18,
        flow,
        o2,
        fd,
        moisture,
        AMBIENT_OXYGEN_US,
        decimals=decimals,
        lowest=minimum,
    )


# A denominator of zero gives null: more oxygen than air has is a fault and no heat.
def _f17(q: Any, o2: Any, fd: Any, water: Any, air: Any) -> tuple[Any, Any]:
    left = air * (100 - water) - 100 * o2
    return q * left, 100 * fd * air * (left >= 0)


def _f18(q: Any, o2: Any, fd: Any, water: Any, air: Any) -> tuple[Any, Any]:
    left = air - o2
    return q * (100 - water) * left, 100 * air * fd * (left >= 0)


def _check_flow(flow_basis: str) -> None:
    if checked_moisture("flow_basis", flow_basis) != "wet":
        raise QueryError(
            "equations F-15 to F-18 take the wet flow, and the flow is dry",
            remedy="Convert the flow, or correct what is said of it.",
        )
