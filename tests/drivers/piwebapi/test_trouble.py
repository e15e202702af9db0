"""Whatever goes wrong on the way: the whole answer after a retry, or an error; never a part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from greenlang_data.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineExceeded,
    LoadBudgetExceeded,
    ProtocolError,
    ReadFailed,
    SourceBusy,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
    TransientError,
    UnknownTagError,
)
from tests.drivers.piwebapi.helpers import DAY, only_get, session, truth
from tests.peers.historian_launch import HistorianPeer

WINDOW = (DAY, DAY + timedelta(hours=5))
DATA = "streamsets/recorded"
EXPECTED = [event.value for event in truth("Ramp", *WINDOW)]

# What may pass: tried again, it gives the whole answer.
PASSING: list[dict[str, Any]] = [
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 504},
    {"kind": "proxy_error"},
    {"kind": "reset"},
    {"kind": "cut"},
    {"kind": "cut_reset"},
    {"kind": "length_long"},
    {"kind": "web_exception"},
]
# What does not pass is told at once.
LASTING: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"kind": "html_login"}, ProtocolError, "Sign in"),
    ({"kind": "redirect", "location": "https://sso.example/"}, ProtocolError, "another server"),
    ({"kind": "redirect", "location": "/"}, ReadFailed, "404"),
    ({"kind": "empty"}, ProtocolError, "cannot be understood"),
    ({"kind": "garbage"}, ProtocolError, "cannot be understood"),
    ({"kind": "truncated"}, ProtocolError, "cannot be understood"),
    ({"kind": "length_short"}, ProtocolError, "cannot be understood"),
    ({"kind": "bad_gzip"}, ProtocolError, "compression|compressed"),
    ({"kind": "content_type"}, ProtocolError, "instead of data"),
    ({"kind": "deep_json"}, ProtocolError, "cannot be understood"),
    ({"kind": "hostile_length"}, LoadBudgetExceeded, "larger than"),
    ({"kind": "endless"}, LoadBudgetExceeded, "larger than"),
    ({"kind": "gzip_bomb", "megabytes": 64}, LoadBudgetExceeded, "larger than"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: "-".join(map(str, fault.values())))
def test_what_passes_is_tried_again(pi_peer: HistorianPeer, fault: dict[str, Any]) -> None:
    pi_peer.fault(match=DATA, times=1, **fault)
    with session(pi_peer) as s:
        frame = s.historian(["Ramp"], *WINDOW)
    assert frame["Ramp"].tolist() == EXPECTED
    assert frame.attrs["provenance"]["attempts"] == 2


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: "-".join(map(str, fault.values())))
def test_what_never_passes_is_an_error(pi_peer: HistorianPeer, fault: dict[str, Any]) -> None:
    pi_peer.fault(match=DATA, **fault)
    with session(pi_peer, max_retries=1) as s, pytest.raises(TransientError, match=r"^pi: "):
        s.historian(["Ramp"], *WINDOW)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    LASTING,
    ids=["-".join(map(str, one[0].values())) for one in LASTING],
)
def test_what_lasts_is_told_at_once(
    pi_peer: HistorianPeer, fault: dict[str, Any], error: type[Exception], words: str
) -> None:
    pi_peer.fault(match=DATA, **fault)
    with (
        session(pi_peer, max_answer_bytes=5_000_000) as s,
        pytest.raises(error, match=words),
    ):
        s.historian(["Ramp"], *WINDOW)
    assert sum(DATA in one["path"] for one in pi_peer.requests()) <= 1


@pytest.mark.parametrize("kind", ["no_length", "chunked", "slow"])
def test_unusual_and_yet_right(pi_peer: HistorianPeer, kind: str) -> None:
    pi_peer.fault(kind, DATA)
    with session(pi_peer) as s:
        assert s.historian(["Ramp"], *WINDOW)["Ramp"].tolist() == EXPECTED


@pytest.mark.parametrize("kind", ["hang", "stall", "drip"])
def test_silence_ends_in_time(pi_peer: HistorianPeer, kind: str) -> None:
    pi_peer.fault(kind, DATA)
    with (
        session(pi_peer, timeout_seconds=1, max_retries=0) as s,
        pytest.raises((SourceTimeout, DeadlineExceeded)),
    ):
        s.historian(["Ramp"], *WINDOW)


def test_a_fault_in_a_later_page_loses_nothing(pi_peer: HistorianPeer) -> None:
    events = truth("Million", *WINDOW)
    with pi_peer.knob(max_returned=4000), session(pi_peer) as s:
        pi_peer.fault("web_exception", DATA, skip=2, times=1)
        assert s.historian(["Million"], *WINDOW)["Million"].tolist() == [e.value for e in events]


def test_retry_after_is_kept(pi_peer: HistorianPeer) -> None:
    pi_peer.fault("status", DATA, status=429, headers={"Retry-After": "30"})
    with session(pi_peer, max_retries=0) as s, pytest.raises(SourceBusy) as caught:
        s.historian(["Ramp"], *WINDOW)
    assert caught.value.retry_after == pytest.approx(30, abs=2)


def test_an_unknown_tag_among_many_does_not_lose_them(pi_peer: HistorianPeer) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(60)]
    tags.insert(17, "No such tag")
    with session(pi_peer) as s:
        frame = s.historian(tags, DAY, DAY + timedelta(minutes=3), errors="report")
        assert list(frame.columns) == tags
        assert frame["Bulk.00059"].tolist() == [59.0, 59.25, 59.5]
        assert list(frame.attrs["provenance"]["failures"]) == ["No such tag"]
        with pytest.raises(UnknownTagError, match="1 tag could not be read: No such tag"):
            s.historian(tags, DAY, DAY + timedelta(minutes=3))


def test_a_tag_that_may_not_be_read_does_not_lose_the_others(pi_peer: HistorianPeer) -> None:
    tags = ["Ramp", "Step", "Flags"]
    with session(pi_peer) as s:
        s.historian(tags, *WINDOW)  # known to exist from here on
        pi_peer.set(denied=["Step"])
        frame = s.historian(tags, *WINDOW, errors="report")
        assert frame["Ramp"].tolist() == EXPECTED
        assert list(frame.attrs["provenance"]["failures"]) == ["Step"]
        with pytest.raises((ReadFailed, UnknownTagError)):
            s.historian(tags, *WINDOW)


@pytest.mark.parametrize("streams", ["fail", "items"])
def test_a_tag_that_vanishes(pi_peer: HistorianPeer, streams: str) -> None:
    with pi_peer.knob(streamset_unknown=streams), session(pi_peer) as s:
        frame = s.historian(["Gone", "Ramp"], *WINDOW, errors="report")
    assert frame["Ramp"].tolist() == EXPECTED
    assert frame.attrs["provenance"]["failures"].keys() == {"Gone"}


def test_a_server_from_before_our_web_ids(pi_peer: HistorianPeer) -> None:
    with pi_peer.knob(web_id_2=False), session(pi_peer) as s:
        frame = s.historian(["Ramp", "Zähler µ|x"], *WINDOW)
    assert frame["Ramp"].dropna().tolist() == EXPECTED


@pytest.mark.parametrize("kind", ["Full", "IDOnly", "PathOnly"])
def test_a_server_with_web_ids_of_another_form(pi_peer: HistorianPeer, kind: str) -> None:
    with pi_peer.knob(web_id_type=kind), session(pi_peer) as s:
        assert s.historian(["Ramp"], *WINDOW)["Ramp"].tolist() == EXPECTED


def test_basic_login(pi_peer: HistorianPeer) -> None:
    good = {"username": "operator", "password": "s3cret-Pässword"}
    with pi_peer.knob(auth="basic"):
        with session(pi_peer, **good) as s:
            assert s.historian(["Ramp"], *WINDOW)["Ramp"].tolist() == EXPECTED
        for bad in ({**good, "password": "wrong"}, {}):
            with session(pi_peer, **bad) as s, pytest.raises(AuthenticationError) as caught:
                s.historian(["Ramp"], *WINDOW)
            assert "s3cret" not in str(caught.value)


def test_no_password_over_the_plants_network(pi_peer: HistorianPeer) -> None:
    more = {"server_url": "http://pi.plant.example/piwebapi", "username": "u", "password": "p"}
    with session(pi_peer, **more) as s, pytest.raises(ConfigurationError, match="clear text"):
        s.historian(["Ramp"], *WINDOW)


def test_within_the_servers_rate(pi_peer: HistorianPeer) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(120)]
    with (
        pi_peer.knob(rate_max=5, rate_seconds=0.5),
        session(pi_peer, max_requests_per_second=8) as s,
    ):
        frame = s.historian(tags, DAY, DAY + timedelta(minutes=3))
    assert frame["Bulk.00119"].tolist() == [119.0, 119.25, 119.5]


def test_a_read_of_many_requests_learns_the_servers_rate(pi_peer: HistorianPeer) -> None:
    """At first it asks too fast; an attempt that knew no pace would be refused again each time."""
    tags = [f"Bulk.{index:05d}" for index in range(3)]
    with (
        pi_peer.knob(max_returned=50, rate_max=20, rate_seconds=1.0),
        session(pi_peer, max_retries=3) as s,
    ):
        frame = s.historian(tags, DAY, DAY + timedelta(hours=20))
    assert len(frame) == 20 * 60
    assert frame["Bulk.00002"].notna().all()


@pytest.mark.parametrize("whole", [False, True])
def test_a_batch_that_is_larger_than_the_servers_rate_is_asked_for_in_single_requests(
    pi_peer: HistorianPeer, whole: bool
) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(700)]
    if whole:
        pi_peer.fault("status", "POST /piwebapi/batch", status=429, headers={"Retry-After": "0"})
    with (
        pi_peer.knob(rate_max=15, rate_seconds=1.0),
        session(pi_peer, max_retries=3) as s,
    ):
        frame = s.historian(tags, DAY, DAY + timedelta(minutes=3))
    assert frame["Bulk.00699"].tolist() == [699.0, 699.25, 699.5]
    batches = [one for one in pi_peer.requests() if one["path"].endswith("/batch")]
    assert len(batches) == 1


def test_nothing_but_reading(pi_peer: HistorianPeer) -> None:
    tags = ["Ramp", *(f"Bulk.{index:05d}" for index in range(60))]
    with session(pi_peer) as s:
        s.historian(tags, DAY, DAY + timedelta(minutes=3))
        s.historian(tags[:2], *WINDOW, interval="1h", aggregation="time_avg")
    posts = [one for one in pi_peer.requests() if one["method"] != "GET"]
    assert {one["path"] for one in posts} == {"/piwebapi/batch"}
    assert '"Method": "GET"' in posts[0]["body"]
    assert "POST" not in posts[0]["body"]
    assert only_get(pi_peer) <= {
        "GET /piwebapi/dataservers",
        "POST /piwebapi/batch",
        "GET /piwebapi/points/multiple",
        "GET /piwebapi/streamsets/recorded",
        "GET /piwebapi/streamsets/summary",
    }


def test_an_answer_of_nothing_is_told(pi_peer: HistorianPeer) -> None:
    pi_peer.fault("status", "/dataservers", status=200, body="null")
    with session(pi_peer) as s, pytest.raises(ProtocolError, match="answer to dataservers is null"):
        s.historian(["Ramp"], *WINDOW)


def test_wrong_address(pi_peer: HistorianPeer) -> None:
    more = {"server_url": pi_peer.origin + "/nothing", "database_name": "X"}
    with session(pi_peer, **more) as s, pytest.raises(SourceError, match=r"404|not found"):
        s.historian(["Ramp"], *WINDOW)
    with (
        session(pi_peer, server_url="http://127.0.0.1:1/piwebapi", max_retries=0) as s,
        pytest.raises(SourceUnreachable, match="refused"),
    ):
        s.historian(["Ramp"], *WINDOW)
