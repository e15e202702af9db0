"""Substitution against a slow reading of the rules, and cases worked by hand."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd
from tests.emissions.slow_rules import Row, availability, fill

em = gd.emissions
SO2_PLANTS = [(4, 0.02), (1, 0.12), (4, 0.5)]
NOX_PLANTS = [(1, 0.05), (2, 0.08), (5, 0.08)]
START = pd.Timestamp("2020-01-01", tz="UTC")


def plant(
    seed: int, hours: int, missing: float, longest: int = 40, standing: float = 0.1
) -> pd.DataFrame:
    """Hours of a plant, a share of them missing in gaps of up to ``longest``, some standing."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"timestamp": pd.date_range(START, periods=hours, freq="h")})
    frame["concentration"] = np.round(random.gamma(4, 25, hours), 1)
    frame["load_bin"] = random.choice(
        [1.0, 2.0, 5.0, 6.0, np.nan], hours, p=[0.2, 0.3, 0.3, 0.19, 0.01]
    )
    frame["modc"] = random.choice(["01", "02", "03"], hours, p=[0.9, 0.08, 0.02])
    frame["operating_time"] = 1.0
    hour = 0
    while hour < hours:
        length = int(random.choice([1, 3, 8, 9, 24, 25, longest]))
        if random.random() < standing:
            frame.loc[hour : hour + length - 1, ["operating_time", "concentration"]] = [0.0, np.nan]
        elif random.random() < missing:
            code = random.choice(["06", "12", "none"])
            frame.loc[hour : hour + length - 1, "modc"] = None if code == "none" else code
        hour += length
    return frame


def rows_of(frame: pd.DataFrame) -> list[Row]:
    def known(value: Any) -> Any:
        return None if pd.isna(value) else value

    columns = (frame["operating_time"], frame["modc"], frame["concentration"], frame["load_bin"])
    return [
        (time > 0, known(code), known(value), known(load))
        for time, code, value, load in zip(*columns, strict=True)
    ]


def substituted(frame: pd.DataFrame, parameter: str, **changed: Any) -> pd.DataFrame:
    given = {"parameter": parameter, "certified": START, "maximum_potential": 999.0} | changed
    return em.substitute(frame, **given)


def assert_as_the_rules(frame: pd.DataFrame, parameter: str, every: int = 1) -> set[str]:
    filled = substituted(frame, parameter)
    rows, kind = rows_of(frame), em.PARAMETERS[parameter]
    low = kind.conservative == "low"
    seen = set()
    missing = filled.index[~filled["method"].isin(["measured", "not_operating"])]
    for hour in missing[::every]:
        value, modc = fill(
            rows, hour, load_based=kind.load_based, low=low, decimals=kind.decimals, extreme=999.0
        )
        got = filled.loc[hour]
        assert (None if pd.isna(got["modc"]) else got["modc"]) == modc, (hour, got.to_dict())
        assert (None if pd.isna(got["concentration"]) else got["concentration"]) == value
        assert got["availability"] == availability(rows, hour)
        seen.add(str(modc))
    told = filled["modc"].notna()
    assert em.consistent(filled["modc"], filled["availability"])[told].all()
    return seen


@pytest.mark.parametrize("parameter", ["SO2", "O2"])
@pytest.mark.parametrize(("seed", "missing"), SO2_PLANTS)
def test_hour_before_hour_after(parameter: str, seed: int, missing: float) -> None:
    assert_as_the_rules(plant(seed, 2500, missing), parameter)


@pytest.mark.parametrize("parameter", ["NOx", "NOx_rate", "flow"])
@pytest.mark.parametrize(("seed", "missing"), NOX_PLANTS)
def test_by_load_bin(parameter: str, seed: int, missing: float) -> None:
    assert_as_the_rules(plant(seed, 3600, missing), parameter, every=3)


def test_the_seeds_reach_every_tier() -> None:
    so2 = [assert_as_the_rules(plant(seed, 2500, share), "SO2", 4) for seed, share in SO2_PLANTS]
    assert {"06", "07", "08", "09", "10", "12"} <= set().union(*so2)
    nox = [assert_as_the_rules(plant(seed, 3600, share), "NOx", 4) for seed, share in NOX_PLANTS]
    assert {"07", "08", "09", "10", "11"} <= set().union(*nox)


