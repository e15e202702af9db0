"""PHD through the shipped gateway: every sample once, in UTC, with its confidence, or an error."""

from __future__ import annotations

import json
import socket
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.runtime import get_runtime
from tests.drivers.phd.gateway import config, start_gateway
from tests.drivers.piwebapi.helpers import DAY, nanoseconds, stamps, truth
from tests.peers.fixtures import start_or_skip
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch import Peer

HOUR = timedelta(hours=1)


@pytest.fixture
def session(phd_gateway: Peer) -> Iterator[gd.Session]:
    with gd.Session([config(phd_gateway)]) as opened:
        yield opened


@pytest.mark.parametrize("tag", ["Ramp", "Million", "Duplicates", "Single", "Text"])
def test_every_sample_comes_once(session: gd.Session, tag: str) -> None:
    events = truth(tag, DAY, DAY + HOUR)
    frame = session.historian([tag], DAY, DAY + HOUR)
    assert nanoseconds(frame.index) == nanoseconds(stamps(events))
    if tag != "Text":  # whose wording is the stand-in's own
        assert frame[tag].tolist() == [event.value for event in events]
    assert gd.verify(frame) == "intact"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2025, 3, 29, 20, tzinfo=UTC), datetime(2025, 10, 26, 6, tzinfo=UTC)),
        *[
            (
                datetime(2025, 10, 25, 23, 30, tzinfo=UTC) + HOUR * first,
                datetime(2025, 10, 26, 0, 0, tzinfo=UTC) + HOUR * last,
            )
            for first, last in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        ],
        (datetime(2025, 3, 30, 0, 59, 30, tzinfo=UTC), datetime(2025, 3, 30, 1, 0, 1, tzinfo=UTC)),
    ],
    ids=str,
)
def test_the_hour_that_comes_twice_and_the_one_that_never_comes(
    session: gd.Session, start: datetime, end: datetime
) -> None:
    events = truth("Dst", start, end)
    frame = session.historian(["Dst"], start, end)
    assert nanoseconds(frame.index) == nanoseconds(stamps(events))
    assert frame["Dst"].tolist() == [event.value for event in events]


@pytest.mark.parametrize("rows", [100, 4_479, 20_000])
def test_pages_join_exactly(rows: int) -> None:
    with (
        start_or_skip(lambda: start_gateway("--rows", str(rows))) as peer,
        gd.Session([config(peer)]) as s,
    ):
        for tag in ("Million", "Duplicates"):
            events = truth(tag, DAY, DAY + HOUR)
            frame = s.historian([tag], DAY, DAY + HOUR)
            assert frame[tag].tolist() == [event.value for event in events]


def test_a_bad_value_is_no_number_and_confidence_is_quality(phd_gateway: Peer) -> None:
    with gd.Session([config(phd_gateway, good_confidence=60)]) as s:
        frame = s.historian(["Mixed", "Confidence"], DAY, DAY + HOUR, shape="long")
    mixed = frame[frame["tag"] == "Mixed"]
    events = truth("Mixed", DAY, DAY + HOUR)
    assert mixed["value"].isna().tolist() == [not event.good for event in events]
    assert mixed["unit"].tolist() == ["bar"] * 60
    found = frame[frame["tag"] == "Confidence"]
    assert found["status"].tolist() == [f"Confidence {n}" for n in range(60)]
    assert found["quality"].tolist() == ["bad", *["uncertain"] * 59]
    with gd.Session([config(phd_gateway, good_confidence=1)]) as s:
        every = s.historian(["Confidence"], DAY, DAY + HOUR, shape="long")
    assert every["quality"].tolist() == ["bad", *["good"] * 59]


def test_unknown_tags_lose_no_other(session: gd.Session) -> None:
    tags = ["Ramp", "Nope", *(f"Bulk.{n:05d}" for n in range(60))]
    frame = session.historian(tags, DAY, DAY + timedelta(minutes=3), errors="report")
    assert list(frame.columns) == tags
    assert frame["Bulk.00059"].tolist() == [59.0, 59.25, 59.5]
    assert list(frame.attrs["provenance"]["failures"]) == ["Nope"]
    with pytest.raises(gd.UnknownTagError, match="Nope"):
        session.snapshot(["Ramp", "Nope"])


