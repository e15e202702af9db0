"""The OIBus agent's OPC module: a connection to an OPC server, opened, read and closed.

Exactly three of the agent's resources are asked, none of which writes anything at the plant:

==================================  ==============================================================
``PUT api/opc/{id}/connect``        ``{"host", "serverName", "mode"}``; 200 or 204
``PUT api/opc/{id}/read``           the same with ``startTime``, ``endTime``, ``aggregate``,
                                    ``resampling``, ``maxReadValues``, ``intervalReadDelay`` and
                                    ``items`` of ``{"name", "nodeId"}``;
                                    ``{"recordCount", "content", "maxInstantRetrieved"}``
``DELETE api/opc/{id}/disconnect``  nothing
==================================  ==============================================================

A refusal is 400 with a sentence as plain text. ``mode`` is ``hda`` for stored values and ``da`` for
current ones. Times are UTC with milliseconds. Whatever name for an aggregate the agent does not know
it takes for raw, so nothing but raw is asked. An item that is not there has no points, and no point
is told without a value.

The agent is that of OIBus v3, and its own source is not public. What is here is told by OIBus's
connector for it (``south-opc``; the first of v3 knew no ``mode`` and no ``maxReadValues`` and took
204 for an answer), by the agent's documentation, and by the later port of its reader into OIBus
(``opc-classic-windows``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import uuid4

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.exchange import Decode
from greenlang_data.drivers.http.faults import plain
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.drivers.http.stamps import written
from greenlang_data.drivers.phd.points import OpcSamples, decode
from greenlang_data.errors import ProtocolError, SourceError
from greenlang_data.settings.phd import PhdSettings

# All at once: where the agent joins pages it tells samples twice, and over the hour that a clock
# repeats it would go on for ever. A server that has a limit of its own is met in oibus.py.
_ALL: Final = 0
_PAUSE_MS: Final = 200  # between pages of such a server, as OIBus has it
_PATIENCE_SECONDS: Final = 1.5  # with which an agent may take its leave
_REFUSED: Final = frozenset({400})
_ANYTHING: Final = ("application/json", "text/plain")


class AgentRefusedError(SourceError):
    """The agent says that it cannot do that, such as a server or an item that is not there."""


class AgentSession:
    """A connection of the agent to one OPC server, one request at a time, as OIBus has it.

    It is opened when something is to be read, under a name that is nobody else's, and given up for a
    new one whenever a request was left unanswered, because the agent may be busy with it yet.
    """

    def __init__(
        self, client: HttpClient, settings: PhdSettings, mode: Literal["hda", "da"], source: str
    ) -> None:
        self._client, self._source = client, source
        server = settings.opc_hda_server if mode == "hda" else settings.opc_da_server
        self._address = {"host": settings.opc_host, "serverName": server, "mode": mode}
        self._key = f"opc_{mode}_server"
        self._name: str | None = None
        self._turn = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def read(
        self, items: Sequence[str], start: int, end: int, log: ReadLog
    ) -> dict[str, OpcSamples]:
        """The points of ``items``, from ``start`` to ``end`` in nanoseconds since 1970 UTC.

        Raises AgentRefusedError, and what :meth:`HttpClient.ask` raises.
        """
        question = {
            **self._address,
            "aggregate": "raw",
            "resampling": "none",
            "startTime": written(start, 3),
            "endTime": written(end, 3),
            "maxReadValues": _ALL,
            "intervalReadDelay": _PAUSE_MS,
            "items": [{"name": item, "nodeId": item} for item in items],
        }
        async with self._turn:
            was_open = self._name is not None
            answer = await self._asked("read", question, log, decode)
            if answer.status in _REFUSED and was_open:
                # It may have been started anew, and know nothing of this connection.
                self._give_up()
                answer = await self._asked("read", question, log, decode)
        if answer.status in _REFUSED:
            raise self._refused("could not read from", answer, "Check the names of the tags.")
        found: dict[str, OpcSamples] = answer.data or {}
        if strange := found.keys() - set(items):
            raise ProtocolError(
                f"it was asked for {len(items)} items and answered about {min(strange)!r}",
                source=self._source,
            )
        return found

    async def open(self, log: ReadLog) -> None:
        """Have the agent connect, if it has not. Raises as :meth:`read` does."""
        if self._name is not None:
            return
        self._name = f"greenlang-{uuid4().hex}"
        answer = await self._sent("connect", self._address, log, lambda body: None, _ANYTHING)
        if answer.status in _REFUSED:
            self._give_up()
            raise self._refused(
                "could not connect to",
                answer,
                f"Check opc_host and {self._key}, and that the agent's user may use that server.",
            )

    async def close(self) -> None:
        """Have the agent disconnect; within a second or two, and never raises."""
        self._give_up()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=2 * _PATIENCE_SECONDS)

    async def _asked(
        self, action: str, body: dict[str, Any], log: ReadLog, read: Decode[Any]
    ) -> Answer[Any]:
        await self.open(log)
        return await self._sent(action, body, log, read)

    async def _sent(
        self,
        action: str,
        body: dict[str, Any],
        log: ReadLog,
        read: Decode[Any],
        accept: Sequence[str] = ("application/json",),
    ) -> Answer[Any]:
        ask = Ask(
            f"api/opc/{self._name}/{action}",
            method="PUT",
            content=json.dumps(body).encode(),
            accept=accept,
            expected=_REFUSED,
        )
        try:
            return await self._client.ask(ask, log, read)
        except BaseException:  # a cancellation is one
            self._give_up()
            raise

    def _give_up(self) -> None:
        """Have the agent disconnect, and do not wait for it."""
        name, self._name = self._name, None
        if name is not None:
            task = asyncio.create_task(self._disconnected(name))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _disconnected(self, name: str) -> None:
        ask = Ask(f"api/opc/{name}/disconnect", method="DELETE", accept=_ANYTHING)
        with contextlib.suppress(SourceError, TimeoutError):  # it is as good as gone
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._client.ask(ask, ReadLog(), lambda body: None)

    def _refused(self, what: str, answer: Answer[Any], remedy: str) -> AgentRefusedError:
        server, host = self._address["serverName"], self._address["host"]
        return AgentRefusedError(
            f"the agent {what} {server} on {host}: {plain(answer.body)}",
            source=self._source,
            remedy=remedy,
        )


class Agent:
    """An OIBus agent, with a connection for stored and one for current values."""

    def __init__(self, client: HttpClient, settings: PhdSettings, source: str) -> None:
        self._client = client
        self.stored = AgentSession(client, settings, "hda", source)
        self.current = AgentSession(client, settings, "da", source)

    async def close(self) -> None:
        """Have the agent disconnect, and close idle connections; never raises."""
        await asyncio.gather(self.stored.close(), self.current.close())
        await self._client.close()
