"""OPC UA: the driver beside asyncua's own client, interleaved, on the same node-opcua server.

Run ``python -m tests.bench.bench_opcua``; it needs the peers of ``tests/peers``. Wall times include
the server, and node-opcua needs most of them; so the same reads are also timed against recorded
answers (a process that gives node-opcua's answers at once), against an open62541 server where the
package ``o6`` is installed, as processor time of the client, and as decoding of the same bytes.
Times are the best of several rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncua
import numpy as np
import pandas as pd
import pyarrow as pa
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from greenlang_data.drivers.base import ReadLog, Snapshot, Watch
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.arrow import series_of
from greenlang_data.drivers.opcua.historyread import _page
from greenlang_data.drivers.opcua.services import HISTORY_READ
from greenlang_data.drivers.opcua.transport import _answer
from greenlang_data.frames.snapshot import snapshot_table
from greenlang_data.frames.to_pandas import to_frame
from tests.bench.open62541_server import Open62541, missing, start_open62541
from tests.drivers.opcua.helpers import HISTORY_END, HISTORY_START, config, window
from tests.drivers.opcua.replay import recorded
from tests.peers.launch import OpcuaPeer, start_opcua

AnyPeer = OpcuaPeer | Open62541

TAGS = [f"Bulk.{index:05d}" for index in range(10_000)]
CHUNK = 2_000
PAGE = 50_000
LOOP_READS = 300


@dataclass
class Best:
    """The best wall and processor time of several rounds, in seconds."""

    wall: float = float("inf")
    cpu: float = float("inf")
    done: list[Any] = field(default_factory=list)

    def add(self, wall: float, cpu: float) -> None:
        self.wall, self.cpu = min(self.wall, wall), min(self.cpu, cpu)


async def timed(best: Best, work: Callable[[], Awaitable[Any]]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    result = await work()
    best.add(time.perf_counter() - wall, time.process_time() - cpu)
    return result


def line(what: str, theirs: Best, ours: Best) -> None:
    print(
        f"{what:<52} asyncua {theirs.wall:8.4f} s ({theirs.cpu:8.4f} cpu)   "
        f"ours {ours.wall:8.4f} s ({ours.cpu:8.4f} cpu)   "
        f"{theirs.wall / ours.wall:6.1f}x wall {theirs.cpu / ours.cpu:6.1f}x cpu"
    )


def driver_of(endpoint: str, peer: AnyPeer) -> OpcUaDriver:
    return OpcUaDriver(config(endpoint, timeout_seconds=60, namespace_index=peer.namespace))


def plain_client(endpoint: str) -> asyncua.Client:
    return asyncua.Client(endpoint, timeout=60, watchdog_intervall=60)


# --- current values ----------------------------------------------------------------------


async def current_values(endpoint: str, peer: AnyPeer, rounds: int, what: str) -> None:
    driver = driver_of(endpoint, peer)
    await driver.connect()
    theirs, ours, frames, loop_reads = Best(), Best(), Best(), Best()
    async with plain_client(endpoint) as client:
        nodes = [client.get_node(peer.node(tag)) for tag in TAGS]

        async def bulk() -> pd.DataFrame:
            values: list[Any] = []
            for first in range(0, len(nodes), CHUNK):
                values += await client.read_values(nodes[first : first + CHUNK])
            return pd.DataFrame({"tag": TAGS, "value": values})

        async def arrow() -> pa.Table:
            return pa.Table.from_batches([b async for b in driver.read(snapshot, ReadLog())])

        async def frame() -> pd.DataFrame:
            return to_frame(snapshot_table(await arrow()).table)

        async def one_by_one() -> None:
            for node in nodes[:LOOP_READS]:
                await node.read_value()

        snapshot = Snapshot(tuple(TAGS))
        first = Best()
        await timed(first, frame)
        for _ in range(rounds):
            expected = await timed(theirs, bulk)
            await timed(ours, arrow)
            found = await timed(frames, frame)
        assert found["value"].tolist() == expected["value"].tolist()
        await timed(loop_reads, one_by_one)
    await driver.close()
    line(f"{what}: 10,000 values to Arrow", theirs, ours)
    line(f"{what}: 10,000 values to a DataFrame", theirs, frames)
    scale = len(TAGS) / LOOP_READS
    line(
        f"{what}: read_value() loop, extrapolated from {LOOP_READS}",
        Best(loop_reads.wall * scale, loop_reads.cpu * scale),
        ours,
    )
    print(f"{what}: first snapshot, with names and units: {first.wall:.3f} s")


# --- history -----------------------------------------------------------------------------


async def asyncua_pages(session: Any, node: ua.NodeId) -> AsyncIterator[list[ua.DataValue]]:
    """What a careful user writes: asyncua's own loop stops early on this server."""
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=HISTORY_START,
        EndTime=HISTORY_END,
        NumValuesPerNode=PAGE,
        ReturnBounds=False,
    )
    point = None
    while True:
        read = ua.HistoryReadValueId(NodeId=node, ContinuationPoint=point)
        parameters = ua.HistoryReadParameters(
            HistoryReadDetails=details,
            TimestampsToReturn=ua.TimestampsToReturn.Source,
            ReleaseContinuationPoints=False,
            NodesToRead=[read],
        )
        (result,) = await session.history_read(parameters)
        yield result.HistoryData.DataValues
        point = result.ContinuationPoint
        if not point:
            return


