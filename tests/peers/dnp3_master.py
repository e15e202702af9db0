"""An independent master, opendnp3 through yadnp3, to try the outstations against."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from .launch import _require

ANSWER_TIMEOUT_SECONDS = 20.0
RESPONSE_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Row:
    """One object as the master's handler received it."""

    variation: tuple[int, int]
    index: int
    value: Any
    flags: int | None
    time: int | None
    time_quality: str
    unsolicited: bool


@dataclass
class _Received:
    """What the callbacks collected; they run in the library's own thread."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    rows: list[Row] = field(default_factory=list)
    tasks: list[tuple[str, str]] = field(default_factory=list)
    indications: list[int] = field(default_factory=list)
    unsolicited: bool = False

    def add(self, action: Callable[[], None]) -> None:
        with self.changed:
            action()
            self.changed.notify_all()


class Master:
    """A running master; close it, or the process never ends."""

    def __init__(self, port: int, *, address: int = 1, outstation: int = 10) -> None:
        _require("dnp3_second")
        import opendnp3

        self._library = opendnp3
        self._received = _Received()
        self._manager = opendnp3.DNP3Manager(1)
        retry = opendnp3.TimeDuration.Milliseconds(200)
        channel = self._manager.AddTCPClient(
            "client",
            opendnp3.LogLevels.none(),
            opendnp3.ChannelRetry(retry, retry),
            [opendnp3.IPEndpoint("127.0.0.1", port)],
            "0.0.0.0",
            opendnp3.IChannelListener(),
        )
        stack = opendnp3.MasterStackConfig()
        stack.link.LocalAddr, stack.link.RemoteAddr = address, outstation
        stack.master.responseTimeout = opendnp3.TimeDuration.Seconds(RESPONSE_TIMEOUT_SECONDS)
        self._handler = _handler(self._received)
        # Kept alive here, because the library calls back into it.
        self._application = _application(self._received)
        self._master = channel.AddMaster("master", self._handler, self._application, stack)
        self._master.Enable()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.Shutdown()

    @property
    def rows(self) -> list[Row]:
        """Everything received since ``forget``."""
        with self._received.changed:
            return list(self._received.rows)

    @property
    def tasks(self) -> list[tuple[str, str]]:
        """(task, result) of every finished task."""
        with self._received.changed:
            return list(self._received.tasks)

    @property
    def indications(self) -> list[int]:
        """The internal indications of every response, low octet first.

        The library passes them on after the end of the task they belong to.
        """
        with self._received.changed:
            return list(self._received.indications)

    def forget(self) -> None:
        """Start again with no rows, tasks and indications."""
        with self._received.changed:
            for collected in (
                self._received.rows,
                self._received.tasks,
                self._received.indications,
            ):
                collected.clear()

    def wait(self, condition: Callable[[Self], bool]) -> None:
        """Wait until ``condition`` holds of this master."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_SECONDS
        while not condition(self):
            with self._received.changed:
                left = deadline - time.monotonic()
                assert left > 0, f"the master got no further than {self.tasks}"
                self._received.changed.wait(min(left, 0.1))

    def wait_started(self) -> None:
        """Wait until start-up is over: integrity poll done and unsolicited responses enabled."""
        self.wait(lambda master: any(task == "ENABLE_UNSOLICITED" for task, _ in master.tasks))

    def wait_indicated(self, bit: int) -> None:
        """Wait for a response that indicates ``bit``."""
        self.wait(lambda master: any(found & bit for found in master.indications))

    def poll_classes(self, *classes: int) -> str:
        """Read these classes; return how the task ended."""
        chosen = self._library.ClassField(*(number in classes for number in range(4)))
        return self._task(lambda: self._master.ScanClasses(chosen, self._handler))

    def poll_range(self, group: int, variation: int, first: int, last: int) -> str:
        """Read points first to last in one variation; return how the task ended."""
        asked = self._library.GroupVariationID(group, variation)
        return self._task(lambda: self._master.ScanRange(asked, first, last, self._handler))

    def poll_all(self, group: int, variation: int) -> str:
        """Read all objects of one variation; return how the task ended."""
        asked = self._library.GroupVariationID(group, variation)
        return self._task(lambda: self._master.ScanAllObjects(asked, self._handler))

    def perform(self, function: str) -> str:
        """Send a function without objects; return how the task ended."""
        code = getattr(self._library.FunctionCode, function)
        return self._task(lambda: self._master.PerformFunction(function, code, []))

    def operate(self, index: int) -> None:
        """Try to switch a binary output; there is no waiting for the refusal."""
        command = self._library.ControlRelayOutputBlock(self._library.OperationType.LATCH_ON)
        self._master.DirectOperate(command, index, lambda result: None)

    def _task(self, start: Callable[[], None]) -> str:
        self.forget()
        start()
        self.wait(lambda master: any(task == "USER_TASK" for task, _ in master.tasks))
        return next(result for task, result in self.tasks if task == "USER_TASK")


def _handler(received: _Received) -> Any:
    import opendnp3

    class Handler(opendnp3.ISOEHandler):  # type: ignore[misc]  # the library has no types
        def BeginFragment(self, info: Any) -> None:  # noqa: N802 - the library's name
            received.unsolicited = bool(info.unsolicited)

        def EndFragment(self, info: Any) -> None:  # noqa: N802 - the library's name
            pass

        def Process(self, info: Any, values: Any) -> None:  # noqa: N802 - the library's name
            rows = [_row(info, indexed, received.unsolicited) for indexed in values]
            received.add(lambda: received.rows.extend(rows))

    return Handler()


def _application(received: _Received) -> Any:
    import opendnp3

    class Application(opendnp3.IMasterApplication):  # type: ignore[misc]  # no types
        def OnReceiveIIN(self, iin: Any) -> None:  # noqa: N802 - the library's name
            received.add(lambda: received.indications.append(iin.LSB | iin.MSB << 8))

        def OnTaskComplete(self, info: Any) -> None:  # noqa: N802 - the library's name
            task, result = info.type.name, info.result.name
            received.add(lambda: received.tasks.append((task, result)))

    return Application()


def _row(info: Any, indexed: Any, unsolicited: bool) -> Row:
    point = indexed.value
    flags, stamp = getattr(point, "flags", None), getattr(point, "time", None)
    code = int(info.gv.value)
    return Row(
        variation=(code >> 8, code & 0xFF),
        index=int(indexed.index),
        value=_value(point),
        flags=None if flags is None else int(flags.value),
        time=None if stamp is None else int(stamp.value),
        time_quality=info.tsquality.name,
        unsolicited=unsolicited,
    )


def _value(point: Any) -> Any:
    if hasattr(point, "ToBytes"):
        return point.ToBytes()
    if hasattr(point, "interval"):
        return (int(point.time.value), int(point.interval), int(point.units))
    value = point.value
    return int(value.value) if hasattr(value, "name") else value
