"""The control port: one JSON object a line in, one out, to change and break the outstation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.peers.dnp3_truth import Kind, Value

from .database import EVENT_CLASSES
from .lies import Lie, Target
from .objects import event_form, static_form
from .outstation import Outstation
from .request import Indication
from .session import Session

Command = dict[str, Any]
NEWS = {"set", "unsolicited", "restart"}  # after these there may be something to report


class Control:
    """Carries out commands; ``launch_dnp3.Dnp3Peer`` has a method for each one."""

    def __init__(self, outstation: Outstation) -> None:
        self._outstation = outstation
        self._commands: dict[str, Callable[..., Command | None]] = {
            "set": self._set,
            "configure": self._configure,
            "unsolicited": self._unsolicited,
            "drop": self._drop,
            "stall": self._stall,
            "resume": self._resume,
            "restart": self._restart,
            "indications": self._indications,
            "lie": self._lie,
            "truth": self._truth,
            "clear_audit": self._clear_audit,
            "link_status": self._link_status,
            "status": self._status,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the commands of one connection; a list of commands is carried out as one."""
        while line := await reader.readline():
            try:
                answer = self._carry_out(json.loads(line))
            except (ValueError, TypeError, LookupError) as error:
                answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _carry_out(self, received: Command | list[Command]) -> Command:
        answer: Command = {"ok": True}
        commands = received if isinstance(received, list) else [received]
        for command in commands:
            arguments = dict(command)
            answer |= self._commands[arguments.pop("do")](**arguments) or {}
        news = any(command["do"] in NEWS for command in commands)
        if news and self._outstation.session:
            self._outstation.session.wake()
        return answer

    def _set(
        self,
        kind: str,
        index: int,
        value: Any = None,
        flags: int | None = None,
        time: int | None = None,
        event: bool | None = None,
    ) -> None:
        chosen = Kind(kind)
        point = self._outstation.database.points[chosen][index]
        point.shown.clear()
        if value is not None:
            point.value = _value(chosen, value)
        if flags is not None:
            point.flags = flags
        point.time = self._outstation.now() if time is None else time
        self._outstation.change(chosen, index, event=event)

    def _configure(
        self,
        kind: str,
        index: int,
        event_class: int | str | None = None,
        static_variation: int | None = None,
        event_variation: int | None = None,
    ) -> None:
        chosen = Kind(kind)
        point = self._outstation.database.points[chosen][index]
        point.shown.clear()
        if event_class is not None:
            point.event_class = None if event_class == "none" else int(event_class)
        if static_variation is not None:
            if static_form(chosen, static_variation) is None:
                raise ValueError(f"{kind} has no static variation {static_variation}")
            point.static_variation = static_variation
        if event_variation is not None:
            if event_form(chosen, event_variation) is None:
                raise ValueError(f"{kind} has no event variation {event_variation}")
            point.event_variation = event_variation

    def _unsolicited(self) -> None:
        self._outstation.unsolicited_forced = True

    def _drop(self, reset: bool = False) -> None:
        if self._outstation.session:
            self._outstation.session.close(reset=reset)

    def _stall(self) -> None:
        self._connected().flowing.clear()

    def _resume(self) -> None:
        self._connected().flowing.set()

    def _restart(self, drop: bool = True) -> None:
        self._outstation.restart()
        if drop:
            self._drop()

    def _indications(self, bits: int) -> None:
        self._outstation.extra_indications = Indication(bits)

    def _lie(self, lie: str, target: str = "data", skip: int = 0, count: int = 1) -> None:
        self._outstation.lies.plan(Lie(lie), Target(target), skip, count)

    def _truth(self) -> None:
        self._outstation.lies.forget()

    def _clear_audit(self) -> None:
        self._outstation.audit.clear()

    def _link_status(self) -> None:
        self._connected().ask_link_status()

    def _status(self) -> Command:
        outstation = self._outstation
        return {
            **outstation.counters,
            "connected": outstation.session is not None,
            "events": [outstation.events.count(event_class) for event_class in EVENT_CLASSES],
            "overflowed": outstation.events.overflowed,
            "restarted": outstation.restarted,
            "start_announced": outstation.start_announced,
            "unsolicited_classes": sorted(outstation.unsolicited_classes),
            "lies_told": outstation.lies.told,
        }

    def _connected(self) -> Session:
        if self._outstation.session is None:
            raise ValueError("no master is connected")
        return self._outstation.session


def _value(kind: Kind, value: Any) -> Value:
    """A value as JSON has it: octets in hexadecimal, a time interval as a list of three."""
    if kind is Kind.OCTET_STRING:
        octets = bytes.fromhex(value)
        if not 1 <= len(octets) <= 255:
            raise ValueError("an octet string has 1 to 255 octets")
        return octets
    if kind is Kind.TIME_INTERVAL:
        milliseconds, interval, unit = value
        return int(milliseconds), int(interval), int(unit)
    if kind in (Kind.ANALOG_INPUT, Kind.ANALOG_OUTPUT):
        return float(value)
    return bool(value) if kind in (Kind.BINARY_INPUT, Kind.BINARY_OUTPUT) else int(value)
