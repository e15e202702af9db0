"""A Modbus server that damages a chosen share of its answers, in a process of its own.

It is a gateway too: several units behind one endpoint, some of them dead.  Modbus TCP, serial
frames over TCP, or serial frames on a terminal.  ``README.md`` describes every fault.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import termios
import tty
from collections.abc import Callable
from pathlib import Path

from .modbus_fault_session import SERIAL_ONLY, TCP_ONLY, Dead, Fault, Framer, Plan, Session
from .modbus_frames import RtuFramer, TcpFramer

HOST = "127.0.0.1"


async def serve_tcp(plan: Plan, port: int, framer: Callable[[], Framer]) -> int:
    """Listen, and return the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(plan, framer(), writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                session.feed(data)
        session.open = False
        writer.close()

    server = await asyncio.start_server(serve, HOST, port)
    plan.keep.append(server)
    return int(server.sockets[0].getsockname()[1])


class Terminal:
    """A serial device, opened raw."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.descriptor, termios.TCSANOW)

    def write(self, data: bytes) -> None:
        """Send bytes; a line whose buffer is full loses them, as a line does."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.descriptor, data)


def serve_terminal(plan: Plan, path: str) -> None:
    """Answer on a serial device."""
    terminal = Terminal(path)
    session = Session(plan, RtuFramer(), terminal)

    def readable() -> None:
        session.feed(os.read(terminal.descriptor, 4096))

    asyncio.get_running_loop().add_reader(terminal.descriptor, readable)


async def run(options: argparse.Namespace) -> None:
    """Print the ready line and serve until stdin is closed."""
    plan = plan_from(options)
    port = 0
    if options.device:
        serve_terminal(plan, options.device)
    else:
        port = await serve_tcp(plan, options.port, RtuFramer if options.rtu else TcpFramer)
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


# --- options -----------------------------------------------------------------------------


def dead_unit(text: str) -> tuple[int, Dead]:
    """``9=11@0.5``: unit 9 answers exception 11 after half a second; code 0 never answers."""
    unit, _, rest = text.partition("=")
    code, _, seconds = rest.partition("@")
    return int(unit), Dead(int(code), float(seconds or 0))


def plan_from(options: argparse.Namespace) -> Plan:
    """What the command line asks for."""
    faults = tuple(Fault(name) for name in options.faults.split(",") if name)
    serial = options.rtu or options.device
    nonsense = set(faults) & set(TCP_ONLY if serial else SERIAL_ONLY)
    if nonsense:
        names = ", ".join(sorted(fault.value for fault in nonsense))
        raise SystemExit(f"{names} cannot be told from a right answer in this framing")
    return Plan(
        units=frozenset(int(unit) for unit in options.units.split(",")),
        dead=dict(dead_unit(text) for text in options.dead),
        faults=faults,
        probability=options.probability,
        late_seconds=options.late,
        delay_seconds=options.delay,
        blocking=options.blocking,
        random=random.Random(options.seed),
        log=Path(options.log).open("a", encoding="utf-8") if options.log else None,
    )


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rtu", action="store_true")
    parser.add_argument("--device")
    parser.add_argument("--units", default="1")
    parser.add_argument("--dead", action="append", default=[])
    parser.add_argument("--faults", default="")
    parser.add_argument("--probability", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--late", type=float, default=0.5)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--blocking", action="store_true")
    parser.add_argument("--log")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
