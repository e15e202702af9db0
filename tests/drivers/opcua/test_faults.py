"""Servers that die, stall or are cut off, and callers that go away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from greenlang_data.drivers.base import Request, Snapshot
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.quiet import quietly
from greenlang_data.errors import (
    GreenLangError,
    ProtocolError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.opcua.helpers import (
    batches,
    config,
    connected,
    series,
    snapshot,
    still_works,
    window,
    with_driver,
)
from tests.peers.launch import OpcuaPeer
from tests.peers.proxy import Fault, FaultProxy

ProxyFactory = Callable[[int], FaultProxy]

BULK = Snapshot(tuple(f"Bulk.{index:05d}" for index in range(300)))
MILLION = window("History.Million")


def through(peer: OpcuaPeer, proxy: FaultProxy) -> str:
    return peer.endpoint.replace(f":{peer.port}/", f":{proxy.port}/")


@pytest.mark.parametrize("request_", [BULK, MILLION], ids=["snapshot", "history"])
def test_a_server_killed_in_the_middle(
    opcua_factory: Callable[..., OpcuaPeer], request_: Request
) -> None:
    peer = opcua_factory(tags=300, history=25_000, mixed=10)

    async def main() -> None:
        driver = OpcUaDriver(config(peer.endpoint))
        await driver.connect()
        assert driver._session is not None
        driver._session.connection.limits.shrink("page", 500)
        peer.pause()
        reading = asyncio.create_task(batches(driver, request_))
        await asyncio.sleep(0.2)
        peer.kill()
        with pytest.raises(SourceUnreachable):
            await reading
        assert not driver.connected
        began = time.monotonic()
        with pytest.raises(SourceUnreachable):
            await batches(driver, request_)
        with pytest.raises(SourceUnreachable):
            await driver.ping()
        assert time.monotonic() - began < 0.1
        peer.restart()
        await still_works(driver)
        await driver.close()

    asyncio.run(main())


def test_a_stalled_server_is_a_time_out_and_recovers(
    opcua_factory: Callable[..., OpcuaPeer],
) -> None:
    peer = opcua_factory(tags=300, history=1000, mixed=10)

    async def main() -> None:
        driver = OpcUaDriver(config(peer.endpoint, timeout_seconds=1))
        await driver.connect()
        peer.pause()
        began = time.monotonic()
        with pytest.raises(SourceTimeout):
            await batches(driver, BULK)
        assert 0.9 < time.monotonic() - began < 2
        began = time.monotonic()
        await driver.close()
        assert time.monotonic() - began < 2
        peer.resume()
        await still_works(driver)
        peer.pause()
        began = time.monotonic()
        await driver.close()
        assert time.monotonic() - began < 2
        peer.resume()

    asyncio.run(main())


def test_a_short_stall_goes_unnoticed(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=300, history=1000, mixed=10)

    async def main() -> None:
        async with connected(peer.endpoint) as driver:
            peer.pause()
            reading = asyncio.create_task(snapshot(driver, ["Status.Good"]))
            await asyncio.sleep(1.5)
            peer.resume()
            assert (await reading)["Status.Good"]["value"] == 20.5
            assert driver.connected

    asyncio.run(main())


@pytest.mark.parametrize("request_", [BULK, MILLION], ids=["snapshot", "history"])
@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (Fault.CUT, (SourceUnreachable,)),
        (Fault.HALF, (SourceUnreachable,)),
        (Fault.RESET, (SourceUnreachable,)),
        (Fault.GARBAGE, (ProtocolError,)),
        (Fault.STALL, (SourceTimeout,)),
    ],
)
def test_a_damaged_line(
    opcua_peer: OpcuaPeer,
    proxy_factory: ProxyFactory,
    fault: Fault,
    kinds: tuple[type[GreenLangError], ...],
    request_: Request,
) -> None:
    proxy = proxy_factory(opcua_peer.port)

    async def use(driver: OpcUaDriver) -> None:
        await still_works(driver)
        proxy.set_fault(fault, after_bytes=5000)
        with pytest.raises(kinds):
            await batches(driver, request_)
        proxy.set_fault(Fault.PASS)
        await still_works(driver)

    # Only a stall waits for the time limit; the others leave a busy machine its time.
    seconds = 1 if fault is Fault.STALL else 10
    with_driver(through(opcua_peer, proxy), use, timeout_seconds=seconds)


def test_answers_byte_by_byte(opcua_peer: OpcuaPeer, proxy_factory: ProxyFactory) -> None:
    proxy = proxy_factory(opcua_peer.port)

    async def use(driver: OpcUaDriver) -> None:
        proxy.set_fault(Fault.DRIP, interval=0.0005)
        await still_works(driver)

    with_driver(through(opcua_peer, proxy), use)


@pytest.mark.parametrize("request_", [BULK, MILLION], ids=["snapshot", "history"])
def test_cancelling_a_read_leaves_the_driver_usable(
    opcua_peer: OpcuaPeer, proxy_factory: ProxyFactory, request_: Request
) -> None:
    proxy = proxy_factory(opcua_peer.port)

    async def use(driver: OpcUaDriver) -> None:
        assert driver._session is not None
        driver._session.connection.limits.shrink("page", 1000)
        for after in (0.0, 0.01, 0.05, 0.2):
            proxy.set_delay(down=0.4)
            reading = asyncio.create_task(batches(driver, request_))
            await asyncio.sleep(after)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            proxy.set_delay()
            await still_works(driver)
        table = (await series(driver, MILLION))["History.Million"]
        assert table.num_rows == 25_000

    with_driver(through(opcua_peer, proxy), use)


def test_after_a_cancellation_a_dead_line_is_found_soon(
    opcua_peer: OpcuaPeer, proxy_factory: ProxyFactory
) -> None:
    proxy = proxy_factory(opcua_peer.port)

    async def use(driver: OpcUaDriver) -> None:
        proxy.set_fault(Fault.STALL)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await batches(driver, BULK)
        with pytest.raises(SourceTimeout):
            await batches(driver, BULK)
        assert not driver.connected
        proxy.set_fault(Fault.PASS)
        await still_works(driver)

    with_driver(through(opcua_peer, proxy), use, timeout_seconds=1)


@pytest.mark.parametrize("request_", [BULK, MILLION], ids=["snapshot", "history"])
def test_closing_while_reading(
    opcua_peer: OpcuaPeer, proxy_factory: ProxyFactory, request_: Request
) -> None:
    proxy = proxy_factory(opcua_peer.port)

    async def use(driver: OpcUaDriver) -> None:
        proxy.set_fault(Fault.HOLD_ANSWERS)
        reading = asyncio.create_task(batches(driver, request_))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await driver.close()
        assert time.monotonic() - began < 2
        with pytest.raises(SourceUnreachable):
            await reading
        proxy.set_fault(Fault.PASS)
        await still_works(driver)

    with_driver(through(opcua_peer, proxy), use)


@pytest.mark.parametrize("mode", ["None", "Sign", "SignAndEncrypt"])
def test_renewing_the_channel_in_the_middle_of_reads(
    opcua_peer: OpcuaPeer, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENLANG_DATA_HOME", str(tmp_path))

    async def use(driver: OpcUaDriver) -> None:
        assert driver._session is not None
        connection = driver._session.connection
        connection.limits.shrink("page", 1000)
        reading = asyncio.create_task(series(driver, MILLION))
        for _ in range(3):
            await asyncio.sleep(0.02)
            await quietly(connection.renew_channel())
            await still_works(driver)
        assert (await reading)["History.Million"].num_rows == 25_000

    security = {"security_mode": mode, "security_policy": "Basic256Sha256"}
    with_driver(opcua_peer.endpoint, use, trust_on_first_use=True, **security)


def test_an_idle_session_is_kept_alive(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        assert driver._session is not None
        connection = driver._session.connection
        connection._upkeep.cancel()
        connection._client.session_timeout = 3000
        connection._client.secure_channel_timeout = 2000
        connection._upkeep = asyncio.create_task(quietly(connection._keep_alive()))
        opcua_peer.clear_requests()
        await asyncio.sleep(2.2)
        asked = [line["service"] for line in opcua_peer.requests()]
        assert asked.count("Read") >= 3
        assert asked.count("OpenSecureChannel") in (0, 1, 2)
        await still_works(driver)

    with_driver(opcua_peer.endpoint, use)


def test_sessions_are_given_back(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=10, history=10, mixed=10, max_sessions=2)

    async def main() -> None:
        for _ in range(8):
            async with connected(peer.endpoint) as driver:
                await still_works(driver)

    asyncio.run(main())


def test_too_many_sessions_is_busy(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=10, history=10, mixed=10, max_sessions=1)

    async def main() -> None:
        async with connected(peer.endpoint):
            with pytest.raises(SourceBusy):
                await OpcUaDriver(config(peer.endpoint)).connect()

    asyncio.run(main())
