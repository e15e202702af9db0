"""Connections of the DNP3 outstation, and how tests steer it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from . import dnp3_truth as truth
from .dnp3_truth import Kind
from .dnp3_wire import Wire, frame
from .launch import PeerFailed
from .launch_dnp3 import Dnp3Peer

READ = 1
DEVICE_RESTART = 0x0080
Connect = Callable[[Dnp3Peer], Wire]
THREE_FIVE = "0103000000"


def test_a_newer_connection_takes_over(polled: Dnp3Peer, wire_to: Connect) -> None:
    older, newer = wire_to(polled), wire_to(polled)
    assert newer.read("1e01 00 01 01").final
    assert older.ended()


@pytest.mark.parametrize("reset", [False, True])
def test_dropped_connection(polled: Dnp3Peer, wire_to: Connect, reset: bool) -> None:
    connection = wire_to(polled)
    connection.read("1e01 00 01 01")
    polled.drop(reset=reset)
    assert connection.ended()
    assert wire_to(polled).read("1e01 00 01 01").final


def test_stalled_connection_answers_late(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    connection.read("1e01 00 01 01")
    polled.stall()
    sequence = connection.send(READ, "1e01 00 02 02")
    assert connection.silent()
    polled.flow()
    assert connection.read_fragment().sequence == sequence


def test_pause_resume_kill_and_restart(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    connection.read("1e01 00 01 01")
    polled.pause()
    connection.send(READ, "1e01 00 01 01")
    assert connection.silent()
    polled.resume()
    connection.read_fragment()
    port = polled.port
    polled.set(Kind.ANALOG_INPUT, 1, 9.0, event=False)
    polled.restart()
    assert polled.port == port
    assert connection.ended()
    assert wire_to(polled).read("1e01 00 01 01").objects.hex() == "1e01000101" + THREE_FIVE


def test_delay_before_each_fragment(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    connection = wire_to(dnp3_factory(no_unsolicited=True, delay=0.2, nagle=True))
    begun = time.monotonic()
    connection.read("1e01 06")
    assert time.monotonic() - begun >= 0.2


def test_link_status_is_asked(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    connection.read("1e01 00 01 01")
    polled.ask_link_status()
    assert connection.read_frame() == (0x49, b"")
    connection.socket.sendall(frame(0x8B))
    connection.read("1e01 00 01 01")
    assert polled.status()["link_answers"] == 1


def test_further_indications(polled: Dnp3Peer, wire_to: Connect) -> None:
    polled.indications(0x2040)
    assert wire_to(polled).read("1e01 00 01 01").indications == 0x2040 | DEVICE_RESTART


def test_points_can_be_configured(polled: Dnp3Peer, wire_to: Connect) -> None:
    polled.configure(Kind.ANALOG_INPUT, 1, static_variation=5, event_variation=7, event_class=3)
    polled.set(Kind.ANALOG_INPUT, 1, 3.5, time=1, flags=truth.COMM_LOST)
    connection = wire_to(polled)
    assert connection.read("1e00 00 01 01").objects.hex() == "1e05000101" + "0400006040"
    event = connection.read("3c0406").objects
    assert event.hex() == "2007170101" + "0400006040" + "010000000000"


@pytest.mark.parametrize(
    "command",
    [
        {"do": "nothing"},
        {"do": "set", "kind": "analog_input", "index": 5000, "value": 1},
        {"do": "set", "kind": "octet_string", "index": 0, "value": ""},
        {"do": "set", "kind": "time_interval", "index": 0, "event": True},
        {"do": "configure", "kind": "counter", "index": 0, "static_variation": 3},
        {"do": "lie", "lie": "no such lie"},
        {"do": "stall"},
    ],
)
def test_wrong_commands_are_named(dnp3_factory: Callable[..., Dnp3Peer], command: object) -> None:
    with pytest.raises(PeerFailed, match="refused"):
        dnp3_factory().command(command)
