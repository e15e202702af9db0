"""A TCP proxy that counts, delays and damages traffic, switched while it runs.

``FaultProxy`` lives in a thread of the test process.  ``python -m peers.proxy`` (started by
``launch.start_delay_proxy``) only delays, in a process of its own, for measurements that must
not share an interpreter with the proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import enum
import json
import os
import socket
import struct
import sys
from dataclasses import dataclass

from .loop_thread import ThreadedServer

CHUNK_BYTES = 65536


class Fault(enum.Enum):
    """What happens to traffic; ``README.md`` describes each one."""

    PASS = "pass"
    REFUSE = "refuse"
    RESET = "reset"
    STALL = "stall"
    HOLD_ANSWERS = "hold answers"
    CUT = "cut"
    HALF = "half"
    GARBAGE = "garbage"
    DRIP = "drip"


@dataclass
class Traffic:
    """What went through in one direction; a segment is one read from the socket."""

    byte_count: int = 0
    segments: int = 0

    def add(self, chunk: bytes) -> None:
        """Count one chunk."""
        self.byte_count += len(chunk)
        self.segments += 1


def garbage(length: int) -> bytes:
    """The bytes ``Fault.GARBAGE`` puts in place of an answer; the same every time."""
    return bytes((index * 37 + 11) & 0xFF for index in range(length))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, as a rebooting device does."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class FaultProxy(ThreadedServer):
    """Forwards to ``target_port``; every method may be called while traffic is running."""

    def __init__(self, target_port: int, *, target_host: str = "127.0.0.1", port: int = 0) -> None:
        self.target = (target_host, target_port)
        self.fault = Fault.PASS
        self.after_bytes = 0
        self.interval = 0.01
        self.delay_up = 0.0
        self.delay_down = 0.0
        self.up = Traffic()
        self.down = Traffic()
        self._planned: collections.deque[Fault] = collections.deque()
        self._links: set[_Link] = set()
        super().__init__(port=port)

    def set_delay(self, *, up: float = 0.0, down: float = 0.0) -> None:
        """Seconds every chunk waits in each direction; throughput is not limited."""
        self.delay_up, self.delay_down = up, down

    def set_fault(self, fault: Fault, *, after_bytes: int = 0, interval: float = 0.01) -> None:
        """Switch all connections; ``after_bytes`` is for CUT, ``interval`` for DRIP."""
        self._loop.run(self._set_fault(fault, after_bytes, interval))

    def plan(self, *faults: Fault) -> None:
        """Give the next new connections these faults, one each, and only them."""
        self._planned.extend(faults)

    def reset_counters(self) -> None:
        """Start counting connections, bytes and segments from zero."""
        self.connections = 0
        self.up = Traffic()
        self.down = Traffic()

    def reset_connections(self) -> None:
        """Send RST on every open connection; new ones are still welcome."""
        self._loop.run(self._reset_links())

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one client to the target until either side is done."""
        link = _Link(self, writer, self._planned.popleft() if self._planned else None)
        if link.fault is Fault.RESET:
            reset(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self.target)
        except OSError:
            reset(writer)
            return
        self._links.add(link)
        try:
            await link.run(reader, server_reader, server_writer)
        finally:
            self._links.discard(link)
            server_writer.close()

    async def _set_fault(self, fault: Fault, after_bytes: int, interval: float) -> None:
        self.fault, self.after_bytes, self.interval = fault, after_bytes, interval
        for link in self._links:
            link.answered = 0
            link.changed.set()
        if fault is Fault.REFUSE:
            await self._stop_listening()
        else:
            await self._listen()
        if fault is Fault.RESET:
            await self._reset_links()

    async def _reset_links(self) -> None:
        for link in list(self._links):
            reset(link.client)


class _Done(Exception):
    """The connection is to be closed now."""


class _Link:
    """One client connection and its connection to the target."""

    def __init__(
        self, proxy: FaultProxy, client: asyncio.StreamWriter, planned: Fault | None
    ) -> None:
        self.proxy = proxy
        self.client = client
        self.planned = planned
        self.answered = 0
        self.changed = asyncio.Event()

    @property
    def fault(self) -> Fault:
        return self.planned or self.proxy.fault

    async def run(
        self,
        client_reader: asyncio.StreamReader,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        upward: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        downward: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._read_up(client_reader, upward)),
            asyncio.create_task(self._read_down(server_reader, downward)),
            asyncio.create_task(self._write_up(upward, server_writer)),
            asyncio.create_task(self._write_down(downward)),
        ]
        # Readers end when the end-of-stream mark is queued, writers when it is delivered.
        try:
            await asyncio.wait(tasks[2:], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read_up(
        self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        chunk = b"start"
        while chunk:
            chunk = await _read(reader)
            if chunk:
                self.proxy.up.add(chunk)
            queue.put_nowait((_now() + self.proxy.delay_up, chunk))

    async def _read_down(
        self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        chunk = b"start"
        while chunk:
            chunk = await _read(reader)
            if chunk:
                self.proxy.down.add(chunk)
            queue.put_nowait((_now() + self.proxy.delay_down, chunk))

    async def _write_up(
        self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while chunk := await _due(queue):
            await self._wait_while(Fault.STALL)
            writer.write(chunk)
            await writer.drain()

    async def _write_down(self, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        with contextlib.suppress(_Done):
            while chunk := await _due(queue):
                await self._wait_while(Fault.STALL, Fault.HOLD_ANSWERS)
                await self._answer(chunk)

    async def _wait_while(self, *faults: Fault) -> None:
        while self.fault in faults:
            self.changed.clear()
            await self.changed.wait()

    async def _answer(self, chunk: bytes) -> None:
        if self.fault is Fault.DRIP:
            await self._drip(chunk)
            return
        if self.fault is Fault.GARBAGE:
            chunk = garbage(len(chunk))
        keep = len(chunk)
        if self.fault is Fault.CUT:
            keep = max(0, min(keep, self.proxy.after_bytes - self.answered))
        elif self.fault is Fault.HALF:
            keep = len(chunk) // 2
        self.answered += keep
        self.client.write(chunk[:keep])
        await self.client.drain()
        if keep < len(chunk):
            raise _Done

    async def _drip(self, chunk: bytes) -> None:
        for position in range(len(chunk)):
            if self.fault is not Fault.DRIP:
                await self._answer(chunk[position:])
                return
            self.client.write(chunk[position : position + 1])
            await self.client.drain()
            await asyncio.sleep(self.proxy.interval)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK_BYTES)
    except OSError:
        return b""


async def _due(queue: asyncio.Queue[tuple[float, bytes]]) -> bytes:
    due, chunk = await queue.get()
    if (wait := due - _now()) > 0:
        await asyncio.sleep(wait)
    return chunk


def main() -> None:
    """Delay traffic to one port until stdin is closed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--target", type=int, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--up", type=float, default=0.0, help="seconds")
    parser.add_argument("--down", type=float, default=0.0, help="seconds")
    options = parser.parse_args()
    with FaultProxy(options.target, port=options.port) as proxy:
        proxy.set_delay(up=options.up, down=options.down)
        print(json.dumps({"port": proxy.port, "pid": os.getpid()}), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
