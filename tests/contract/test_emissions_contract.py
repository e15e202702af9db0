"""What every source of emissions over a network must do, through the public API, on the wire."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pandas as pd
import pytest

import greenlang_data as gd
from tests.contract.at_once import read_at_once
from tests.contract.emissions_subjects import (
    HOURS,
    WINDOW,
    Subject,
    campd_subject,
    ecmps_subject,
)
from tests.peers.historian_launch import HistorianPeer
from tests.peers.proxy import Fault, FaultProxy


@pytest.fixture(params=["campd-streamed", "campd-paged", "ecmps-export"])
def subject(
    request: pytest.FixtureRequest,
    campd_peer: HistorianPeer,
    proxy_factory: Callable[[int], FaultProxy],
) -> Subject:
    proxy = proxy_factory(campd_peer.port)
    if request.param == "ecmps-export":
        return ecmps_subject(campd_peer, proxy)
    return campd_subject(campd_peer, proxy, streaming=request.param == "campd-streamed")


@pytest.fixture
def session(subject: Subject) -> Iterator[gd.Session]:
    with gd.Session(sources=[subject.config]) as session:
        yield session


def check(frame: pd.DataFrame, subject: Subject) -> None:
    """The frame holds every hour once, with the source's own values, and says so."""
    column = "concentration" if "concentration" in frame else "value"
    assert frame["timestamp"].tolist() == subject.times
    values = [None if pd.isna(one) else one for one in frame[column]]
    assert values == subject.truth
    assert set(frame["unit"]) == {subject.unit}
    assert gd.verify(frame) == "intact"


def test_a_window_is_whole_and_right(session: gd.Session, subject: Subject) -> None:
    frame = session.cems([subject.pollutant], *WINDOW)
    check(frame, subject)
    record = frame.attrs["provenance"]
    assert (record["connector_id"], record["mode"], record["rows"]) == (subject.name, "live", HOURS)
    assert record["requests"] >= 1


def test_the_same_question_has_the_same_answer(session: gd.Session, subject: Subject) -> None:
    first, second = (session.cems([subject.pollutant], *WINDOW) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    hashes = {one.attrs["provenance"]["response_hash"] for one in (first, second)}
    assert len(hashes) == 1


def test_wide_is_a_column_with_its_unit(session: gd.Session, subject: Subject) -> None:
    frame = session.cems([subject.pollutant], *WINDOW, shape="wide")
    assert list(frame.columns) == [subject.pollutant]
    assert frame.index.tolist() == subject.times
    assert dict(frame.attrs["provenance"]["units"]) == {subject.pollutant: subject.unit}


def test_an_unknown_pollutant_is_named_and_does_not_lose_the_other(
    session: gd.Session, subject: Subject
) -> None:
    with pytest.raises(gd.UnknownTagError, match="unobtainium"):
        session.cems([subject.pollutant, "unobtainium"], *WINDOW)
    frame = session.cems([subject.pollutant, "unobtainium"], *WINDOW, errors="report")
    assert list(frame.attrs["provenance"]["failures"]) == ["unobtainium"]
    check(frame[frame["pollutant"] == subject.pollutant].pipe(_as_new), subject)


def _as_new(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the proof of the larger frame it was taken from."""
    taken = frame.reset_index(drop=True)
    taken.attrs.clear()
    return gd.concat([taken])


def test_a_refused_connection_is_told_and_the_next_call_works(
    session: gd.Session, subject: Subject
) -> None:
    subject.proxy.set_fault(Fault.REFUSE)
    with pytest.raises(gd.SourceUnreachable, match=subject.name) as caught:
        session.cems([subject.pollutant], *WINDOW)
    assert caught.value.remedy
    subject.proxy.set_fault(Fault.PASS)
    check(session.cems([subject.pollutant], *WINDOW), subject)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT, Fault.HALF, Fault.GARBAGE])
def test_a_broken_wire_is_an_error_and_never_a_wrong_number(
    session: gd.Session, subject: Subject, fault: Fault
) -> None:
    check(session.cems([subject.pollutant], *WINDOW), subject)
    subject.proxy.set_fault(fault, after_bytes=200)
    with pytest.raises((gd.SourceError, gd.DeadlineExceeded), match=subject.name):
        session.cems([subject.pollutant], *WINDOW)
    subject.proxy.set_fault(Fault.PASS)
    check(session.cems([subject.pollutant], *WINDOW), subject)


def test_a_single_reset_is_overcome_by_the_retry(session: gd.Session, subject: Subject) -> None:
    check(session.cems([subject.pollutant], *WINDOW), subject)
    subject.proxy.reset_connections()
    check(session.cems([subject.pollutant], *WINDOW), subject)


def test_a_silent_source_times_out_in_the_time_given(session: gd.Session, subject: Subject) -> None:
    check(session.cems([subject.pollutant], *WINDOW), subject)
    subject.proxy.set_fault(Fault.STALL)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=subject.name):
        session.cems([subject.pollutant], *WINDOW, timeout=1)
    assert time.monotonic() - started > 0.8
    subject.proxy.set_fault(Fault.PASS)
    check(session.cems([subject.pollutant], *WINDOW), subject)


def test_threads_read_the_same_source_at_once(session: gd.Session, subject: Subject) -> None:
    for frame in read_at_once(
        lambda: session.cems([subject.pollutant], *WINDOW), threads=4, seconds=60
    ):
        check(frame, subject)


def test_a_host_that_is_not_there(subject: Subject) -> None:
    with gd.Session(sources=[subject.absent]) as session, pytest.raises(gd.SourceError) as caught:
        session.cems([subject.pollutant], *WINDOW, timeout=10)
    assert "no-such-host.invalid" in str(caught.value)


def test_closing_ends_the_connections_and_refuses_further_calls(
    subject: Subject, session: gd.Session
) -> None:
    check(session.cems([subject.pollutant], *WINDOW), subject)
    session.close()
    until = time.monotonic() + 5
    while subject.proxy.open_connections and time.monotonic() < until:
        time.sleep(0.01)
    assert not subject.proxy.open_connections
    with pytest.raises(gd.SessionClosedError):
        session.cems([subject.pollutant], *WINDOW)
