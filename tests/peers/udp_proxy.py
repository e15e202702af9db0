"""A UDP proxy that delays and damages datagrams, with the faults of the TCP one.

A client's datagrams go to the target from a socket of their own, so answers find their way back.
There are no connections on UDP: REFUSE and RESET close the port, so that the client's host is told
that nobody listens; DRIP only delays, as a datagram cannot arrive in pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Self

from .loop_thread import LoopThread
from .proxy import Fault, Traffic, garbage

Address = tuple[str, int]


class _Socket(asyncio.DatagramProtocol):
    """Hands datagrams to ``receive``; what the network refuses is the client's business."""

    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr)


class UdpProxy:
    """Forwards to the target; every method may be called while traffic is running."""

    def __init__(self, target_port: int, *, target_host: str, port: int = 0) -> None:
        self.target = (target_host, target_port)
        self.host = "127.0.0.1"
        self.port = port
        self.fault = Fault.PASS
        self.copies = 1
        self.up = Traffic()
        self.down = Traffic()
        self._after_bytes = 0
        self._answered = 0
        self._interval = 0.0
        self._delays = (0.0, 0.0)
        self._held: list[Callable[[], None]] = []
        self._clients: dict[Address, asyncio.DatagramTransport] = {}
        self._opening = asyncio.Lock()
        self._server: asyncio.DatagramTransport | None = None
        self._loop = LoopThread(type(self).__name__)
        self._loop.run(self._listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def open_connections(self) -> int:
        """How many of the clients' sockets are still open."""
        return sum(_is_open(address) for address in list(self._clients))

    def stop(self) -> None:
        """Close everything; harmless when called again."""
        if not self._loop.closed:
            self._loop.run(self._close())
            self._loop.close()

    def set_delay(self, *, up: float = 0.0, down: float = 0.0) -> None:
        """Seconds every datagram waits in each direction."""
        self._delays = (up, down)

    def set_fault(self, fault: Fault, *, after_bytes: int = 0, interval: float = 0.01) -> None:
        """Switch; ``after_bytes`` is for CUT, ``interval`` (per byte) for DRIP."""
        self._loop.run(self._set_fault(fault, after_bytes, interval))

    def reset_connections(self) -> None:
        """Close the port for a moment, as a device that restarts does."""
        self._loop.run(self._restart())

    async def _listen(self) -> None:
        if self._server is None:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Socket(self._from_client), local_addr=(self.host, self.port)
            )
            self._server = transport
            self.port = transport.get_extra_info("sockname")[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.abort()
            self._server = None
            await asyncio.sleep(0.01)  # the port is free when the loop has closed the socket

    async def _restart(self) -> None:
        await self._stop_listening()
        await self._listen()

    async def _close(self) -> None:
        await self._stop_listening()
        async with self._opening:
            pass
        for transport in self._clients.values():
            transport.abort()

    async def _set_fault(self, fault: Fault, after_bytes: int, interval: float) -> None:
        self.fault, self._after_bytes, self._interval = fault, after_bytes, interval
        self._answered = 0
        if fault in (Fault.REFUSE, Fault.RESET):
            await self._stop_listening()
        else:
            await self._listen()
        if fault is Fault.PASS:
            held, self._held = self._held, []
            for release in held:
                release()

    def _from_client(self, data: bytes, client: Address) -> None:
        self.up.add(data)
        asyncio.get_running_loop().create_task(self._forward(data, client))

    async def _forward(self, data: bytes, client: Address) -> None:
        async with self._opening:  # one socket, although a client's datagrams come close together
            if client not in self._clients and self._server is not None:
                transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Socket(lambda answer, _: self._from_target(answer, client)),
                    remote_addr=self.target,
                )
                self._clients[client] = transport
        if client not in self._clients:
            return  # the port was closed meanwhile
        send = self._clients[client].sendto
        if self.fault is Fault.STALL:
            self._held.append(lambda: send(data))
            return
        asyncio.get_running_loop().call_later(self._delays[0], send, data)

    def _from_target(self, data: bytes, client: Address) -> None:
        self.down.add(data)
        if self.fault in (Fault.STALL, Fault.HOLD_ANSWERS):
            self._held.append(lambda: self._answer(data, client))
            return
        delay = self._delays[1]
        delay += self._interval * len(data) if self.fault is Fault.DRIP else 0
        asyncio.get_running_loop().call_later(delay, self._answer, data, client)

    def _answer(self, data: bytes, client: Address) -> None:
        if self.fault is Fault.GARBAGE:
            data = garbage(len(data))
        elif self.fault is Fault.HALF:
            data = data[: len(data) // 2]
        elif self.fault is Fault.CUT:
            data = data[: max(0, self._after_bytes - self._answered)]
            self._answered += len(data)
        if data and self._server is not None:
            for _ in range(self.copies):
                self._server.sendto(data, client)


def _is_open(address: Address) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.bind(address)
        return False
    return True
