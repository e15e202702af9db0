"""Modified history, values at chosen times, and the aggregates beyond the first five."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.reductions import REDUCTIONS
from greenlang_data.errors import QueryError
from tests.drivers.opcua.helpers import (
    HISTORY_END,
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


def at(*seconds: float) -> tuple[datetime, ...]:
    return tuple(HISTORY_START + timedelta(seconds=one) for one in seconds)


def chosen(*tags: str, moments: tuple[datetime, ...]) -> Window:
    return Window(tags, HISTORY_START, HISTORY_END, times=moments)


def test_what_was_changed_when_and_by_whom(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        request = Window(
            ("History.Edited", "History.Mixed", "Nothing"),
            HISTORY_START,
            HISTORY_START + timedelta(seconds=30),
            modified=True,
        )
        found = await series(driver, request)
        edited = found["History.Edited"]
        assert values(edited).tolist() == [10, 20.1, 20.2]
        assert times(edited).tolist() == [START_NS + one * 10**9 for one in (10, 20, 20)]
        assert words(edited, "status") == [
            "Good; replaced at 2025-01-02T00:00:10Z by anna",
            "Good; deleted at 2025-01-02T00:00:20Z by bert",
            "Good; replaced at 2025-01-02T00:00:20Z by anna",
        ]
        assert "history of modifications" in str(failure(found["History.Mixed"]))
        assert str(failure(found["Nothing"])).startswith("unknown tag")
        plain = await series(driver, window("History.Edited"))
        assert values(plain["History.Edited"]).tolist() == list(range(100))

    with_driver(opcua_peer.endpoint, use)


def test_values_at_chosen_times(opcua_peer: OpcuaPeer) -> None:
    moments = at(-1, 0, 1.5, 99)

    async def use(driver: OpcUaDriver) -> None:
        found = await series(
            driver, chosen("History.Edited", "History.Mixed", "Nothing", moments=moments)
        )
        edited = found["History.Edited"]
        assert times(edited).tolist() == [round(one.timestamp() * 10) * 10**8 for one in moments]
        np.testing.assert_array_equal(values(edited), [np.nan, 0, 1.5, 99])
        assert words(edited, "status") == ["BadNoData", "Good", "Good; interpolated", "Good"]
        told = str(failure(found["History.Mixed"]))
        assert "gives no values" in told
        assert "BadHistoryOperationUnsupported" in told
        assert str(failure(found["Nothing"])).startswith("unknown tag")
        many = at(*(index / 100 for index in range(9_900)))
        found = await series(driver, chosen("History.Edited", moments=many))
        np.testing.assert_allclose(values(found["History.Edited"]), np.arange(9_900) / 100)
        found = await series(driver, chosen("History.Edited", moments=()))
        assert found["History.Edited"].num_rows == 0

    with_driver(opcua_peer.endpoint, use)


def test_kinds_that_exclude_each_other(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        for request in (
            Window(("x",), HISTORY_START, HISTORY_END, modified=True, times=at(1)),
            Window(("x",), HISTORY_START, HISTORY_END, 60, "avg", modified=True),
        ):
            with pytest.raises(QueryError, match="exclude"):
                await series(driver, request)
        for moments in (at(2, 1), at(1, 1)):
            with pytest.raises(QueryError, match="ascending"):
                await series(driver, chosen("x", moments=moments))

    with_driver(opcua_peer.endpoint, use)


@pytest.mark.parametrize("page", [50_000, 37])
def test_aggregates_that_are_computed_here(opcua_peer: OpcuaPeer, page: int) -> None:
    # Every seventh sample of History.Mixed is not good.
    index = np.arange(180)
    good = [one[one % 7 != 0] * 0.25 - 50 for one in index.reshape(3, 60)]
    expected = {
        "StandardDeviationSample": [np.std(one, ddof=1) for one in good],
        "StandardDeviationPopulation": [np.std(one) for one in good],
        "VarianceSample": [np.var(one, ddof=1) for one in good],
        "VariancePopulation": [np.var(one) for one in good],
        "Start": [one[0] for one in good],
        "End": [one[-1] for one in good],
        "Range": [one.max() - one.min() for one in good],
        "Delta": [one[-1] - one[0] for one in good],
    }

    async def use(driver: OpcUaDriver) -> None:
        assert driver._session is not None
        driver._session.connection.limits.shrink("page", page)
        end = HISTORY_START + timedelta(seconds=180)
        for aggregation, numbers in expected.items():
            log = ReadLog()
            request = window("History.Mixed", end=end, interval=60, aggregation=aggregation)
            table = (await series(driver, request, log))["History.Mixed"]
            np.testing.assert_allclose(values(table), numbers, rtol=1e-12)
            assert set(words(table, "quality")) == {"uncertain"}
            assert any(f"{aggregation} computed here" in note for note in log.notes)

    with_driver(opcua_peer.endpoint, use)


def test_aggregates_that_only_the_server_can_know(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        end = HISTORY_START + timedelta(seconds=150)
        log = ReadLog()
        request = window("History.Million", end=end, interval=60, aggregation="PercentGood")
        table = (await series(driver, request, log))["History.Million"]
        assert values(table).tolist() == [100, 100, 100]
        assert log.notes == []
        request = window("History.Million", end=end, interval=60, aggregation="Total")
        told = str(failure((await series(driver, request))["History.Million"]))
        assert "BadAggregateNotSupported" in told
        assert "not computed here" in told

    with_driver(opcua_peer.endpoint, use)


def test_a_deviation_needs_two_samples(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        end = HISTORY_START + timedelta(seconds=3)
        request = window(
            "History.Million", end=end, interval=1, aggregation="StandardDeviationSample"
        )
        table = (await series(driver, request))["History.Million"]
        assert words(table, "quality") == ["bad"] * 3
        assert np.isnan(values(table)).all()

    with_driver(opcua_peer.endpoint, use)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(REDUCTIONS.keys() - {"count"})),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40),
    st.integers(1, 39),
)
def test_pieces_give_what_the_whole_gives(name: str, samples: list[float], cut: int) -> None:
    reduction = REDUCTIONS[name]
    cut = min(cut, len(samples) - 1)
    numbers = np.array(samples, np.longdouble)
    start = np.array([0])
    whole = reduction.reduce(numbers, start)[:, 0]
    early, late = (reduction.reduce(one, start)[:, 0] for one in (numbers[:cut], numbers[cut:]))
    merged = reduction.merge(early, late, cut, len(samples) - cut)
    good = np.array([len(samples)])
    found = [
        float(reduction.value(np.asarray(parts)[:, np.newaxis], good)[0])
        for parts in (np.atleast_1d(whole), np.atleast_1d(merged))
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-6)
    truth = {
        "StandardDeviationSample": np.std(samples, ddof=1), "VarianceSample": np.var(samples, ddof=1),
        "StandardDeviationPopulation": np.std(samples), "VariancePopulation": np.var(samples),
        "Range": max(samples) - min(samples), "Delta": samples[-1] - samples[0],
        "Start": samples[0], "End": samples[-1],
        "sum": sum(samples), "avg": np.mean(samples), "min": min(samples), "max": max(samples),
    }[name]  # fmt: skip
    np.testing.assert_allclose(found[0], truth, rtol=1e-9, atol=1e-6)