def test_three_years_and_more() -> None:
    """The windows of 8,760 operating and 26,280 clock hours, by a plant that rarely runs."""
    assert_as_the_rules(plant(8, 30000, 0.08), "SO2", every=97)
    assert_as_the_rules(plant(9, 30000, 0.1, standing=0.95), "SO2", every=23)


def hand(values: list[float | None], repeat: int = 1, operating: Any = 1.0) -> pd.DataFrame:
    frame = pd.DataFrame({"concentration": pd.Series(values * repeat, dtype="float64")})
    frame["timestamp"] = pd.date_range(START, periods=len(frame), freq="h")
    frame["modc"] = frame["concentration"].map(lambda _: "01", na_action="ignore")
    frame["operating_time"] = operating
    return frame


def test_every_hour_is_explained() -> None:
    # 1000 hours of 1..100, then 30 missing: 100*1000/1030 = 97.1 %, longer than 24 h, so P90 of
    # the last 720 hours, whose values are 81..100 eight times and 1..80 seven times: ordered,
    # 560 are at most 80, and the 648th is the 88th of the others: 80 + 88/8 = 91.
    values = [float(one) for one in range(1, 101)] * 10
    filled = substituted(hand([*values, *[None] * 30, 40.0]), "SO2")
    hour = filled.loc[1000]
    assert hour["concentration"] == 91.0
    assert list(hour[["modc", "method", "rule"]]) == ["08", "percentile_90", "75.33(b)(1)(ii)"]
    assert hour["quality_flag"] == "substituted:percentile_90"
    assert list(hour[["gap_hours", "lookback_hours", "percentile"]]) == [30, 720, 90]
    assert hour["percentile_value"] == 91.0
    assert hour["hour_before"] == START + pd.Timedelta(hours=999)
    assert hour["hour_after"] == START + pd.Timedelta(hours=1030)
    assert list(hour[["hour_before_value", "hour_after_value"]]) == [100.0, 40.0]
    assert filled.loc[1029, "availability"] == 97.1
    assert filled.loc[999, "method"] == "measured"
    assert pd.isna(filled.loc[999, "hour_before"])


def test_the_mean_around_the_gap_where_it_is_greater() -> None:
    values = [float(one) for one in range(1, 101)] * 10
    filled = substituted(hand([*values, *[None] * 30, 100.0]), "SO2")
    hour = filled.loc[1000]
    assert hour["concentration"] == 100.0
    assert list(hour[["modc", "method"]]) == ["08", "hour_before_hour_after"]


def test_a_short_gap_is_the_rounded_mean() -> None:
    filled = substituted(hand([*[10.1] * 800, 20.2, None, 20.3]), "SO2")
    assert filled.loc[801, "concentration"] == 20.3  # 20.25, half away from zero
    assert filled.loc[801, "modc"] == "06"


def test_an_open_gap_waits_and_a_missing_start_is_the_maximum() -> None:
    filled = substituted(hand([None, *[10.0] * 800, None]), "SO2")
    assert list(filled.loc[0, ["concentration", "modc", "rule"]]) == [999.0, "12", "75.31(b)(2)"]
    assert filled.loc[801, "method"] == "open_gap"
    assert pd.isna(filled.loc[801, "concentration"])
    assert pd.isna(filled.loc[801, "modc"])


def test_hours_standing_still_are_neither_missing_nor_the_end_of_a_gap() -> None:
    frame = hand([10.0, None, None, 99.0, None, 20.0])
    frame["operating_time"] = [1.0, 0.5, 0.0, 0.0, 1.0, 1.0]
    filled = substituted(frame, "SO2")
    assert filled["concentration"].tolist()[1] == filled["concentration"].tolist()[4] == 15.0
    assert filled["method"].tolist()[2:4] == ["not_operating"] * 2
    assert filled["concentration"].isna().tolist() == [False, False, True, True, False, False]
    assert filled["gap_hours"].dropna().tolist() == [2, 2]


