"""yadnp3's own outstation, in a process of its own: ``python outstation.py --points 20``.

It has ``--points`` points of every type: analog and analog output ``n`` is ``n * 3 - 20``,
counter ``n * 7``, binary and binary output on where ``n`` is odd, double bit off or on likewise.
It can report only in the library's default variations, so integers and events without times.
Lines on stdin are JSON lists of updates ``[type, index, value, flags, milliseconds]``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from typing import Any, Final

import opendnp3 as dnp3

ONLINE: Final = 0x01
_CLASSES: Final = {
    "analog": dnp3.Analog,
    "analog_output_status": dnp3.AnalogOutputStatus,
    "counter": dnp3.Counter,
    "binary": dnp3.Binary,
    "binary_output_status": dnp3.BinaryOutputStatus,
    "double_bit": dnp3.DoubleBitBinary,
}
_DOUBLE: Final = {False: dnp3.DoubleBit.DETERMINED_OFF, True: dnp3.DoubleBit.DETERMINED_ON}


class Application(dnp3.IOutstationApplication):  # type: ignore[misc] # the library ships no types
    """The defaults of the library."""


class Commands(dnp3.ICommandHandler):  # type: ignore[misc] # as above
    """Takes no command."""


class Listener(dnp3.IChannelListener):  # type: ignore[misc] # as above
    """Nobody needs to know about the channel."""

    def OnStateChange(self, state: Any) -> None:  # noqa: N802 - the library's name
        pass


def value_of(kind: str, index: int) -> float | bool:
    """What a point holds at the start."""
    if kind in ("binary", "double_bit", "binary_output_status"):
        return index % 2 == 1
    return index * 7 if kind == "counter" else index * 3 - 20


def measurement(kind: str, value: float | bool, flags: int, time: int | None) -> Any:
    """A value as the library takes it."""
    made = _CLASSES[kind]()
    made.value = _DOUBLE[bool(value)] if kind == "double_bit" else value
    state = {"binary": 0x80, "binary_output_status": 0x80}.get(kind, 0)
    made.flags = dnp3.Flags(flags | (state if value else 0))
    if kind == "double_bit":
        made.flags = dnp3.Flags(flags | (0x80 if value else 0x40))
    if time is not None:
        made.time = dnp3.DNPTime(time)
    return made


def fill(builder: Any, points: int) -> None:
    """Give every point its first value, without an event."""
    for kind in _CLASSES:
        for index in range(points):
            value = measurement(kind, value_of(kind, index), ONLINE, None)
            builder.Update(value, index, dnp3.EventMode.Suppress)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def main() -> None:
    """Serve until stdin is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--unsolicited", action="store_true")
    given = parser.parse_args()
    manager = dnp3.DNP3Manager(1)
    port = given.port or free_port()
    channel = manager.AddTCPServer(
        "outstation",
        dnp3.LogLevels(0),
        dnp3.ServerAcceptMode.CloseExisting,
        dnp3.IPEndpoint("127.0.0.1", port),
        Listener(),
    )
    config = dnp3.OutstationStackConfig(dnp3.DatabaseConfig(given.points))
    config.outstation.eventBufferConfig = dnp3.EventBufferConfig.AllTypes(given.events)
    config.outstation.params.allowUnsolicited = given.unsolicited
    config.link.LocalAddr, config.link.RemoteAddr = 10, 1
    outstation = channel.AddOutstation("outstation", Commands(), Application(), config)
    builder = dnp3.UpdateBuilder()
    fill(builder, given.points)
    outstation.Apply(builder.Build())
    outstation.Enable()
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        builder = dnp3.UpdateBuilder()
        for kind, index, value, flags, time in json.loads(line):
            builder.Update(measurement(kind, value, flags, time), index)
        outstation.Apply(builder.Build())
        print("done", flush=True)
    manager.Shutdown()


if __name__ == "__main__":
    main()
