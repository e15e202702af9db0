"""Whatever an outstation or network does: an error in time, or the right values; never wrong ones."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.errors import SourceError, SourceTimeout, SourceUnreachable
from tests.drivers.dnp3.helpers import config, read_once, snapshot, with_driver
from tests.peers.dnp3_outstation.lies import Lie, Target
from tests.peers.dnp3_truth import Kind, number
from tests.peers.launch_dnp3 import Dnp3Peer, Dnp3SecondPeer
from tests.peers.proxy import Fault, FaultProxy

ProxyFactory = Callable[[int], FaultProxy]
RIGHT = {f"analog:{index}": number(Kind.ANALOG_INPUT, index) for index in range(28, 100)}
RIGHT["analog:3"] = 2147483647.0


async def check(driver: Dnp3Driver) -> None:
    rows = await snapshot(driver, RIGHT)
    assert {tag: row["value"] for tag, row in rows.items()} == RIGHT
    assert {row["failure"] for row in rows.values()} == {None}


async def recovers(driver: Dnp3Driver) -> None:
    if not driver.connected:
        await driver.connect()
    await check(driver)


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.value)
def test_a_lie_is_an_error_or_makes_no_difference(outstation: Dnp3Peer, lie: Lie) -> None:
    async def use(driver: Dnp3Driver) -> None:
        await check(driver)
        for _ in range(2):
            outstation.lie(lie, target=Target.DATA)
            try:
                rows = await snapshot(driver, RIGHT)
            except SourceError:
                pass  # told, and not a number
            else:
                for tag, row in rows.items():
                    assert (row["value"], row["failure"] is None) in (
                        (RIGHT[tag], True),
                        (None, False),
                    )
            outstation.truth()
            await recovers(driver)

    with_driver(config(outstation.port, response_timeout_seconds=0.5), use)


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.value)
def test_a_lie_while_connecting_is_an_error_or_makes_no_difference(
    outstation: Dnp3Peer, lie: Lie
) -> None:
    async def run() -> None:
        settings = config(outstation.port, response_timeout_seconds=0.5, timeout_seconds=4)
        driver = Dnp3Driver(settings)
        outstation.lie(lie, target=Target.ANY, count=2)
        started = time.monotonic()
        with contextlib.suppress(SourceError):
            await driver.connect()
        assert time.monotonic() - started < 4
        outstation.truth()
        await recovers(driver)
        await driver.close()

    asyncio.run(run())


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.HALF, Fault.GARBAGE, Fault.RESET, Fault.STALL])
def test_a_broken_wire(outstation: Dnp3Peer, proxy_factory: ProxyFactory, fault: Fault) -> None:
    proxy = proxy_factory(outstation.port)

    async def use(driver: Dnp3Driver) -> None:
        for after in (0, 5, 12, 300):
            proxy.set_fault(fault, after_bytes=after)
            with pytest.raises(SourceError):
                await check(driver)
            assert not driver.connected
            proxy.set_fault(Fault.PASS)
            await recovers(driver)

    with_driver(config(proxy.port, response_timeout_seconds=0.5), use)


def test_the_end_of_a_connection_is_noticed_at_once(
    outstation: Dnp3Peer, proxy_factory: ProxyFactory
) -> None:
    proxy = proxy_factory(outstation.port)

    async def use(driver: Dnp3Driver) -> float:
        proxy.set_fault(Fault.HOLD_ANSWERS)
        reading = asyncio.create_task(snapshot(driver, RIGHT))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        proxy.drop_connections()
        with pytest.raises(SourceUnreachable, match="was closed by the outstation"):
            await reading
        proxy.set_fault(Fault.PASS)
        return time.monotonic() - started

    assert min(with_driver(config(proxy.port), use) for _ in range(3)) < 0.1


def test_a_read_that_is_given_up_leaves_a_usable_driver(
    outstation: Dnp3Peer, proxy_factory: ProxyFactory
) -> None:
    proxy = proxy_factory(outstation.port)

    async def use(driver: Dnp3Driver) -> None:
        for _ in range(3):
            proxy.set_fault(Fault.HOLD_ANSWERS)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await snapshot(driver, RIGHT)
            proxy.set_fault(Fault.PASS)
            await recovers(driver)

    with_driver(config(proxy.port), use)


def test_nobody_there() -> None:
    with pytest.raises(SourceUnreachable, match=r"plant: cannot connect to 127\.0\.0\.1:1\b"):
        read_once(config(1), RIGHT)
    with pytest.raises(SourceUnreachable, match=r"no-such-host\.invalid:20000"):
        read_once(config(1, endpoint="no-such-host.invalid"), RIGHT)


@pytest.mark.parametrize("wrong", [{"outstation_address": 11}, {"master_address": 2}])
def test_a_wrong_address_is_a_silence_that_is_explained(
    outstation: Dnp3Peer, wrong: dict[str, int]
) -> None:
    settings = config(outstation.port, response_timeout_seconds=0.5, **wrong)
    with pytest.raises(SourceTimeout, match="outstation_address and master_address"):
        read_once(settings, RIGHT)


def test_a_stalled_outstation_is_a_timeout_and_then_works(
    dnp3_second_factory: Callable[..., Dnp3SecondPeer],
) -> None:
    peer = dnp3_second_factory()

    async def use(driver: Dnp3Driver) -> None:
        peer.pause()
        started = time.monotonic()
        with pytest.raises(SourceTimeout, match=r"did not answer within 0\.5 s"):
            await snapshot(driver, ["analog:29"])
        assert 0.4 < time.monotonic() - started < 2
        peer.resume()
        await driver.connect()
        assert (await snapshot(driver, ["analog:29"]))["analog:29"]["value"] == -85.5
        peer.restart()
        await asyncio.sleep(0.2)
        assert not driver.connected
        await driver.connect()
        assert (await snapshot(driver, ["analog:29"]))["analog:29"]["value"] == -85.5

    with_driver(config(peer.port, response_timeout_seconds=0.5), use)


def test_reads_at_the_same_time_take_turns(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        await asyncio.gather(*(check(driver) for _ in range(20)))

    with_driver(config(outstation.port), use)
