"""The mock driver keeps the contract of drivers, also when it is told to misbehave."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from greenlang_data.drivers import load_driver
from greenlang_data.drivers.base import ReadLog, Records, Snapshot, Window
from greenlang_data.drivers.mock import NOW, MockDriver
from greenlang_data.drivers.schema import SNAPSHOT, about_series
from greenlang_data.errors import (
    QueryError,
    SourceUnreachable,
    UnknownTagError,
    UnsupportedError,
)
from tests.drivers.mock.helpers import config, moment, one, read, rows, window

SEED_TAGS = ("ns=2;s=Temperature", "ns=2;s=Pressure", "tag1", "tag2", "ProcessTemp", "FlowRate")
MINUTE = timedelta(minutes=1)


async def drained(driver: MockDriver, request: Any) -> list[pa.RecordBatch]:
    return [batch async for batch in driver.read(request, ReadLog())]


def test_it_is_found_by_name_and_says_what_it_is() -> None:
    driver = load_driver("mock")(config())
    assert isinstance(driver, MockDriver)
    assert (driver.mode, driver.connected, driver.source) == ("mock", False, "plant")


def test_nothing_works_before_connect_or_after_close() -> None:
    async def run() -> None:
        driver = MockDriver(config())
        for _ in range(2):
            with pytest.raises(SourceUnreachable, match="Connect first"):
                await driver.ping()
            with pytest.raises(SourceUnreachable):
                await drained(driver, Snapshot(("tag1",)))
            await driver.connect()
            await driver.ping()
            assert driver.connected
            await driver.close()
            await driver.close()

    asyncio.run(run())


def test_a_snapshot_of_the_seed_tags() -> None:
    log = ReadLog()
    (batch,) = read(Snapshot((*SEED_TAGS, "CO2", "NOx", "SO2")), log=log)
    assert batch.schema == SNAPSHOT
    table = batch.to_pylist()
    assert [row["tag_id"] for row in table[:2]] == list(SEED_TAGS[:2])
    assert [row["tag_name"] for row in table[:2]] == ["Temperature", "Pressure"]
    assert {row["quality"] for row in table} == {"good"}
    assert all(row["value"] is not None and row["failure"] is None for row in table)
    assert {row["timestamp"] for row in table} == {NOW}
    assert log.requests == 1
    assert "simulated" in log.notes[0]


@pytest.mark.parametrize(
    ("asked", "near"),
    [("temperature", "Temperature"), ("ns=2;s=Presure", "Pressure"), ("nox", "NOx")],
)
def test_unknown_tags_fail_alone_and_name_the_nearest(asked: str, near: str) -> None:
    (batch,) = read(Snapshot((asked, "tag1")))
    missing, fine = batch.to_pylist()
    assert (missing["quality"], missing["status"]) == ("bad", "BadNodeIdUnknown")
    assert repr(near) in missing["failure"]
    assert missing["value"] is None
    assert fine["failure"] is None
    first, second = read(window((asked, "tag1"), NOW, MINUTE))
    assert repr(near) in str(about_series(first)["failure"])
    assert len(first) == 0
    assert (about_series(second)["failure"], len(second)) == (None, 60)


def test_a_tag_like_no_other() -> None:
    (batch,) = read(Snapshot(("zzzzzzzz",)))
    assert "s.tags(...).find()" in batch.to_pylist()[0]["failure"]


@pytest.mark.parametrize("request_", [Snapshot(("CO2",)), window("CO2", NOW, MINUTE)])
def test_unknown_stack(request_: Any) -> None:
    with pytest.raises(UnknownTagError, match="Did you mean 'STACK-001'"):
        read(request_, stack_id="STACK-01")


def test_data_types() -> None:
    names = ("Temperature", "GasTurbine.Speed", "Pump1.Running", "OperatingMode")
    (batch,) = read(Snapshot((*names, "SiteEnergyJoules")))
    kinds = {row["data_type"]: (row["value"], row["text"]) for row in batch.to_pylist()}
    assert list(kinds) == ["Double", "Int32", "Boolean", "String", "UInt64"]
    assert kinds["Boolean"][0] in {0.0, 1.0}
    assert kinds["String"] == (None, "Peak")
    assert int(kinds["UInt64"][1]) > 2**53


@pytest.mark.parametrize(
    ("tag", "aggregation", "works"),
    [
        ("OperatingMode", "avg", False),
        ("OperatingMode", "count", True),
        ("SiteEnergyJoules", "sum", False),
        ("SiteEnergyJoules", "max", True),
        ("Pump1.Running", "avg", True),
    ],
)
def test_aggregates_of_texts(tag: str, aggregation: str, works: bool) -> None:
    (batch,) = read(window(tag, NOW, timedelta(hours=1), 3600.0, aggregation))
    failure = about_series(batch)["failure"]
    assert (failure is None) is works
    if aggregation == "max":
        later = one(window(tag, NOW, timedelta(hours=1)))["text"].to_pylist()
        assert batch["text"].to_pylist() == [max(later, key=int)]


@pytest.mark.parametrize(
    ("year", "days", "rows_seen"),
    [(1999, 30, 0), (2014, 365, 1440), (2035, 366, 1440), (2050, 1, 0)],
)
def test_outside_its_years_the_plant_has_nothing(year: int, days: int, rows_seen: int) -> None:
    start = moment(year, 1, 2) if year < 2035 else moment(year, 12, 31)
    log = ReadLog()
    asked = window("CO2", start, timedelta(days=days))
    assert sum(map(len, read(asked, log=log))) == rows_seen
    assert any("2015 to 2035" in note for note in log.notes)
    aggregated = Window(asked.tags, asked.start, asked.end, 86400.0, "count")
    assert sum(map(len, read(aggregated))) == rows_seen // 1440


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Window(("tag1",), NOW, NOW), "not after its start"),
        (Window(("tag1",), NOW, NOW + MINUTE, 60.0), "go together"),
        (Window(("tag1",), NOW, NOW + MINUTE, None, "avg"), "go together"),
        (Window(("tag1",), NOW, NOW + MINUTE, 60.0, "median"), "median"),
        (Window(("tag1",), NOW, NOW + MINUTE, 0.0, "avg"), "interval"),
        (Window(("tag1",), NOW, NOW + MINUTE, 1e-9, "avg"), "interval"),
        (Window(("tag1",), moment(1500, 1, 1), NOW, 60.0, "avg"), "64-bit"),
    ],
)
def test_windows_that_mean_nothing(asked: Window, said: str) -> None:
    with pytest.raises(QueryError, match=said) as caught:
        read(asked)
    assert caught.value.source == "plant"


def test_other_requests_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="str"):
        read("everything")  # type: ignore[arg-type]


def test_flaky_fails_once_for_each_distinct_request() -> None:
    async def run() -> None:
        driver = MockDriver(config("flaky"))
        for request in (Snapshot(("tag1",)), Snapshot(("tag2",)), Records("plant")):
            await driver.connect()
            await driver.ping()
            with pytest.raises(SourceUnreachable, match="flaky"):
                await drained(driver, request)
            assert not driver.connected
            await driver.connect()
            for _ in range(2):
                assert await drained(driver, request)

    asyncio.run(run())


def test_slow_takes_its_time() -> None:
    begin = time.monotonic()
    read(Snapshot(("tag1",)), "slow")
    assert time.monotonic() - begin >= 0.19


def test_a_read_can_be_cancelled_between_batches() -> None:
    async def run() -> None:
        driver = MockDriver(config())
        await driver.connect()
        years = Window(("Temperature",), moment(2015, 1, 1), moment(2035, 1, 1))
        task = asyncio.create_task(drained(driver, years))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)

    asyncio.run(run())


def test_bad_quality_is_about_five_percent_and_leaves_the_rest_alone() -> None:
    day = window("Temperature", NOW, timedelta(hours=12))
    clean, dirty = rows(one(day)), rows(one(day, "bad-quality"))
    spoilt = [row for row in dirty if row["quality"] != "good"]
    assert 0.045 < len(spoilt) / len(dirty) < 0.055
    assert {(row["quality"], row["status"], row["value"] is None) for row in spoilt} == {
        ("bad", "BadSensorFailure", True),
        ("uncertain", "UncertainSensorNotAccurate", False),
    }
    for before, after in zip(clean, dirty, strict=True):
        if after["value"] is not None:
            assert before["value"] == after["value"]