def frame_of_values(pages: Iterable[list[ua.DataValue]]) -> pd.DataFrame:
    stamps, values, codes = [], [], []
    for page in pages:
        for value in page:
            stamps.append(value.SourceTimestamp)
            values.append(value.Value.Value if value.Value else None)
            codes.append(value.StatusCode.value if value.StatusCode else 0)
    return pd.DataFrame({"timestamp": stamps, "value": values, "status": codes})


async def asyncua_history(session: Any, node: ua.NodeId) -> pd.DataFrame:
    """All values first, as asyncua's ``read_raw_history`` gives them, then the frame."""
    return frame_of_values([page async for page in asyncua_pages(session, node)])


async def our_history(driver: OpcUaDriver, tag: str) -> pd.DataFrame:
    found = [batch async for batch in driver.read(window(tag), ReadLog())]
    made: pd.DataFrame = pa.Table.from_batches(found).to_pandas()
    return made


async def history(endpoint: str, peer: AnyPeer, tag: str, rounds: int, what: str) -> None:
    driver = driver_of(endpoint, peer)
    await driver.connect()
    theirs, ours = Best(), Best()
    async with plain_client(endpoint) as client:
        node = ua.NodeId.from_string(peer.node(tag))
        for _ in range(rounds):
            expected = await timed(theirs, lambda: asyncua_history(client.uaclient.session, node))
            found = await timed(ours, lambda: our_history(driver, tag))
    assert len(expected) == len(found)
    await driver.close()
    line(f"{what}: {len(found):,} samples of {tag} to a DataFrame", theirs, ours)


async def recorded_pages(endpoint: str, tag: str) -> list[bytes]:
    """The answers, as bytes, that bring the whole history of a tag."""
    driver = OpcUaDriver(config(endpoint, timeout_seconds=60))
    await driver.connect()
    assert driver._session is not None
    channel = driver._session.connection._channel
    pages, ask = [], channel.ask

    async def recording(service: int, body: bytes, seconds: float | None) -> Any:
        reader = await ask(service, body, seconds)
        if service == HISTORY_READ:
            pages.append(reader.data)
        return reader

    channel.ask = recording  # type: ignore[method-assign]
    async for _ in driver.read(window(tag), ReadLog()):
        pass
    await driver.close()
    return pages


def decode_theirs(pages: Sequence[bytes]) -> pd.DataFrame:
    responses = (struct_from_binary(ua.HistoryReadResponse, Buffer(page)) for page in pages)
    return frame_of_values(one.Results[0].HistoryData.DataValues for one in responses)


def decode_ours(pages: Sequence[bytes]) -> pd.DataFrame:
    batches = []
    for page in pages:
        reader = _answer(page, HISTORY_READ, int.from_bytes(page[12:16], "little"))
        assert reader.count(1) == 1
        batches += [series_of("t", block, None, "Double") for block in _page(reader).blocks]
    made: pd.DataFrame = pa.Table.from_batches(batches).to_pandas()
    return made


async def decoding(endpoint: str, tag: str, rounds: int) -> None:
    pages = await recorded_pages(endpoint, tag)
    theirs, ours = Best(), Best()

    async def run(decode: Callable[[Sequence[bytes]], pd.DataFrame]) -> int:
        return len(decode(pages))

    for _ in range(rounds):
        count = await timed(theirs, lambda: run(decode_theirs))
        for _ in range(3):
            assert await timed(ours, lambda: run(decode_ours)) == count
    line(f"decoding alone: {count:,} samples of {tag} to a DataFrame", theirs, ours)


