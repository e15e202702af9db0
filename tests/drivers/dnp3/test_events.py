"""Events of every type and class: values, flags and times as the outstation has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from greenlang_data.drivers.dnp3 import Dnp3Driver
from tests.drivers.dnp3.helpers import NAMES, Row, Watched, config, with_driver
from tests.peers import dnp3_truth as truth
from tests.peers.dnp3_truth import ONLINE, Kind, Value
from tests.peers.launch_dnp3 import Dnp3Peer, change

START = truth.START_MILLISECONDS
# Event variations that the outstation reports by itself in, all with time and nothing cut off.
RICH = {
    Kind.BINARY_INPUT: 2,
    Kind.DOUBLE_BIT_INPUT: 2,
    Kind.BINARY_OUTPUT: 2,
    Kind.COUNTER: 5,
    Kind.FROZEN_COUNTER: 5,
    Kind.ANALOG_INPUT: 8,
    Kind.ANALOG_OUTPUT: 8,
}
FORCED, LOST, OVER = ONLINE | 0x10, 0x04, ONLINE | 0x20
# Of each type: what changes, and what is to be seen of it.
CHANGES: dict[Kind, list[tuple[Value, int, tuple[float | None, str, str]]]] = {
    Kind.BINARY_INPUT: [
        (True, ONLINE, (1, "good", "Online")),
        (False, FORCED, (0, "uncertain", "Online|LocalForced")),
        (True, LOST, (None, "bad", "Offline|CommLost")),
    ],
    Kind.DOUBLE_BIT_INPUT: [
        (2, ONLINE, (2, "good", "Online")),
        (0, ONLINE, (0, "uncertain", "Online|Intermediate")),
        (3, ONLINE, (None, "bad", "Online|Indeterminate")),
    ],
    Kind.BINARY_OUTPUT: [(True, ONLINE, (1, "good", "Online"))],
    Kind.COUNTER: [
        (4_294_967_295, ONLINE, (4_294_967_295, "good", "Online")),
        (3, OVER, (3, "uncertain", "Online|Rollover")),
    ],
    Kind.FROZEN_COUNTER: [(4_000_000_001, ONLINE, (4_000_000_001, "good", "Online"))],
    Kind.ANALOG_INPUT: [
        (0.1, ONLINE, (0.1, "good", "Online")),
        (5.5, OVER, (None, "bad", "Online|OverRange")),
        (float("inf"), ONLINE, (None, "bad", "Online|Infinity")),
        (-1e300, FORCED, (-1e300, "uncertain", "Online|LocalForced")),
    ],
    Kind.ANALOG_OUTPUT: [(2.0**40 + 0.5, ONLINE, (2.0**40 + 0.5, "good", "Online"))],
}


def about(row: Row) -> tuple[float | None, str, str]:
    return row["value"], row["quality"], row["status"]


@pytest.mark.parametrize("unsolicited", [True, False], ids=["reported", "asked"])
def test_events_of_every_type_have_their_value_flags_and_time(
    dnp3_factory: Callable[..., Dnp3Peer], unsolicited: bool
) -> None:
    peer = dnp3_factory(event=RICH if unsolicited else None)
    tags = {kind: f"{NAMES[kind]}:1" for kind in CHANGES}
    changes = [
        change(kind, 1, value, flags=flags, time=START + 1000 * place + step)
        for place, (kind, steps) in enumerate(CHANGES.items())
        for step, (value, flags, _) in enumerate(steps)
    ]

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, tags.values())
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.command(*changes)
        await watched.until(lambda one: len(one.rows) >= len(tags) + len(changes))
        await watched.stop()
        events = watched.rows[len(tags) :]
        for place, (kind, steps) in enumerate(CHANGES.items()):
            found = [row for row in events if row["tag_id"] == tags[kind]]
            assert [about(row) for row in found] == [expected for _, _, expected in steps]
            assert [row["timestamp"].value // 1_000_000 for row in found] == [
                START + 1000 * place + step for step in range(len(steps))
            ]
        assert len(events) == len(changes)

    with_driver(config(peer.port, unsolicited=unsolicited), use)


def test_texts_change_without_a_time_and_that_is_said(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["octet_string:1"])
        await watched.until(lambda one: len(one.batches) >= 2)
        outstation.set(Kind.OCTET_STRING, 1, b"RUNNING")
        await watched.until(lambda one: len(one.rows) >= 2)
        await watched.stop()
        row = watched.rows[1]
        assert (row["text"], row["value"], row["quality"]) == ("RUNNING", None, "good")
        assert any("octet_string came" in note and "client" in note for note in watched.log.notes)

    with_driver(config(outstation.port), use)


@pytest.mark.parametrize("event_class", [1, 2, 3])
def test_events_of_every_class_are_read(outstation: Dnp3Peer, event_class: int) -> None:
    outstation.configure(Kind.ANALOG_INPUT, 1, event_class=event_class)
    outstation.set(Kind.ANALOG_INPUT, 1, 7.5)
    assert outstation.status()["events"][event_class - 1] == 1

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"], every=0.2)
        await watched.until(lambda one: len(one.rows) >= 2)
        await asyncio.sleep(0.5)
        await watched.stop()
        assert [row["value"] for row in watched.rows] == [7.5, 7.5]
        assert outstation.status()["events"] == [0, 0, 0]

    with_driver(config(outstation.port, unsolicited=False), use)


def test_times_of_a_clock_that_was_never_set_are_uncertain(
    dnp3_factory: Callable[..., Dnp3Peer],
) -> None:
    # Relative times (g2v3) name the state of the clock; absolute ones do not.
    peer = dnp3_factory(event={Kind.BINARY_INPUT: 3}, need_time=True)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["binary:1"], every=30)
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.set(Kind.BINARY_INPUT, 1, True)
        await watched.until(lambda one: len(one.rows) >= 2)
        await watched.stop()
        row = watched.rows[1]
        assert (row["value"], row["quality"]) == (1, "uncertain")
        assert row["status"] == "Online|TimeNotSynchronized"
        assert any("clock that was not set" in note for note in watched.log.notes)

    with_driver(config(peer.port), use)
