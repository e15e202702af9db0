"""What every driver must do, through the public API, on the wire, whatever it speaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pandas as pd
import pytest

import greenlang_data as gd
from tests.contract.at_once import read_at_once
from tests.contract.subjects import (
    Subject,
    bacnet_subject,
    dnp3_subject,
    historian_subject,
    modbus_subject,
    opcua_subject,
)
from tests.peers.launch import OpcuaPeer, Peer
from tests.peers.launch_bacnet import BacnetPeer
from tests.peers.launch_modbus_tls import TlsPeer
from tests.peers.proxy import Fault, FaultProxy
from tests.peers.serial_wire import SerialWire
from tests.peers.udp_proxy import UdpProxy

MODBUS = {
    "libmodbus": "modbus_peer",
    "pymodbus": "modbus_second",
    "modbus-serial": "modbus_serial_peer",
    "jsmodbus": "jsmodbus_peer",
    "modbus-tls": "modbus_tls_peer",
    "modbus-rtu-over-tcp": "modbus_rtu_tcp_peer",
    "modbus-serial-line": "modbus_rtu_tcp_peer",
}
DNP3 = {"outstation": "dnp3_peer", "opendnp3": "dnp3_second"}
BACNET = {"bacnet-js": "bacnet_peer", "bacpypes3": "bacnet_second"}
HISTORIANS: dict[str, tuple[str, dict[str, str]]] = {
    "pi": ("pi_peer", {}),
    "phd": ("phd_gateway", {}),
    "phd-oibus": ("oibus_peer", {"historian_type": "phd", "gateway_dialect": "oibus"}),
    "ge": ("proficy_peer", {"client_id": "historian-client", "client_secret": "s3cret-client"}),
}
SUBJECTS = ["node-opcua", "asyncua", *MODBUS, *DNP3, *BACNET, *HISTORIANS]


@pytest.fixture
def udp_proxy_factory() -> Iterator[Callable[[BacnetPeer], UdpProxy]]:
    """Put a fault proxy in front of a UDP port; stopped after the test."""
    with ExitStack() as stack:
        yield lambda peer: stack.enter_context(UdpProxy(peer.port, target_host=peer.host))


@pytest.fixture(params=SUBJECTS)
def subject(
    request: pytest.FixtureRequest,
    proxy_factory: Callable[[int], FaultProxy],
    udp_proxy_factory: Callable[[BacnetPeer], UdpProxy],
    serial_wire_factory: Callable[[int], SerialWire],
) -> Subject:
    def peer(name: str) -> Peer | TlsPeer:
        started: Peer | TlsPeer = request.getfixturevalue(name)
        return started

    if request.param in ("node-opcua", "asyncua"):
        server = peer("opcua_peer" if request.param == "node-opcua" else "opcua_second")
        assert isinstance(server, OpcuaPeer)
        history = "History.Million" if request.param == "node-opcua" else None
        return opcua_subject(server, proxy_factory(server.port), history)
    if request.param in HISTORIANS:
        fixture, login = HISTORIANS[request.param]
        historian = peer(fixture)
        assert isinstance(historian, Peer)
        return historian_subject(request.param, historian, proxy_factory(historian.port), **login)
    if request.param in BACNET:
        station = peer(BACNET[request.param])
        assert isinstance(station, BacnetPeer)
        return bacnet_subject(station, udp_proxy_factory(station))
    if request.param in DNP3:
        server = peer(DNP3[request.param])
        assert isinstance(server, Peer)
        return dnp3_subject(server, proxy_factory(server.port))
    device = peer(MODBUS[request.param])
    proxy = proxy_factory(device.port)
    if isinstance(device, TlsPeer):
        authority = str(device.certificates.authority)
        endpoint = f"tls://127.0.0.1:{proxy.port}"
        return modbus_subject(device, proxy, endpoint, ca_certificate_path=authority)
    if request.param == "modbus-rtu-over-tcp":
        return modbus_subject(device, proxy, f"rtu+tcp://127.0.0.1:{proxy.port}", baudrate=115200)
    if request.param == "modbus-serial-line":
        wire = serial_wire_factory(proxy.port)
        return modbus_subject(device, proxy, wire.device, baudrate=115200, parity="none")
    return modbus_subject(device, proxy)


@pytest.fixture
def session(subject: Subject) -> Iterator[gd.Session]:
    with gd.Session(sources=[subject.config]) as session:
        yield session


def assert_true(frame: pd.DataFrame, subject: Subject, asked: list[str] | None = None) -> None:
    """The frame holds these tags in this order, with the peer's own values, and says so."""
    tags = subject.tags if asked is None else asked
    assert frame["tag_id"].tolist() == tags
    assert frame["value"].tolist() == [subject.truth[tag] for tag in tags]
    assert set(frame["quality"]) == {"good"}
    assert frame["value"].dtype == "float64"
    assert gd.verify(frame) == "intact"


