"""What the driver needs of a connection, whatever carries it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from greenlang_data.drivers.modbus.plan import Span


class Answer(NamedTuple):
    """The data bytes for a span, and the client's clock (UTC, ns since 1970) as they arrived."""

    data: bytes
    received: int


class Link(Protocol):
    """An open connection to one device or gateway."""

    @property
    def connected(self) -> bool:
        """Whether the next request can be sent."""

    @property
    def given_up(self) -> bool:
        """Whether a cancelled request, and not the device, ended the connection."""

    async def ask(self, span: Span) -> Answer:
        """Read ``span`` in one request; waits for its turn, and for the answer without limit.

        Raises RefusedError for an exception answer, and SourceUnreachable or ProtocolError, after
        which the connection is closed. So it is when cancelled between request and answer.
        """

    async def close(self) -> None:
        """Close at once; never raises, may be called twice."""
