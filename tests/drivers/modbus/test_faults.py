"""Whatever a device or network does: an error in time, or the right values; never wrong ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.errors import (
    ProtocolError,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.modbus.helpers import (
    config,
    holding_word,
    register,
    snapshot,
    values,
    with_driver,
    words,
)
from tests.peers.launch import Peer
from tests.peers.lying_modbus import Behaviour, LyingModbus
from tests.peers.proxy import Fault, FaultProxy

ProxyFactory = Callable[[int], FaultProxy]
LyingFactory = Callable[..., LyingModbus]

RIGHT = {f"W{at}": holding_word(at) for at in range(14000, 14300)}
ONES = words(14000, 14300)


async def check(driver: ModbusDriver) -> None:
    assert values(await snapshot(driver)) == RIGHT


async def recovers(driver: ModbusDriver) -> None:
    assert not driver.connected
    await driver.connect()
    await check(driver)


async def lost(driver: ModbusDriver) -> None:
    """Wait until an idle driver has noticed that its connection is gone."""
    async with asyncio.timeout(2):
        while driver.connected:  # noqa: ASYNC110 - a connector can only ask as well
            await asyncio.sleep(0.001)


@pytest.fixture
def proxy(modbus_peer: Peer, proxy_factory: ProxyFactory) -> FaultProxy:
    return proxy_factory(modbus_peer.port)


def test_refused(proxy: FaultProxy) -> None:
    async def run() -> None:
        driver = ModbusDriver(config(proxy.port, ONES))
        proxy.set_fault(Fault.REFUSE)
        with pytest.raises(
            SourceUnreachable, match=f"plant: cannot connect to 127.0.0.1:{proxy.port}"
        ):
            await driver.connect()
        proxy.set_fault(Fault.PASS)
        await recovers(driver)
        await driver.close()

    asyncio.run(run())


def test_a_host_that_is_not_there() -> None:
    with pytest.raises(SourceUnreachable, match=r"cannot connect to no-such-host\.invalid:502"):
        with_driver(config(1, endpoint="no-such-host.invalid"), check)


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async def never(*_: object, **__: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
        started = time.monotonic()
        with pytest.raises(SourceTimeout, match=r"did not accept a connection within 0\.5 s"):
            await ModbusDriver(config(1, timeout_seconds=1)).connect()
        assert time.monotonic() - started < 0.8

    asyncio.run(run())


@pytest.mark.parametrize("idle", [True, False])
def test_reset(proxy: FaultProxy, idle: bool) -> None:
    async def use(driver: ModbusDriver) -> None:
        await check(driver)  # by now the proxy has both its connections
        if idle:
            await check(driver)  # so that the proxy has the connection too
            proxy.reset_connections()
            await lost(driver)
        else:
            proxy.set_fault(Fault.HOLD_ANSWERS)
            reading = asyncio.create_task(snapshot(driver))
            await asyncio.sleep(0.05)
            proxy.reset_connections()
            with pytest.raises(SourceUnreachable, match="was reset"):
                await reading
        proxy.set_fault(Fault.PASS)
        await recovers(driver)

    with_driver(config(proxy.port, ONES), use)


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.HOLD_ANSWERS, Fault.DRIP])
def test_an_attempt_that_takes_too_long_leaves_a_usable_driver(
    proxy: FaultProxy, fault: Fault
) -> None:
    async def use(driver: ModbusDriver) -> None:
        for _ in range(3):
            proxy.set_fault(fault, interval=0.01)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await snapshot(driver)
            proxy.set_fault(Fault.PASS)
            await recovers(driver)

    with_driver(config(proxy.port, ONES), use)


def test_a_slow_answer_is_right(proxy: FaultProxy) -> None:
    async def use(driver: ModbusDriver) -> None:
        proxy.set_fault(Fault.DRIP, interval=0.0005)
        await check(driver)

    with_driver(config(proxy.port, ONES), use)


@pytest.mark.parametrize("bytes_before", [0, 1, 6, 7, 8, 9, 100, 258])
def test_cut_in_the_middle_of_an_answer(proxy: FaultProxy, bytes_before: int) -> None:
    async def use(driver: ModbusDriver) -> None:
        proxy.set_fault(Fault.CUT, after_bytes=bytes_before)
        started = time.monotonic()
        with pytest.raises(SourceUnreachable, match="was closed"):
            await snapshot(driver)
        assert time.monotonic() - started < 0.5
        proxy.set_fault(Fault.PASS)
        await recovers(driver)

    with_driver(config(proxy.port, ONES), use)


def test_the_end_of_a_connection_is_noticed_within_50_ms(proxy: FaultProxy) -> None:
    async def use(driver: ModbusDriver) -> float:
        proxy.set_fault(Fault.HOLD_ANSWERS)
        reading = asyncio.create_task(snapshot(driver))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        proxy.drop_connections()
        with pytest.raises(SourceUnreachable):
            await reading
        took = time.monotonic() - started
        proxy.set_fault(Fault.PASS)
        return took

    took = min(with_driver(config(proxy.port, ONES), use) for _ in range(3))
    assert took < 0.05


def test_garbage(proxy: FaultProxy) -> None:
    async def use(driver: ModbusDriver) -> None:
        proxy.set_fault(Fault.GARBAGE)
        with pytest.raises(ProtocolError, match=r"plant: .* broken answer"):
            await snapshot(driver)
        proxy.set_fault(Fault.PASS)
        await recovers(driver)

    with_driver(config(proxy.port, ONES), use)


LIES = {
    Behaviour.SHORT: "249 bytes|251 bytes",
    Behaviour.LONG: "255|protocol",
    Behaviour.BYTE_COUNT: "belong",
    Behaviour.WRONG_UNIT: "unit 2 answered for unit 1",
    Behaviour.WRONG_TRANSACTION: "which was not sent",
    Behaviour.WRONG_PROTOCOL: "protocol 7",
    Behaviour.WRONG_FUNCTION: "function 4 answered function 3",
    Behaviour.HUGE_LENGTH: "length 65535",
    Behaviour.ENDLESS_GARBAGE: "broken answer",
    Behaviour.EMPTY: "0 bytes came",
}


@pytest.mark.parametrize("lie", list(LIES), ids=lambda lie: lie.value)
def test_a_lie_is_a_protocol_error(lying_modbus_factory: LyingFactory, lie: Behaviour) -> None:
    peer = lying_modbus_factory(lie)

    async def use(driver: ModbusDriver) -> None:
        with pytest.raises(ProtocolError, match=LIES[lie]):
            await snapshot(driver)
        peer.behaviour = Behaviour.HONEST
        await recovers(driver)

    with_driver(config(peer.port, ONES), use)


@pytest.mark.parametrize("lie", [Behaviour.DUPLICATE, Behaviour.STALE_FIRST])
def test_answers_that_come_again_are_dropped(
    lying_modbus_factory: LyingFactory, lie: Behaviour
) -> None:
    peer = lying_modbus_factory(lie)

    async def use(driver: ModbusDriver) -> None:
        for _ in range(50):
            await check(driver)

    with_driver(config(peer.port, ONES), use)
    assert peer.connections == 1


@pytest.mark.parametrize("lie", [Behaviour.LATE, Behaviour.REORDERED, Behaviour.SILENT])
def test_answers_that_do_not_come_leave_a_usable_driver(
    lying_modbus_factory: LyingFactory, lie: Behaviour
) -> None:
    peer = lying_modbus_factory(lie)

    async def use(driver: ModbusDriver) -> None:
        try:
            async with asyncio.timeout(0.1):
                await check(driver)
        except TimeoutError:
            peer.behaviour = Behaviour.HONEST
            await recovers(driver)

    with_driver(config(peer.port, ONES), use)


def test_data_that_nobody_asked_for_ends_the_connection(
    lying_modbus_factory: LyingFactory,
) -> None:
    peer = lying_modbus_factory(Behaviour.HONEST)

    async def use(driver: ModbusDriver) -> None:
        await check(driver)
        (writer,) = peer._writers
        peer._loop.run(_write(writer, bytes.fromhex("4242 0000 0005 01 03 02 0000")))
        await lost(driver)
        await recovers(driver)

    with_driver(config(peer.port, ONES), use)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)


WRONG_ANSWERS = [
    one for one in Behaviour if one not in (Behaviour.EXCEPTION, Behaviour.ONE_REGISTER)
]


@pytest.mark.parametrize("lie", WRONG_ANSWERS, ids=lambda lie: lie.value)
def test_no_wrong_value_in_hundreds_of_lies(
    lying_modbus_factory: LyingFactory, lie: Behaviour
) -> None:
    peer = lying_modbus_factory(lie, lie_every=3)
    tags = [(f"W{at}", f"W{at + 130}") for at in range(14000, 14150)]

    async def use(driver: ModbusDriver) -> int:
        right = 0
        for asked in tags:
            try:
                async with asyncio.timeout(0.05):
                    if not driver.connected:
                        await driver.connect()
                    rows = await snapshot(driver, asked)
            except (SourceError, TimeoutError):
                continue
            assert values(rows) == {tag: RIGHT[tag] for tag in asked}
            right += 1
        return right

    settings = config(peer.port, ONES, max_block_gap=0)
    assert with_driver(settings, use) >= 20


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.HALF, Fault.GARBAGE, Fault.RESET])
def test_no_wrong_value_when_the_network_fails(proxy: FaultProxy, fault: Fault) -> None:
    async def use(driver: ModbusDriver) -> None:
        for turn in range(60):
            proxy.set_fault(fault if turn % 2 else Fault.PASS, after_bytes=turn * 9)
            try:
                if not driver.connected:
                    await driver.connect()
                await check(driver)
            except SourceError:
                assert turn % 2 or fault is Fault.RESET

    with_driver(config(proxy.port, ONES), use)


def test_concurrent_reads_survive_one_that_is_given_up(proxy: FaultProxy) -> None:
    async def use(driver: ModbusDriver) -> None:
        proxy.set_fault(Fault.HOLD_ANSWERS)
        first = asyncio.create_task(snapshot(driver))
        waiting = asyncio.create_task(snapshot(driver))
        await asyncio.sleep(0.02)
        waiting.cancel()  # its turn has not come, so nothing of it is on the wire
        await asyncio.sleep(0.02)
        assert driver.connected
        proxy.set_fault(Fault.PASS)
        assert values(await first) == RIGHT
        await check(driver)

    with_driver(config(proxy.port, ONES), use)


def test_close_in_the_middle_of_a_read(proxy: FaultProxy) -> None:
    async def use(driver: ModbusDriver) -> None:
        proxy.set_fault(Fault.HOLD_ANSWERS)
        reading = asyncio.create_task(snapshot(driver))
        await asyncio.sleep(0.02)
        started = time.monotonic()
        await driver.close()
        assert time.monotonic() - started < 0.5
        with pytest.raises(SourceUnreachable):
            await reading

    with_driver(config(proxy.port, ONES), use)


def test_a_paused_server(modbus_factory: Callable[..., Peer]) -> None:
    peer = modbus_factory()

    async def use(driver: ModbusDriver) -> None:
        peer.pause()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await snapshot(driver)
        peer.resume()
        await recovers(driver)
        peer.restart()
        await lost(driver)
        await recovers(driver)

    with_driver(config(peer.port, ONES), use)


def test_a_search_that_ran_out_of_time_goes_on_where_it_was(
    lying_modbus_factory: LyingFactory,
) -> None:
    peer = lying_modbus_factory(Behaviour.EXCEPTION, code=2)
    ones = [register(f"T{at}", address=at) for at in range(400)]

    async def use(driver: ModbusDriver) -> int:
        for attempts in range(1, 500):
            try:
                async with asyncio.timeout(0.05):
                    await driver.connect()
                    rows = await snapshot(driver)
            except TimeoutError:
                continue
            assert all(row["status"] == "IllegalDataAddress" for row in rows.values())
            return attempts
        raise AssertionError("the search never ended")

    attempts = with_driver(config(peer.port, ones), use)
    # Twice as many as values for the search, and the way down to the last place per attempt.
    assert len(peer.requests) < 2 * 400 + 10 * attempts
