from __future__ import annotations

import asyncio

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import greenlang_data as gd
from greenlang_data import HealthMonitor
from greenlang_data.observe.status import status_frame

from .fakes import Ask, scripted

DTYPES = {
    **dict.fromkeys(["source", "kind", "system", "mode", "state", "health", "breaker"], "str"),
    **dict.fromkeys(["retry_in_seconds", "average_ms", "uptime_seconds"], "float64"),
    **dict.fromkeys(["requests", "failed", "retries", "breaker_opens"], "int64"),
    **dict.fromkeys(
        ["last_request_time", "last_success_time", "last_error_time"], "datetime64[us, UTC]"
    ),
}


def test_a_source_before_its_first_call() -> None:
    row = status_frame([scripted()]).iloc[0]
    assert (row["source"], row["kind"], row["system"]) == ("plant1", "mock", "mock")
    assert (row["mode"], row["state"]) == ("mock", "disconnected")
    assert (row["health"], row["breaker"]) == ("unknown", "closed")
    assert (row["requests"], row["failed"], row["retries"]) == (0, 0, 0)
    assert pd.isna(row["average_ms"]), "no request took 0 ms"
    assert pd.isna(row["last_request_time"])
    assert (row["uptime_seconds"], row["retry_in_seconds"]) == (0, 0)


def test_a_source_after_good_and_bad_calls() -> None:
    connector = scripted(circuit_breaker_threshold=1, circuit_breaker_timeout=60)

    async def run() -> None:
        await connector.fetch_data(Ask())
        connector.error = ConnectionError("gone")
        with pytest.raises(ConnectionError):
            await connector.fetch_data(Ask())

    before = pd.Timestamp.now("UTC")
    asyncio.run(run())
    row = status_frame([connector]).iloc[0]
    assert (row["requests"], row["failed"], row["breaker_opens"]) == (2, 1, 1)
    assert (row["state"], row["breaker"]) == ("error", "open")
    assert 50 < row["retry_in_seconds"] <= 60
    assert row["average_ms"] == connector.metrics.avg_response_time_ms > 0
    assert before.floor("us") <= row["last_success_time"] <= row["last_error_time"]
    assert row["last_error_time"] == connector.metrics.last_failure_time


def test_retries_and_a_disabled_breaker() -> None:
    connector = scripted(max_retries=2, circuit_breaker_enabled=False, retry_max_wait=0)
    connector.error = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        asyncio.run(connector.fetch_data(Ask()))
    row = status_frame([connector]).iloc[0]
    assert (row["breaker"], row["retry_in_seconds"]) == ("off", 0)
    assert (row["requests"], row["retries"]) == (1, 2)


def test_the_health_is_that_of_the_last_check() -> None:
    connector = scripted()
    monitor = HealthMonitor(enable_prometheus=False)
    monitor.register_connector(connector)
    asyncio.run(monitor.check_all_connectors())
    assert list(status_frame([connector])["health"]) == ["healthy"]


@pytest.mark.parametrize("names", [[], ["one"], ["one", "other"]])
def test_the_dtypes_are_the_same_for_any_number_of_sources(names: list[str]) -> None:
    frame = status_frame([scripted(name) for name in names])
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES
    assert list(frame["source"]) == names
    assert list(frame.index) == list(range(len(names)))


def test_asking_changes_nothing_and_connects_nobody() -> None:
    connector = scripted()
    assert_frame_equal(status_frame([connector]), status_frame([connector]))
    assert connector.checks == 0
    assert not connector.is_open


def test_the_status_of_a_session() -> None:
    with gd.Session(mock=True) as session:
        before = session.status()
        assert set(before["state"]) == {"disconnected"}
        session.scada(["ns=2;s=Temperature"])
        after = session.status().set_index("source")
    assert list(after.index) == list(before["source"])
    assert after.loc["scada", "state"] == "connected"
    assert after.loc["scada", "requests"] == 1
    assert after.loc["historian", "state"] == "disconnected"


def test_the_status_of_an_empty_session() -> None:
    assert gd.Session().status().empty
