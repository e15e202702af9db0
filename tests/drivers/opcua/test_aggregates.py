"""One value per interval: the server's own, and computed here."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.schema import about_series
from tests.drivers.opcua.helpers import (
    HISTORY_START,
    failure,
    series,
    times,
    values,
    window,
    with_driver,
    words,
)
from tests.peers.launch import OpcuaPeer

HOUR = timedelta(hours=1)
AGGREGATES = ["avg", "min", "max", "count"]


def refuse_all(driver: OpcUaDriver) -> None:
    """As if the server had said that it offers no aggregates."""
    assert driver._session is not None
    driver._session.connection.limits.refused_aggregates |= {2342, 2346, 2347, 2352}


@pytest.mark.parametrize("aggregation", AGGREGATES)
@pytest.mark.parametrize("tag", ["History.Million", "History.Mixed"])
def test_the_server_s_and_ours_are_the_same(
    opcua_peer: OpcuaPeer, aggregation: str, tag: str
) -> None:
    async def use(driver: OpcUaDriver) -> None:
        request = window(tag, end=HISTORY_START + HOUR, interval=60, aggregation=aggregation)
        theirs_log, ours_log = ReadLog(), ReadLog()
        theirs = (await series(driver, request, theirs_log))[tag]
        refuse_all(driver)
        ours = (await series(driver, request, ours_log))[tag]
        assert theirs_log.notes == []
        assert "computed here" in ours_log.notes[0]
        assert times(theirs).tolist() == times(ours).tolist()
        np.testing.assert_allclose(values(theirs), values(ours), rtol=1e-14)
        assert words(theirs, "quality") == words(ours, "quality")
        assert words(theirs, "status") == words(ours, "status")

    with_driver(opcua_peer.endpoint, use)


def test_average_against_the_formula(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        tag = "History.Million"
        request = window(tag, end=HISTORY_START + HOUR, interval=60, aggregation="avg")
        table = (await series(driver, request))[tag]
        expected = [np.mean(np.arange(m * 60, m * 60 + 60) * 0.001 - 3) for m in range(60)]
        np.testing.assert_allclose(values(table), expected, rtol=1e-12)

    with_driver(opcua_peer.endpoint, use)


def test_a_sum_is_of_samples_and_says_so(opcua_peer: OpcuaPeer) -> None:
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> None:
        tag = "History.Bursts"
        end = HISTORY_START + timedelta(seconds=10)
        table = (await series(driver, window(tag, end=end, interval=1, aggregation="sum"), log))[
            tag
        ]
        sizes = [1, 10, 2500, 12000, 7, 1000, 3, 4479]
        ends = np.cumsum(sizes)
        expected = [sum(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
        assert values(table)[:8].tolist() == expected
        assert words(table, "status")[8:] == ["NoData", "NoData"]
        assert words(table, "quality")[8:] == ["bad", "bad"]
        assert np.isnan(values(table)[8:]).all()

    with_driver(opcua_peer.endpoint, use)
    assert any(note.startswith("sum computed here") for note in log.notes)


@pytest.mark.parametrize("page", [50_000, 999])
def test_pages_do_not_show_in_aggregates(opcua_peer: OpcuaPeer, page: int) -> None:
    async def use(driver: OpcUaDriver) -> None:
        assert driver._session is not None
        driver._session.connection.limits.shrink("page", page)
        end = HISTORY_START + timedelta(seconds=25_000)
        request = window("History.Million", end=end, interval=3600, aggregation="sum")
        table = (await series(driver, request))["History.Million"]
        sums = [sum(i - 3000 for i in range(h * 3600, min(h * 3600 + 3600, 25_000))) / 1000
                for h in range(7)]  # fmt: skip
        np.testing.assert_allclose(values(table), sums, rtol=1e-12)
        assert about_series(table)["data_type"] == "Double"

    with_driver(opcua_peer.endpoint, use)


def test_a_short_last_interval_counts_only_what_is_in_the_window(opcua_peer: OpcuaPeer) -> None:
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> None:
        tag = "History.Million"
        end = HISTORY_START + timedelta(seconds=150)
        table = (await series(driver, window(tag, end=end, interval=60, aggregation="count"), log))[
            tag
        ]
        assert values(table).tolist() == [60, 60, 30]

    with_driver(opcua_peer.endpoint, use)
    assert any("last interval is short" in note for note in log.notes)


def test_the_whole_window_as_one_interval(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        tag = "History.Million"
        request = window(tag, end=HISTORY_START + HOUR, aggregation="max")
        table = (await series(driver, request))[tag]
        assert values(table).tolist() == [3599 * 0.001 - 3]
        assert times(table).tolist() == [int(HISTORY_START.timestamp()) * 10**9]

    with_driver(opcua_peer.endpoint, use)


def test_tags_without_numbers_or_history(opcua_peer: OpcuaPeer) -> None:
    tags = ["History.Strings", "Plain", "Nothing", "History.Empty", "History.Million"]

    async def use(driver: OpcUaDriver) -> None:
        end = HISTORY_START + HOUR
        found = await series(driver, window(*tags, end=end, interval=600, aggregation="avg"))
        assert "String" in str(failure(found["History.Strings"]))
        assert "no history" in str(failure(found["Plain"]))
        assert str(failure(found["Nothing"])).startswith("unknown tag")
        assert words(found["History.Empty"], "quality") == ["bad"] * 6
        assert not np.isnan(values(found["History.Million"])).any()
        counted = await series(
            driver, window("History.Strings", end=end, interval=600, aggregation="count")
        )
        assert values(counted["History.Strings"]).tolist() == [60] * 6

    with_driver(opcua_peer.endpoint, use)


def test_more_intervals_than_one_request_takes(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        tag = "History.Million"
        end = HISTORY_START + timedelta(seconds=24_000)
        table = (await series(driver, window(tag, end=end, interval=1, aggregation="max")))[tag]
        np.testing.assert_allclose(values(table), np.arange(24_000) * 0.001 - 3, rtol=1e-12)

    with_driver(opcua_peer.endpoint, use, timeout_seconds=60)