def test_current_values_and_the_list_of_tags(session: gd.Session) -> None:
    now = session.snapshot(["Ramp", "Text", "Mixed"])
    last = pd.Timestamp("2025-02-01T00:00Z")  # what the stand-in takes for the present
    assert now["timestamp"].tolist()[0] == last
    assert now["value"].tolist()[0] == truth("Ramp", last, last + HOUR)[0].value
    assert now["text"].tolist()[1].startswith("Zustand")
    found = session.tags("phd").find("r*")
    assert found["tag_id"].tolist() == ["Ramp"]
    assert found["unit"].tolist() == ["degC"]


def test_aggregates_are_computed_here_and_say_so(session: gd.Session) -> None:
    frame = session.historian(["Ramp", "Million"], DAY, DAY + HOUR, "30min", "avg")
    for tag in ("Ramp", "Million"):
        values = [float(event.value) for event in truth(tag, DAY, DAY + HOUR)]  # type: ignore[arg-type]
        half = len(values) // 2
        expected = [statistics.fmean(values[:half]), statistics.fmean(values[half:])]
        assert frame[tag].tolist() == pytest.approx(expected, rel=1e-14)
    assert frame.attrs["provenance"]["notes"] == ["avg computed here from raw samples"]
    with pytest.raises(gd.ReadFailed, match="not defined for values of type String"):
        session.historian(["Text"], DAY, DAY + HOUR, "30min", "avg")
    with pytest.raises(gd.UnsupportedError, match="time_avg"):
        session.historian(["Ramp"], DAY, DAY + HOUR, "30min", "time_avg")


def test_a_phd_that_fails_is_told_and_tried_again() -> None:
    broken = start_or_skip(lambda: start_gateway(fault="The archive is not there."))
    with (
        broken as peer,
        gd.Session([config(peer)]) as s,
        pytest.raises(gd.TransientError, match=r"The archive is not there. \(-1\)"),
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)


def test_the_token_is_needed_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLANG_PHD_TOKEN", "s3cret-phd")
    with start_or_skip(start_gateway) as peer:
        with gd.Session([config(peer, token="s3cret-phd")]) as s:
            assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        for more in ({}, {"token": "s3cret-php"}):
            with (
                gd.Session([config(peer, **more)]) as s,
                pytest.raises(gd.AuthenticationError) as caught,
            ):
                s.historian(["Ramp"], DAY, DAY + HOUR)
            assert "s3cret" not in str(caught.value)


def test_no_open_gateway_for_others_without_a_token() -> None:
    with pytest.raises(Exception, match="set GREENLANG_PHD_TOKEN"):
        start_or_skip(lambda: start_gateway("--listen", "http://+:8088/"))


