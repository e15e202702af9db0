"""Recorded values: each exactly once, to the tick, with its flags."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.errors import ProtocolError, ReadFailed, TransientError
from tests.drivers.piwebapi.helpers import DAY, nanoseconds, session, stamps, state_of, truth
from tests.peers.historian_launch import HistorianPeer

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("tag", ["Ramp", "Ticks", "Duplicates", "Bursts", "Single", "Step"])
def test_every_sample_comes_once_and_to_the_tick(pi_peer: HistorianPeer, tag: str) -> None:
    events = truth(tag, DAY, DAY + 3 * HOUR)
    with session(pi_peer) as s:
        frame = s.historian([tag], DAY, DAY + 3 * HOUR)
    assert nanoseconds(frame.index) == nanoseconds(stamps(events))
    assert frame[tag].tolist() == [event.value for event in events]
    assert frame.attrs["provenance"]["quality"] == {"good": len(events), "uncertain": 0, "bad": 0}


@pytest.mark.parametrize("accounting", ["stream", "call"])
@pytest.mark.parametrize("cap", [13_000, 20_001, 100_000])
def test_pages_join_exactly_whatever_the_cap(
    pi_peer: HistorianPeer, cap: int, accounting: str
) -> None:
    tags = ["Bursts", "Duplicates", "Million", "Ramp"]
    window = (DAY, DAY + 12 * HOUR)
    with pi_peer.knob(max_returned=cap, cap_accounting=accounting), session(pi_peer) as s:
        frame = s.historian(tags, *window, shape="long")
    for tag in tags:
        part = frame[frame["tag"] == tag]
        assert part["value"].tolist() == [event.value for event in truth(tag, *window)]


@pytest.mark.parametrize("silent", [1000, 7001, 777])
def test_a_cap_that_is_not_told_is_found(pi_peer: HistorianPeer, silent: int) -> None:
    events = truth("Million", DAY, DAY + 6 * HOUR)
    with pi_peer.knob(silent_cap=silent), session(pi_peer) as s:
        frame = s.historian(["Million"], DAY, DAY + 6 * HOUR)
    assert frame["Million"].tolist() == [event.value for event in events]
    assert f"gives {silent} samples at once" in " ".join(frame.attrs["provenance"]["notes"])


@pytest.mark.parametrize("silent", [7, 30, 99])
def test_a_small_cap_that_is_not_told_is_found(pi_peer: HistorianPeer, silent: int) -> None:
    window = (DAY, DAY + timedelta(minutes=5))
    tags = ["Ramp", "Million", "Text"]
    with pi_peer.knob(silent_cap=silent), session(pi_peer) as s:
        frame = s.historian(tags, *window)
    for tag in tags:
        values = [event.value for event in truth(tag, *window)]
        assert frame[tag].dropna().tolist() == values
    assert f"gives {silent} samples at once" in " ".join(frame.attrs["provenance"].full["notes"])


def test_a_cap_of_one_is_an_error_and_no_loss(pi_peer: HistorianPeer) -> None:
    with (
        pi_peer.knob(silent_cap=1),
        session(pi_peer) as s,
        pytest.raises(ProtocolError, match=r"no more than 1 at once.*MaxReturnedItems"),
    ):
        s.historian(["Million"], DAY, DAY + timedelta(minutes=5))


def test_few_samples_are_doubted_a_few_times_at_most(pi_peer: HistorianPeer) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(40)]
    with session(pi_peer) as s:
        for _ in range(2):
            pi_peer.clear_requests()
            frame = s.historian(tags, DAY, DAY + timedelta(hours=20))
            asked = [one for one in pi_peer.requests() if one["path"].endswith("recorded")]
            plain = len(asked)
            pi_peer.clear_requests()
            s.historian(tags, DAY + timedelta(seconds=1), DAY + timedelta(minutes=2))
            asked = [one for one in pi_peer.requests() if one["path"].endswith("recorded")]
            assert len(asked) <= plain + 3
    assert len(frame)


@pytest.mark.parametrize("knobs", [{"max_returned": 5000}, {"silent_cap": 5000}])
def test_a_burst_beyond_the_cap_is_an_error_and_no_loss(
    pi_peer: HistorianPeer, knobs: dict[str, int]
) -> None:
    with (
        pi_peer.knob(**knobs),
        session(pi_peer) as s,
        pytest.raises(ProtocolError, match=r"Bursts has .* of one time stamp.*MaxReturnedItems"),
    ):
        s.historian(["Bursts"], DAY, DAY + HOUR)


@pytest.mark.parametrize("events", [1, 3, 100_000])
def test_samples_that_a_later_page_leaves_out_are_missed(
    pi_peer: HistorianPeer, events: int
) -> None:
    """As of a server that rounds the start of a page up, or of which an event was deleted."""
    window = (DAY, DAY + 2 * HOUR)
    pi_peer.set(max_returned=4000)
    # The first two are the refusal that tells the cap, and the first page.
    late = {"match": "streamsets/recorded", "skip": 2, "events": events}
    pi_peer.fault("begins_late", **late)
    with (
        session(pi_peer, max_retries=0) as s,
        pytest.raises(TransientError, match=r"pi: Million: .* on the page before"),
    ):
        s.historian(["Million"], *window)
    pi_peer.fault("begins_late", **late, times=1)
    with session(pi_peer) as s:
        frame = s.historian(["Million"], *window)
    assert frame.attrs["provenance"]["attempts"] == 2
    assert frame["Million"].tolist() == [event.value for event in truth("Million", *window)]


@pytest.mark.parametrize("more", [{}, {"interval": "1h", "aggregation": "interpolated"}])
def test_a_stream_without_samples_or_a_reason_is_no_empty_one(
    pi_peer: HistorianPeer, more: dict[str, str]
) -> None:
    pi_peer.fault("no_items", "streamsets")
    with session(pi_peer) as s:
        with pytest.raises(ReadFailed, match=r"Ramp: .*no list of samples"):
            s.historian(["Ramp"], DAY, DAY + HOUR, **more)
        frame = s.historian(["Ramp"], DAY, DAY + HOUR, errors="report", **more)
    assert list(frame.attrs["provenance"]["failures"]) == ["Ramp"]


def test_the_window_is_closed_at_its_start_and_open_at_its_end(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Ramp", "Empty"], DAY + HOUR, DAY + 2 * HOUR)
    assert frame["Ramp"].tolist() == [30 + index * 0.5 for index in range(60)]
    assert frame.index[0] == DAY + HOUR
    assert frame["Empty"].isna().all()


def test_a_state_is_no_number(pi_peer: HistorianPeer) -> None:
    window = (DAY, DAY + 6 * HOUR)
    with session(pi_peer) as s:
        frame = s.historian(["Mixed", "Timeouts", "Pump"], *window, shape="long")
    for tag in ("Mixed", "Timeouts", "Pump"):
        part, events = frame[frame["tag"] == tag], truth(tag, *window)
        assert (part["quality"] == "bad").tolist() == [not event.good for event in events]
        bad = part[part["quality"] == "bad"]
        assert bad["value"].isna().all()
        assert bad["text"].isna().all()
        named = [f"Bad: {state_of(event)}" for event in events if not event.good]
        assert bad["status"].tolist() == named
    mixed = frame[(frame["tag"] == "Mixed") & (frame["quality"] == "good")]
    assert (mixed["value"] == 246.0).any()  # measured, though it looks like a state's code
    pump = frame[(frame["tag"] == "Pump") & (frame["quality"] == "good")]
    good = [state_of(event) for event in truth("Pump", *window) if event.good]
    assert pump["text"].tolist() == good
    assert pump["value"].isna().all()


def test_a_tag_of_states_is_a_column_of_states(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Pump"], DAY, DAY + HOUR)
    assert set(frame["Pump"].dropna()) == {"Stopped", "Running", "Störung"}


def test_every_flag_is_kept(pi_peer: HistorianPeer) -> None:
    events = truth("Flags", DAY, DAY + HOUR)
    with session(pi_peer) as s:
        frame = s.historian(["Flags"], DAY, DAY + HOUR, shape="long")
    words = [
        ", ".join(
            ["Good"]
            + ["Questionable"] * event.questionable
            + ["Substituted"] * event.substituted
            + ["Annotated"] * event.annotated
        )
        for event in events
    ]
    assert frame["status"].tolist() == words
    expected = ["uncertain" if event.questionable else "good" for event in events]
    assert frame["quality"].tolist() == expected
    assert frame["value"].tolist() == [event.value for event in events]
    assert "substituted by hand" in frame.attrs["provenance"]["notes"][0]


def test_the_error_of_one_value_is_its_status(pi_peer: HistorianPeer) -> None:
    events = truth("Errors", DAY, DAY + HOUR)
    with session(pi_peer) as s:
        frame = s.historian(["Errors"], DAY, DAY + HOUR, shape="long")
    assert frame["value"].isna().tolist() == [event.error is not None for event in events]
    wrong = frame[frame["value"].isna()]
    assert set(wrong["status"]) == {"Bad: The value could not be read."}


@pytest.mark.parametrize("order", ["new", "old"])
def test_types_are_the_points_own(pi_peer: HistorianPeer, order: str) -> None:
    window = (DAY, DAY + HOUR)
    with pi_peer.knob(key_order=order), session(pi_peer) as s:
        frame = s.historian(["Integer", "Text", "Timestamp"], *window)
    for tag in ("Integer", "Text", "Timestamp"):
        column = frame[tag].dropna()
        assert column.tolist() == [event.value for event in truth(tag, *window)]
    assert frame["Text"].dtype == "str"


def test_units_of_the_points(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Million", "Step", "Ticks"], DAY, DAY + timedelta(minutes=1))
    assert frame.attrs["provenance"]["units"] == {"Million": "kg/h", "Step": "%"}


def test_a_window_over_both_changes_of_the_clocks(pi_peer: HistorianPeer) -> None:
    start, end = datetime(2025, 3, 29, tzinfo=UTC), datetime(2025, 10, 27, tzinfo=UTC)
    with session(pi_peer) as s:
        raw = s.historian(["Dst"], start, end)
    assert raw["Dst"].tolist() == [event.value for event in truth("Dst", start, end)]
    assert nanoseconds(raw.index) == nanoseconds(stamps(truth("Dst", start, end)))


@pytest.mark.parametrize(
    "tag", ["Plant 1/FIC-101;PV", "Zähler µ|x", "A&B+C#D%20=E", "Odd*[x]?", "POINTNAME", "ramp"]
)
def test_any_name_is_found(pi_peer: HistorianPeer, tag: str) -> None:
    name = "Ramp" if tag == "ramp" else tag
    with session(pi_peer) as s:
        frame = s.historian([tag], DAY, DAY + HOUR)
    assert frame[tag].tolist() == [event.value for event in truth(name, DAY, DAY + HOUR)]


def test_the_proof_tells_each_request(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Ramp"], DAY, DAY + HOUR)
    record = frame.attrs["provenance"]
    assert gd.verify(frame) == "intact"
    exchanges = record.full["exchanges"]
    assert record["requests"] == len(exchanges) == len(pi_peer.requests())
    assert [one["status"] for one in exchanges][-1] == 200
    assert exchanges[-1]["request"] == "GET /piwebapi/streamsets/recorded"
    json.dumps(exchanges)
    assert isinstance(frame.index, pd.DatetimeIndex)
