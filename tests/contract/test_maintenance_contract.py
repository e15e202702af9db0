"""What every driver of a maintenance system must do, through the public API, on the wire."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.contract.at_once import read_at_once
from tests.contract.maintenance_subjects import (
    Maintained,
    infor_subject,
    maximo_subject,
    sap_subject,
)
from tests.peers.fixtures import running
from tests.peers.launch_cmms import start_infor, start_maximo
from tests.peers.launch_erp import start_cap
from tests.peers.proxy import Fault, FaultProxy

LOGIN = {"user": "reader", "password": "s3cret-Pässword"}
SYSTEMS: dict[str, tuple[Callable[[], Any], Callable[[Any, FaultProxy], Maintained]]] = {
    "maximo": (lambda: start_maximo(orders=3), maximo_subject),
    "infor": (lambda: start_infor(orders=3), infor_subject),
    "sap": (lambda: start_cap(items=100, orders=3, **LOGIN), sap_subject),
}


@pytest.fixture(scope="module", params=list(SYSTEMS))
def system(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    for peer in running(SYSTEMS[request.param][0]):
        yield request.param, peer


@pytest.fixture
def subject(system: tuple[str, Any], proxy_factory: Callable[[int], FaultProxy]) -> Maintained:
    name, peer = system
    return SYSTEMS[name][1](peer, proxy_factory(peer.port))


@pytest.fixture
def session(subject: Maintained) -> Iterator[gd.Session]:
    with gd.Session(sources=[subject.config]) as session:
        yield session


def assert_true(frame: pd.DataFrame, subject: Maintained) -> None:
    """The frame holds each plan of the site once, with its own description."""
    assert len(frame) == len(subject.truth)
    found = dict(zip(frame["pm_id"], frame["description"], strict=True))
    assert found == subject.truth
    assert set(frame["site"]) == {subject.site}
    assert gd.verify(frame) == "intact"


def test_the_records_are_whole_and_right_and_tell_where_they_are_from(
    session: gd.Session, subject: Maintained
) -> None:
    frame = subject.read(session)
    assert_true(frame, subject)
    record = frame.attrs["provenance"]
    assert record["connector_id"] == subject.name
    assert (record["mode"], record["rows"]) == ("live", len(frame))
    assert record["requests"] >= 3
    assert record["metadata"]["completeness"]["pages"] >= 3


def test_what_is_not_there_is_an_empty_frame_of_the_same_columns(
    session: gd.Session, subject: Maintained
) -> None:
    empty = session.cmms("pm", asset_ids="NO SUCH ASSET", site=subject.site)
    assert (len(empty), gd.verify(empty)) == (0, "intact")
    assert empty.dtypes.equals(subject.read(session).dtypes)


def test_threads_read_the_same_source_at_once(session: gd.Session, subject: Maintained) -> None:
    for frame in read_at_once(lambda: subject.read(session, timeout=60), threads=4, seconds=60):
        assert_true(frame, subject)


def test_a_refused_login_is_told_once_and_without_the_secret(subject: Maintained) -> None:
    config = subject.config.model_copy(
        update={key: type(getattr(subject.config, key))(value)
                for key, value in subject.wrong_login.items()}
    )  # fmt: skip
    with gd.Session([config]) as session, pytest.raises(gd.AuthenticationError) as caught:
        subject.read(session)
    assert subject.name in str(caught.value)


def test_a_refused_connection_is_told_and_the_next_call_works(
    session: gd.Session, subject: Maintained
) -> None:
    subject.proxy.set_fault(Fault.REFUSE)
    with pytest.raises(gd.SourceUnreachable, match=subject.name) as caught:
        subject.read(session)
    assert caught.value.remedy
    subject.proxy.set_fault(Fault.PASS)
    assert_true(subject.read(session), subject)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT, Fault.HALF, Fault.GARBAGE])
def test_a_broken_wire_is_an_error_and_never_a_shorter_frame(
    session: gd.Session, subject: Maintained, fault: Fault
) -> None:
    assert_true(subject.read(session), subject)
    subject.proxy.set_fault(fault, after_bytes=20)
    with pytest.raises((gd.SourceError, gd.DeadlineExceeded), match=subject.name):
        subject.read(session)
    subject.proxy.set_fault(Fault.PASS)
    assert_true(subject.read(session), subject)


def test_a_single_reset_is_overcome_by_the_retry(session: gd.Session, subject: Maintained) -> None:
    assert_true(subject.read(session), subject)
    subject.proxy.reset_connections()
    assert_true(subject.read(session), subject)


def test_a_silent_source_times_out_in_the_time_given_and_recovers(
    session: gd.Session, subject: Maintained
) -> None:
    assert_true(subject.read(session), subject)
    subject.proxy.set_fault(Fault.STALL)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=subject.name):
        subject.read(session, timeout=1)
    assert 0.8 < time.monotonic() - started < 2.5
    subject.proxy.set_fault(Fault.PASS)
    assert_true(subject.read(session), subject)


def test_a_slow_wire_is_slow_and_right(session: gd.Session, subject: Maintained) -> None:
    subject.proxy.set_delay(up=0.02, down=0.02)
    assert_true(subject.read(session, timeout=60), subject)


def test_a_source_that_is_not_there(subject: Maintained) -> None:
    with gd.Session([subject.absent]) as session, pytest.raises(gd.SourceError) as caught:
        subject.read(session, timeout=10)
    assert "no-such-host.invalid" in str(caught.value)


def test_closing_ends_the_connections_and_refuses_further_calls(
    subject: Maintained, session: gd.Session
) -> None:
    assert_true(subject.read(session), subject)
    session.close()
    until = time.monotonic() + 5
    while subject.proxy.open_connections and time.monotonic() < until:
        time.sleep(0.01)
    assert not subject.proxy.open_connections
    with pytest.raises(gd.SessionClosedError):
        subject.read(session)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"query_type": "pms"}, "'pm'"),
        ({"status": "activ"}, "'active'"),
        ({"date_field": "next", "start": "2026-01-01"}, "'next_date'"),
    ],
    ids=["kind", "status", "date"],
)
def test_a_name_that_is_none_is_told_with_the_nearest(
    session: gd.Session, subject: Maintained, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(gd.QueryError, match=told):
        session.cmms(**{"query_type": "pm", **options})
