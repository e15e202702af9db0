"""PHD through an OIBus agent: every sample once, with OPC's quality, or an error."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.phd.oibus import asked, config
from tests.drivers.piwebapi.helpers import DAY, nanoseconds, stamps, truth
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import Event

HOUR = timedelta(hours=1)
AUTUMN = datetime(2025, 10, 25, 23, 30, tzinfo=UTC)


@pytest.fixture
def session(oibus_peer: HistorianPeer) -> Iterator[gd.Session]:
    with gd.Session([config(oibus_peer)]) as opened:
        yield opened


def told(event: Event) -> float:
    """Its value with 15 digits, which are what .NET Framework writes."""
    return float(f"{event.number:.15g}")


@pytest.mark.parametrize(
    ("tag", "start", "end"),
    [
        *[(tag, DAY, DAY + HOUR) for tag in ("Ramp", "Million", "Duplicates", "Single", "Integer")],
        ("Ramp", DAY, DAY + 100 * 24 * HOUR),  # in steps that grow
        ("Million", DAY - HOUR, DAY + 20 * HOUR),  # dense only after the first step
        ("Dst", datetime(2025, 3, 29, 20, tzinfo=UTC), datetime(2025, 10, 26, 6, tzinfo=UTC)),
        *[("Dst", AUTUMN + n * HOUR, AUTUMN + (n + 1) * HOUR) for n in range(3)],
    ],
    ids=str,
)
def test_every_sample_comes_once(
    session: gd.Session, tag: str, start: datetime, end: datetime
) -> None:
    events = truth(tag, start, end)
    frame = session.historian([tag], start, end)
    assert nanoseconds(frame.index) == nanoseconds(stamps(events))
    assert frame[tag].tolist() == [told(event) for event in events]
    assert gd.verify(frame) == "intact"
    record = frame.attrs["provenance"]
    assert record["source_system"].endswith(" OPC.PHDServerHDA.1 on localhost")
    assert "whole milliseconds" in record["notes"][0]


def test_a_window_is_asked_for_in_utc_and_whole_milliseconds(
    oibus_peer: HistorianPeer, session: gd.Session
) -> None:
    start = pd.Timestamp("2025-01-01T02:00:00.0004", tz="Europe/Berlin")
    frame = session.historian(["Ticks"], start, start + pd.Timedelta("10.0003s"))
    (read,) = asked(oibus_peer, "read")
    said = {key: read["said"][key] for key in ("startTime", "endTime")}
    assert said == {
        "startTime": "2025-01-01T01:00:00.000Z",
        "endTime": "2025-01-01T01:00:10.001Z",
    }
    low, high = start.value, (start + pd.Timedelta("10.0003s")).value
    everything = truth("Ticks", DAY, DAY + 24 * HOUR)
    times = [event.ticks // 10_000 * 1_000_000 for event in everything]
    assert nanoseconds(frame.index) == [time for time in times if low <= time < high]


def test_tags_come_in_one_request_and_long_windows_in_steps(
    oibus_peer: HistorianPeer, session: gd.Session
) -> None:
    tags = [f"Bulk.{n:05d}" for n in range(60)]
    frame = session.historian(tags, DAY, DAY + timedelta(minutes=3))
    assert list(frame.columns) == tags
    assert frame["Bulk.00059"].tolist() == [59.0, 59.25, 59.5]
    assert [len(one["said"]["items"]) for one in asked(oibus_peer, "read")] == [50, 10]
    oibus_peer.clear_requests()
    session.historian(["Ramp", "Million"], DAY, DAY + 60 * HOUR)
    reads = [one["said"] for one in asked(oibus_peer, "read")]
    assert len(reads) < 12
    alone = [one for one in reads if one["items"] == [{"name": "Ramp", "nodeId": "Ramp"}]]
    assert all(one["endTime"] == two["startTime"] for one, two in pairwise(alone))


@pytest.mark.parametrize(("page", "seconds"), [(7, 40), (100, 300), (3_000, 1_000)])
def test_what_the_agent_tells_twice_comes_once(
    oibus_peer: HistorianPeer, session: gd.Session, page: int, seconds: int
) -> None:
    tags = ["Duplicates", "Twice", "Ramp", "Million"]
    end = DAY + timedelta(seconds=seconds)
    whole = session.historian(tags, DAY, end, shape="long")
    oibus_peer.set(page=page)
    for asked_for in (tags, ["Duplicates"], ["Twice"]):
        frame = session.historian(asked_for, DAY, end, shape="long")
        expected = whole[whole["tag"].isin(asked_for)]
        assert len(frame) == len(expected)
        for tag in asked_for:
            columns = ["timestamp", "value", "quality"]
            one, other = (rows[rows["tag"] == tag][columns] for rows in (frame, expected))
            assert one.to_numpy().tolist() == other.to_numpy().tolist()
    events = truth("Duplicates", DAY, end)
    assert whole[whole["tag"] == "Duplicates"]["value"].tolist() == [e.value for e in events]
    assert len(whole[whole["tag"] == "Twice"]) == 3 * seconds // 10


def test_too_many_samples_that_are_alike_are_told(session: gd.Session) -> None:
    with pytest.raises(gd.ProtocolError, match=r"Twice: at more than 100 .* Ask for a shorter"):
        session.historian(["Twice"], DAY, DAY + HOUR)


def test_a_bad_value_is_no_number_and_no_value_is_no_sample(session: gd.Session) -> None:
    frame = session.historian(
        ["Mixed", "Errors", "Flags"], DAY, DAY + timedelta(minutes=16), shape="long"
    )
    mixed = frame[frame["tag"] == "Mixed"]
    events = truth("Mixed", DAY, DAY + timedelta(minutes=16))
    assert mixed["value"].isna().tolist() == [not event.good for event in events]
    assert set(mixed["status"]) == {"Good|Raw", "CommFailure|Raw"}
    assert frame[frame["tag"] == "Errors"]["value"].tolist() == [*range(4), *range(5, 14), 15]
    flags = truth("Flags", DAY, DAY + timedelta(minutes=16))
    assert frame[frame["tag"] == "Flags"]["quality"].tolist() == [
        "uncertain" if event.questionable or event.substituted else "good" for event in flags
    ]


def test_texts_stay_texts(session: gd.Session) -> None:
    events = truth("Text", DAY, DAY + HOUR)
    frame = session.historian(["Text"], DAY, DAY + HOUR)
    assert frame["Text"].tolist() == [event.value for event in events]


def test_a_quality_that_is_not_told_is_not_good(
    oibus_peer: HistorianPeer, session: gd.Session
) -> None:
    oibus_peer.set(quality=False)
    frame = session.historian(["Ramp"], DAY, DAY + HOUR, shape="long")
    assert set(frame["quality"]) == {"uncertain"}
    assert set(frame["status"]) == {"QualityNotTold"}


def test_current_values_are_those_of_the_da_server(
    oibus_peer: HistorianPeer, session: gd.Session
) -> None:
    now = session.snapshot(["Text", "Ramp"])
    last = truth("Ramp", datetime(2025, 12, 31, 23, 59, tzinfo=UTC), DAY.replace(year=2026))[0]
    assert now["timestamp"].tolist()[1] == pd.Timestamp("2025-12-31T23:59Z")
    assert now["value"].tolist()[1] == last.value
    assert now["text"].tolist()[0].startswith("Zustand")
    (connected,) = asked(oibus_peer, "connect")
    assert connected["said"] == {
        "host": "localhost",
        "serverName": "OPC.PHDServerDA.1",
        "mode": "da",
    }


@pytest.mark.parametrize("how", ["absent", "400"])
def test_unknown_tags_lose_no_other(
    oibus_peer: HistorianPeer, session: gd.Session, how: str
) -> None:
    oibus_peer.set(unknown_item=how)
    tags = ["Ramp", "Nope", "Million"]
    frame = session.historian(tags, DAY, DAY + timedelta(minutes=3), errors="report")
    assert frame["Ramp"].dropna().tolist() == [0.0, 0.5, 1.0]
    assert len(frame["Million"].dropna()) == 180
    assert list(frame.attrs["provenance"]["failures"]) == ["Nope"]
    now = session.snapshot(tags, errors="report")
    assert now["value"].notna().tolist() == [True, False, True]
    with pytest.raises(gd.ReadFailed if how == "400" else gd.UnknownTagError, match="Nope"):
        session.historian(tags, DAY, DAY + HOUR)


def test_a_tag_without_samples_is_not_an_unknown_one(
    oibus_peer: HistorianPeer, session: gd.Session
) -> None:
    before = DAY - 24 * HOUR
    frame = session.historian(["Ramp", "Nope"], before, DAY, errors="report")
    assert len(frame) == 0
    assert list(frame.attrs["provenance"]["failures"]) == ["Nope"]
    oibus_peer.clear_requests()
    assert len(session.historian(["Ramp"], before, DAY)) == 0
    assert all(one["said"]["mode"] == "hda" for one in asked(oibus_peer, "read"))
    oibus_peer.set(da_server="Another.1")
    with (
        gd.Session([config(oibus_peer)]) as other,
        pytest.raises(gd.ReadFailed, match=r"could not be asked: .* OPC\.PHDServerDA\.1 on"),
    ):
        other.historian(["Single"], before, DAY)


def test_aggregates_are_computed_here_and_say_so(session: gd.Session) -> None:
    frame = session.historian(["Ramp", "Million"], DAY, DAY + HOUR, "30min", "avg")
    for tag in ("Ramp", "Million"):
        values = [told(event) for event in truth(tag, DAY, DAY + HOUR)]
        half = len(values) // 2
        expected = [statistics.fmean(values[:half]), statistics.fmean(values[half:])]
        assert frame[tag].tolist() == pytest.approx(expected, rel=1e-14)
    assert "avg computed here from raw samples" in frame.attrs["provenance"]["notes"]
    with pytest.raises(gd.UnsupportedError, match="time_avg"):
        session.historian(["Ramp"], DAY, DAY + HOUR, "30min", "time_avg")


def test_names_that_need_care(session: gd.Session) -> None:
    tags = ["Plant 1/FIC-101;PV", "Zähler µ|x", "A&B+C#D%20=E", "Odd*[x]?", "Straße", "STRASSE"]
    frame = session.historian(tags, DAY, DAY + timedelta(minutes=1))
    assert frame.iloc[0].tolist() == [1.0, 2.0, 3.0, 4.0, 8.0, 9.0]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_wrong_is_told(
    oibus_peer: HistorianPeer, session: gd.Session, hours: int
) -> None:
    oibus_peer.set(shift_hours=hours)
    with pytest.raises(gd.ProtocolError, match=r"samples of another window\. Check the clock"):
        session.historian(["Ramp"], DAY, DAY + HOUR)


def test_an_agent_lists_no_tags(session: gd.Session) -> None:
    with pytest.raises(gd.UnsupportedError, match="cannot tell its tags"):
        session.tags("phd").find("*")


@pytest.mark.parametrize(
    ("url", "more", "key"),
    [
        ("http://h:2224", {"opc_host": "phd"}, "opc_host"),
        ("opc.tcp://h:4840", {"gateway_dialect": "oibus"}, "gateway_dialect"),
        ("http://h:2224", {"gateway_dialect": "oibus", "good_confidence": 50}, "good_confidence"),
        ("opc.tcp://h:4840", {"good_confidence": 50}, "good_confidence"),
    ],
)
def test_a_key_that_would_do_nothing_is_refused(
    url: str, more: dict[str, object], key: str
) -> None:
    with pytest.raises(ValueError, match=f"{key} does nothing at"):
        gd.HistorianConfig(
            connector_id="phd",
            connector_type="historian",
            historian_type="phd",
            server_url=url,
            **more,
        )
