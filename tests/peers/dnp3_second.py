"""opendnp3's own outstation, through yadnp3, in a process of its own.

It holds ``--points`` points of each of the kinds it can be given values for, as ``dnp3_truth`` has
them, all in class 1 and with opendnp3's default variations (integers, and events without times);
the binding can set neither.  A JSON line ``[kind, index, value, flags, milliseconds]`` on stdin
changes a point, makes an event, and is answered by a line.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.peers import dnp3_truth as truth
from tests.peers.dnp3_truth import Kind

HOST = "127.0.0.1"
ADDRESS = 10
MASTER = 1
START_TIMEOUT_SECONDS = 10.0

_STATE_SHIFTS = {Kind.BINARY_INPUT: 7, Kind.DOUBLE_BIT_INPUT: 6, Kind.BINARY_OUTPUT: 7}


def _types() -> dict[Kind, Callable[[Any], Any]]:
    import opendnp3  # here, because pytest imports every file to look for doctests

    return {
        Kind.BINARY_INPUT: opendnp3.Binary,
        Kind.DOUBLE_BIT_INPUT: lambda state: opendnp3.DoubleBitBinary(opendnp3.DoubleBit(state)),
        Kind.BINARY_OUTPUT: opendnp3.BinaryOutputStatus,
        Kind.COUNTER: opendnp3.Counter,
        Kind.ANALOG_INPUT: opendnp3.Analog,
        Kind.ANALOG_OUTPUT: opendnp3.AnalogOutputStatus,
    }


def measurement(kind: Kind, value: Any, flags: int, milliseconds: int) -> Any:
    """The binding's object for a point's state."""
    import opendnp3

    state = int(value) << _STATE_SHIFTS[kind] if kind in _STATE_SHIFTS else 0
    made = _types()[kind](value)
    made.flags = opendnp3.Flags(flags | state)
    made.time = opendnp3.DNPTime(milliseconds)
    return made


def free_port() -> int:
    """A port nobody listens on; opendnp3 does not tell which one it was given."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def configuration(given: argparse.Namespace) -> Any:
    """Default classes and variations."""
    import opendnp3

    stack = opendnp3.OutstationStackConfig(opendnp3.DatabaseConfig(given.points))
    stack.outstation.eventBufferConfig = opendnp3.EventBufferConfig.AllTypes(1000)
    stack.outstation.params.allowUnsolicited = not given.no_unsolicited
    stack.link.LocalAddr, stack.link.RemoteAddr = ADDRESS, MASTER
    return stack


def listen(manager: Any, port: int, given: argparse.Namespace) -> Any:
    """A server on ``port``, with TLS and the client's certificate required where files are given."""
    import opendnp3

    place = ("server", opendnp3.LogLevels.none(), opendnp3.ServerAcceptMode.CloseExisting)
    endpoint, listener = opendnp3.IPEndpoint(HOST, port), opendnp3.IChannelListener()
    if given.certificate is None:
        return manager.AddTCPServer(*place, endpoint, listener)
    tls = opendnp3.TLSConfig(given.client_certificate, given.certificate, given.key)
    return manager.AddTLSServer(*place, endpoint, tls, listener)


def apply_truth(outstation: Any, points: int) -> None:
    """Give every point its documented value without making events."""
    import opendnp3

    builder = opendnp3.UpdateBuilder()
    for kind in _types():
        for index in range(points):
            state = (truth.value(kind, index), truth.flags(kind, index), truth.time(kind, index))
            builder.Update(measurement(kind, *state), index, opendnp3.EventMode.Suppress)
    outstation.Apply(builder.Build())


def wait_listening(port: int) -> None:
    """Return once connections are accepted."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1.0).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def follow_changes(outstation: Any) -> None:
    """Carry out the changes on stdin until it is closed."""
    import opendnp3

    for line in sys.stdin:
        kind, index, value, flags, milliseconds = json.loads(line)
        builder = opendnp3.UpdateBuilder()
        made = measurement(Kind(kind), value, flags, milliseconds)
        builder.Update(made, index, opendnp3.EventMode.Force)
        outstation.Apply(builder.Build())
        print("done", flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--points", type=int, default=30, help="of each kind")
    parser.add_argument("--no-unsolicited", action="store_true")
    parser.add_argument("--certificate", help="its own, PEM, for TLS")
    parser.add_argument("--key", help="of its certificate, PEM")
    parser.add_argument("--client-certificate", help="the one that clients must show, PEM")
    return parser.parse_args()


def main() -> None:
    """Run the outstation."""
    import opendnp3

    given = arguments()
    port = given.port or free_port()
    manager = opendnp3.DNP3Manager(1)
    try:
        channel = listen(manager, port, given)
        outstation = channel.AddOutstation(
            "outstation",
            opendnp3.ICommandHandler(),
            opendnp3.IOutstationApplication(),
            configuration(given),
        )
        apply_truth(outstation, given.points)
        outstation.Enable()
        wait_listening(port)
        print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
        follow_changes(outstation)
    finally:
        manager.Shutdown()  # without it the process never ends


if __name__ == "__main__":
    main()
