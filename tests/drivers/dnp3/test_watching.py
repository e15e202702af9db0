"""Events as they happen: each once, in order, with the time of the outstation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from greenlang_data.drivers.dnp3 import Dnp3Driver
from tests.drivers.dnp3.helpers import Row, Watched, config, snapshot, with_driver
from tests.peers import dnp3_truth as truth
from tests.peers.dnp3_truth import Kind
from tests.peers.launch_dnp3 import Dnp3Peer, Dnp3SecondPeer

Factory = Callable[..., Dnp3Peer]
TAGS = ["analog:1", "binary:1", "counter:6", "double_bit:1"]
RICH = {Kind.ANALOG_INPUT: 7, Kind.BINARY_INPUT: 2, Kind.COUNTER: 5, Kind.DOUBLE_BIT_INPUT: 2}


def seen(rows: list[Row]) -> list[tuple[str, float | None]]:
    return [(row["tag_id"], row["value"]) for row in rows]


def milliseconds(row: Row) -> int:
    stamp: int = row["timestamp"].value // 1_000_000
    return stamp


@pytest.mark.parametrize("unsolicited", [True, False])
def test_every_event_comes_once_in_order_with_its_time(
    dnp3_factory: Factory, unsolicited: bool
) -> None:
    peer = dnp3_factory(event=RICH)
    start = truth.START_MILLISECONDS

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, TAGS)
        await watched.until(lambda one: len(one.batches) >= 2)
        for step in range(50):
            peer.set(Kind.ANALOG_INPUT, 1, step + 0.5, time=start + step)
            peer.set(Kind.ANALOG_INPUT, 9, step + 0.5)  # nobody watches this one
            await asyncio.sleep(0.01)
        peer.set(Kind.BINARY_INPUT, 1, True, time=start + 999)
        await watched.until(lambda one: len(one.rows) >= 4 + 51)
        await asyncio.sleep(0.5)
        await watched.stop()
        assert [row["tag_id"] for row in watched.batches[0]] == TAGS
        events = watched.rows[4:]
        analogs = [row for row in events if row["tag_id"] == "analog:1"]
        assert [row["value"] for row in analogs] == [step + 0.5 for step in range(50)]
        assert [milliseconds(row) for row in analogs] == [start + step for step in range(50)]
        assert [seen([row])[0] for row in events if row not in analogs] == [("binary:1", 1.0)]
        assert {row["quality"] for row in events} == {"good"}
        assert driver.connected

    with_driver(config(peer.port, unsolicited=unsolicited), use)
    assert peer.attempts() == []


def test_an_unsolicited_report_comes_before_the_next_poll(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(event=RICH)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, TAGS, every=60)
        await watched.until(lambda one: len(one.batches) >= 2)
        started = time.monotonic()
        peer.set(Kind.ANALOG_INPUT, 1, 4.5)
        await watched.until(lambda one: len(one.rows) > 4)
        assert time.monotonic() - started < 3
        await watched.stop()

    with_driver(config(peer.port), use)


def test_every_step_has_a_batch_although_nothing_comes(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, TAGS, every=0.1)
        await watched.until(lambda one: len(one.batches) >= 6)
        await watched.stop()
        assert all(batch == [] for batch in watched.batches[1:])

    with_driver(config(outstation.port), use)


def test_events_from_before_are_kept_for_whoever_watches(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(event=RICH)
    peer.set(Kind.ANALOG_INPUT, 1, 1.5)
    peer.set(Kind.ANALOG_INPUT, 1, 2.5)

    async def use(driver: Dnp3Driver) -> None:
        assert (await snapshot(driver, ["analog:1"]))["analog:1"]["value"] == 2.5
        watched = Watched(driver, ["analog:1"])
        await watched.until(lambda one: len(one.rows) >= 3)
        await watched.stop()
        assert [row["value"] for row in watched.rows] == [2.5, 1.5, 2.5]
        assert peer.status()["events"] == [0, 0, 0]

    with_driver(config(peer.port), use)


def test_after_a_watch_events_are_left_alone_again(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"])
        await watched.until(lambda one: len(one.batches) >= 2)
        assert outstation.status()["unsolicited_classes"] == [1, 2, 3]
        await watched.stop()
        assert outstation.status()["unsolicited_classes"] == []
        outstation.set(Kind.ANALOG_INPUT, 1, 9.5)
        assert (await snapshot(driver, ["analog:1"]))["analog:1"]["value"] == 9.5
        assert sum(outstation.status()["events"]) == 1

    with_driver(config(outstation.port), use)


def test_snapshots_and_two_watches_share_a_connection(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(event=RICH)

    async def use(driver: Dnp3Driver) -> None:
        one, other = Watched(driver, ["analog:1"]), Watched(driver, ["analog:1", "analog:2"])
        await one.until(lambda _: len(one.batches) >= 2 and len(other.batches) >= 2)
        for step in range(20):
            peer.set(Kind.ANALOG_INPUT, 1, float(step))
            rows = await snapshot(driver, ["analog:1", "analog:2"])
            assert rows["analog:1"]["value"] == step
        await one.until(lambda _: len(one.rows) >= 21 and len(other.rows) >= 22)
        await one.stop()
        peer.set(Kind.ANALOG_INPUT, 2, 99.0)
        await other.until(lambda _: ("analog:2", 99.0) in seen(other.rows))
        await other.stop()
        assert [row["value"] for row in one.rows[1:]] == list(range(20))

    with_driver(config(peer.port), use)
    assert peer.status()["connections"] == 1


def test_integers_without_time_are_uncertain_and_explained(
    dnp3_second_factory: Callable[..., Dnp3SecondPeer],
) -> None:
    peer = dnp3_second_factory()

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:3"], every=5)
        await watched.until(lambda one: len(one.batches) >= 2)
        await asyncio.sleep(0.3)
        peer.set(Kind.ANALOG_INPUT, 3, 12.5, flags=1, time=1_700_000_000_123)
        await watched.until(lambda one: len(one.rows) >= 2)
        await watched.stop()
        row = watched.rows[1]
        assert (row["value"], row["quality"]) == (12, "uncertain")
        assert row["status"] == "Online|IntegerVariation"
        assert any("unsolicited = false" in note for note in watched.log.notes)

    with_driver(config(peer.port), use)


def test_asking_gives_exact_values_and_times_of_the_same_outstation(
    dnp3_second_factory: Callable[..., Dnp3SecondPeer],
) -> None:
    peer = dnp3_second_factory()

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:3"])
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.set(Kind.ANALOG_INPUT, 3, 12.5, flags=1, time=1_700_000_000_123)
        await watched.until(lambda one: len(one.rows) >= 2)
        await watched.stop()
        row = watched.rows[1]
        assert (row["value"], row["quality"]) == (12.5, "good")
        assert milliseconds(row) == 1_700_000_000_123

    with_driver(config(peer.port, unsolicited=False), use)
