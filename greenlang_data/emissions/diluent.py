"""CO2 from O2, and the diluent cap: 40 CFR 75 Appendix F, sections 3.3.4 and 4.4.1."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from greenlang_data.emissions.arrays import Values, evaluate, floats_of
from greenlang_data.emissions.basis import Moisture, checked_moisture, require_moisture
from greenlang_data.emissions.constants import AMBIENT_OXYGEN_US, DILUENT_CAPS
from greenlang_data.errors import QueryError


def co2_from_o2(
    o2: Values,
    *,
    fd: Values,
    fc: Values,
    o2_basis: Moisture,
    moisture: Values = None,
    decimals: int | None = 1,
) -> Values:
    """Percent CO2 on the basis of the percent O2, not below zero.

    Dry, F-14A: ``100 Fc/Fd (20.9 - O2) / 20.9``. Wet, F-14B:
    ``100/20.9 Fc/Fd (20.9 (100 - H2O)/100 - O2)`` with the moisture in percent.

    >>> co2_from_o2(5.0, fd=9780, fc=1800, o2_basis="dry")
    14.0
    """
    if checked_moisture("o2_basis", o2_basis) == "dry":
        require_moisture(False, moisture is not None, "F-14A")
        return evaluate(
            lambda o, d, c, air: (100 * c * (air - o), d * air),
            o2, fd, fc, AMBIENT_OXYGEN_US,
            decimals=decimals, lowest=0.0,
        )  # fmt: skip
    require_moisture(True, moisture is not None, "F-14B")
    return evaluate(
        lambda o, d, c, water, air: (c * (air * (100 - water) - 100 * o), d * air),
        o2, fd, fc, moisture, AMBIENT_OXYGEN_US,
        decimals=decimals, lowest=0.0,
    )  # fmt: skip


def diluent_cap(
    values: Values, *, gas: str, unit_type: str, cap: Decimal | float | None = None
) -> pd.DataFrame:
    """``value, capped``: CO2 below or O2 above its cap counts as the cap (MODC 14).

    ``gas`` is CO2 or O2, ``unit_type`` boiler or turbine; ``cap`` in percent instead of the one
    in ``constants.DILUENT_CAPS``. Null stays null and is not capped. For emission rates only.

    >>> diluent_cap([3.0, 12.0], gas="CO2", unit_type="boiler").value.tolist()
    [5.0, 12.0]
    """
    if (unit_type, gas) not in DILUENT_CAPS:
        raise QueryError(f"there is no diluent cap of {gas!r} for a {unit_type!r}")
    limit = float(DILUENT_CAPS[unit_type, gas] if cap is None else cap)
    measured = np.atleast_1d(floats_of(values))
    with np.errstate(invalid="ignore"):
        capped = measured < limit if gas == "CO2" else measured > limit
    index = values.index if isinstance(values, pd.Series) else None
    return pd.DataFrame({"value": np.where(capped, limit, measured), "capped": capped}, index=index)
