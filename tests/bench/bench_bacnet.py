"""BACnet/IP: 1,000 present values, side by side with bacpypes3.

Run it from the top folder: ``python -m tests.bench.bench_bacnet``. Device: @bacnet-js/client, in
another process; as it takes longer to answer than the driver to ask, one in front of it remembers
its answers. Both sides ask for the same, by ReadPropertyMultiple; the driver's time includes the
batch. Only the ratios mean anything on another machine, and only CPU time on a busy one.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from bacpypes3.app import Application
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier

from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.values import Value
from greenlang_data.drivers.base import ReadLog, Snapshot
from tests.bench.bacnet_memory import start_memory
from tests.peers import bacnet_truth as truth
from tests.peers.launch_bacnet import HOST, start_bacnet

VALUES = 1000
PER_REQUEST = 50
ROUNDS = 7
OURS_PER_ROUND = 5
TRUTH = [truth.analog_value(number) for number in range(VALUES)]
TAGS = tuple(f"analog-input,{number}" for number in range(VALUES))
QUALITY = ("present-value", "status-flags", "reliability")
CLIENT_PORT = 47819


class Cost(NamedTuple):
    """Milliseconds of one run: on the clock, and of this process's CPU."""

    wall: float
    cpu: float


async def cost(run: Callable[[], Awaitable[object]], times: int = 1) -> Cost:
    """What one of ``times`` runs takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        await run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(1000 * wall / times, 1000 * cpu / times)


def bacpypes3_client() -> Application:
    """A client as its documentation builds one."""
    device = DeviceObject(
        objectIdentifier=("device", 999), objectName="bench", vendorIdentifier=999
    )
    port = NetworkPortObject(
        f"127.0.0.1/24:{CLIENT_PORT}", objectIdentifier=("network-port", 1), objectName="port"
    )
    return Application.from_object_list([device, port])


async def read_bacpypes3(client: Application, address: Address, names: tuple[str, ...]) -> None:
    """``names`` of 1,000 objects, as many at a time as give answers of about the same size."""
    step = PER_REQUEST if len(names) == 1 else PER_REQUEST // 2
    values: list[float] = []
    for first in range(0, VALUES, step):
        asked: list[Any] = []
        for number in range(first, first + step):
            asked += [ObjectIdentifier(f"analog-input,{number}"), list(names)]
        answer = await client.read_property_multiple(address, asked)
        values += [value for _, name, _, value in answer if str(name) == "present-value"]
    assert values == TRUTH


async def read_driver(driver: BacnetDriver) -> None:
    """One snapshot, with flags and reliability, to its batch."""
    async for batch in driver.read(Snapshot(TAGS), ReadLog()):
        assert batch.column("value").to_pylist() == TRUTH


async def read_values(reader: Reader, batches: list[list[Reference]]) -> None:
    """The present values alone, as a snapshot reads them."""
    results = await reader.read_batches(batches)
    found = [results[Reference(number)] for number in range(VALUES)]
    assert [one.number for one in found if isinstance(one, Value)] == TRUTH


async def bench(endpoint: str) -> None:
    """Both clients in turns."""
    driver = BacnetDriver(
        SCADAConfig(
            connector_id="bench", connector_type="scada", protocol="bacnet", endpoint=endpoint
        )
    )
    await driver.connect()
    client, address = bacpypes3_client(), Address(endpoint)
    reader, _ = driver._usable(ReadLog())
    batches = reader.learned.batches([Reference(number) for number in range(VALUES)])
    first = await cost(lambda: read_driver(driver))
    runs: dict[str, list[Cost]] = {"theirs": [], "ours": [], "theirs all": [], "ours all": []}
    for _ in range(ROUNDS):
        runs["theirs"].append(await cost(lambda: read_bacpypes3(client, address, QUALITY[:1])))
        runs["ours"].append(await cost(lambda: read_values(reader, batches), OURS_PER_ROUND))
        runs["theirs all"].append(await cost(lambda: read_bacpypes3(client, address, QUALITY)))
        runs["ours all"].append(await cost(lambda: read_driver(driver), OURS_PER_ROUND))
    client.close()
    await driver.close()
    show("present values", runs["theirs"], runs["ours"])
    show("with flags and reliability, to a batch", runs["theirs all"], runs["ours all"])
    print(f"first snapshot, with names and units {first.wall:.0f} ms")


def show(what: str, theirs: list[Cost], ours: list[Cost]) -> None:
    """The medians, and the ratio of each round."""
    print(what)
    for name, place in (("clock", 0), ("client's CPU", 1)):
        their, our = ([one[place] for one in costs] for costs in (theirs, ours))
        ratio = statistics.median(one / other for one, other in zip(their, our, strict=True))
        print(
            f"  {name}: bacpypes3 {statistics.median(their):.1f} ms, "
            f"driver {statistics.median(our):.2f} ms, bacpypes3 / driver {ratio:.0f}"
        )


def main() -> None:
    """Print everything."""
    with start_bacnet(analog_inputs=VALUES) as device, start_memory(device.port) as memory:
        asyncio.run(bench(f"{HOST}:{memory.port}"))


if __name__ == "__main__":
    main()
