"""Blocking requests on threads that can be left behind.

Each request has a daemon thread of its own: an executor's threads are joined at exit, and a pool's
would be missing in a forked child. Starting one costs a small part of what a request costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from greenlang_data.errors import SourceUnreachable

T = TypeVar("T")


class Connected(Protocol):
    """What a request travels over.

    ``sock`` is None while it is being opened, ``answering`` before it is answered; ``owner`` is
    the Stop of the request that uses it now, since connections are used again.
    """

    sock: socket.socket | None
    answering: socket.socket | None
    owner: Stop


class Stop:
    """Tells a request's thread that nobody waits any more, and ends what it is blocked in.

    Closing the connection is also what tells the server, which else would go on to the end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connected | None = None
        self.requested = False

    def request(self) -> None:
        """Ask for the end, from any thread; does not wait for it."""
        with self._lock:
            self.requested = True
            connection = self._connection
        if connection is None or connection.owner is not self:
            return
        open_socket = connection.answering or connection.sock
        if open_socket is None:
            return
        # Not the method of a TLS socket, which would alter what the other thread uses.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    @property
    def connection(self) -> Connected | None:
        """What the request travels over, or None before that is known."""
        return self._connection

    def watch(self, connection: Connected) -> None:
        """Say what the request travels over from now on."""
        with self._lock:
            self._connection = connection
        self.check()

    def check(self) -> None:
        """Raise SourceUnreachable if the end was asked for."""
        if self.requested:
            raise SourceUnreachable("the request was given up")


current = threading.local()
"""``current.stop`` is the Stop of the request that this thread is busy with."""


async def on_thread(work: Callable[[Stop], T]) -> T:
    """What ``work`` returns or raises, run on a thread; a cancellation stops it and waits not."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    stop = Stop()

    def settle(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # None only where T allows it

    def run() -> None:
        current.stop = stop
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work(stop)
        except BaseException as caught:  # handed on to whoever waits
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="greenlang-http", daemon=True).start()
    try:
        return await outcome
    finally:
        if not outcome.done() or outcome.cancelled():
            stop.request()
