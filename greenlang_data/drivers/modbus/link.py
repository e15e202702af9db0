"""What the driver needs of a connection, whatever carries it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus.exceptions import RefusedError
from greenlang_data.drivers.modbus.plan import Span


class Answer(NamedTuple):
    """The data bytes for a span, and the client's clock (UTC, ns since 1970) as they arrived."""

    data: bytes
    received: int


class Silence(NamedTuple):
    """A unit did not answer, though it was given ``seconds`` and the line to itself."""

    seconds: float


Outcome = Answer | RefusedError | Silence


class Link(Protocol):
    """An open connection to one device or gateway."""

    @property
    def connected(self) -> bool:
        """Whether the next request can be sent."""

    @property
    def given_up(self) -> bool:
        """Whether a cancelled request, and not the device, ended the connection."""

    async def ask(self, spans: Sequence[Span], log: ReadLog) -> list[Outcome]:
        """Read each of ``spans`` in a request of its own; the outcomes come in the same order.

        Waits for its turn, and for the answers as long as ``Pace.unit_seconds`` says or without
        limit. Counts the requests in ``log``.

        Raises SourceUnreachable or ProtocolError, after which the connection is closed. So it is
        when cancelled between request and answer.
        """

    async def close(self) -> None:
        """Close at once; never raises, may be called twice."""
