"""What the DNP3 outstation refuses and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .dnp3_wire import Wire
from .fixtures import start_or_skip
from .launch_dnp3 import Dnp3Peer, start_dnp3

READ, WRITE, ENABLE, DISABLE = 1, 2, 20, 21
FUNC_NOT_SUPPORTED, OBJECT_UNKNOWN = 0x0100, 0x0200
DEVICE_RESTART = 0x0080
ALL_EVENTS = "3c0206 3c0306 3c0406"
HOUSEKEEPING = (0, 1, 20, 21, 23, 24)
WITHOUT_RESPONSE = (6, 8, 10, 12, 33)
Connect = Callable[[Dnp3Peer], Wire]


@pytest.fixture(scope="module")
def silent() -> Iterator[Dnp3Peer]:
    """One for all functions; it never speaks by itself."""
    with start_or_skip(lambda: start_dnp3(no_unsolicited=True)) as peer:
        yield peer


@pytest.mark.parametrize("function", [code for code in range(2, 129) if code not in HOUSEKEEPING])
def test_every_other_function_is_refused_and_recorded(silent: Dnp3Peer, function: int) -> None:
    before = len(silent.attempts())
    with Wire(silent.port) as connection:
        sequence = connection.send(function, "0c01 17 01 00 0301 00000000 00000000 00")
        if function not in WITHOUT_RESPONSE:
            answer = connection.read_fragment()
            assert (answer.sequence, answer.objects) == (sequence, b"")
            assert answer.indications & 0x0700 == FUNC_NOT_SUPPORTED
        connection.read("3c0106")  # what was sent before it has been taken
    (attempt,) = silent.attempts()[before:]
    assert (attempt["function"], attempt["objects"]) == (function, [[12, 1, 0x17]])


@pytest.mark.parametrize("objects", ["0c01 06", "2901 06", "0c00 00 00 01"])
def test_reading_commands_is_refused_and_recorded(
    polled: Dnp3Peer, wire_to: Connect, objects: str
) -> None:
    assert wire_to(polled).read(objects).indications & 0x0700 == OBJECT_UNKNOWN
    assert [attempt["name"] for attempt in polled.attempts()] == ["READ"]


@pytest.mark.parametrize(
    "objects",
    ["5001 00 07 07 01", "5001 00 04 04 00", "3201 07 01 000000000000", "2201 00 00 00 00"],
)
def test_other_writes_are_refused_and_recorded(
    polled: Dnp3Peer, wire_to: Connect, objects: str
) -> None:
    answer = wire_to(polled).ask(WRITE, objects)
    assert answer.indications == FUNC_NOT_SUPPORTED | DEVICE_RESTART
    assert [attempt["name"] for attempt in polled.attempts()] == ["WRITE"]


def test_without_unsolicited_there_is_nothing_to_enable(polled: Dnp3Peer, wire_to: Connect) -> None:
    connection = wire_to(polled)
    for function in (ENABLE, DISABLE):
        assert connection.ask(function, ALL_EVENTS).indications & 0x0700 == FUNC_NOT_SUPPORTED
    assert polled.attempts() == []
