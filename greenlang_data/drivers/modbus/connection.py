"""The one connection of a link, from when it is made until it ends for a reason."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from greenlang_data.errors import SourceUnreachable

_CLOSE_SECONDS: Final = 1.0


class Connection(asyncio.Protocol):
    """What links over TCP, TLS and serial lines have in common."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source
        self._transport: asyncio.Transport | None = None
        self._turn = asyncio.Lock()
        self._buffer = bytearray()
        self._ended: str | None = None
        self._closed = asyncio.Event()
        self.given_up = False

    @property
    def connected(self) -> bool:
        """Whether the next request can be sent."""
        return self._transport is not None and self._ended is None

    async def close(self) -> None:
        """Close at once; never raises, may be called twice."""
        self.end("is closed")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the connection is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def end(self, how: str) -> None:
        """Close the connection; what waits is told ``how`` it ended, the first time that it did."""
        if self._ended is None:
            self._ended = how
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    def _lost(self, remedy: str = "") -> SourceUnreachable:
        how = self._ended or "is not open"
        return SourceUnreachable(
            f"the connection to {self._name} {how}", source=self._source, remedy=remedy
        )
