"""Modbus TCP: requests, round trips and decoding, side by side with plain pymodbus.

Run it from the top folder: ``python -m tests.bench.bench_modbus``. Server: libmodbus, in another
process. Only the ratios mean anything on another machine.
"""

from __future__ import annotations

import asyncio
import math
import socket
import statistics
import struct
import time
from collections.abc import Awaitable, Callable

from pymodbus.client import AsyncModbusTcpClient

from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.base import ReadLog, Snapshot
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.drivers.modbus.batch import snapshot_batch
from greenlang_data.drivers.modbus.reader import SnapshotReader
from greenlang_data.settings.register import Register
from tests.peers import launch

FLOATS = 5000
PER_BLOCK = 62
FEWEST = math.ceil(FLOATS / PER_BLOCK)
ROUNDS = 25
ONE_WAY_SECONDS = (0.001, 0.002)


def registers() -> tuple[Register, ...]:
    """5,000 float32 tags in 10,000 holding registers."""
    return tuple(
        Register(tag=f"F{at}", table="holding", address=2 * at, type="float32", word_order="ABCD")
        for at in range(FLOATS)
    )


def driver_for(port: int) -> ModbusDriver:
    """A driver for the peer on ``port``."""
    return ModbusDriver(
        SCADAConfig(
            connector_id="bench",
            connector_type="scada",
            protocol="modbus",
            endpoint=f"127.0.0.1:{port}",
            registers=registers(),
        )
    )


async def read_driver(driver: ModbusDriver, tags: tuple[str, ...]) -> int:
    """One snapshot to its batch; returns the requests it took."""
    log = ReadLog()
    async for batch in driver.read(Snapshot(tags), log):
        assert batch.num_rows == FLOATS
    return log.requests


async def read_pymodbus(client: AsyncModbusTcpClient) -> None:
    """The same blocks by hand, as the documentation of pymodbus shows it."""
    values: list[float] = []
    for first in range(0, 2 * FLOATS, 2 * PER_BLOCK):
        count = min(2 * PER_BLOCK, 2 * FLOATS - first)
        answer = await client.read_holding_registers(first, count=count, device_id=1)
        decoded = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
        assert isinstance(decoded, list)
        values += decoded  # type: ignore[arg-type]
    assert len(values) == FLOATS


async def seconds(run: Callable[[], Awaitable[object]]) -> float:
    """How long one run takes."""
    started = time.perf_counter()
    await run()
    return time.perf_counter() - started


def bare_seconds(port: int) -> float:
    """How long as many bare requests for one block take, one by one on a blocking socket."""
    request = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 2 * PER_BLOCK)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        for _ in range(FEWEST):
            connection.sendall(request)
            missing = 9 + 4 * PER_BLOCK
            while missing:
                missing -= len(connection.recv(missing))
        return time.perf_counter() - started


async def bench_delay(server: launch.Peer, one_way: float) -> None:
    """Requests and time behind a delay, against plan times round trip."""
    with launch.start_delay_proxy(server.port, up=one_way, down=one_way) as proxy:
        driver = driver_for(proxy.port)
        await driver.connect()
        tags = tuple(one.tag for one in driver.config.registers)
        await read_driver(driver, tags)
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(bare_seconds(proxy.port))
            ours.append(await seconds(lambda: read_driver(driver, tags)))
        requests = await read_driver(driver, tags)
        await driver.close()
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    print(
        f"round trip {1000 * statistics.median(bare) / FEWEST:5.2f} ms: requests {requests} of "
        f"{FEWEST} ({requests / FEWEST:.3f}), time / (plan x round trip) {ratio:.3f}"
    )


async def bench_pymodbus(server: launch.Peer) -> None:
    """5,000 floats on the loopback, in turns with plain pymodbus."""
    driver = driver_for(server.port)
    await driver.connect()
    client = AsyncModbusTcpClient("127.0.0.1", port=server.port)
    await client.connect()
    tags = tuple(one.tag for one in driver.config.registers)
    first = await seconds(lambda: read_driver(driver, tags))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(await seconds(lambda: read_pymodbus(client)))
        ours.append(await seconds(lambda: read_driver(driver, tags)))
    decode = await decode_seconds(driver, tags)
    client.close()
    await driver.close()
    mine, plain = statistics.median(ours), statistics.median(theirs)
    print(f"5,000 floats: driver {1000 * mine:.2f} ms, pymodbus {1000 * plain:.2f} ms")
    print(
        f"pymodbus / driver {plain / mine:.2f}; of the driver's time decoding {decode / mine:.3f}"
    )
    print(
        f"decode to a batch {1000 * decode:.3f} ms; first read, with planning {1000 * first:.0f} ms"
    )


async def decode_seconds(driver: ModbusDriver, tags: tuple[str, ...]) -> float:
    """From the answers' bytes to a batch."""
    layout = driver._layout(tags)
    reader = SnapshotReader(layout, driver._open_link(), driver._memory, ReadLog(), "bench")
    await reader.read()
    times = []
    for _ in range(100):
        started = time.perf_counter()
        snapshot_batch(layout, reader)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


async def bench_bad_tags(bad: int) -> None:
    """What tags that cannot be read cost the first time, and afterwards."""
    wrong = [2 * at for at in range(7, FLOATS, FLOATS // bad)][:bad]
    with launch.start_modbus(log=False, illegal=[(at, at) for at in wrong]) as server:
        driver = driver_for(server.port)
        await driver.connect()
        tags = tuple(one.tag for one in driver.config.registers)
        counts = [await read_driver(driver, tags) for _ in range(3)]
        await driver.close()
    print(
        f"{bad:2} bad tags: requests {counts}, extra per bad tag {(counts[0] - FEWEST) / bad:.1f}"
    )


def main() -> None:
    """Print everything."""
    with launch.start_modbus(log=False) as server:
        asyncio.run(bench_pymodbus(server))
        for one_way in ONE_WAY_SECONDS:
            asyncio.run(bench_delay(server, one_way))
    for bad in (1, 5, 20):
        asyncio.run(bench_bad_tags(bad))


if __name__ == "__main__":
    main()
