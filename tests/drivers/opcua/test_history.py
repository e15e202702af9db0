"""Raw history from the node-opcua server."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.schema import UNKNOWN_TAG, about_series
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

START_NS = int(HISTORY_START.timestamp()) * 10**9
SECOND = 10**9
MIXED = [
    ("BadSensorFailure", "bad"),
    ("UncertainLastUsableValue", "uncertain"),
    ("BadNoCommunication", "bad"),
    ("UncertainSensorNotAccurate", "uncertain"),
    ("BadDeviceFailure", "bad"),
    ("UncertainSubNormal", "uncertain"),
]
NAMES = ["Mixed", "Ints", "Strings", "Booleans", "Bursts", "Empty", "Dst", "Ticks", "Picoseconds"]


def limit_page(driver: OpcUaDriver, rows: int) -> None:
    assert driver._session is not None
    driver._session.connection.limits.shrink("page", rows)


def test_a_million_samples_whole_and_once(opcua_peer_large: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        tag = "History.Million"
        rows = 0
        async for batch in driver.read(window(tag), ReadLog()):
            assert batch.num_rows <= 50_000
            index = np.arange(rows, rows + batch.num_rows)
            stamps = np.asarray(batch.column("timestamp").cast("int64"))
            assert (stamps == START_NS + index * SECOND).all()
            assert np.array_equal(batch.column("value").to_numpy(), index * 0.001 - 3)
            rows += batch.num_rows
        assert rows == 1_000_000

    with_driver(opcua_peer_large.endpoint, use, timeout_seconds=30)


@pytest.mark.parametrize("page", [50_000, 10_000, 1_000, 777])
def test_pages_of_any_size_give_the_same(opcua_peer: OpcuaPeer, page: int) -> None:
    async def use(driver: OpcUaDriver) -> None:
        limit_page(driver, page)
        found = await series(driver, window("History.Million", "History.Bursts"))
        million, bursts = found["History.Million"], found["History.Bursts"]
        assert times(million).tolist() == [START_NS + index * SECOND for index in range(25_000)]
        assert np.array_equal(values(bursts), np.arange(20_000))

    with_driver(opcua_peer.endpoint, use)


def test_the_end_is_excluded_and_the_start_is_not(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        start = HISTORY_START + timedelta(seconds=100)
        request = window("History.Million", start=start, end=start + timedelta(seconds=10))
        table = (await series(driver, request))["History.Million"]
        assert times(table).tolist() == [START_NS + (100 + index) * SECOND for index in range(10)]
        half = timedelta(milliseconds=500)
        request = window("History.Million", start=start + half, end=start + half * 2)
        assert (await series(driver, request))["History.Million"].num_rows == 0

    with_driver(opcua_peer.endpoint, use)


def test_types_statuses_and_odd_histories(opcua_peer: OpcuaPeer) -> None:
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> None:
        found = await series(driver, window(*(f"History.{name}" for name in NAMES)), log)
        tables = {tag.removeprefix("History."): table for tag, table in found.items()}
        kinds = {name: about_series(table)["data_type"] for name, table in tables.items()}
        assert kinds["Ints"] == "Int32"
        assert kinds["Strings"] == "String"
        assert kinds["Booleans"] == "Boolean"
        assert tables["Strings"].column("text")[3].as_py() == "state-3-ä3"
        assert tables["Strings"].column("value").null_count == 1000
        assert values(tables["Booleans"])[:4].tolist() == [1, 0, 0, 1]
        index = np.arange(10_000)
        assert np.array_equal(values(tables["Ints"]), index**2 * 31 % 1_000_003 - 500_000)
        assert tables["Empty"].num_rows == 0
        assert failure(tables["Empty"]) is None
        ticks = np.arange(1000)
        expected = START_NS + ticks * 1_000_000 + ticks * 7 % 10_000 * 100
        assert np.array_equal(times(tables["Ticks"]), expected)

    with_driver(opcua_peer.endpoint, use)
    assert log.notes == []


def test_mixed_statuses_keep_every_name(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        table = (await series(driver, window("History.Mixed")))["History.Mixed"]
        assert table.num_rows == 10_000
        statuses, qualities = words(table, "status"), words(table, "quality")
        numbers = values(table)
        for row in range(10_000):
            expected = ("Good", "good") if row % 7 else MIXED[row // 7 % 6]
            assert (statuses[row], qualities[row]) == expected
            if expected[1] == "bad":
                assert np.isnan(numbers[row])
            else:
                assert numbers[row] == row * 0.25 - 50

    with_driver(opcua_peer.endpoint, use)


def test_hours_that_clocks_repeat_or_skip_are_just_utc(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        table = (await series(driver, window("History.Dst")))["History.Dst"]
        starts = (datetime(2025, 3, 29, 22, tzinfo=UTC), datetime(2025, 10, 25, 22, tzinfo=UTC))
        expected = [
            int(start.timestamp()) * SECOND + minute * 60 * SECOND
            for start in starts
            for minute in range(361)
        ]
        assert times(table).tolist() == expected

    with_driver(opcua_peer.endpoint, use)


def test_tags_without_history_fail_alone(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        found = await series(driver, window("Plain", "History.Dst", "Nothing"))
        assert "keeps no history of ns=2;s=Plain" in str(failure(found["Plain"]))
        assert str(failure(found["Nothing"])).startswith(UNKNOWN_TAG)
        assert found["History.Dst"].num_rows == 722

    with_driver(opcua_peer.endpoint, use)


def test_many_tags_are_asked_for_together(opcua_peer: OpcuaPeer) -> None:
    tags = ["History.Dst", "History.Ticks", "History.Picoseconds", "History.Strings", "Plain",
            *(f"Nothing.{index}" for index in range(35))]  # fmt: skip

    async def use(driver: OpcUaDriver) -> None:
        opcua_peer.clear_requests()
        found = await series(driver, window(*tags))
        assert found["History.Strings"].num_rows == 1000
        asked = [line for line in opcua_peer.requests() if line["service"] == "HistoryRead"]
        assert max(line["nodes"] for line in asked) == 10
        assert len(asked) < len(tags) / 2

    with_driver(opcua_peer.endpoint, use)


def test_units_go_with_the_series(opcua_peer: OpcuaPeer) -> None:
    from greenlang_data.settings.tag import TagEntry

    entries = (TagEntry(tag="mill", node_id="ns=2;s=History.Ticks", unit="t/h"),)

    async def use(driver: OpcUaDriver) -> None:
        found = await series(driver, window("mill"))
        assert about_series(found["mill"])["unit"] == "t/h"

    with_driver(opcua_peer.endpoint, use, tags=entries)


def test_leaving_early_releases_the_continuation_point(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        limit_page(driver, 1000)
        opcua_peer.clear_requests()
        reading = driver.read(window("History.Million"), ReadLog())
        await anext(reading)
        await reading.aclose()
        await asyncio.sleep(0.3)
        lines = [line for line in opcua_peer.requests() if line["service"] == "HistoryRead"]
        assert lines[-1]["released"]
        assert lines[-1]["continued"] == 1
        assert (await series(driver, window("History.Dst")))["History.Dst"].num_rows == 722

    with_driver(opcua_peer.endpoint, use)


def test_booleans_are_explicit_on_the_wire(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        opcua_peer.clear_requests()
        await series(driver, window("History.Dst"))
        (line,) = [one for one in opcua_peer.requests() if one["service"] == "HistoryRead"]
        assert line["details"] == "ReadRawModifiedDetails"
        assert line["released"] is False
        assert line["valuesPerNode"] == 50_000

    with_driver(opcua_peer.endpoint, use)


def test_memory_stays_that_of_a_few_pages(opcua_peer_large: OpcuaPeer) -> None:
    import tracemalloc

    async def use(driver: OpcUaDriver) -> int:
        async for _ in driver.read(window("History.Dst"), ReadLog()):
            pass
        tracemalloc.start()
        try:
            async for _ in driver.read(window("History.Million"), ReadLog()):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak = with_driver(opcua_peer_large.endpoint, use, timeout_seconds=30)
    assert peak < 25_000_000


def test_the_loop_goes_on_while_history_is_read(opcua_peer_large: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> float:
        longest = 0.0
        done = False

        async def watch() -> None:
            nonlocal longest
            while not done:
                before = time.thread_time()
                await asyncio.sleep(0)
                longest = max(longest, time.thread_time() - before)

        watcher = asyncio.create_task(watch())
        async for _ in driver.read(window("History.Million"), ReadLog()):
            pass
        done = True
        await watcher
        return longest

    # About 2 ms; of processor time, so that a busy machine does not show in it.
    assert with_driver(opcua_peer_large.endpoint, use, timeout_seconds=30) < 0.1
