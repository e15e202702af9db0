"""Downtime, mean time between failures and backlog over the work-order frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd

ma = gd.maintenance
YEAR: dict[str, Any] = {
    "start": pd.Timestamp("2025-01-01", tz="UTC"),
    "end": pd.Timestamp("2025-01-11", tz="UTC"),  # 240 hours
}


def orders(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = ["site", "asset_id", "type", "status", "actual_start", "downtime_hours"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["work_order_id"] = [str(number) for number in range(len(frame))]
    frame["actual_start"] = pd.to_datetime(frame["actual_start"], utc=True)
    frame["created_at"] = frame["actual_start"]
    frame["due_at"] = frame["actual_start"] + pd.Timedelta(days=2)
    return frame


PLANT = orders(
    [
        ("A", "P-1", "CM", "closed", "2025-01-02", 10.0),
        ("A", "P-1", "EM", "completed", "2025-01-05", 20.0),
        ("A", "P-1", "PM", "completed", "2025-01-07", 6.0),
        ("B", "P-1", "CM", "in_progress", "2025-01-03", None),
        ("B", "P-2", "PM", "approved", "2025-01-03", 0.0),
        ("B", "P-2", "CM", "closed", "2025-01-11", 99.0),  # after the window
        ("B", "P-2", "CM", "unknown", None, 99.0),  # not begun
    ]
)


def test_downtime_per_asset_of_a_site() -> None:
    sums = ma.downtime(PLANT, **YEAR)
    assert sums[["site", "asset_id"]].to_numpy().tolist() == [
        ["A", "P-1"],
        ["B", "P-1"],
        ["B", "P-2"],
    ]
    assert sums["downtime_hours"].tolist()[::2] == [36.0, 0.0]
    assert np.isnan(sums["downtime_hours"][1])
    assert sums["unknown"].tolist() == [0, 1, 0]
    assert sums["orders"].tolist() == [3, 1, 1]


def test_mean_time_between_failures() -> None:
    times = ma.mean_time_between_failures(PLANT, failure_types=["CM", "EM"], **YEAR)
    assert times["failures"].tolist() == [2, 1, 0]
    assert times["mtbf_hours"].tolist()[0] == 102.0  # (240 - 36) / 2
    assert times["mtbf_hours"].isna().tolist() == [False, True, True]
    assert times["operating_hours"].tolist()[2] == 240.0


def test_mean_time_to_repair_counts_what_is_not_known_apart() -> None:
    hours = pd.to_timedelta([6, 9, 6, None, 6, 6, 6], unit="h")
    done = PLANT.assign(actual_finish=PLANT["actual_start"] + hours)
    found = ma.mean_time_to_repair(done, failure_types=["CM", "EM"], **YEAR)
    assert found[["repairs", "repair_hours", "unknown"]].to_numpy().tolist() == [
        [2, 15.0, 0],
        [0, 0.0, 1],
    ]
    assert found["mttr_hours"][0] == 7.5
    assert np.isnan(found["mttr_hours"][1])
    days = done.assign(actual_finish_is_date=[True] + [False] * 6)
    found = ma.mean_time_to_repair(days, failure_types=["CM", "EM"], **YEAR)
    assert found["mttr_hours"][0] == 9.0
    assert found["unknown"].tolist() == [1, 1]
    backwards = done.assign(actual_finish=done["actual_start"] - pd.Timedelta(hours=1))
    with pytest.raises(gd.QueryError, match="finished before it began"):
        ma.mean_time_to_repair(backwards, failure_types=["CM", "EM"], **YEAR)


def test_backlog_counts_the_unknown_apart() -> None:
    found = ma.backlog(PLANT, at=pd.Timestamp("2025-01-10", tz="UTC")).set_index("site")
    assert list(found.loc["A", ["open", "overdue", "unknown"]]) == [0, 0, 0]
    assert list(found.loc["B", ["open", "overdue", "oldest_days", "unknown"]]) == [2, 2, 7.0, 1]
    earlier = ma.backlog(PLANT, at=pd.Timestamp("2025-01-04", tz="UTC")).set_index("site")
    assert list(earlier.loc["B", ["open", "overdue"]]) == [2, 0]
    undated = PLANT.assign(created_at=pd.to_datetime(pd.Series([None] * 7), utc=True))
    assert ma.backlog(undated, at=YEAR["end"])["unknown"].tolist() == [0, 3]


def test_the_frame_of_a_session_goes_in() -> None:
    with gd.Session(mock=True) as session:
        frame = session.cmms("work_order")
    first = frame["actual_start"].min()
    window = {"start": first, "end": frame["actual_start"].max() + pd.Timedelta(hours=1)}
    sums = ma.downtime(frame, **window)
    assert sums["orders"].sum() == frame["actual_start"].notna().sum()
    types = frame["type"].dropna().unique().tolist()
    times = ma.mean_time_between_failures(frame, failure_types=types, **window)
    assert times["failures"].sum() == sums["orders"].sum()
    at = frame["changed_at"].max()
    counted = ma.backlog(frame, at=at)
    assert counted["open"].sum() == frame["status"].isin(ma.OPEN_STATUS).sum()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.floats(0, 5), st.integers(0, 400)), max_size=20)
)
def test_the_order_of_rows_and_other_assets_change_nothing(rows: list[Any]) -> None:
    frame = orders([
        ("S", asset, "CM", "closed", YEAR["start"] + pd.Timedelta(hours=hour), down)
        for asset, down, hour in rows
    ])  # fmt: skip
    whole = ma.mean_time_between_failures(frame, failure_types=["CM"], **YEAR)
    turned = ma.mean_time_between_failures(frame.iloc[::-1], failure_types=["CM"], **YEAR)
    pd.testing.assert_frame_equal(whole, turned)
    alone = ma.mean_time_between_failures(
        frame[frame["asset_id"] == "A"], failure_types=["CM"], **YEAR
    )
    pd.testing.assert_frame_equal(alone, whole[whole["asset_id"] == "A"], check_dtype=False)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ma.downtime(pd.concat([PLANT, PLANT]), **YEAR), "twice"),
        (lambda: ma.downtime(PLANT.drop(columns="site"), **YEAR), "no column site"),
        (lambda: ma.downtime(PLANT, start=YEAR["end"], end=YEAR["start"]), "no length"),
        (lambda: ma.downtime(PLANT, start=pd.Timestamp("2025"), end=YEAR["end"]), "no time zone"),
        (lambda: ma.downtime(PLANT.assign(downtime_hours=-1.0), **YEAR), "below zero"),
        (lambda: ma.mean_time_between_failures(PLANT.assign(downtime_hours=1e5),
                                               failure_types=["CM"], **YEAR), "longer than"),
        (lambda: ma.mean_time_between_failures(PLANT, failure_types="CM", **YEAR), "no list"),
        (lambda: ma.backlog(PLANT, at=YEAR["end"], open_status=["closed"]), "both open and done"),
        (lambda: ma.backlog(PLANT, at=pd.Timestamp("2025")), "no time zone"),
    ],
    ids=["twice", "site", "length", "zone", "negative", "longer", "types", "both", "at"],
)  # fmt: skip
def test_what_would_count_wrongly_is_refused(call: Any, says: str) -> None:
    with pytest.raises(gd.QueryError, match=says):
        call()
