"""An asyncio loop in a thread of its own, for servers that live inside the test process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

CALL_TIMEOUT_SECONDS = 10.0

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines and functions on a private loop and waits for their results."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_TIMEOUT_SECONDS)

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._loop.is_closed()

    def close(self) -> None:
        """Cancel everything that still runs and end the thread."""
        if self.closed:
            return
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_SECONDS)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # One that was closed stays open as long as its peer does not take what was written, and one
    # whose owner was cancelled before it had it is closed by nobody. asyncio's own list has all.
    for transport in list(vars(asyncio.get_running_loop())["_transports"].values()):
        transport.abort()
    await _settle()


async def _settle() -> None:
    """Let what was just accepted begin, and what was just closed end, before the loop stops.

    An accepted connection takes asyncio four turns until its handler has it, and a handler that is
    cancelled before its first turn can close nothing.
    """
    for _ in range(12):
        await asyncio.sleep(0)


class ThreadedServer:
    """A loopback server on a private loop; subclasses handle one connection each time."""

    def __init__(self, *, port: int = 0) -> None:
        self._loop = LoopThread(type(self).__name__)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.host = "127.0.0.1"
        self.port = port
        self.connections = 0
        try:
            self._loop.run(self._listen())
        except BaseException:
            self._loop.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def open_connections(self) -> int:
        """Client connections that are open now."""
        return len(self._writers)

    def stop(self) -> None:
        """Close the listener and every connection; harmless when called again."""
        if self._loop.closed:
            return
        self._loop.run(self._close())
        self._loop.close()

    def drop_connections(self) -> None:
        """Close every connection that is open now; new ones are still welcome."""
        self._loop.run(self._drop())

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; it is closed afterwards."""
        raise NotImplementedError

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, self.host, self.port, backlog=200
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        # asyncio of Python 3.11 loses a connection that it is still accepting when its server is
        # closed: nobody has it and nobody closes it. So accept no more, and let those begin.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        await _settle()
        server.close()

    async def _close(self) -> None:
        await self._stop_listening()
        await _settle()
        await self._drop()

    async def _drop(self) -> None:
        for writer in list(self._writers):
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self.handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, which is its right
        finally:
            self._writers.discard(writer)
            writer.close()
