"""Requests that cannot be answered as they stand are errors with the nearest right name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from greenlang_data.drivers.base import Records
from greenlang_data.drivers.cmms.entities import WORK_ORDER
from greenlang_data.drivers.cmms.selection import select
from greenlang_data.errors import QueryError, UnknownTagError, UnsupportedError
from greenlang_data.maintenance import DONE_STATUS, OPEN_STATUS


def test_a_status_that_there_is_not_is_told_with_the_nearest() -> None:
    with pytest.raises(QueryError, match="Did you mean 'completed'"):
        select(Records("work_order", {"status": "complete"}), "mx")
    with pytest.raises(QueryError, match="no pm has the status 'closed'"):
        select(Records("pm", {"status": "closed"}), "mx")


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        (Records("workorder"), UnknownTagError, "'work_order'"),
        (Records("work_order", {"stat": "closed"}), QueryError, "'status'"),
        (Records("work_order", date_field="created"), QueryError, "'created_at'"),
        (Records("failure", {"site": "A"}), QueryError, "no site"),
        (Records("failure", {"asset_id": ["A"]}), QueryError, "no asset_id"),
        (Records("failure", start=date(2026, 1, 1)), UnsupportedError, "no date"),
    ],
)
def test_what_cannot_be_mapped_is_an_error(
    request_: Records, error: type[QueryError], told: str
) -> None:
    with pytest.raises(error, match=told):
        select(request_, "mx")


def bounds(**window: Any) -> list[tuple[str, str]]:
    return select(Records(**window), "mx").bounds()


def test_instants_are_bound_in_utc_and_a_day_as_the_end_is_all_of_it() -> None:
    berlin = timezone(timedelta(hours=1))
    start, end = datetime(2026, 3, 1, tzinfo=berlin), datetime(2026, 4, 1, tzinfo=UTC)
    found = bounds(entity="work_order", start=start, end=end)
    assert found == [(">=", "2026-02-28T23:00:00+00:00"), ("<", "2026-04-01T00:00:00+00:00")]
    found = bounds(entity="work_order", start=date(2026, 3, 1), end=date(2026, 3, 31))
    assert found == [(">=", "2026-03-01T00:00:00+00:00"), ("<", "2026-04-01T00:00:00+00:00")]


def test_calendar_dates_are_bound_by_dates_both_included() -> None:
    berlin = timezone(timedelta(hours=1))
    start, end = datetime(2026, 3, 1, tzinfo=berlin), date(2026, 3, 31)
    found = bounds(entity="pm", start=start, end=end)
    assert found == [(">=", "2026-03-01"), ("<=", "2026-03-31")]


def test_finished_work_is_bound_by_its_finish_and_other_work_by_its_creation() -> None:
    day = date(2026, 3, 1)
    assert select(Records("work_order", start=day), "mx").date_field == "created_at"
    finished = select(Records("work_order", {"status": "completed"}, start=day), "mx")
    assert (finished.date_field, finished.by_default) == ("actual_finish", True)
    assert set(finished.statuses) == {"completed", "closed"}
    both = select(Records("work_order", {"status": ["completed", "approved"]}, start=day), "mx")
    assert both.date_field == "created_at"
    chosen = select(
        Records("work_order", {"status": "completed"}, start=day, date_field="due_at"), "mx"
    )
    assert (chosen.date_field, chosen.by_default) == ("due_at", False)
    assert select(Records("work_order", {"status": "completed"}), "mx").date_field is None


def test_the_measures_of_maintenance_know_each_status() -> None:
    assert OPEN_STATUS | DONE_STATUS | {"unknown"} == WORK_ORDER.statuses
