"""Events of the DNP3 outstations, as an independent master gets them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from . import dnp3_truth as truth
from .dnp3_master import Master
from .dnp3_truth import Kind
from .launch_dnp3 import Dnp3Peer, change

DEVICE_RESTART, OVERFLOW = 0x0080, 0x0800
NEED_TIME = 0x0010
MILLISECONDS = 1_700_000_000_123


EVENT_CHANGES: list[tuple[Kind, int, int, Any, list[tuple[int, Any, bool]]]] = [
    (Kind.BINARY_INPUT, 2, 1, True, [(1, True, False), (2, True, True), (3, True, True)]),
    (Kind.DOUBLE_BIT_INPUT, 4, 0, 3, [(1, 3, False), (2, 3, True), (3, 3, True)]),
    (Kind.BINARY_OUTPUT, 11, 0, True, [(1, True, False), (2, True, True)]),
    (
        Kind.COUNTER,
        22,
        7,
        65_537,
        [(1, 65_537, False), (2, 1, False), (5, 65_537, True), (6, 1, True)],
    ),
    (
        Kind.FROZEN_COUNTER,
        23,
        7,
        65_537,
        [(1, 65_537, False), (2, 1, False), (5, 65_537, True), (6, 1, True)],
    ),
    (
        Kind.ANALOG_INPUT,
        32,
        1,
        -1.5,
        [
            (1, -1.0, False),
            (2, -1.0, False),
            (3, -1.0, True),
            (4, -1.0, True),
            (5, -1.5, False),
            (6, -1.5, False),
            (7, -1.5, True),
            (8, -1.5, True),
        ],
    ),
    (
        Kind.ANALOG_OUTPUT,
        42,
        1,
        2.75,
        [
            (1, 2.0, False),
            (2, 2.0, False),
            (3, 2.0, True),
            (4, 2.0, True),
            (5, 2.75, False),
            (6, 2.75, False),
            (7, 2.75, True),
            (8, 2.75, True),
        ],
    ),
    (Kind.OCTET_STRING, 111, 0, b"\xff\x00new", [(0, b"\xff\x00new", False)]),
]


@pytest.mark.parametrize("changed", EVENT_CHANGES, ids=lambda changed: str(changed[0]))
def test_variations_of_events(
    dnp3_factory: Callable[..., Dnp3Peer],
    started_master: Callable[[Dnp3Peer], Master],
    changed: tuple[Kind, int, int, Any, list[tuple[int, Any, bool]]],
) -> None:
    kind, group, index, value, forms = changed
    peer = dnp3_factory(no_unsolicited=True)
    master = started_master(peer)
    for variation, shown, timed in forms:
        peer.set(kind, index, value, time=MILLISECONDS, flags=truth.ONLINE | truth.LOCAL_FORCED)
        assert master.poll_all(group, variation) == "SUCCESS"
        (row,) = master.rows
        assert (row.variation, row.index, row.value) == ((group, variation), index, shown)
        if kind is not Kind.OCTET_STRING:
            assert (row.flags or 0) & 0x3F == truth.ONLINE | truth.LOCAL_FORCED
        if timed:
            assert (row.time, row.time_quality) == (MILLISECONDS, "SYNCHRONIZED")
        else:
            assert row.time_quality == "INVALID"
        master.poll_all(group, variation)
        assert master.rows == []


def test_relative_times_of_many_events(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory(no_unsolicited=True, need_time=True)
    master = started_master(peer)
    # Within one base, beyond its 65,535 ms, and before it.
    times = [MILLISECONDS + step for step in (0, 65_535, 65_536, 200_000, -1)]
    peer.command(*(change(Kind.BINARY_INPUT, 0, True, time=moment) for moment in times))
    master.poll_all(2, 3)
    assert [row.time for row in master.rows] == times
    assert {row.time_quality for row in master.rows} == {"UNSYNCHRONIZED"}
    master.wait_indicated(NEED_TIME)


def test_classes_deliver_exactly_their_events(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory(no_unsolicited=True, event={Kind.ANALOG_INPUT: 8})
    master = started_master(peer)
    peer.configure(Kind.ANALOG_INPUT, 50, event_class=0)
    peer.configure(Kind.ANALOG_INPUT, 51, event_class="none")
    changes = [change(Kind.ANALOG_INPUT, index, 0.1, time=MILLISECONDS) for index in range(60)]
    peer.command(*changes)
    for event_class, step in ((2, 1), (1, 0), (3, 2)):
        assert master.poll_classes(event_class) == "SUCCESS"
        expected = [index for index in range(step, 60, 3) if index not in (50, 51)]
        assert [row.index for row in master.rows] == expected
        assert {(row.value, row.time) for row in master.rows} == {(0.1, MILLISECONDS)}
    assert master.poll_classes(0, 1, 2, 3) == "SUCCESS"
    analogs = [row.index for row in master.rows if row.variation[0] == 30]
    assert analogs == [index for index in range(100) if index != 51]
    assert not [row for row in master.rows if row.variation[0] == 32]


def test_unsolicited_events_arrive_once(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory(event={Kind.ANALOG_INPUT: 7}, fragment=400)
    master = started_master(peer)
    master.forget()
    changes = [
        change(Kind.ANALOG_INPUT, index, index + 0.5, time=MILLISECONDS + index)
        for index in range(100)
    ]
    peer.command(*changes)
    master.wait(lambda master: len(master.rows) >= 100)
    master.poll_classes(1, 2, 3)
    assert master.rows == []
    assert peer.status()["events"] == [0, 0, 0]


def test_unsolicited_rows_carry_value_time_and_flags(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory(event={Kind.ANALOG_INPUT: 8})
    master = started_master(peer)
    master.forget()
    peer.set(Kind.ANALOG_INPUT, 9, math.nan, flags=truth.COMM_LOST, time=2**48 - 1)
    master.wait(lambda master: bool(master.rows))
    (row,) = master.rows
    assert row.unsolicited
    assert (row.index, row.flags, row.time) == (9, truth.COMM_LOST, 2**48 - 1)
    assert math.isnan(row.value)


def test_overflow_is_indicated_and_keeps_the_newest(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory(no_unsolicited=True, event_buffer=5, event={Kind.ANALOG_INPUT: 6})
    master = started_master(peer)
    peer.command(*(change(Kind.ANALOG_INPUT, 0, float(number)) for number in range(9)))
    master.poll_classes(1)
    master.wait_indicated(OVERFLOW)
    assert [row.value for row in master.rows if row.variation == (32, 6)] == [4, 5, 6, 7, 8]
    # This request comes after the confirmation; the master polls class 0 after an overflow.
    master.poll_classes(1)
    assert [row for row in master.rows if row.variation[0] == 32] == []
    assert not peer.status()["overflowed"]


def test_restart_is_indicated_and_cleared(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory()
    master = started_master(peer)
    peer.set(Kind.COUNTER, 6, 1, event=False)
    master.forget()
    peer.restart_device()
    master.wait_started()
    master.wait_indicated(DEVICE_RESTART)
    counters = [row.value for row in master.rows if row.variation[0] == 20]
    assert counters[6] == truth.value(Kind.COUNTER, 6)
    assert not peer.status()["restarted"]
