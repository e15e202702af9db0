"""The simulated plant answers the same call, with the window on the date that is named."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.drivers.cmms.entities import ENTITIES
from greenlang_data.frames.to_pandas import to_frame


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


@pytest.mark.parametrize("kind", ["work_order", "asset", "pm", "notification"])
def test_a_status_that_is_none_is_an_error_with_the_nearest(kind: str) -> None:
    with gd.Session(mock=True) as s:
        for status in s.cmms(kind)["status"].dropna().unique():
            meant = {"completed", "closed"} if status == "completed" else {status}
            assert set(s.cmms(kind, status=status)["status"]) == meant
        with pytest.raises(gd.QueryError, match=r"has the status 'done'.*There are: "):
            s.cmms(kind, status="done")
    with gd.Session(mock=True) as s, pytest.raises(gd.QueryError, match="mean 'completed'"):
        s.cmms("work_order", status="complete")


def test_finished_work_is_completed_or_closed_and_bound_by_its_finish_as_on_real_systems() -> None:
    start, end = pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2024-03-01", tz="UTC")
    with gd.Session(mock=True) as s:
        everything = s.cmms("work_order")
        finished = s.cmms("work_order", status="completed", start=start, end=end)
        closed = s.cmms("work_order", status="closed")
    done = everything[everything["status"].isin(["completed", "closed"])]
    inside = (done["actual_finish"] >= start) & (done["actual_finish"] < end)
    assert set(finished["status"]) == {"completed", "closed"}
    assert finished["work_order_id"].tolist() == done.loc[inside, "work_order_id"].tolist()
    assert set(closed["status"]) == {"closed"}
    assert "bound actual_finish" in " ".join(finished.attrs["provenance"]["notes"])


@pytest.mark.parametrize("kind", list(ENTITIES))
def test_kinds_have_the_columns_and_types_of_all_systems(kind: str) -> None:
    schema = ENTITIES[kind].schema({})
    with gd.Session(mock=True) as s:
        frame = s.cmms(kind)
        nothing = s.cmms(kind, site="NOWHERE") if "site" in schema.names else frame
    assert list(frame.columns[: len(schema)]) == schema.names
    as_real = to_frame(schema.empty_table()).dtypes.to_dict()
    for one in (frame, nothing):
        assert one.dtypes[schema.names].to_dict() == as_real
    flags = [name for name in schema.names if name.endswith("_is_date")]
    assert not frame[flags].fillna(False).any(axis=None)
    assert len(frame)
    assert gd.verify(frame) == "intact"


def test_repairs_began_with_a_notification_of_the_same_asset() -> None:
    with gd.Session(mock=True) as s:
        notices, jobs = s.cmms("notification"), s.cmms("work_order")
        codes = s.cmms("failure")
    led = notices.dropna(subset="work_order_id").merge(
        jobs, on="work_order_id", suffixes=("", "_job")
    )
    assert set(led["type_job"]) == {"CM", "EM"}
    assert len(led) == jobs["type"].isin(["CM", "EM"]).sum() < len(notices)
    assert (led["asset_id"] == led["asset_id_job"]).all()
    assert (led["malfunction_start"] <= led["created_at"]).all()
    assert (led["created_at"] < led["created_at_job"]).all()
    assert led["malfunction_finish"].equals(led["actual_finish"])
    hours = led["downtime_hours"], led["downtime_hours_job"]
    assert hours[0].dropna().tolist() == hours[1].dropna().tolist()
    assert hours[0].isna().equals(hours[1].isna())
    assert (led["status"].isin(["completed", "closed"]) == led["actual_finish"].notna()).all()
    alone = notices[notices["work_order_id"].isna()]
    assert set(alone["status"]) == {"requested", "cancelled"}
    problems = set(codes.loc[codes["type"] == "PROBLEM", "failure_code"])
    assert set(jobs["failure_code"].dropna()) == set(led["failure_code"].dropna()) == problems
    assert set(codes["parent_id"].dropna()) <= set(codes["failure_id"])


def test_a_meter_shows_what_its_tag_showed_at_that_time() -> None:
    with gd.Session(mock=True) as s:
        meters, assets = s.cmms("meter"), s.cmms("asset").set_index("asset_id")
        assert set(meters["meter_id"]) == {"FUEL", "ENERGY", "RUNHOURS"}
        for row in meters.to_dict("records"):
            tag, read = row["tag"], pd.Timestamp(row["reading_at"])
            assert tag.startswith(assets.loc[row["asset_id"], "tag_prefix"])
            if row["meter_id"] == "RUNHOURS":
                first = pd.Timestamp("2015", tz="UTC")
                ran = s.historian([tag], first, read, "1h", aggregation="avg")[tag]
                assert int(ran.sum()) == row["reading"]
            else:
                shown = s.historian([tag], read, read + pd.Timedelta(seconds=10))[tag]
                assert int(shown.iloc[0]) == row["reading"]
