"""When a connector is connected, and on which event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Self

from greenlang_data.errors import SessionClosedError, SourceUnreachable
from greenlang_data.runtime import get_runtime
from greenlang_data.settings import ConnectorConfig
from greenlang_data.states import ConnectionState, ConnectorMetrics


class Lifecycle(ABC):
    """Connect, disconnect and the states between.

    A subclass writes plain ``connect`` and ``disconnect`` coroutines; the state is kept around
    them here, whoever calls them.
    """

    config: ConnectorConfig
    metrics: ConnectorMetrics

    def __init__(self) -> None:
        self._connected_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting = asyncio.Lock()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "connect" in cls.__dict__:
            setattr(cls, "connect", _tracking_connect(cls.connect))  # noqa: B010  (a method)
        if "disconnect" in cls.__dict__:
            setattr(cls, "disconnect", _tracking_disconnect(cls.disconnect))  # noqa: B010

    @abstractmethod
    async def connect(self) -> bool:
        """Open the connection; True when it is open. Called again after a ConnectionError."""

    @abstractmethod
    async def disconnect(self) -> bool:
        """Close the connection."""

    async def ensure_connected(self) -> None:
        """Connect if need be, once however many calls wait for it."""
        self._use_running_loop()
        if not self._needs_connection():
            return
        async with self._connecting:
            if not self._needs_connection():
                return
            await self._discard_lost_connection()
            if not await self.connect():
                raise SourceUnreachable(
                    "connect() said that it did not succeed",
                    source=self.config.connector_id,
                    remedy="Check the address and that the system is up.",
                )

    async def settle(self) -> None:
        """Belong to the running event loop, unless another one has this connector already."""
        if self._loop is None:
            self._use_running_loop()

    async def __aenter__(self) -> Self:
        await self.ensure_connected()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    def __enter__(self) -> Self:
        get_runtime().run(self.ensure_connected())
        return self

    def __exit__(self, *_: object) -> None:
        get_runtime().run(self.disconnect())

    def _needs_connection(self) -> bool:
        return self.metrics.connection_state is not ConnectionState.CONNECTED

    def _forget_connection(self) -> None:  # noqa: B027  (a connector may have nothing to forget)
        """Drop, without closing, a connection that belongs to an event loop that is gone."""

    async def _discard_lost_connection(self) -> None:
        """Close what is left of a connection that failed, before a new one is opened."""
        if self._connected_at is not None:
            with contextlib.suppress(Exception):  # it is broken already, and that was told
                await self.disconnect()

    def _lost_connection(self) -> None:
        self.metrics.connection_state = ConnectionState.ERROR

    def _use_running_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None and self._loop.is_running():
            raise SessionClosedError(
                "the connector is in use on another event loop",
                source=self.config.connector_id,
                remedy="Make one connector for each loop, or use a Session from every thread.",
            )
        self.abandon()
        self._loop = loop

    def abandon(self) -> None:
        """Forget the connection without closing it (another loop's, or a parent process's)."""
        self._forget_connection()
        self._loop = None
        self._connecting = asyncio.Lock()
        self.metrics.connection_state = ConnectionState.DISCONNECTED

    @property
    def is_open(self) -> bool:
        """Whether there is something to disconnect."""
        return self.metrics.connection_state is not ConnectionState.DISCONNECTED

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the connection was opened; 0 while there is none."""
        return 0.0 if self._connected_at is None else monotonic() - self._connected_at


def _tracking_connect(
    connect: Callable[[Any], Awaitable[bool]],
) -> Callable[[Any], Awaitable[bool]]:
    @functools.wraps(connect)
    async def tracked(self: Lifecycle) -> bool:
        self._use_running_loop()
        self.metrics.connection_state = ConnectionState.CONNECTING
        connected = False
        try:
            connected = bool(await connect(self))
        finally:
            state = ConnectionState.CONNECTED if connected else ConnectionState.ERROR
            self.metrics.connection_state = state
            self._connected_at = monotonic() if connected else None
        return connected

    return tracked


def _tracking_disconnect(
    disconnect: Callable[[Any], Awaitable[bool]],
) -> Callable[[Any], Awaitable[bool]]:
    @functools.wraps(disconnect)
    async def tracked(self: Lifecycle) -> bool:
        self.metrics.connection_state = ConnectionState.DISCONNECTING
        try:
            return bool(await disconnect(self))
        finally:
            self.metrics.connection_state = ConnectionState.DISCONNECTED
            self._connected_at = None

    return tracked