def peak_memory() -> int:
    """In KiB, of this process alone (getrusage would count its parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


async def one_history(endpoint: str, node: str, who: str) -> int:
    """The growth of the peak memory, in KiB, for one whole read."""
    if who == "ours":
        driver = OpcUaDriver(config(endpoint, timeout_seconds=60))
        await driver.connect()
        await our_history(driver, "History.Dst")
        before = peak_memory()
        frame = await our_history(driver, node)
        assert len(frame) >= 1_000_000
        await driver.close()
    else:
        async with plain_client(endpoint) as client:
            session = client.uaclient.session
            small = ua.NodeId.from_string(node.replace("Million", "Dst"))
            await asyncua_history(session, small)
            before = peak_memory()
            await asyncua_history(session, ua.NodeId.from_string(node))
    return peak_memory() - before


def memory(endpoint: str, node: str) -> None:
    grown = {}
    for who in ("asyncua", "ours"):
        command = [sys.executable, "-m", "tests.bench.bench_opcua", "--memory", who]
        done = subprocess.run(
            [*command, "--endpoint", endpoint, "--node", node],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        grown[who] = int(done.stdout.split()[-1]) / 1024
    print(
        f"extra memory for a million samples: asyncua {grown['asyncua']:.0f} MiB, "
        f"ours {grown['ours']:.0f} MiB, {grown['asyncua'] / max(grown['ours'], 1):.1f}x less"
    )


# --- security and watching ---------------------------------------------------------------

SECURITY = ("None", "Sign", "SignAndEncrypt")


async def security(endpoint: str, tag: str, rounds: int) -> None:
    """The processor time of one history over channels of each mode, interleaved."""
    drivers, spent = {}, {mode: Best() for mode in SECURITY}
    for mode in SECURITY:
        policy = "None" if mode == "None" else "Basic256Sha256"
        drivers[mode] = OpcUaDriver(
            config(endpoint, timeout_seconds=60, security_mode=mode, security_policy=policy,
                   trust_on_first_use=True)
        )  # fmt: skip
        await drivers[mode].connect()
    for _ in range(rounds):
        for mode, driver in drivers.items():
            await timed(spent[mode], functools.partial(our_history, driver, tag))
    for mode, best in spent.items():
        await drivers[mode].close()
        print(
            f"{tag} over {mode:<15} {best.wall:8.4f} s ({best.cpu:8.4f} cpu)   "
            f"{best.cpu / spent['None'].cpu:5.2f}x the cpu of None"
        )


MOST_STEPS = 64


async def watch_many(endpoint: str, items: int, seconds: float) -> None:
    """Every step of every item, counted; the peer's value is the number of the step.

    The time counts from when every item has made a step. A step between two that an item told of
    and that it did not tell of itself is lost; they may come in any order, because a first value
    that is late is read, and those reported meanwhile follow.
    """
    driver = OpcUaDriver(config(endpoint, timeout_seconds=120))
    await driver.connect()
    tags = tuple(f"Bulk.{index:05d}" for index in range(items))
    places = {tag: place for place, tag in enumerate(tags)}
    told = np.zeros((items, MOST_STEPS), np.uint8)
    log, cpu, began = ReadLog(), time.process_time(), time.perf_counter()
    first = None
    async with aclosing(driver.watch(Watch(tags, 1.0), log)) as batches:
        async for batch in batches:
            rows = np.array([places[tag] for tag in batch.column("tag_id").to_pylist()], int)
            values = batch.column("value").to_numpy(zero_copy_only=False)
            # The values before the first step are no whole numbers.
            steps = values == np.floor(values)
            np.add.at(told, (rows[steps], values[steps].astype(int)), 1)
            first = first or (time.perf_counter() - began if told.any(axis=1).all() else None)
            if first is not None and time.perf_counter() - began > first + seconds:
                break
    cpu = time.process_time() - cpu
    await driver.close()
    last = MOST_STEPS - 1 - np.argmax(told[:, ::-1] > 0, axis=1)
    between = last - np.argmax(told > 0, axis=1) + 1
    lost = int((between - (told > 0).sum(axis=1)).sum())
    first_text = "never" if first is None else f"{first:.1f} s"
    print(
        f"{items:,} monitored items: {int(told.sum()):,} changes in {seconds:g} s, {lost} lost, "
        f"{int((told > 1).sum()):,} told twice, every item had a step after {first_text}, "
        f"{cpu:.2f} s cpu, notes {log.notes}"
    )


def watching(items: int, seconds: float) -> None:
    with start_opcua(tags=items, history=10, mixed=10, step_period=20_000) as peer:
        asyncio.run(watch_many(peer.endpoint, items, seconds))


# --- all of it ---------------------------------------------------------------------------


def fast_server(rounds: int) -> None:
    """The same reads from a server that is faster than either client."""
    if why := missing():
        print(f"open62541: not compared, {why}")
        return
    with start_open62541(tags=10_000, history=1_000_000) as peer:
        asyncio.run(current_values(peer.endpoint, peer, rounds, "open62541"))
        asyncio.run(history(peer.endpoint, peer, "History.Million", 1, "open62541"))


def compare(rounds: int) -> None:
    with start_opcua(tags=10_000, history=1_000_000, mixed=100_000) as peer:
        asyncio.run(current_values(peer.endpoint, peer, rounds, "node-opcua"))
        with recorded(peer) as endpoint:
            asyncio.run(current_values(endpoint, peer, rounds, "recorded"))
        asyncio.run(history(peer.endpoint, peer, "History.Million", 1, "node-opcua"))
        asyncio.run(decoding(peer.endpoint, "History.Million", 1))
        asyncio.run(decoding(peer.endpoint, "History.Mixed", 3))
        asyncio.run(security(peer.endpoint, "History.Million", rounds))
        memory(peer.endpoint, peer.node("History.Million"))
    fast_server(rounds)
    watching(items=50_000, seconds=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", choices=["ours", "asyncua"], help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    parser.add_argument("--node", help=argparse.SUPPRESS)
    parser.add_argument("--watch", type=int, help="only watch so many items")
    parser.add_argument("--fast", action="store_true", help="only compare on open62541")
    options = parser.parse_args()
    if options.fast:
        fast_server(options.rounds)
        return
    if options.watch:
        watching(options.watch, 120)
        return
    if options.memory:
        print(asyncio.run(one_history(options.endpoint, options.node, options.memory)))
    else:
        compare(options.rounds)


if __name__ == "__main__":
    main()
