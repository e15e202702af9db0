"""Modbus TCP: requests, round trips and decoding, beside pymodbus and the libmodbus C client.

Run it from the top folder: ``python -m tests.bench.bench_modbus``. Server: libmodbus, in another
process. Only the ratios mean anything on another machine.
"""

from __future__ import annotations

import asyncio
import math
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

import greenlang_data as gd
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
ONE_WAY_SECONDS = (0.001, 0.0025)
MOST_IN_FLIGHT = 16


def registers() -> tuple[Register, ...]:
    """5,000 float32 tags in 10,000 holding registers."""
    return tuple(
        Register(tag=f"F{at}", table="holding", address=2 * at, type="float32", word_order="ABCD")
        for at in range(FLOATS)
    )


def config_for(port: int, most: int | None = None) -> SCADAConfig:
    """A config for the peer on ``port``, with ``most`` requests in flight."""
    return SCADAConfig(
        connector_id="bench",
        connector_type="scada",
        protocol="modbus",
        endpoint=f"127.0.0.1:{port}",
        registers=registers(),
        max_requests_in_flight=most,
    )


def driver_for(port: int, most: int | None = None) -> ModbusDriver:
    """A driver for the peer on ``port``."""
    return ModbusDriver(config_for(port, most))


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


@contextmanager
def c_client(port: int) -> Iterator[Callable[[], float]]:
    """The libmodbus C client in a process of its own; called, it reads all blocks once."""
    source = Path(__file__).with_name("modbus_client.c")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "modbus_client")
        subprocess.run(["gcc", "-O2", str(source), "-o", program, *flags], check=True)
        with subprocess.Popen(
            [program, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            asks, says = client.stdin, client.stdout

            def one_round() -> float:
                asks.write("\n")
                asks.flush()
                return float(says.readline())

            yield one_round
            asks.close()


async def bench_blocks(server: launch.Peer) -> None:
    """Raw blocks, in turns with the libmodbus C client."""
    driver = driver_for(server.port)
    await driver.connect()
    tags = tuple(one.tag for one in driver.config.registers)
    spans = [part.span for part in driver._layout(tags).parts]
    link, log = driver._open_link(), ReadLog()
    ours, theirs = [], []
    with c_client(server.port) as one_round:
        for _ in range(4 * ROUNDS):
            theirs.append(one_round())
            ours.append(await seconds(lambda: link.ask(spans, log)))
    await driver.close()
    mine, plain = statistics.median(ours), statistics.median(theirs)
    print(
        f"{FEWEST} blocks: driver {1000 * mine:.2f} ms, libmodbus C {1000 * plain:.2f} ms, "
        f"requests a second driver / libmodbus C {plain / mine:.2f}"
    )


def bench_facade(server: launch.Peer, *, provenance: bool) -> None:
    """5,000 floats to a DataFrame in a notebook's way, in turns with plain pymodbus."""
    tags = [one.tag for one in registers()]
    ours, theirs = [], []
    config = config_for(server.port)
    config.enable_provenance = provenance
    with gd.Session(sources=[config]) as session, asyncio.Runner() as runner:

        async def connected() -> AsyncModbusTcpClient:
            client = AsyncModbusTcpClient("127.0.0.1", port=server.port)
            await client.connect()
            return client

        client = runner.run(connected())
        session.scada(tags)
        for _ in range(ROUNDS):
            theirs.append(runner.run(seconds(lambda: read_pymodbus(client))))
            started = time.perf_counter()
            frame = session.scada(tags)
            ours.append(time.perf_counter() - started)
            assert len(frame) == FLOATS
        client.close()
    mine, plain = statistics.median(ours), statistics.median(theirs)
    print(
        f"5,000 floats to a DataFrame, {'with' if provenance else 'without'} hashes: session {1000 * mine:.2f} ms, pymodbus to a list "
        f"{1000 * plain:.2f} ms, pymodbus / session {plain / mine:.2f}"
    )


async def bench_delay(server: launch.Peer, one_way: float, most: int | None) -> None:
    """Requests and time behind a delay, against the round trips that the plan takes."""
    with launch.start_delay_proxy(server.port, up=one_way, down=one_way) as proxy:
        driver = driver_for(proxy.port, most)
        await driver.connect()
        tags = tuple(one.tag for one in driver.config.registers)
        await read_driver(driver, tags)
        trips, ours = [], []
        for _ in range(ROUNDS):
            trips.append(bare_seconds(proxy.port) / FEWEST)
            ours.append(await seconds(lambda: read_driver(driver, tags)))
        requests = await read_driver(driver, tags)
        await driver.close()
    trip = statistics.median(trips)
    ideal = FEWEST if most == 1 else math.ceil(FEWEST / MOST_IN_FLIGHT) + 1
    ratio = statistics.median(ours) / trip / ideal
    print(
        f"round trip {1000 * trip:5.2f} ms, {most or 'up to 16'} in flight: requests {requests} "
        f"of {FEWEST}, {statistics.median(ours) / trip:.2f} round trips, of {ideal}: {ratio:.3f}"
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
    reader = SnapshotReader(
        layout, driver._open_link(), driver._memory, driver._units, ReadLog(), "bench"
    )
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
        asyncio.run(bench_blocks(server))
        for provenance in (True, False):
            bench_facade(server, provenance=provenance)
        for one_way in ONE_WAY_SECONDS:
            for most in (1, None):
                asyncio.run(bench_delay(server, one_way, most))
    for bad in (1, 5, 20):
        asyncio.run(bench_bad_tags(bad))


if __name__ == "__main__":
    main()