def test_rows_that_do_not_reach_back_far_enough_are_not_filled() -> None:
    long_ago = START - pd.Timedelta(days=4000)
    filled = substituted(hand([*[10.0] * 800, None, 11.0]), "SO2", certified=long_ago)
    assert filled.loc[800, "method"] == "insufficient_history"
    assert filled["concentration"].isna().sum() == 1
    enough = substituted(hand([*[10.0] * 8800, None, 11.0]), "SO2", certified=long_ago)
    assert list(enough.loc[8800, ["concentration", "modc"]]) == [10.5, "06"]


def test_a_value_without_a_code_and_a_code_without_a_value_are_missing() -> None:
    frame = hand([10.0, 77.0, 88.0, 20.0])
    frame["modc"] = ["01", None, "06", "01"]
    assert substituted(frame, "SO2")["concentration"].tolist() == [10.0, 15.0, 15.0, 20.0]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10_000), st.floats(0.01, 0.4), st.sampled_from([2.0, 4.0, 0.5]))
def test_scaling_and_lowering(seed: int, missing: float, factor: float) -> None:
    frame = plant(seed, 900, missing)
    frame["concentration"] = (frame["concentration"] * 8).round()  # scaled values stay decimals
    kind = em.Parameter(load_based=False, conservative="high", decimals=3)
    once = em.substitute(frame, parameter=kind, certified=START, maximum_potential=99999.0)
    scaled = em.substitute(
        frame.assign(concentration=frame["concentration"] * factor), parameter=kind,
        certified=START, maximum_potential=99999.0 * factor,
    )  # fmt: skip
    assert once["modc"].equals(scaled["modc"])
    known = once["concentration"].notna()
    assert (once["concentration"] * factor)[known].tolist() == scaled["concentration"][
        known
    ].tolist()
    measured = once["method"] == "measured"
    assert once["concentration"][measured].equals(frame["concentration"][measured])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10_000), st.integers(800, 1100))
def test_what_came_later_changes_only_open_gaps(seed: int, cut: int) -> None:
    frame = plant(seed, 1200, 0.1)
    whole, part = substituted(frame, "SO2"), substituted(frame.iloc[:cut], "SO2")
    closed = part["modc"].notna() & (part["hour_after"].notna() | (part["method"] == "measured"))
    pd.testing.assert_frame_equal(whole.iloc[:cut][closed], part[closed])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.drop(index=3), "one per clock hour"),
        (lambda f: f.iloc[::-1], "one per clock hour"),
        (lambda f: f.assign(operating_time=np.nan), "operating time is null"),
        (lambda f: f.assign(operating_time=60.0), "operating time is null, below 0 or above 1"),
        (lambda f: f.assign(modc="99"), "codes 99"),
        (lambda f: f.assign(modc=1), "texts such as '01'"),
        (lambda f: f.drop(columns="modc"), "no column modc"),
        (lambda f: f.assign(timestamp=f["timestamp"].dt.tz_localize(None)), "no time zone"),
        (lambda f: f.assign(timestamp=f["timestamp"] - pd.Timedelta(hours=1)), "rows begin at"),
    ],
    ids=["absent", "order", "unknown", "minutes", "code", "number", "column", "zone", "early"],
)
def test_what_cannot_be_told_is_refused(change: Any, says: str) -> None:
    with pytest.raises(gd.QueryError, match=says):
        substituted(change(hand([1.0] * 6)), "SO2")
    with pytest.raises(gd.QueryError, match="no parameter 'H2O'"):
        substituted(hand([1.0]), "H2O")


@pytest.mark.parametrize("percent", [5, 10, 90, 95, 100])
@given(values=st.lists(st.integers(0, 50).map(float), min_size=1, max_size=60))
def test_percentile_is_that_of_the_definition(values: list[float], percent: int) -> None:
    found = em.percentile(np.array([*values, np.nan]), percent)
    assert found in values
    assert 100 * sum(one <= found for one in values) >= percent * len(values)
    assert 100 * sum(one >= found for one in values) >= (100 - percent) * len(values)
    assert all(100 * sum(one <= low for one in values) < percent * len(values)
               for low in values if low < found)  # fmt: skip


def test_five_years_of_four_parameters() -> None:
    frame = plant(10, 5 * 8760, 0.08)
    begun = time.process_time()
    for parameter in ("SO2", "CO2", "NOx_rate", "flow"):
        substituted(frame, parameter)
    assert time.process_time() - begun < 10
