"""A TLS listener in front of a plain TCP server that splits what it sends into TLS records.

With ``--split N`` every answer leaves as one record of N bytes and, after a pause, one record
with the rest, which is what a client that takes a record for a message cannot read.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import sys
from collections.abc import Awaitable

HOST = "127.0.0.1"


class Bridge:
    """The bridge's options and one task pair for each connection."""

    def __init__(self, target: int, split: int, pause: float) -> None:
        self.target = target
        self.split = split
        self.pause = pause

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until one side ends."""
        try:
            inward, outward = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.close()
            return
        ways: list[Awaitable[None]] = [_copy(reader, outward), self._answers(inward, writer)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            outward.close()
            writer.close()

    async def _answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(4096):
            first, rest = (data[: self.split], data[self.split :]) if self.split else (data, b"")
            sink.write(first)
            await sink.drain()
            if rest:
                await asyncio.sleep(self.pause)
                sink.write(rest)
                await sink.drain()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(4096):
        sink.write(data)
        await sink.drain()


def context(certificate: str, client_authority: str | None) -> ssl.SSLContext:
    """A server context that asks for a client certificate when an authority is given."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    if client_authority:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(client_authority)
    return made


async def run(options: argparse.Namespace) -> None:
    """Print the ready line and serve until stdin is closed."""
    bridge = Bridge(options.target, options.split, options.pause)
    secured = context(options.certificate, options.client_authority)
    server = await asyncio.start_server(bridge.serve, HOST, options.port, ssl=secured)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


def main() -> None:
    """Run the bridge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--target", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--client-authority")
    parser.add_argument("--split", type=int, default=0)
    parser.add_argument("--pause", type=float, default=0.02)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
