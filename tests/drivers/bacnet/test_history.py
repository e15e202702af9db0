"""Trend logs of a real device, against what it was told to hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.schema import about_series
from tests.drivers.bacnet.helpers import config, with_driver
from tests.peers import bacnet_trends as trends
from tests.peers.launch_bacnet import BacnetPeer

YEAR = {"start": "2025-01-01", "end": "2026-01-01"}
NO_VALUES = (trends.Datum.LOG_STATUS, trends.Datum.TIME_CHANGE)


def log_of(instance: int) -> trends.TrendLog:
    return next(log for log in trends.logs() if log.instance == instance)


def values_of(records: Iterable[trends.Record]) -> list[trends.Record]:
    return [one for one in records if one.datum not in NO_VALUES]


async def window(
    driver: BacnetDriver, tag: str, start: datetime, end: datetime, log: ReadLog
) -> list[dict[str, Any]]:
    request = Window((tag,), start, end)
    batches = [batch async for batch in driver.read(request, log)]
    assert [about_series(batch)["tag"] for batch in batches] == [tag]
    assert about_series(batches[0])["failure"] is None
    return [row for batch in batches for row in batch.to_pylist()]


def test_a_log_that_has_forgotten_its_beginning_is_read_whole(bacnet_peer: BacnetPeer) -> None:
    with gd.Session(sources=[config(bacnet_peer, time_zone="UTC")]) as session:
        frame = session.scada([f"TL:{trends.ROLLED}"], **YEAR, shape="long")
    record = frame.attrs["provenance"]
    expected = values_of(log_of(trends.ROLLED).records())
    assert frame["timestamp"].tolist() == [pd.Timestamp(one.time, tz="UTC") for one in expected]
    assert record["requests"] <= 1.1 * 1000 / 66 + 4  # and who it is, and what it records
    assert any("holds nothing before 2025-03-02T01:01:00+00:00" in one for one in record["notes"])
    assert any("log-interrupted 9 times" in one for one in record["notes"])
    for row, one in zip(frame.to_dict("records"), expected, strict=True):
        good = one.datum is trends.Datum.REAL and one.flags == "0000"
        assert row["quality"] == ("good" if good else "bad")
        assert row["value"] == one.value if good else pd.isna(row["value"])
    statuses = set(frame["status"].dropna())
    assert statuses == {"Null", "read-access-denied", "fault"}


def test_every_kind_of_record(bacnet_peer: BacnetPeer) -> None:
    with gd.Session(sources=[config(bacnet_peer, time_zone="UTC")]) as session:
        frame = session.scada([f"TL:{trends.MIXED}"], **YEAR, shape="long")
    first = frame.head(10).to_dict("records")
    values = [None if pd.isna(row["value"]) else row["value"] for row in first]
    assert values == [1.0, 0.0, 3.0, 2.0**32 - 1, -70_000.0, None, None, None, None, 21.5]
    statuses = [None if pd.isna(row["status"]) else row["status"] for row in first]
    assert statuses == [None] * 5 + ["NaN", "Infinity", "Null", "unknown-object", None]
    assert len(frame) == len(values_of(log_of(trends.MIXED).records()))
    notes = frame.attrs["provenance"]["notes"]
    assert any("time-change (3600.0 s) 25 times" in note for note in notes)


def test_numbers_that_start_anew_lose_nothing(bacnet_peer: BacnetPeer) -> None:
    tag = f"TL:{trends.WRAPPED}"
    with gd.Session(sources=[config(bacnet_peer, time_zone="UTC")]) as session:
        frame = session.scada([tag], **YEAR)
    assert frame[tag].tolist() == [float(number) for number in range(200)]


def test_a_part_of_a_log_and_an_empty_one(bacnet_peer: BacnetPeer) -> None:
    records = values_of(log_of(trends.ROLLED).records())
    start, end = records[300].time, records[400].time

    async def use(driver: BacnetDriver) -> None:
        log = ReadLog()
        rows = await window(driver, "TL:1", start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), log)
        assert [row["timestamp"].replace(tzinfo=None) for row in rows] == [
            one.time for one in records[300:400]
        ]
        assert not any("holds nothing before" in note for note in log.notes)
        assert await window(driver, "TL:4", start.replace(tzinfo=UTC), datetime.now(UTC), log) == []

    with_driver(config(bacnet_peer, time_zone="UTC"), use)


def test_the_clock_of_the_device_is_in_its_zone(bacnet_peer: BacnetPeer) -> None:
    tag = f"TL:{trends.WRAPPED}"
    with gd.Session(sources=[config(bacnet_peer, time_zone="America/New_York")]) as session:
        frame = session.scada([tag], **YEAR)
    assert frame.index[0] == pd.Timestamp("2025-03-01T05:00:00Z")


def test_a_log_that_forgets_while_it_is_read_says_so(
    bacnet_factory: Callable[..., BacnetPeer],
) -> None:
    peer = bacnet_factory(log_period=1)  # a thousand records a second, and room for 200

    async def use(driver: BacnetDriver) -> None:
        log = ReadLog()
        start = datetime(2025, 1, 1, tzinfo=UTC)
        link: Any = driver._link
        reader = driver.read(Window(("TL:5",), start, start + timedelta(days=3650)), log)
        # Between the first pages the log goes on by more than its length.
        ask = link.ask
        delays = iter([0.0, 0.0, 0.4, 0.0, 0.4])

        async def slow(*arguments: Any) -> Any:
            await asyncio.sleep(next(delays, 0.0))
            return await ask(*arguments)

        link.ask = slow
        batches = [batch async for batch in reader]
        values = [row["value"] for batch in batches for row in batch.to_pylist()]
        assert values == sorted(set(values))  # none twice, none out of order
        missing = round(values[-1] - values[0]) + 1 - len(values)
        assert missing > 100
        assert [note for note in log.notes if "overwrote" in note] == [
            (
                f"trend-log,5: {missing} records are missing, because the device overwrote them "
                "while they were being read"
            )
        ]

    with_driver(config(peer, time_zone="UTC"), use)


def test_a_window_needs_the_zone_of_the_clock(bacnet_peer: BacnetPeer) -> None:
    with gd.Session(sources=[config(bacnet_peer)]) as session:
        with pytest.raises(gd.ConfigurationError, match="Set time_zone"):
            session.scada(["TL:1"], **YEAR)
        with pytest.raises(gd.UnsupportedError, match="resample"):
            session.scada(["TL:1"], **YEAR, interval="1h", aggregation="avg")


def test_tags_without_a_log(bacnet_peer: BacnetPeer) -> None:
    with gd.Session(sources=[config(bacnet_peer, time_zone="UTC")]) as session:
        frame = session.scada(["TL:3", "AI:1", "TL:77"], **YEAR, errors="report", shape="long")
        failures = frame.attrs["provenance"]["failures"]
    assert failures["AI:1"] == "no trend log of the device records analog-input,1.present-value"
    assert failures["TL:77"].startswith("unknown tag: the device says unknown-object")
    assert len(frame) == 200