def test_a_snapshot_is_whole_right_and_in_the_order_asked(
    session: gd.Session, subject: Subject
) -> None:
    frame = subject.read(session, subject.tags[::-1])
    assert_true(frame, subject, subject.tags[::-1])
    record = frame.attrs["provenance"]
    assert record["connector_id"] == subject.name
    assert record["mode"] == "live"
    assert record["rows"] == len(subject.tags)
    assert record["quality"] == {"good": len(subject.tags), "uncertain": 0, "bad": 0}
    assert record["requests"] >= 1
    assert str(frame["timestamp"].dtype) == "datetime64[ns, UTC]"
    assert frame["timestamp"].notna().all()


def test_an_unknown_tag_is_an_error_that_names_it(session: gd.Session, subject: Subject) -> None:
    with pytest.raises(gd.UnknownTagError, match="Tag50") as caught:
        subject.read(session, [*subject.tags, "Tag50"])
    assert subject.name in str(caught.value)
    assert 'errors="report"' in str(caught.value)


def test_one_bad_tag_does_not_lose_the_others(session: gd.Session, subject: Subject) -> None:
    frame = subject.read(session, [*subject.tags[:3], "Tag50", *subject.tags[3:]], errors="report")
    assert list(frame.attrs["provenance"]["failures"]) == ["Tag50"]
    row = frame[frame["tag_id"] == "Tag50"].iloc[0]
    assert (row["quality"], pd.isna(row["value"])) == ("bad", True)
    others = frame[frame["tag_id"] != "Tag50"]
    assert others["value"].tolist() == list(subject.truth.values())


def test_a_window_is_answered_or_refused_and_never_invented(
    session: gd.Session, subject: Subject
) -> None:
    window = {"start": "2025-01-01T00:00:10", "end": "2025-01-01T00:00:20"}
    if subject.history is None and subject.protocol in ("modbus", "dnp3"):
        with pytest.raises(gd.UnsupportedError, match="history"):
            subject.read(session, subject.tags[:1], **window)
        return
    if subject.protocol == "bacnet":
        with pytest.raises(gd.ReadFailed, match="no trend log"):
            subject.read(session, subject.tags[:1], **window)
        return
    if subject.history is None:
        # A server that says "no samples" for a node without history; so does the frame.
        assert len(subject.read(session, subject.tags[:1], **window)) == 0
        return
    frame = subject.read(session, [subject.history], **window)
    assert frame.index.tolist() == list(
        pd.date_range("2025-01-01T00:00:10Z", periods=10, freq="1s", unit="ns")
    )
    assert frame[subject.history].tolist() == [i * 0.001 - 3 for i in range(10, 20)]
    empty = subject.read(session, [subject.history], start="2024-01-01", end="2024-01-02")
    assert (len(empty), gd.verify(empty)) == (0, "intact")


def test_threads_read_the_same_source_at_once(session: gd.Session, subject: Subject) -> None:
    for frame in read_at_once(lambda: subject.read(session, subject.tags), threads=8, seconds=30):
        assert_true(frame, subject)


