"""One value per interval, by the server or here: the same number either way."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from greenlang_data.errors import LoadBudgetExceeded, QueryError, ReadFailed, UnsupportedError
from tests.drivers.piwebapi.helpers import DAY, nanoseconds, session, truth
from tests.peers.historian_launch import HistorianPeer

HOUR = timedelta(hours=1)
MEANINGS: dict[str, Callable[[list[float]], float]] = {
    "avg": statistics.fmean,
    "min": min,
    "max": max,
    "sum": math.fsum,
    "count": len,
    "std": statistics.stdev,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "range": lambda values: max(values) - min(values),
    "delta": lambda values: values[-1] - values[0],
}
SERVED = {"avg", "min", "max", "count", "std", "range"}


def numbers(tag: str, start: datetime, end: datetime) -> list[float]:
    found = [event.number for event in truth(tag, start, end)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("aggregation", list(MEANINGS))
@pytest.mark.parametrize("minutes", [30, 50])
def test_each_sample_counts_once_in_its_interval(
    pi_peer: HistorianPeer, aggregation: str, minutes: int
) -> None:
    step = timedelta(minutes=minutes)
    tags = ["Ramp", "Mixed", "Duplicates"]
    with session(pi_peer) as s:
        frame = s.historian(tags, DAY, DAY + 2 * HOUR, f"{minutes}min", aggregation)
    edges = [DAY + step * n for n in range(math.ceil(120 / minutes))]
    assert list(frame.index) == edges
    for tag in tags:
        for edge in edges:
            inside = numbers(tag, edge, min(edge + step, DAY + 2 * HOUR))
            value = frame.loc[pd.Timestamp(edge), tag]
            if len(inside) < (2 if aggregation == "std" else 1):
                assert pd.isna(value)
            else:
                assert value == pytest.approx(MEANINGS[aggregation](inside), rel=1e-12)
    notes = " ".join(frame.attrs["provenance"]["notes"])
    here = aggregation not in SERVED
    assert ("aggregated by PI" in notes) is not here
    assert ("computed here" in notes) is (here or minutes == 50)


@pytest.mark.parametrize("aggregation", sorted(SERVED))
def test_a_server_that_will_not_aggregate(pi_peer: HistorianPeer, aggregation: str) -> None:
    with session(pi_peer) as s:
        served = s.historian(["Ramp"], DAY, DAY + 2 * HOUR, "30min", aggregation)
        pi_peer.fault("status", "streamsets/summary", status=400)
        here = s.historian(["Ramp"], DAY, DAY + 2 * HOUR, "30min", aggregation)
    pd.testing.assert_frame_equal(served, here, check_exact=False, rtol=1e-12)
    assert f"{aggregation} computed here" in here.attrs["provenance"]["notes"][-1]
    assert "aggregated by PI" not in " ".join(here.attrs["provenance"]["notes"])


def test_time_counts_in_a_time_weighted_average(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Ramp", "Step"], DAY, DAY + 90 * 60 * timedelta(seconds=1), "1h",
                            "time_avg")  # fmt: skip
    # A straight line's average is its middle; a step's holds each value for its minute.
    assert frame["Ramp"].tolist() == pytest.approx([15.0, 37.5])
    assert frame["Step"].tolist() == pytest.approx([29.5, 74.5])


def test_percent_good_and_interpolated(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        good = s.historian(["Ramp", "Timeouts"], DAY, DAY + HOUR, "30min", "percent_good")
        line = s.historian(["Ramp"], DAY + timedelta(seconds=30), DAY + HOUR, "20min",
                           "interpolated")  # fmt: skip
    assert good["Ramp"].tolist() == [100, 100]
    assert good["Timeouts"].fillna(0).tolist() == [0, 0]
    assert good.attrs["provenance"]["units"]["Ramp"] == "%"
    assert line["Ramp"].tolist() == pytest.approx([0.25, 10.25, 20.25])


def test_a_plot_says_that_it_is_thinned(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Ramp"], DAY, DAY + 10 * HOUR, "1h", "plot")
    assert 10 <= len(frame) <= 51
    events = {event.ticks * 100: event.value for event in truth("Ramp", DAY, DAY + 10 * HOUR)}
    index = nanoseconds(frame.index)
    assert [events[stamp] for stamp in index] == frame["Ramp"].tolist()
    assert "thinned" in frame.attrs["provenance"]["notes"][0]


@pytest.mark.parametrize("aggregation", ["avg", "interpolated", "time_avg"])
@pytest.mark.parametrize("knobs", [{"max_returned": 100}, {"max_returned": 100,
                                   "cap_accounting": "call"}])  # fmt: skip
def test_more_intervals_than_the_server_gives_at_once(
    pi_peer: HistorianPeer, aggregation: str, knobs: dict[str, object]
) -> None:
    with session(pi_peer) as s:
        whole = s.historian(["Ramp", "Step"], DAY, DAY + 9 * HOUR, "1min", aggregation)
    with pi_peer.knob(**knobs), session(pi_peer) as s:
        pieces = s.historian(["Ramp", "Step"], DAY, DAY + 9 * HOUR, "1min", aggregation)
    pd.testing.assert_frame_equal(whole, pieces)


def test_intervals_over_a_change_of_the_clocks(pi_peer: HistorianPeer) -> None:
    start = datetime(2025, 10, 25, 22, tzinfo=UTC)
    with session(pi_peer) as s:
        frame = s.historian(["Dst"], start, start + 6 * HOUR, "1h", "count")
    assert frame["Dst"].tolist() == [60] * 6
    assert list(frame.index) == [start + n * HOUR for n in range(6)]


def test_states_have_no_average(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        with pytest.raises(ReadFailed, match="avg is not defined for values of type Digital"):
            s.historian(["Pump"], DAY, DAY + HOUR, "30min", "avg")
        last = s.historian(["Pump", "Ramp"], DAY, DAY + HOUR, "30min", "last")
        states = [e.value.name for e in truth("Pump", DAY, DAY + HOUR) if e.good]
    assert last["Pump"].iloc[-1] == states[-1]
    assert last["Ramp"].tolist() == [14.5, 29.5]


def test_what_cannot_be_had_is_told(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        with pytest.raises(UnsupportedError, match="whole seconds"):
            s.historian(["Ramp"], DAY, DAY + HOUR, "500ms", "interpolated")
        with pytest.raises(QueryError, match="aggregation"):
            s.historian(["Ramp"], DAY, DAY + HOUR, "1h", "median")  # type: ignore[arg-type]
        half = s.historian(["Ramp"], DAY, DAY + timedelta(minutes=2), "1500ms", "count")
    assert half["Ramp"].sum() == 2


@pytest.mark.parametrize("aggregation", ["avg", "time_avg", "interpolated", "sum", "plot"])
@pytest.mark.parametrize("interval", ["2d", "1000000d", 1e12])
def test_an_interval_that_is_longer_than_the_window_ends_with_it(
    pi_peer: HistorianPeer, interval: object, aggregation: str
) -> None:
    with session(pi_peer) as s:
        whole = s.historian(["Ramp"], DAY, DAY + 2 * HOUR, "2h", aggregation)
        longer = s.historian(["Ramp"], DAY, DAY + 2 * HOUR, interval, aggregation)
    pd.testing.assert_frame_equal(longer, whole)


@pytest.mark.parametrize("aggregation", ["avg", "interpolated", "sum", "plot"])
def test_more_intervals_than_any_memory_holds_are_refused_unasked(
    pi_peer: HistorianPeer, aggregation: str
) -> None:
    with session(pi_peer) as s, pytest.raises(LoadBudgetExceeded, match=r"pi: .*longer intervals"):
        s.historian(["Ramp"], DAY, DAY + 2 * HOUR, 1e-9, aggregation)
    assert not pi_peer.requests()
