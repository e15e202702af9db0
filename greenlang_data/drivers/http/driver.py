"""What the drivers of all web systems have in common: a client that is made, asked and closed."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, Protocol, TypeVar

from greenlang_data.drivers.base import Driver
from greenlang_data.errors import SourceUnreachable


class Closable(Protocol):
    """A client, or what is built on one."""

    async def close(self) -> None:
        """Close idle connections; never raises."""


TOpened = TypeVar("TOpened", bound=Closable)


class HttpDriver(Driver, Generic[TOpened]):
    """A driver over HTTP. There is no connection to open, so connecting sends nothing."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._opened: TOpened | None = None

    @abstractmethod
    def open(self) -> TOpened:
        """What reads are made with. Raises ConfigurationError for an address or login of no use."""

    @property
    def connected(self) -> bool:
        return self._opened is not None

    async def connect(self) -> None:
        """Make the client; nothing is sent before something is asked.

        Raises ConfigurationError for an address or login that cannot be used.
        """
        if self._opened is None:
            self._opened = self.open()

    async def close(self) -> None:
        """Close idle connections; never raises."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    @property
    def opened(self) -> TOpened:
        """What ``open`` made. Raises SourceUnreachable when it is closed."""
        if self._opened is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        return self._opened
