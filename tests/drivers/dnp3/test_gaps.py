"""Events over lost links, restarts and overflows: each once, or a gap that is marked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.errors import SourceError, SourceUnreachable
from tests.drivers.dnp3.helpers import Row, Watched, config, with_driver
from tests.peers.dnp3_truth import Kind
from tests.peers.launch_dnp3 import Dnp3Peer, change
from tests.peers.proxy import FaultProxy

Factory = Callable[..., Dnp3Peer]
RICH = {Kind.ANALOG_INPUT: 7, Kind.BINARY_INPUT: 2, Kind.COUNTER: 5, Kind.DOUBLE_BIT_INPUT: 2}


def seen(rows: list[Row]) -> list[tuple[str, float | None]]:
    return [(row["tag_id"], row["value"]) for row in rows]


def test_an_overflow_is_marked_and_followed_by_all_values(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(event=RICH, event_buffer=5)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1", "binary:1"], every=0.3)
        await watched.until(lambda one: len(one.batches) >= 2)
        burst = [change(Kind.ANALOG_INPUT, 1, step + 0.5) for step in range(40)]
        peer.command(*burst)
        await watched.until(lambda one: any(row["failure"] for row in one.rows))
        await watched.until(lambda one: one.rows[-1]["failure"] is None)
        await watched.stop()
        markers = [row for row in watched.rows if row["failure"]]
        assert [row["tag_id"] for row in markers] == ["analog:1", "binary:1"]
        for row in markers:
            assert (row["status"], row["value"]) == ("EventBufferOverflow", None)
            assert "events were lost" in row["failure"]
        after = watched.rows[watched.rows.index(markers[-1]) + 1 :]
        assert ("analog:1", 39.5) in seen(after)
        assert any("events were lost" in note for note in watched.log.notes)

    with_driver(config(peer.port), use)


def test_a_restart_of_the_device_is_marked(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(event=RICH)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"])
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.set(Kind.ANALOG_INPUT, 1, 77.5)
        await watched.until(lambda one: ("analog:1", 77.5) in seen(one.rows))
        peer.restart_device(drop=False)
        await watched.until(lambda one: any(row["status"] == "DeviceRestart" for row in one.rows))
        await watched.until(lambda one: seen(one.rows)[-1] == ("analog:1", 3.5))
        peer.set(Kind.ANALOG_INPUT, 1, 5.5)
        await watched.until(lambda one: seen(one.rows)[-1] == ("analog:1", 5.5))
        await watched.stop()

    with_driver(config(peer.port), use)


@pytest.mark.parametrize("reset", [True, False])
def test_the_loss_of_the_link_is_told_at_once_and_no_event_is_lost(
    dnp3_factory: Factory, reset: bool
) -> None:
    peer = dnp3_factory(event=RICH)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"], every=30)
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.set(Kind.ANALOG_INPUT, 1, 10.5)
        await watched.until(lambda one: len(one.rows) >= 2)
        started = time.monotonic()
        peer.drop(reset=reset)
        with pytest.raises(SourceUnreachable, match="plant"):
            await watched.task
        assert time.monotonic() - started < 1
        assert not driver.connected
        peer.set(Kind.ANALOG_INPUT, 1, 11.5)
        peer.set(Kind.ANALOG_INPUT, 1, 12.5)
        await driver.connect()
        again = Watched(driver, ["analog:1"])
        await again.until(lambda one: len(one.rows) >= 3)
        await again.stop()
        assert [row["value"] for row in watched.rows] == [3.5, 10.5]
        assert [row["value"] for row in again.rows] == [12.5, 11.5, 12.5]

    with_driver(config(peer.port), use)


@pytest.mark.parametrize("unsolicited", [True, False])
def test_events_whose_confirmation_got_lost_are_told_once(
    dnp3_factory: Factory,
    proxy_factory: Callable[[int], FaultProxy],
    unsolicited: bool,
) -> None:
    peer = dnp3_factory(event=RICH)
    proxy = proxy_factory(peer.port)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"], every=0.4)
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.command(*[change(Kind.ANALOG_INPUT, 1, step + 0.5) for step in range(3)])
        proxy.set_delay(up=0.3)
        await watched.until(lambda one: len(one.rows) >= 4)
        proxy.reset_connections()
        with pytest.raises(SourceUnreachable):
            await watched.task
        assert sum(peer.status()["events"]) == 3  # nobody has confirmed them
        proxy.set_delay()
        peer.set(Kind.ANALOG_INPUT, 1, 50.5)
        await driver.connect()
        again = Watched(driver, ["analog:1"])
        await again.until(lambda one: len(one.rows) >= 2)
        await asyncio.sleep(0.5)
        peer.set(Kind.ANALOG_INPUT, 1, 51.5)
        await again.until(lambda one: len(one.rows) >= 3)
        await again.stop()
        assert [row["value"] for row in watched.rows] == [3.5, 0.5, 1.5, 2.5]
        assert [row["value"] for row in again.rows] == [50.5, 50.5, 51.5]

    with_driver(config(proxy.port, unsolicited=unsolicited), use)


def test_a_silent_outstation_ends_a_watch_within_seconds(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"], every=0.5)
        await watched.until(lambda one: len(one.batches) >= 2)
        started = time.monotonic()
        outstation.pause()
        with pytest.raises(SourceError, match="did not answer within 1 s"):
            await watched.task
        assert time.monotonic() - started < 4
        outstation.resume()

    with_driver(config(outstation.port, response_timeout_seconds=1), use)


def test_a_report_that_is_sent_again_is_taken_once(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(event=RICH)
    from tests.peers.dnp3_outstation.lies import Lie, Target

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"])
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.lie(Lie.DUPLICATE, target=Target.UNSOLICITED)
        peer.set(Kind.ANALOG_INPUT, 1, 21.5)
        await watched.until(lambda one: len(one.rows) >= 2)
        await asyncio.sleep(0.6)
        await watched.stop()
        assert [row["value"] for row in watched.rows] == [3.5, 21.5]

    with_driver(config(peer.port), use)


def test_a_slow_wire_only_delays(
    dnp3_factory: Factory, proxy_factory: Callable[[int], FaultProxy]
) -> None:
    peer = dnp3_factory(event=RICH)
    proxy = proxy_factory(peer.port)
    proxy.set_delay(up=0.05, down=0.05)

    async def use(driver: Dnp3Driver) -> None:
        watched = Watched(driver, ["analog:1"], every=0.2)
        await watched.until(lambda one: len(one.batches) >= 2)
        for step in range(10):
            peer.set(Kind.ANALOG_INPUT, 1, float(step))
        await watched.until(lambda one: len(one.rows) >= 11)
        await asyncio.sleep(0.3)
        await watched.stop()
        assert [row["value"] for row in watched.rows[1:]] == list(range(10))

    with_driver(config(proxy.port), use)
