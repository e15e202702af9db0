"""The wire between the protocol library and the outstation, in our hands.

The library connects to a port on the loopback, and the relay to the outstation. So TLS is
Python's, the time to connect is bounded, nothing but reads can pass (see :mod:`guard`), and the
sockets have TCP_NODELAY and immediate acknowledgements: without those every fragment of an answer
waits some 40 ms for the delayed acknowledgement of the one before.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

from greenlang_data.drivers.address import Address, head_start
from greenlang_data.drivers.dnp3.frames import BrokenFrameError, awaited, encode, take_frames
from greenlang_data.drivers.dnp3.guard import Guard, RefusedFrameError

_LOOPBACK: Final = "127.0.0.1"
# A fragment has 2,048 bytes; a device may send longer ones.
_MOST_HELD: Final = 16384
# Linux only; elsewhere the acknowledgements come when the system likes.
_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", None)


class _Side(asyncio.Protocol):
    """One of the two connections; ``other`` gets what arrives here."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._acknowledge_at_once()

    def connection_lost(self, exc: Exception | None) -> None:
        self.relay.end(f"was {'reset' if exc else 'closed'} by {self.who}")

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _acknowledge_at_once(self) -> None:
        # The system falls back to delayed acknowledgements by itself, so it is told every time.
        assert self.transport is not None
        connection = self.transport.get_extra_info("socket")
        if _QUICKACK is not None and connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    who = "the outstation"


class _Outstation(_Side):
    """Hands over whole fragments: the library takes many small pieces far more slowly."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay)
        self._held = bytearray()
        self._checked = 0

    def data_received(self, data: bytes) -> None:
        self._acknowledge_at_once()
        assert self.other is not None
        self._held += data
        position = awaited(self._held, self._checked)
        if position is not None and len(self._held) < _MOST_HELD:
            self._checked = position
            return
        whole, self._held, self._checked = bytes(self._held), bytearray(), 0
        self.other.send(whole)


class _Library(_Side):
    who = "the DNP3 library"

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay)
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.relay.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # One that came second belongs to somebody else, and ends nothing.
        if self.other is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._acknowledge_at_once()
        if self.other is None:
            return
        self._buffer += data
        try:
            for frame in take_frames(self._buffer):
                self.other.send(encode(self.relay.guard.check(frame)))
        except (BrokenFrameError, RefusedFrameError) as refused:
            self.relay.end(
                f"was closed, because something was to be sent that does more than read: {refused}"
            )


class Relay:
    """Two connections joined; :func:`open_relay` makes it.

    ``on_end`` is called once, with how it ended, when either side closes or a frame is refused.
    """

    def __init__(self, guard: Guard, on_end: Callable[[str], None]) -> None:
        self.guard = guard
        self.port = 0
        self.ended: str | None = None
        self._on_end = on_end
        self._outstation = _Outstation(self)
        self._library: _Library | None = None
        self._server: asyncio.Server | None = None

    async def open(self, endpoint: Address, context: ssl.SSLContext | None) -> None:
        """Connect to the outstation, and listen for the library. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            lambda: self._outstation,
            endpoint.host,
            endpoint.port,
            ssl=context,
            happy_eyeballs_delay=head_start(endpoint.host),
        )
        assert self._outstation.transport is not None
        # An outstation may report before the library is there to hear it.
        self._outstation.transport.pause_reading()
        self._server = await loop.create_server(lambda: _Library(self), _LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def join(self, library: _Library) -> None:
        """Take the first connection to the local port, and no other."""
        assert library.transport is not None
        if self._library is not None or self.ended is not None:
            library.transport.abort()
            return
        self._library = library
        library.other, self._outstation.other = self._outstation, library
        if self._server is not None:
            self._server.close()
        if self._outstation.transport is not None:
            self._outstation.transport.resume_reading()

    def end(self, how: str) -> None:
        """Close both sides at once; may be called again."""
        if self.ended is not None:
            return
        self.ended = how
        if self._server is not None:
            self._server.close()
        for side in (self._outstation, self._library):
            if side is not None and side.transport is not None:
                side.transport.abort()
        self._on_end(how)
