"""Missing hours filled by the rules, each with its explanation: 40 CFR 75.31 to 75.33."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from greenlang_data.emissions.arrays import Floats, floats_of
from greenlang_data.emissions.availability import CLOCK_HOURS, monitor_availability
from greenlang_data.emissions.gaps import Gap, gaps
from greenlang_data.emissions.lookback import LookBack
from greenlang_data.emissions.missing_data import (
    PARAMETERS,
    UNKNOWN_HISTORY,
    Around,
    Parameter,
    Substitute,
    initial,
    standard,
)
from greenlang_data.emissions.modc import codes_of
from greenlang_data.errors import QueryError
from greenlang_data.settings.modc import MODC_TABLE, ModcTable

_HOUR: Final = pd.Timedelta(hours=1)


def substitute(
    hours: pd.DataFrame,
    *,
    parameter: str | Parameter,
    certified: datetime,
    maximum_potential: float,
    value: str = "concentration",
    modc: ModcTable = MODC_TABLE,
) -> pd.DataFrame:
    """Fill the missing hours of one parameter, and say of every hour what it is and why.

    ``hours`` has a row per clock hour without a gap, in order, best from ``certified`` (the hour
    of initial certification) on: ``timestamp`` with a time zone, ``operating_time`` (0 to 1),
    ``modc`` (text), the column ``value`` (bias-adjusted, in one unit), and ``load_bin`` (whole
    numbers) for a load-based parameter. ``parameter`` is one of ``PARAMETERS``;
    ``maximum_potential`` is the MPC, MPF or MER of the monitoring plan, or the minimum potential
    where the low side is the safe one. ``modc`` says what codes count as, where a
    :class:`~greenlang_data.emissions.Rules` of one's own differs from the usual table.

    An operating hour is missing when its value is null or its MODC is null or that of a
    substitute; a substitute that is already there is made anew. Rows that begin after
    certification are filled only where they reach as far back as the rule does.

    Returns a row per hour: ``timestamp``, the value, ``modc, quality_flag, method, rule,
    availability`` (percent, equations 8 and 9), ``gap_hours, hour_before, hour_after,
    hour_before_value, hour_after_value, lookback_hours`` (values that there were), ``load_bin``
    (that was used), ``percentile, percentile_value``. ``method`` is measured, not_operating, the
    method, or why the value is still null: open_gap (no hour after yet), insufficient_history,
    unknown_load_bin.

    Raises QueryError for hours that are absent or out of order, an unknown operating time, and a
    MODC that is neither that of a measured nor of a missing hour.
    """
    kind = _parameter(parameter)
    _check_hours(hours, kind, value, certified)
    runs = _operating(hours)
    numbers = floats_of(hours[value])
    codes = codes_of(hours["modc"])
    _check_codes(codes[runs], modc)
    measured = runs & codes.isin(modc.measured).to_numpy() & ~np.isnan(numbers)
    assured = measured & codes.isin(modc.quality_assured).to_numpy()
    age = int((hours["timestamp"].iloc[0] - pd.Timestamp(certified)) // _HOUR)
    history = _History(
        kind,
        np.where(measured, numbers, np.nan),
        np.flatnonzero(assured),
        _load_bins(hours, kind),
        monitor_availability(runs, assured, since_certification=age == 0),
        age,
        maximum_potential,
    )
    return _explained(hours, value, runs, measured, codes, history)


class _History:
    """The columns that the rules look into."""

    def __init__(
        self,
        kind: Parameter,
        values: Floats,
        assured_rows: npt.NDArray[np.int64],
        bins: npt.NDArray[np.int64] | None,
        availability: Floats,
        age: int,
        maximum_potential: float,
    ) -> None:
        self.kind, self.values, self.bins = kind, values, bins
        self.assured_rows, self.availability = assured_rows, availability
        self.age, self.maximum_potential = age, maximum_potential

    def around(self, gap: Gap) -> Around:
        first, limit = int(gap.rows[0]), self.kind.look_back
        look_back = LookBack.before(first, limit, self.assured_rows, self.values, self.bins)
        whole = self.age == 0 or len(look_back.rows) == limit or first >= CLOCK_HOURS
        return Around(
            self.kind,
            gap.hours,
            None if gap.before < 0 else float(self.values[gap.before]),
            None if gap.after < 0 else float(self.values[gap.after]),
            look_back,
            whole,
            self.maximum_potential,
        )

    def substitute(self, gap: Gap, around: Around, row: int) -> Substitute:
        load_bin = None if self.bins is None or self.bins[row] < 0 else int(self.bins[row])
        count = int(np.searchsorted(self.assured_rows, gap.rows[0]))
        young = self.age + row < CLOCK_HOURS
        if self.age > 0 and (gap.before < 0 or (young and count < self.kind.look_back)):
            return UNKNOWN_HISTORY
        if young and count < self.kind.look_back:
            return initial(around, load_bin)
        if np.isnan(self.availability[row]):
            return UNKNOWN_HISTORY
        return standard(around, load_bin, float(self.availability[row]))


def _explained(
    hours: pd.DataFrame,
    value: str,
    runs: npt.NDArray[np.bool_],
    measured: npt.NDArray[np.bool_],
    codes: pd.Series[str],
    history: _History,
) -> pd.DataFrame:
    count = len(hours)
    times = hours["timestamp"].reset_index(drop=True)
    method = np.select([measured, ~runs], ["measured", "not_operating"], "").astype(object)
    columns: dict[str, Any] = {
        value: np.where(measured, history.values, np.nan),
        "modc": codes.astype(object).where(measured, None).to_numpy(object, copy=True),
        "method": method,
        "rule": np.full(count, "", object),
    }
    numbers = ("gap_hours", "hour_before_value", "hour_after_value", "lookback_hours",
               "load_bin", "percentile", "percentile_value")  # fmt: skip
    columns |= {name: np.full(count, np.nan) for name in numbers}
    before, after = np.full(count, -1), np.full(count, -1)
    for gap in gaps(runs, runs & ~measured):
        around = history.around(gap)
        before[gap.rows], after[gap.rows] = gap.before, gap.after
        columns["gap_hours"][gap.rows] = gap.hours
        columns["lookback_hours"][gap.rows] = len(around.look_back.rows)
        columns["hour_before_value"][gap.rows] = _number(around.before)
        columns["hour_after_value"][gap.rows] = _number(around.after)
        for row in gap.rows:
            found = history.substitute(gap, around, int(row))
            columns[value][row] = found.value
            columns["modc"][row], columns["method"][row] = found.modc, found.method
            columns["rule"][row] = found.rule
            columns["load_bin"][row] = _number(found.load_bin)
            columns["percentile"][row] = _number(found.percentile)
            columns["percentile_value"][row] = found.percentile_value
    frame = pd.DataFrame({"timestamp": times, **columns})
    frame["modc"] = frame["modc"].astype("str")
    for name in ("gap_hours", "lookback_hours", "load_bin", "percentile"):
        frame[name] = frame[name].astype("Int64")
    frame.insert(3, "quality_flag", _flags(frame["method"], frame["modc"]))
    frame.insert(6, "availability", history.availability)
    for name, rows in (("hour_after", after), ("hour_before", before)):
        frame.insert(8, name, times.reindex(rows).reset_index(drop=True))
    frame.index = hours.index
    return frame


def _flags(method: pd.Series[Any], modc: pd.Series[Any]) -> npt.NDArray[Any]:
    whole = method.isin(["measured", "not_operating"])
    flags = np.where(modc.isna(), "missing", "substituted:" + method.astype("object"))
    return np.where(whole, method.astype("object"), flags)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _parameter(parameter: str | Parameter) -> Parameter:
    if isinstance(parameter, Parameter):
        return parameter
    if parameter not in PARAMETERS:
        raise QueryError(f"there is no parameter {parameter!r}, only {', '.join(PARAMETERS)}")
    return PARAMETERS[parameter]


def _check_hours(hours: pd.DataFrame, kind: Parameter, value: str, certified: datetime) -> None:
    needed = ["timestamp", "operating_time", "modc", value, *(["load_bin"] * kind.load_based)]
    missing = [name for name in needed if name not in hours.columns]
    if missing:
        raise QueryError(f"the frame has no column {', '.join(missing)}")
    times = hours["timestamp"]
    if not isinstance(times.dtype, pd.DatetimeTZDtype) or certified.tzinfo is None:
        raise QueryError("the time stamps or certified have no time zone", remedy="Give them one.")
    if hours.empty or not (times.diff().iloc[1:] == _HOUR).all():
        raise QueryError(
            "the rows are not one per clock hour, in order",
            remedy="Add a row for each absent hour; it must be known whether the unit operated.",
        )
    since = times.iloc[0] - pd.Timestamp(certified)
    if since < pd.Timedelta(0) or since % _HOUR:
        raise QueryError(
            f"the rows begin at {times.iloc[0]}, and certified is {certified}",
            remedy="Leave out the hours before certification; both are at a full hour.",
        )


def _operating(hours: pd.DataFrame) -> npt.NDArray[np.bool_]:
    time = floats_of(hours["operating_time"])
    if np.isnan(time).any() or ((time < 0) | (time > 1)).any():
        raise QueryError(
            "an operating time is null, below 0 or above 1",
            remedy="Whether the unit operated must be known for every hour.",
        )
    return time > 0


def _check_codes(codes: pd.Series[str], modc: ModcTable) -> None:
    others = sorted(set(codes.dropna().unique()) - modc.measured - modc.substituted)
    if others:
        raise QueryError(
            f"the codes {', '.join(others)} are neither those of measured nor of missing hours",
            remedy="Make them null to have those hours substituted.",
        )


def _load_bins(hours: pd.DataFrame, kind: Parameter) -> npt.NDArray[np.int64] | None:
    if not kind.load_based:
        return None
    bins = floats_of(hours["load_bin"])
    known = bins[~np.isnan(bins)]
    if (known < 0).any() or (known != np.floor(known)).any():
        raise QueryError("load bins are whole numbers from 0 on, and some are not")
    return np.where(np.isnan(bins), -1, bins).astype(np.int64)
