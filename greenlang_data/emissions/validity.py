"""Hourly averages and whether they are valid: 40 CFR 75.10(d)(1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from greenlang_data.emissions.arrays import floats_of
from greenlang_data.errors import QueryError

_QUADRANT: Final = pd.Timedelta(minutes=15)
_HOUR: Final = pd.Timedelta(hours=1)
_COLUMNS: Final = ("timestamp", "pollutant", "concentration", "unit", "quality_flag", "quality")


@dataclass(frozen=True)
class HourRule:
    """When the readings of an hour make a valid hour.

    A reading is one when its ``quality`` is good and its ``quality_flag`` is one of
    ``measured_flags``: an unknown flag is never valid. In an hour with one of the
    ``maintenance_flags`` and more than one operated quadrant, two readings at least
    ``apart`` are enough; in any other, each operated quadrant needs a reading.
    """

    measured_flags: Collection[str] = ("measured", "measured_backup", "good")
    maintenance_flags: Collection[str] = ("calibration", "maintenance")
    apart: pd.Timedelta = _QUADRANT


HOUR_RULE: Final = HourRule()
"""40 CFR 75.10(d)(1)."""


def hourly_averages(
    readings: pd.DataFrame, *, operating: pd.Series[Any] | bool, rule: HourRule = HOUR_RULE
) -> pd.DataFrame:
    """The hours of a ``cems`` frame in its long shape: mean of the valid readings, and validity.

    ``operating`` says of each row whether the unit burned fuel, or of all of them; null is not
    known, and then the quadrant needs a reading as if it had. Readings of calibration,
    maintenance or a fault, of uncertain or bad quality, with a null value, or while the unit
    stood still, are in no mean.

    Returns a row per pollutant and clock hour from the first to the last of the frame:
    ``timestamp`` (its beginning), ``pollutant, concentration, unit, quality_flag, readings``
    (valid ones), ``quadrants`` (with a valid reading), ``quadrants_operated, valid, reason``. The
    concentration is null unless the hour is valid. ``quality_flag`` is measured, missing or
    not_operating; ``reason`` says why an hour is not valid.

    Raises QueryError for time stamps without a zone or twice there, and for two units of one
    pollutant.
    """
    table = _checked(readings, operating, rule)
    frames = [
        _of_pollutant(str(name), part, rule)
        for name, part in table.groupby("pollutant", sort=False, observed=True)
    ]
    if not frames:
        raise QueryError("there are no readings to average")
    return pd.concat(frames, ignore_index=True)


def _checked(
    readings: pd.DataFrame, operating: pd.Series[Any] | bool, rule: HourRule
) -> pd.DataFrame:
    missing = [name for name in _COLUMNS if name not in readings.columns]
    if missing:
        raise QueryError(
            f"the frame has no column {', '.join(missing)}",
            remedy="Give a cems frame in its long shape.",
        )
    if not isinstance(readings["timestamp"].dtype, pd.DatetimeTZDtype):
        raise QueryError("the time stamps have no time zone", remedy="Localize them first.")
    if readings.duplicated(["timestamp", "pollutant"]).any():
        raise QueryError(
            "a time stamp of a pollutant is there twice, and would count twice",
            remedy="Give the readings of one stack.",
        )
    for name, units in readings.groupby("pollutant", observed=True)["unit"]:
        if len(units.unique()) > 1:
            raise QueryError(
                f"{name} is in {' and '.join(str(unit) for unit in units.unique())}",
                remedy="Convert it to one unit first.",
            )
    runs = _runs(readings, operating)
    flag = readings["quality_flag"].astype("object")
    value = floats_of(readings["concentration"])
    return pd.DataFrame(
        {
            "timestamp": readings["timestamp"].dt.tz_convert("UTC").reset_index(drop=True),
            "pollutant": readings["pollutant"].astype("object").to_numpy(),
            "unit": readings["unit"].astype("object").to_numpy(),
            "value": value,
            "stood": (runs == False).fillna(False).to_numpy(dtype=bool),  # noqa: E712  (null is not False)
            "valid": runs.fillna(False).to_numpy(dtype=bool)
            & ~np.isnan(value)
            & (readings["quality"].astype("object") == "good").to_numpy()
            & flag.isin(rule.measured_flags).to_numpy(),
            "maintained": flag.isin(rule.maintenance_flags).to_numpy(),
        }
    )


def _runs(readings: pd.DataFrame, operating: pd.Series[Any] | bool) -> pd.Series[Any]:
    if isinstance(operating, bool):
        return pd.Series(operating, index=readings.index, dtype="boolean")
    if not operating.index.equals(readings.index):
        raise QueryError("operating and the frame have different indexes")
    return operating.astype("boolean")


def _of_pollutant(name: str, table: pd.DataFrame, rule: HourRule) -> pd.DataFrame:
    times = table["timestamp"]
    hour = times.dt.floor("h")
    first = hour.min()
    hours = pd.date_range(first, hour.max(), freq="h")
    count = len(hours)
    place = ((hour - first) // _HOUR).to_numpy()
    quarter = ((times - hour) // _QUADRANT).to_numpy()
    valid, stood = table["valid"].to_numpy(), table["stood"].to_numpy()

    covered = _any(place, quarter, valid, count)
    # A quadrant without a row may have been operated; only rows that say so rule it out.
    operated = ~_any(place, quarter, stood, count) | _any(place, quarter, ~stood, count)
    number = np.bincount(place[valid], minlength=count)
    with np.errstate(invalid="ignore"):
        total = np.bincount(place[valid], table["value"].to_numpy()[valid], minlength=count)
        mean = total / number
    maintained = np.bincount(place, table["maintained"], minlength=count) > 0
    every = (covered | ~operated).all(axis=1)
    two = (
        maintained & (operated.sum(axis=1) > 1) & (_span(place, times, valid, count) >= rule.apart)
    )
    runs = operated.any(axis=1)
    good = runs & (number > 0) & (every | two)
    return pd.DataFrame(
        {
            "timestamp": hours,
            "pollutant": name,
            "concentration": np.where(good, mean, np.nan),
            "unit": table["unit"].iloc[0],
            "quality_flag": np.select([good, ~runs], ["measured", "not_operating"], "missing"),
            "readings": number,
            "quadrants": covered.sum(axis=1),
            "quadrants_operated": operated.sum(axis=1),
            "valid": good,
            "reason": _reasons(good, runs, number > 0, maintained),
        }
    )


def _reasons(
    good: npt.NDArray[np.bool_],
    runs: npt.NDArray[np.bool_],
    read: npt.NDArray[np.bool_],
    maintained: npt.NDArray[np.bool_],
) -> npt.NDArray[np.str_]:
    """Why each hour is not valid; empty where it is."""
    return np.select(
        [good, ~runs, ~read, maintained],
        [
            "",
            "the unit did not operate",
            "no valid reading",
            "calibration or maintenance, and no two readings far enough apart",
        ],
        "an operated quadrant has no valid reading",
    )


def _any(
    place: npt.NDArray[Any], quarter: npt.NDArray[Any], which: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.bool_]:
    """Whether any row that ``which`` marks is in each quadrant: hours by four."""
    found = np.zeros((count, 4), bool)
    found[place[which], quarter[which]] = True
    return found


def _span(
    place: npt.NDArray[Any], times: pd.Series[Any], valid: npt.NDArray[np.bool_], count: int
) -> Any:
    """From the first to the last valid reading of each hour."""
    span = np.full(count, np.timedelta64(-1, "ns"), "timedelta64[ns]")
    known = times[valid].groupby(place[valid])
    apart = known.max() - known.min()
    span[apart.index.to_numpy()] = apart.to_numpy().astype("timedelta64[ns]")
    return span
