"""Start the outstation: print the ready line and serve until stdin is closed."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from pathlib import Path

from tests.peers.dnp3_truth import Kind

from .control import Control
from .outstation import Options, Outstation
from .session import Session

HOST = "127.0.0.1"
SMALLEST_FRAGMENT = 300


def _fragment_bytes(text: str) -> int:
    """A fragment size into which the longest octet string fits."""
    if not SMALLEST_FRAGMENT <= int(text) <= 65536:
        raise argparse.ArgumentTypeError(f"{text} is not between {SMALLEST_FRAGMENT} and 65536")
    return int(text)


def _by_kind(text: str) -> tuple[Kind, int]:
    kind, _, number = text.partition("=")
    return Kind(kind), int(number)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", type=int, default=10, help="link address of the outstation")
    parser.add_argument("--master", type=int, default=1, help="link address of the only master")
    parser.add_argument("--points", type=_by_kind, action="append", default=[], help="KIND=COUNT")
    parser.add_argument(
        "--static", type=_by_kind, action="append", default=[], help="KIND=VARIATION by default"
    )
    parser.add_argument(
        "--event", type=_by_kind, action="append", default=[], help="KIND=VARIATION by default"
    )
    parser.add_argument("--fragment", type=_fragment_bytes, default=2048, help="most octets")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each fragment")
    parser.add_argument("--nagle", action="store_true", help="frame by frame, no TCP_NODELAY")
    parser.add_argument("--event-buffer", type=int, default=1000, help="events of each class")
    parser.add_argument("--confirm-timeout", type=float, default=5.0, help="seconds")
    parser.add_argument("--unsolicited-retries", type=int, default=3)
    parser.add_argument("--no-unsolicited", action="store_true", help="none, and none to enable")
    parser.add_argument("--need-time", action="store_true", help="the clock was never set")
    parser.add_argument("--audit", type=Path, help="file for all requests")
    return parser.parse_args()


def _options(parsed: argparse.Namespace) -> Options:
    return Options(
        address=parsed.address,
        master=parsed.master,
        fragment_bytes=parsed.fragment,
        delay_seconds=parsed.delay,
        nagle=parsed.nagle,
        event_buffer=parsed.event_buffer,
        confirm_timeout_seconds=parsed.confirm_timeout,
        unsolicited_retries=parsed.unsolicited_retries,
        unsolicited=not parsed.no_unsolicited,
        need_time=parsed.need_time,
        audit=parsed.audit,
        counts=dict(parsed.points),
        static_variations=dict(parsed.static),
        event_variations=dict(parsed.event),
    )


async def _connected(
    outstation: Outstation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one master; a newer connection takes the place of an older one."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 0 if outstation.options.nagle else 1
    )
    if outstation.session:
        outstation.session.close()
    session = outstation.session = Session(outstation, reader, writer)
    outstation.counters["connections"] += 1
    try:
        await session.run()
    finally:
        if outstation.session is session:
            outstation.session = None


async def serve(port: int, options: Options) -> None:
    """Print the ready line and serve until stdin is closed."""
    outstation = Outstation(options)
    control = await asyncio.start_server(Control(outstation).serve, HOST, 0, limit=1 << 24)
    server = await asyncio.start_server(
        lambda reader, writer: _connected(outstation, reader, writer), HOST, port
    )
    ready = {
        "port": server.sockets[0].getsockname()[1],
        "control": control.sockets[0].getsockname()[1],
        "pid": os.getpid(),
    }
    print(json.dumps(ready), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    os._exit(0)  # connections may be stalled, and nothing is left to save


def main() -> None:
    """Run the outstation."""
    parsed = arguments()
    asyncio.run(serve(parsed.port, _options(parsed)))


if __name__ == "__main__":
    main()
