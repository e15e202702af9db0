"""Which hours are valid, from minutes: 40 CFR 75.10(d)(1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd

em = gd.emissions
START = pd.Timestamp("2025-01-01", tz="UTC")


def minutes(count: int = 60) -> pd.DataFrame:
    frame = pd.DataFrame({"timestamp": pd.date_range(START, periods=count, freq="min")})
    return frame.assign(
        pollutant="SO2", concentration=100.0, unit="[ppm]", flow_rate=1.0,
        quality_flag="measured", quality="good",
    )  # fmt: skip


def mark(frame: pd.DataFrame, rows: Any, flag: str, value: float) -> None:
    frame.loc[rows, "quality_flag"] = flag
    frame.loc[rows, "concentration"] = value


def only_hour(frame: pd.DataFrame, operating: Any = True) -> pd.Series[Any]:
    hours = em.hourly_averages(frame, operating=operating)
    assert len(hours) == 1
    return hours.iloc[0]


def test_one_reading_in_each_quadrant_is_enough() -> None:
    hour = only_hour(minutes().iloc[[0, 29, 30, 59]])
    assert hour["valid"]
    assert hour["concentration"] == 100.0
    assert list(hour[["readings", "quadrants", "quadrants_operated"]]) == [4, 4, 4]


def test_a_quadrant_without_a_reading_makes_it_invalid() -> None:
    hour = only_hour(minutes().iloc[:45])
    assert not hour["valid"]
    assert np.isnan(hour["concentration"])
    assert hour["reason"] == "an operated quadrant has no valid reading"
    assert hour["quality_flag"] == "missing"


def test_calibration_is_never_averaged_and_two_readings_apart_are_enough() -> None:
    frame = minutes()
    mark(frame, slice(10, 54), "calibration", 950.0)
    hour = only_hour(frame)
    assert hour["valid"]
    assert hour["concentration"] == 100.0
    mark(frame, slice(14, None), "calibration", 950.0)
    mark(frame, 15, "measured", 100.0)
    assert only_hour(frame)["valid"]  # 00:00 and 00:15
    frame.loc[0, "quality_flag"] = "calibration"
    hour = only_hour(frame)  # 00:01 and 00:15 are 14 minutes apart
    assert not hour["valid"]
    assert hour["reason"].startswith("calibration")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("quality_flag", "fault"), ("quality_flag", "over_range"), ("quality_flag", "unknown"),
        ("quality_flag", "Betrieb"), ("quality_flag", None), ("quality", "uncertain"),
        ("quality", "bad"), ("quality", None), ("concentration", np.nan),
    ],
)  # fmt: skip
def test_what_is_not_known_to_be_valid_is_not(column: str, value: Any) -> None:
    frame = minutes()
    frame[column] = frame[column].astype(object if column != "concentration" else float)
    frame.loc[15:29, column] = value
    hour = only_hour(frame)
    assert not hour["valid"]
    assert hour["readings"] == 45


def test_only_operated_quadrants_need_a_reading() -> None:
    frame = minutes()
    runs = pd.Series(False, index=frame.index)
    runs[50:] = True
    frame.loc[:49, "concentration"] = 5.0
    hour = only_hour(frame, runs)
    assert hour["valid"]
    assert hour["concentration"] == 100.0
    assert hour["quadrants_operated"] == 1
    unknown = runs.astype("boolean")
    unknown[3] = pd.NA
    assert not only_hour(frame, unknown)["valid"]
    assert not only_hour(frame.iloc[50:], True)["valid"]  # the other quadrants are not known
    still = only_hour(frame, False)
    assert still["quality_flag"] == "not_operating"


def test_hours_without_a_row_are_there() -> None:
    frame = minutes(180).drop(index=range(60, 120))
    hours = em.hourly_averages(frame, operating=True)
    assert hours["valid"].tolist() == [True, False, True]
    assert hours["reason"].tolist()[1] == "no valid reading"


def test_a_session_s_frame_goes_in() -> None:
    with gd.Session(mock=True) as session:
        frame = session.cems(["SO2", "NOx"], start="2025-01-01", end="2025-01-01T03:00")
    hours = em.hourly_averages(frame, operating=True)
    assert hours["pollutant"].unique().tolist() == ["SO2", "NOx"]
    good = frame[(frame["quality_flag"] == "measured") & (frame["pollutant"] == "SO2")]
    valid = hours[(hours["pollutant"] == "SO2") & hours["valid"]].iloc[0]
    mine = good["timestamp"].dt.floor("h") == valid["timestamp"]
    assert valid["concentration"] == pytest.approx(good["concentration"][mine].mean())
    assert valid["readings"] == mine.sum()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_hours_do_not_depend_on_each_other_or_on_the_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    frame = minutes(240)
    frame["concentration"] = random.integers(0, 500, 240).astype(float)
    frame["quality_flag"] = random.choice(["measured", "calibration", "fault"], 240)
    frame = frame[random.random(240) < 0.3]
    runs = pd.Series(random.random(240) < 0.8).loc[frame.index]
    whole = em.hourly_averages(frame, operating=runs).set_index("timestamp")
    mixed = frame.sample(frac=1, random_state=seed)
    again = em.hourly_averages(mixed, operating=runs.loc[mixed.index]).set_index("timestamp")
    pd.testing.assert_frame_equal(whole, again)
    for hour, part in frame.groupby(frame["timestamp"].dt.floor("h")):
        alone = em.hourly_averages(part, operating=runs.loc[part.index]).set_index("timestamp")
        pd.testing.assert_frame_equal(alone, whole.loc[[hour]], check_freq=False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.assign(unit=["[ppm]"] * 59 + ["mg/m3"]), "and mg/m3"),
        (lambda f: pd.concat([f, f], ignore_index=True), "twice"),
        (lambda f: f.assign(timestamp=f["timestamp"].dt.tz_localize(None)), "no time zone"),
        (lambda f: f.drop(columns="quality"), "no column quality"),
        (lambda f: f.iloc[:0], "no readings"),
    ],
    ids=["units", "twice", "zone", "column", "empty"],
)
def test_what_would_average_wrongly_is_refused(change: Any, says: str) -> None:
    with pytest.raises(gd.QueryError, match=says):
        em.hourly_averages(change(minutes()), operating=True)


def test_availability_windows() -> None:
    runs = np.ones(8760 + 100, bool)
    good = runs.copy()
    good[:100] = False
    share = em.monitor_availability(runs, good, since_certification=True)
    assert share[99] == 0.0
    assert share[8759] == 98.9  # equation 8: 8660 of 8760
    assert share[8859] == 100.0  # equation 9: the first hundred are out
    later = em.monitor_availability(runs, good, since_certification=False)
    assert np.isnan(later[8758])
    assert later[8759] == 98.9
    with pytest.raises(gd.QueryError, match="neither true nor false"):
        em.monitor_availability([True, None], [True, True], since_certification=True)


def test_codes() -> None:
    assert em.quality_flag(["03", "77", None, "12"]).tolist() == [
        "measured_alternative", "unknown", "unknown", "substituted:maximum_potential",
    ]  # fmt: skip
    shares = [89.9, 90.0, 94.9, 95.0, None]
    assert em.consistent(["09"] * 5, shares).tolist() == [False, True, True, False, False]
    assert em.consistent(["10"] * 5, shares).tolist() == [True, False, False, False, False]