def test_a_refused_connection_is_told_at_once_and_the_next_call_works(
    session: gd.Session, subject: Subject
) -> None:
    subject.proxy.set_fault(Fault.REFUSE)
    error = gd.SourceTimeout if subject.on_a_line else gd.SourceUnreachable
    started = time.monotonic()
    with pytest.raises(error, match=subject.name) as caught:
        subject.read(session, subject.tags)
    assert subject.on_a_line or time.monotonic() - started < 2
    assert caught.value.remedy
    subject.proxy.set_fault(Fault.PASS)
    assert_true(subject.read(session, subject.tags), subject)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT, Fault.HALF, Fault.GARBAGE])
def test_a_broken_wire_is_an_error_and_never_a_wrong_number(
    session: gd.Session, subject: Subject, fault: Fault
) -> None:
    assert_true(subject.read(session, subject.tags), subject)
    subject.proxy.set_fault(fault, after_bytes=20)
    started = time.monotonic()
    with pytest.raises((gd.SourceError, gd.DeadlineExceeded), match=subject.name):
        subject.read(session, subject.tags)
    assert time.monotonic() - started < 8
    subject.proxy.set_fault(Fault.PASS)
    assert_true(subject.read(session, subject.tags), subject)


def test_a_single_reset_is_overcome_by_the_retry(session: gd.Session, subject: Subject) -> None:
    assert_true(subject.read(session, subject.tags), subject)
    subject.proxy.reset_connections()
    assert_true(subject.read(session, subject.tags), subject)


def test_a_silent_source_times_out_in_the_time_given_and_recovers(
    session: gd.Session, subject: Subject
) -> None:
    assert_true(subject.read(session, subject.tags), subject)
    subject.proxy.set_fault(Fault.STALL)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=subject.name):
        subject.read(session, subject.tags, timeout=1)
    assert 0.8 < time.monotonic() - started < 2.5
    subject.proxy.set_fault(Fault.PASS)
    assert_true(subject.read(session, subject.tags), subject)


def test_answers_that_come_too_late_are_never_taken_for_later_ones(
    session: gd.Session, subject: Subject
) -> None:
    assert_true(subject.read(session, subject.tags), subject)
    for turn in range(3):
        subject.proxy.set_fault(Fault.HOLD_ANSWERS)
        with pytest.raises(TimeoutError):
            subject.read(session, subject.tags[turn : turn + 5], timeout=0.3)
        subject.proxy.set_fault(Fault.PASS)
        later = subject.tags[turn + 10 : turn + 20]
        assert_true(subject.read(session, later), subject, later)


def test_a_slow_wire_is_slow_and_right(session: gd.Session, subject: Subject) -> None:
    subject.proxy.set_delay(up=0.02, down=0.02)
    assert_true(subject.read(session, subject.tags, timeout=20), subject)
    subject.proxy.set_fault(Fault.DRIP, interval=0)  # the pauses are the machine's
    assert_true(subject.read(session, subject.tags, timeout=20), subject)


def test_a_source_that_is_not_there_and_a_name_that_is_none(subject: Subject) -> None:
    with gd.Session(sources=[subject.absent]) as session, pytest.raises(gd.SourceError) as caught:
        subject.read(session, subject.tags, timeout=10)
    assert "no-such-host.invalid" in str(caught.value)


def test_closing_ends_the_connections_and_refuses_further_calls(
    subject: Subject, session: gd.Session
) -> None:
    assert_true(subject.read(session, subject.tags), subject)
    session.close()
    session.close()
    until = time.monotonic() + 5
    while subject.proxy.open_connections and time.monotonic() < until:
        time.sleep(0.01)
    assert not subject.proxy.open_connections
    with pytest.raises(gd.SessionClosedError):
        subject.read(session, subject.tags)


def test_only_the_tags_asked_for_are_in_the_provenance(
    session: gd.Session, subject: Subject
) -> None:
    one, other = subject.read(session, subject.tags[:2]), subject.read(session, subject.tags[2:4])
    first, second = one.attrs["provenance"], other.attrs["provenance"]
    assert first["query_hash"] != second["query_hash"]
    assert first["response_hash"] != second["response_hash"]
    assert first["request_id"] != second["request_id"]
