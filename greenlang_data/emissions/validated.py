"""Validated averages of the EU: Directive 2010/75/EU, Annex V Part 3 and Annex VI Part 6."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from greenlang_data.emissions.arrays import Values, evaluate, floats_of
from greenlang_data.emissions.basis import Basis, require_same_basis
from greenlang_data.emissions.constants import CONFIDENCE_PERCENT, INVALID_PER_DAY
from greenlang_data.errors import QueryError

_PERIOD: Final = {"combustion": pd.Timedelta(hours=1), "waste": pd.Timedelta(minutes=30)}


def validated_average(
    averages: Values,
    *,
    pollutant: str,
    limit: float,
    basis: Basis,
    limit_basis: Basis,
    confidence_percent: float | None = None,
    decimals: int | None = None,
) -> Values:
    """Averages less the 95 % confidence interval: ``average - percent/100 * limit``.

    ``limit`` is the emission limit value; both must stand on the same basis (unit, dry, reference
    oxygen), or QueryError. ``confidence_percent`` instead of the one in
    ``constants.CONFIDENCE_PERCENT``. The result may be negative; what a negative one counts as is
    for the authority to say.

    >>> dry6 = Basis("mg/Nm3", "dry", 6)
    >>> validated_average(210.0, pollutant="NOx", limit=200, basis=dry6, limit_basis=dry6)
    170.0
    """
    require_same_basis(basis, limit_basis)
    if confidence_percent is None and pollutant not in CONFIDENCE_PERCENT:
        raise QueryError(
            f"there is no confidence interval for {pollutant!r}", remedy="Give confidence_percent=."
        )
    percent = CONFIDENCE_PERCENT[pollutant] if confidence_percent is None else confidence_percent
    return evaluate(
        lambda c, p, elv: (100 * c - p * elv, 100), averages, percent, limit, decimals=decimals
    )


def daily_averages(
    averages: pd.DataFrame,
    *,
    plant: str,
    tz: str,
    value: str = "concentration",
    operating: str = "operating",
    invalid_per_day: int | None = None,
) -> pd.DataFrame:
    """Daily means of validated averages, and which days are valid.

    ``averages`` has ``timestamp`` (with a time zone), the column ``value`` and the bool column
    ``operating``, a row per hour (``plant="combustion"``) or half-hour (``"waste"``). A row is
    invalid when the plant operated, or it is not known whether, and the value is null; so is a
    row that is not there. A day with more than three invalid hours, or more than five half-hours,
    is invalid and its mean null (Annex V Part 3 point 11; Annex VI Part 8 point 1.2);
    ``invalid_per_day`` is another number. Days are those of ``tz``.

    Returns ``date, value, operating, invalid, valid``: counts of rows beside the mean.
    """
    if plant not in INVALID_PER_DAY:
        raise QueryError(f"plant is {plant!r}", remedy="Say combustion or waste.")
    if averages["timestamp"].duplicated().any():
        raise QueryError("a time stamp is there twice", remedy="Give one pollutant of one stack.")
    most = INVALID_PER_DAY[plant] if invalid_per_day is None else invalid_per_day
    numbers = np.atleast_1d(floats_of(averages[value]))
    runs = averages[operating].astype("boolean").fillna(True).to_numpy(dtype=bool)
    table = pd.DataFrame(
        {
            "date": averages["timestamp"].dt.tz_convert(tz).dt.date.to_numpy(),
            "value": np.where(runs, numbers, np.nan),
            "operating": runs,
            "invalid": runs & np.isnan(numbers),
        }
    )
    days = table.groupby("date", as_index=False).agg(
        value=("value", "mean"),
        operating=("operating", "sum"),
        invalid=("invalid", "sum"),
        rows=("invalid", "size"),
    )
    days["invalid"] += _rows_of_a_day(days["date"], tz, _PERIOD[plant]) - days.pop("rows")
    days["valid"] = (days["operating"] > 0) & (days["invalid"] <= most)
    days["value"] = days["value"].where(days["valid"])
    return days


def _rows_of_a_day(dates: pd.Series[Any], tz: str, period: pd.Timedelta) -> pd.Series[Any]:
    midnight = pd.to_datetime(dates)
    start = midnight.dt.tz_localize(tz)
    end = (midnight + pd.Timedelta(days=1)).dt.tz_localize(tz)
    return (end - start) // period  # 23 or 25 hours where the clocks change
