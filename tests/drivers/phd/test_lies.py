"""A gateway whose pages do not fit together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from greenlang_data.drivers.phd.driver import decode
from greenlang_data.errors import ProtocolError, ReadFailed
from tests.drivers.lying_historian import Query, lying
from tests.drivers.phd.answers import of_gateway

START = datetime(2025, 3, 1, tzinfo=UTC)
DAY = (START, START + timedelta(days=1))
FIRST = int(START.timestamp()) * 1_000_000
PAGE = 10


def paged(alter: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    """A sample each second, ten in a page; ``alter`` spoils each page but the last."""

    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        start = max(FIRST, int(query["start"][0]))
        times = [start + second * 1_000_000 for second in range(PAGE)]
        last = times[-1] >= FIRST + 35_000_000
        series = {
            "tag": query["tag"][0],
            "unit": "bar",
            "times": times,
            "values": [float(time - FIRST) for time in times],
            "confidence": [100] * PAGE,
            "next": None if last else times[-1] + 1_000_000,
        }
        if not last:
            alter(series)
        return {"series": [series]}

    return says


def test_pages_that_follow_each_other_are_one_series() -> None:
    with lying(paged(lambda page: None), "phd") as session:
        frame = session.historian(["A"], *DAY)
    assert frame["A"].tolist() == [second * 1e6 for second in range(40)]


def test_a_page_that_holds_what_the_next_one_begins_with_is_refused() -> None:
    def overlap(page: dict[str, Any]) -> None:
        page["next"] -= 3_000_000

    with (
        lying(paged(overlap), "phd") as session,
        pytest.raises(ProtocolError, match=r"lying: A: its samples are out of order.*None of it"),
    ):
        session.historian(["A"], *DAY)


def test_a_unit_that_changes_between_the_pages_is_refused() -> None:
    def other(page: dict[str, Any]) -> None:
        page["unit"] = "psi"

    with (
        lying(paged(other), "phd") as session,
        pytest.raises(ProtocolError, match=r"A: its unit is 'psi' and, later .*'bar'"),
    ):
        session.historian(["A"], *DAY)


def test_a_time_that_no_nanoseconds_reach_is_refused() -> None:
    lowest = int(np.iinfo(np.int64).min)
    with pytest.raises(ValueError, match="beyond nanoseconds"):
        decode(of_gateway(times=[lowest], values=[1], confidence=[100]))


def test_a_login_in_the_failure_of_a_tag_is_masked() -> None:
    def says(path: str, query: Query, headers: dict[str, str]) -> Any:
        failure = f"no right with {headers['Authorization']}"
        return {"series": [{"tag": tag, "failure": failure} for tag in query["tag"]]}

    with lying(says, "phd", token="token-7f3a9c") as session:
        with pytest.raises(ReadFailed, match="no right with") as caught:
            session.historian(["A"], *DAY)
        assert "7f3a9c" not in f"{caught.value}{vars(caught.value)}"
        assert "7f3a9c" not in str(session.snapshot(["A"], errors="report").attrs)
