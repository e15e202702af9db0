"""Aggregates that depend on how values go on between samples, computed where the server tells how."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.weighted import WEIGHTED, Interpolation, Weighted
from greenlang_data.drivers.schema import about_series
from tests.drivers.opcua.helpers import (
    HISTORY_END,
    HISTORY_START,
    config,
    failure,
    series,
    values,
    window,
    with_driver,
    words,
)
from tests.peers.launch import OpcuaPeer

SECOND = 10**9
GOOD, UNCERTAIN, BAD = 0, 0x40000000, 0x80000000
LETTERS = {0: "G", 1: "U", 2: "-"}
HALF = timedelta(seconds=0.5)


def columns(*samples: tuple[float, float, int]) -> Columns:
    """Samples as (second, value, status code)."""
    made = Columns.empty(len(samples))
    made.source = np.array([round(time * SECOND) for time, _, _ in samples], np.int64)
    made.numbers = np.array([value for _, value, _ in samples], float)
    made.codes = np.array([code for _, _, code in samples], np.uint32)
    made.valid[:] = True
    made.kinds[:] = 11
    return made


def computed(
    name: str, parts: list[Columns], how: Interpolation, *, count: int, width: int = 10
) -> list[tuple[float | None, str]]:
    weighted = Weighted(
        0, width * SECOND, first=0, count=count, end=count * width * SECOND,
        aggregation=name, interpolation=how,
    )  # fmt: skip
    rows = [one for part in parts for one in weighted.add(part)]
    rows += list(weighted.finish())
    starts = np.concatenate([times for times, _, _ in rows])
    assert starts.tolist() == [number * width * SECOND for number in range(count)]
    told = zip(
        np.concatenate([one for _, one, _ in rows]).tolist(),
        np.concatenate([one for _, _, one in rows]).tolist(),
        strict=True,
    )
    return [(None if code == 2 else round(value, 6), LETTERS[code]) for value, code in told]


# A ramp of one a second from 5 to 35, with a sample every five seconds; the one at 15 is bad and
# the one at 25 uncertain.
RAMP = columns(
    (5, 5, GOOD), (10, 10, GOOD), (15, 99, BAD), (20, 20, GOOD), (25, 25, UNCERTAIN),
    (30, 30, GOOD), (35, 35, GOOD),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "how", "expected"),
    [
        ("Interpolative", Interpolation(stepped=False),
         [(None, "-"), (10, "G"), (20, "G"), (30, "G"), (35, "U"), (35, "U")]),
        ("Interpolative", Interpolation(stepped=False, sloped_extrapolation=True),
         [(None, "-"), (10, "G"), (20, "G"), (30, "G"), (40, "U"), (50, "U")]),
        # The line from 5 on, over the bad sample, and to and from the one in doubt.
        ("TimeAverage", Interpolation(stepped=False, uncertain_is_bad=False),
         [(7.5, "U"), (15, "U"), (25, "U"), (33.75, "U"), (None, "-"), (None, "-")]),
        # Steps do not count for it.
        ("TimeAverage", Interpolation(stepped=True),
         [(7.5, "U"), (15, "U"), (25, "U"), (33.75, "U"), (None, "-"), (None, "-")]),
        # 5 to 10; 10 held until 15; 20 held until the sample in doubt at 25; 30 to 35.
        ("TimeAverage2", Interpolation(stepped=False),
         [(7.5, "U"), (10, "U"), (20, "U"), (32.5, "U"), (None, "-"), (None, "-")]),
        ("TimeAverage2", Interpolation(stepped=False, uncertain_is_bad=False),
         [(7.5, "U"), (10, "U"), (25, "U"), (32.5, "U"), (None, "-"), (None, "-")]),
        ("TimeAverage2", Interpolation(stepped=True),
         [(5, "U"), (10, "U"), (20, "U"), (30, "U"), (None, "-"), (None, "-")]),
        # Half of the time is enough here, and too little there.
        ("TimeAverage2", Interpolation(stepped=True, percent_good=50),
         [(5, "G"), (10, "G"), (20, "G"), (30, "G"), (None, "-"), (None, "-")]),
        ("TimeAverage2", Interpolation(stepped=True, percent_bad=50),
         [(None, "-")] * 6),
        # Not even a little, but of nothing bad there is no share.
        ("TimeAverage2", Interpolation(stepped=True, percent_bad=0),
         [(None, "-")] * 6),
    ],
)  # fmt: skip
def test_by_hand(name: str, how: Interpolation, expected: list[tuple[float | None, str]]) -> None:
    assert computed(name, [RAMP], how, count=6) == expected


def test_between_samples_a_step_holds_and_a_slope_leads_on() -> None:
    samples = columns((0, 0, GOOD), (7, 70, GOOD), (12, 0, BAD), (14, 140, GOOD), (26, 20, GOOD))
    stepped = computed("Interpolative", [samples], Interpolation(stepped=True), count=5, width=5)
    assert stepped == [(0, "G"), (0, "G"), (70, "G"), (140, "G"), (140, "G")]
    sloped = computed("Interpolative", [samples], Interpolation(stepped=False), count=5, width=5)
    assert sloped == [(0, "G"), (50, "G"), (100, "U"), (130, "G"), (80, "G")]
    late = columns((0, 1, GOOD), (3, 2, BAD), (9, 0, BAD))
    held = computed("Interpolative", [late], Interpolation(stepped=True), count=4, width=2)
    assert held == [(1, "G"), (1, "G"), (1, "U"), (1, "U")]


def test_a_line_to_a_sample_in_doubt_is_in_doubt_and_a_step_is_not() -> None:
    samples = columns((0, 0, GOOD), (5, 5, UNCERTAIN), (10, 10, GOOD), (15, 15, GOOD))
    for name in ("TimeAverage", "TimeAverage2"):
        how = Interpolation(stepped=False, uncertain_is_bad=False)
        sloped = computed(name, [samples], how, count=3, width=5)
        assert sloped == [(2.5, "U"), (7.5, "U"), (12.5, "G")]
    how = Interpolation(stepped=True, uncertain_is_bad=False)
    stepped = computed("TimeAverage2", [samples], how, count=3, width=5)
    assert stepped == [(0, "G"), (5, "U"), (10, "G")]


def test_a_year_of_good_samples_is_good() -> None:
    year = 365 * 86_400
    samples = columns(*((at * year / 1000 - 7.123, at, GOOD) for at in range(2010)))
    for name, how in (
        ("TimeAverage", Interpolation(stepped=False)),
        ("TimeAverage2", Interpolation(stepped=True, percent_bad=0)),
    ):
        told = computed(name, [samples], how, count=2, width=year)
        assert [quality for _, quality in told] == ["G", "G"]


sample = st.tuples(
    st.integers(0, 99), st.floats(-1e3, 1e3), st.sampled_from([GOOD, GOOD, UNCERTAIN, BAD])
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(WEIGHTED)),
    st.lists(sample, min_size=1, max_size=40),
    st.integers(1, 39),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_pages_do_not_show(
    name: str, samples: list[Any], size: int, stepped: bool, strict: bool, sloped: bool
) -> None:
    samples.sort(key=lambda one: one[0])
    how = Interpolation(stepped, strict, sloped)
    whole = computed(name, [columns(*samples)], how, count=12)
    pages = [columns(*samples[at : at + size]) for at in range(0, len(samples), size)]
    for told, expected in zip(computed(name, pages, how, count=12), whole, strict=True):
        assert told[1] == expected[1]
        if expected[0] is not None:
            assert told[0] == pytest.approx(expected[0], rel=1e-6, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=11, max_size=11),
    st.booleans(),
    st.sampled_from(["TimeAverage", "TimeAverage2"]),
)
def test_averages_are_areas(numbers: list[float], stepped: bool, name: str) -> None:
    """Against the sum over a thousand little steps a second."""
    samples = columns(*((10 * at - 5, one, GOOD) for at, one in enumerate(numbers)))
    told = computed(name, [samples], Interpolation(stepped), count=9)
    grid = np.arange(0, 90, 0.001) + 0.0005
    place = np.floor((grid + 5) / 10).astype(int)
    lines = np.interp(grid, 10 * np.arange(11) - 5.0, numbers)
    held = np.array(numbers)[place]
    follows = held if stepped and name == "TimeAverage2" else lines
    for number, (value, quality) in enumerate(told):
        assert quality == "G"
        expected = follows[number * 10_000 : (number + 1) * 10_000].mean()
        assert value == pytest.approx(expected, abs=1e-3)


def refuse(driver: OpcUaDriver, aggregate: int) -> None:
    """As if the server had said that it does not offer it."""
    assert driver._session is not None
    driver._session.connection.limits.refused_aggregates.add(aggregate)


@pytest.mark.parametrize("tag", ["History.Mixed", "History.Million"])
def test_the_server_s_interpolation_and_ours_are_the_same(opcua_peer: OpcuaPeer, tag: str) -> None:
    async def use(driver: OpcUaDriver) -> None:
        start = HISTORY_START + timedelta(seconds=100.5)
        end = start + timedelta(seconds=390)
        request = window(tag, start=start, end=end, interval=3.25, aggregation="Interpolative")
        theirs_log, ours_log = ReadLog(), ReadLog()
        theirs = (await series(driver, request, theirs_log))[tag]
        refuse(driver, 2341)
        ours = (await series(driver, request, ours_log))[tag]
        assert theirs_log.notes == []
        (note,) = ours_log.notes
        assert note == (
            "Interpolative computed here from raw samples, uncertain ones among them, as OPC UA "
            "part 13 defines it, with the server's sloped interpolation and stepped "
            "extrapolation: the server does not offer it"
        )
        # At its ends this server does not look beyond the window.
        inner = slice(3, -3)
        np.testing.assert_allclose(values(ours)[inner], values(theirs)[inner], rtol=1e-9)
        assert words(ours, "quality")[inner] == words(theirs, "quality")[inner]
        assert not np.isnan(values(ours)).any()

    with_driver(opcua_peer.endpoint, use)


def test_a_window_is_led_into_and_out_of(opcua_peer: OpcuaPeer) -> None:
    """A ramp of 0.001 a second: the mean of an interval is the value in its middle."""

    async def use(driver: OpcUaDriver) -> None:
        start = HISTORY_START + timedelta(seconds=1000.25)
        end = start + timedelta(seconds=9.5)
        for aggregation in ("TimeAverage", "TimeAverage2"):
            request = window(
                "History.Million", start=start, end=end, interval=2, aggregation=aggregation
            )
            table = (await series(driver, request))["History.Million"]
            middles = [1001.25, 1003.25, 1005.25, 1007.25, 1009.0]
            np.testing.assert_allclose(values(table), np.array(middles) * 0.001 - 3, rtol=1e-12)
            assert set(words(table, "quality")) == {"good"}
            assert about_series(table)["data_type"] == "Double"
        # Between two samples, so that the window itself holds none.
        request = window(
            "History.Million", start=start, end=start + HALF, interval=0.5,
            aggregation="Interpolative",
        )  # fmt: skip
        refuse(driver, 2341)
        table = (await series(driver, request))["History.Million"]
        np.testing.assert_allclose(values(table), [1000.25 * 0.001 - 3], rtol=1e-12)

    with_driver(opcua_peer.endpoint, use)


def test_the_server_says_which_values_step(opcua_peer: OpcuaPeer) -> None:
    """Every seventh sample of it is not good; those are not used, as it says."""

    async def use(driver: OpcUaDriver) -> None:
        start = HISTORY_START + timedelta(seconds=7.5)
        end = start + timedelta(seconds=7)
        log = ReadLog()
        refuse(driver, 2341)
        request = window(
            "History.Steps", start=start, end=end, interval=1, aggregation="Interpolative"
        )
        table = (await series(driver, request, log))["History.Steps"]
        # Sample 7 is uncertain, so that 6 goes on until 8, and 14 is bad.
        held = [6, 8, 9, 10, 11, 12, 13]
        assert values(table).tolist() == [one * 0.25 - 50 for one in held]
        assert words(table, "quality") == ["uncertain", *["good"] * 6]
        assert words(table, "status")[0] == "UncertainDataSubNormal"
        assert "stepped interpolation" in log.notes[0]
        request = window(
            "History.Steps", start=start, end=end, interval=7, aggregation="TimeAverage2"
        )
        table = (await series(driver, request))["History.Steps"]
        # From 8 until 14, each held for a second.
        np.testing.assert_allclose(values(table), [np.mean(np.arange(8, 14)) * 0.25 - 50])
        assert words(table, "quality") == ["uncertain"]

    with_driver(opcua_peer.endpoint, use)


def test_beyond_the_last_sample(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        refuse(driver, 2341)
        start = HISTORY_START + timedelta(seconds=597)
        end = start + timedelta(seconds=8)
        told = {
            name: (
                await series(
                    driver,
                    window("History.Steps", start=start, end=end, interval=2, aggregation=name),
                )
            )["History.Steps"]
            for name in WEIGHTED
        }
        assert words(told["Interpolative"], "quality") == ["good", "good", "uncertain", "uncertain"]
        assert words(told["TimeAverage"], "quality") == ["good", "uncertain", "bad", "bad"]
        assert words(told["TimeAverage2"], "quality") == ["good", "bad", "bad", "bad"]
        assert values(told["TimeAverage2"])[0] == pytest.approx(597.5 * 0.25 - 50)

    with_driver(opcua_peer.endpoint, use)


def test_a_server_that_does_not_say_gets_no_guess(opcua_second: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        request = window(
            "Recipe", start=HISTORY_START, end=HISTORY_END, interval=3600, aggregation="TimeAverage"
        )
        told = str(failure((await series(driver, request))["Recipe"]))
        assert "not computed here, because the server does not say how values go on" in told

    with_driver(opcua_second.endpoint, use, namespace_index=opcua_second.namespace)


def test_texts_have_no_average(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        end = HISTORY_START + timedelta(seconds=60)
        tags = ("History.Strings", "Plain", "Nothing", "History.Ints")
        request = window(*tags, end=end, interval=20, aggregation="TimeAverage")
        found = await series(driver, request)
        assert failure(found["History.Strings"]) is not None
        assert failure(found["Plain"]) is not None
        assert str(failure(found["Nothing"])).startswith("unknown tag")
        assert failure(found["History.Ints"]) is None

    with_driver(opcua_peer.endpoint, use)


def test_in_a_frame_the_provenance_says_how(opcua_peer: OpcuaPeer) -> None:
    tag, end = "History.Million", HISTORY_START + timedelta(minutes=10)
    with gd.Session(sources=[config(opcua_peer.endpoint)]) as session:
        frame = session.scada(
            [tag], start=HISTORY_START, end=end, interval="1min", aggregation="TimeAverage"
        )
    expected = [(60 * minute + 30) * 0.001 - 3 for minute in range(10)]
    np.testing.assert_allclose(frame[tag], expected, rtol=1e-12)
    notes = frame.attrs["provenance"]["notes"]
    assert any(one.startswith("TimeAverage computed here from raw samples") for one in notes)
