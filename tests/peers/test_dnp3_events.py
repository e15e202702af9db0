"""How the DNP3 outstation keeps and reports events, octet by octet."""

from __future__ import annotations

from collections.abc import Callable

from .dnp3_truth import Kind
from .dnp3_wire import Wire
from .launch_dnp3 import Dnp3Peer, change

READ, ENABLE, DISABLE = 1, 20, 21
ALL_EVENTS = "3c0206 3c0306 3c0406"
Connect = Callable[[Dnp3Peer], Wire]


def test_events_stay_until_they_are_confirmed(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    polled.set(Kind.ANALOG_INPUT, 0, 2.5, time=0x0102030405)
    event = "2007 17 01 00 01 00002040 050403020100".replace(" ", "")
    for _ in range(2):
        answer = connection.read("2007 06")
        assert (answer.objects.hex(), answer.wants_confirm) == (event, True)
        assert not answer.indications & 0x0E
    assert connection.read("1e01 00 01 01").indications & 0x0E == 0x02
    answer = connection.read("2007 06")
    assert answer.objects.hex() == event
    connection.confirm(answer)
    assert connection.read("2007 06").objects == b""
    assert connection.read(ALL_EVENTS).indications & 0x0E == 0


def test_limited_number_of_events(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    polled.command(*(change(Kind.COUNTER, 0, number, time=0) for number in (7, 8, 9)))
    answer = connection.read("3c02 07 02")
    assert answer.objects.hex() == "16011702" + "000107000000" + "000108000000"
    assert answer.indications & 0x0E == 0x02


def test_unsolicited_only_after_it_is_enabled(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    peer = dnp3_factory(confirm_timeout=0.3, unsolicited_retries=2)
    connection = wire_to(peer)
    connection.accept_start()
    peer.set(Kind.COUNTER, 0, 7, time=0)
    assert connection.silent()
    assert connection.ask(ENABLE, "3c0306").indications & 0x0E == 0x02
    assert connection.silent()
    connection.ask(ENABLE, "3c0206")
    event = "160117010001" + "07000000"
    sent = [connection.read_fragment() for _ in range(3)]
    assert {found.objects.hex() for found in sent} == {event}
    assert len({found.control for found in sent}) == 1
    assert connection.silent(0.6)
    assert peer.status()["unsolicited_retries"] == 2
    peer.set(Kind.COUNTER, 0, 8, time=0)
    again = connection.read_fragment()
    assert again.objects.hex() == "160117020001" + "07000000" + "0001" + "08000000"
    assert again.sequence == (sent[0].sequence + 1) & 0x0F
    connection.confirm(again)
    connection.ask(DISABLE, "3c0206")
    peer.set(Kind.COUNTER, 0, 9, time=0)
    assert connection.silent()


def test_a_read_waits_for_the_unsolicited_confirm(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    peer = dnp3_factory()
    connection = wire_to(peer)
    connection.accept_start()
    connection.ask(ENABLE, ALL_EVENTS)
    peer.set(Kind.COUNTER, 0, 7, time=0)
    report = connection.read_fragment()
    sequence = connection.send(READ, ALL_EVENTS)
    assert connection.silent()
    connection.confirm(report)
    answer = connection.read_fragment()
    assert (answer.function, answer.sequence, answer.objects) == (129, sequence, b"")


def test_forced_unsolicited_response(
    dnp3_factory: Callable[..., Dnp3Peer], wire_to: Connect
) -> None:
    peer = dnp3_factory()
    connection = wire_to(peer)
    connection.accept_start()
    peer.unsolicited()
    assert connection.read_fragment().objects == b""
