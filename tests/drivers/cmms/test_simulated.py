"""The simulated plant answers the same call, with the window on the date that is named."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd


def test_a_window_bounds_the_date_that_is_named() -> None:
    start, end = pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2024-03-01", tz="UTC")
    with gd.Session(mock=True) as s:
        everything = s.cmms("work_order")
        finished = s.cmms("work_order", start=start, end=end, date_field="actual_finish")
        with pytest.raises(gd.QueryError, match="'actual_finish'"):
            s.cmms("work_order", start=start, date_field="actual_finnish")
    inside = (everything["actual_finish"] >= start) & (everything["actual_finish"] < end)
    assert 0 < len(finished) < len(everything)
    assert set(finished["work_order_id"]) == set(everything.loc[inside, "work_order_id"])


def test_a_site_restricts_and_an_unknown_one_is_empty() -> None:
    with gd.Session(mock=True) as s:
        assert len(s.cmms("asset", site="HAMBURG")) == len(s.cmms("asset"))
        assert len(s.cmms("asset", site="BERLIN")) == 0


def test_an_empty_list_of_assets_is_not_all_of_them() -> None:
    with gd.Session(mock=True) as s:
        nothing: list[Any] = [[], (), ""]
        for empty in nothing:
            with pytest.raises(gd.QueryError, match="asset_ids is empty"):
                s.cmms("work_order", empty)


@pytest.mark.parametrize("kind", ["work_order", "asset", "pm"])
def test_a_status_that_is_none_is_an_error_with_the_nearest(kind: str) -> None:
    with gd.Session(mock=True) as s:
        for status in s.cmms(kind)["status"].dropna().unique():
            assert set(s.cmms(kind, status=status)["status"]) == {status}
        with pytest.raises(gd.QueryError, match=r"has the status 'done'.*There are: "):
            s.cmms(kind, status="done")
    with gd.Session(mock=True) as s, pytest.raises(gd.QueryError, match="mean 'completed'"):
        s.cmms("work_order", status="complete")