def test_the_gateway_only_reads(phd_gateway: Peer, session: gd.Session, phd_calls: Path) -> None:
    session.historian(["Ramp"], DAY, DAY + HOUR)
    session.snapshot(["Ramp"])
    session.tags("phd").find()
    called = {line.split("\t")[0] for line in phd_calls.read_text().splitlines()}
    assert called == {"TagDfn", "FetchRowData", "BrowsingTags"}
    for method in ("POST", "PUT", "DELETE"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{phd_gateway.port}/raw?tag=Ramp", b"{}", method=method
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == 405
        caught.value.close()


def test_a_client_that_goes_away_ends_nothing(phd_gateway: Peer, session: gd.Session) -> None:
    for _ in range(3):
        with pytest.raises(gd.DeadlineExceeded):
            session.historian(["Million"], DAY, DAY + 200 * HOUR, timeout=0.3)
    assert phd_gateway.alive
    assert len(session.historian(["Ramp"], DAY, DAY + HOUR)) == 60


def test_names_that_need_care(session: gd.Session) -> None:
    tags = ["A&B+C#D%20=E", "Zähler µ|x", "a,b;c d"]
    frame = session.historian(["Ramp", *tags], DAY, DAY + HOUR, errors="report")
    assert list(frame.attrs["provenance"]["failures"]) == tags


def test_something_else_at_the_address(pi_peer: HistorianPeer) -> None:
    connector = gd.HistorianConnector(config(pi_peer, server_url=pi_peer.url))
    with connector, pytest.raises(gd.SourceError, match="404"):
        get_runtime().run(connector.ping())
    with (
        gd.Session([config(pi_peer, server_url=pi_peer.url)]) as s,
        pytest.raises(gd.SourceError, match="404"),
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)


def asked(peer: Peer, path: str, timeout: float = 20) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of what the gateway itself says."""
    url = f"http://127.0.0.1:{peer.port}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, dict(refusal.headers), json.load(refusal)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (-(2**63), 2**63 - 1),
        (2**63 - 1, 2**63 - 1),
        (0, 300_000_000_000_000_000),
        (1_735_689_600_000_000, 1_735_689_000_000_000),
    ],
)
def test_a_window_that_cannot_be_is_refused_and_not_empty(
    phd_gateway: Peer, start: int, end: int
) -> None:
    status, _, said = asked(phd_gateway, f"raw?tag=Ramp&start={start}&end={end}")
    assert status == 400
    assert "beyond the years" in said["error"] or "before start" in said["error"]


def test_a_confidence_between_two_is_the_lower_one() -> None:
    with (
        start_or_skip(lambda: start_gateway(confidence_adds="0.7")) as peer,
        gd.Session([config(peer, good_confidence=50)]) as s,
    ):
        frame = s.historian(["Confidence"], DAY, DAY + HOUR, shape="long")
    assert frame["quality"].tolist() == ["bad", *["uncertain"] * 49, *["good"] * 10]


def test_a_tag_whose_samples_are_none_loses_no_other() -> None:
    with (
        start_or_skip(lambda: start_gateway(breaks="Single")) as peer,
        gd.Session([config(peer)]) as s,
    ):
        frame = s.historian(["Ramp", "Single"], DAY, DAY + HOUR, errors="report")
    assert len(frame) == 60
    failures = frame.attrs["provenance"]["failures"]
    assert failures == {"Single": "InvalidCastException: The archive holds what it should not."}


def test_an_answer_about_many_tags_is_as_long_as_one_about_one() -> None:
    tags = [f"Bulk.{number:05d}" for number in range(20)]
    with (
        start_or_skip(lambda: start_gateway("--rows", "1000")) as peer,
        gd.Session([config(peer)]) as s,
    ):
        start, end = (int(time.timestamp() * 1e6) for time in (DAY, DAY + 24 * HOUR))
        names = "&".join(f"tag={tag}" for tag in tags)
        _, _, said = asked(peer, f"raw?{names}&start={start}&end={end}")
        assert sum(len(one["times"]) for one in said["series"]) <= 2000
        frame = s.historian(tags, DAY, DAY + 24 * HOUR)
    for number, tag in enumerate(tags):
        assert frame[tag].tolist() == [number + minute * 0.25 for minute in range(1440)]


def test_who_waits_too_long_for_a_turn_is_sent_away_and_the_rest_is_served() -> None:
    with (
        start_or_skip(lambda: start_gateway("--wait", "1", delay_milliseconds="1500")) as peer,
        ThreadPoolExecutor(12) as pool,
    ):
        waiting = [pool.submit(asked, peer, "snapshot?tag=Ramp") for _ in range(12)]
        time.sleep(0.5)
        began = time.monotonic()
        assert asked(peer, "about")[0] == 200
        assert time.monotonic() - began < 1  # which needs no turn at PHD
        answers = [one.result() for one in waiting]
    statuses = [status for status, _, _ in answers]
    assert sorted(set(statuses)) == [200, 503]
    assert statuses.count(200) == 4
    assert {headers.get("Retry-After") for status, headers, _ in answers if status == 503} == {"5"}


def test_many_that_went_away_do_not_keep_the_others_waiting() -> None:
    with start_or_skip(lambda: start_gateway("--wait", "2")) as peer:
        window = "raw?tag=Million&start=1735689600000000&end=1735789600000000"
        for _ in range(60):
            with socket.create_connection(("127.0.0.1", peer.port)) as gone:
                gone.sendall(f"GET /{window} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        with gd.Session([config(peer, max_retries=5, retry_max_wait=5)]) as s:
            assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        assert peer.alive


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("America/New_York", [datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 11, 2, tzinfo=UTC)]),
        ("Australia/Lord_Howe", [datetime(2025, 4, 5, tzinfo=UTC), datetime(2025, 10, 4, tzinfo=UTC)]),
        ("Asia/Kolkata", [datetime(2025, 3, 30, tzinfo=UTC)]),
    ],
)  # fmt: skip
def test_clocks_elsewhere_change_too(zone: str, days: list[datetime]) -> None:
    with (
        start_or_skip(lambda: start_gateway("--zone", zone, zone=zone)) as peer,
        gd.Session([config(peer)]) as s,
    ):
        for day in days:
            for start in (day, day + 5.5 * HOUR, day + 6.25 * HOUR, day + 14.75 * HOUR):
                for end in (start + HOUR / 4, start + HOUR, start + 25 * HOUR):
                    events = truth("Ramp", start, end)
                    frame = s.historian(["Ramp"], start, end)
                    assert nanoseconds(frame.index) == nanoseconds(stamps(events))
                    assert frame["Ramp"].tolist() == [event.value for event in events]
