"""Watching: reports of changes where a device sends them, polling elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.schema import SNAPSHOT
from greenlang_data.errors import SourceError
from tests.drivers.bacnet.helpers import config, with_driver
from tests.drivers.bacnet.odd_device import OddDevice, Reply, Request, inputs
from tests.peers import bacnet_truth as truth
from tests.peers.launch_bacnet import BacnetPeer

LIVE = f"AI:{truth.LIVE_INSTANCE}"
Batches = list[list[dict[str, Any]]]


async def watch(
    driver: BacnetDriver,
    tags: tuple[str, ...],
    every: float,
    log: ReadLog,
    enough: Callable[[Batches], bool],
) -> Batches:
    """The rows of each batch until there are enough, however slow the machine is."""
    batches: Batches = []
    async with asyncio.timeout(60), aclosing(driver.watch(Watch(tags, every), log)) as stream:
        async for batch in stream:
            assert batch.schema == SNAPSHOT
            batches.append(batch.to_pylist())
            if enough(batches):
                break
    return batches


def values_of(batches: Batches, tag: str) -> list[float]:
    return [row["value"] for batch in batches for row in batch if row["tag_id"] == tag]


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("peer_name", ["bacnet_peer", "bacnet_second"])
def test_changes_are_reported_each_once(
    request: pytest.FixtureRequest, peer_name: str, confirmed: bool
) -> None:
    peer: BacnetPeer = request.getfixturevalue(peer_name)

    def enough(batches: Batches) -> bool:
        values = values_of(batches, LIVE)
        # A batch without rows is a sign of life, one each half second.
        return values[-1] - values[0] >= 8 and len([one for one in batches if not one]) >= 3

    async def use(driver: BacnetDriver) -> Batches:
        log = ReadLog()
        batches = await watch(driver, ("AI:1", LIVE), 0.5, log, enough)
        assert any("COV increment" in note for note in log.notes)
        return batches

    batches = with_driver(config(peer, confirmed_cov=confirmed), use)
    assert [row["tag_id"] for row in batches[0]] == ["AI:1", LIVE]
    values = values_of(batches, LIVE)
    # The first report repeats the value at the time of the subscription; then each step comes.
    assert all(0 <= later - one <= 1 for one, later in pairwise(values[1:]))
    assert set(values_of(batches, "AI:1")) == {truth.analog_value(1)}
    # With each change the device was asked for the reason of a fault, and nothing else.
    assert {entry["service"] for entry in peer.requests()} <= {5, 8, 12, 14, 26}


def test_subscriptions_are_renewed_and_given_back(bacnet_peer: BacnetPeer) -> None:
    async def use(driver: BacnetDriver) -> int:
        bacnet_peer.clear_requests()
        settings = driver.config
        assert settings.cov_lifetime_seconds == 10
        until = time.monotonic() + 5.6
        await watch(driver, (LIVE,), 0.5, ReadLog(), lambda _: time.monotonic() > until)
        return len([one for one in bacnet_peer.requests() if one["service"] == 5])

    # Once at first, again after half of the lifetime, and once to end it.
    assert with_driver(config(bacnet_peer, cov_lifetime_seconds=10), use) == 3


def test_what_cannot_be_subscribed_to_is_polled() -> None:
    class NoReports(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if request.service == 5:
                return [Reply(bytes([0x50, request.invoke_id, 5, 0x91, 5, 0x91, 45]))]
            return [Reply(self.honest(request))]

    log = ReadLog()

    async def use(driver: BacnetDriver) -> Batches:
        tags = ("AI:1", "AI:2.units", "AI:99")
        return await watch(driver, tags, 0.1, log, lambda batches: len(batches) >= 6)

    with NoReports(inputs()) as device:
        batches = with_driver(config(device.address), use)
    assert [row["tag_id"] for row in batches[0]] == ["AI:1", "AI:2.units", "AI:99"]
    assert [[(row["tag_id"], row["value"]) for row in batch] for batch in batches[2:]] == [
        [("AI:1", 1.0), ("AI:2.units", 62.0), ("AI:99", None)]
    ] * len(batches[2:])
    assert any("do not report their changes" in note for note in log.notes)


def test_a_device_that_goes_away_is_an_error(bacnet_factory: Any) -> None:
    peer: BacnetPeer = bacnet_factory()

    async def use(driver: BacnetDriver) -> None:
        async def consume() -> None:
            async with aclosing(driver.watch(Watch((LIVE,), 0.3), ReadLog())) as stream:
                async for _ in stream:
                    peer.kill()

        with pytest.raises(SourceError):
            await asyncio.wait_for(consume(), 10)
        assert not driver.connected

    with_driver(config(peer, apdu_timeout_seconds=0.3, apdu_retries=1), use)


def test_a_watch_that_is_cancelled_ends_at_once(bacnet_peer: BacnetPeer) -> None:
    async def use(driver: BacnetDriver) -> None:
        async def consume() -> None:
            stream = driver.watch(Watch((LIVE,), 5), ReadLog())
            async with aclosing(stream):
                async for _ in stream:
                    pass

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.5)
        task.cancel()
        async with asyncio.timeout(3):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert driver.connected

    with_driver(config(bacnet_peer), use)
