"""An open62541 server for the bench, through the Python package ``o6``.

It is C, and so no bottleneck for either client, which node-opcua is. The package is not free
software: without its maker's credential the process ends ten minutes after the import, and it is
no dependency of anything here. ``pip install o6==2.2.0`` puts it in place.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.drivers.opcua.helpers import HISTORY_START

NAMESPACE = 1
_PER_FOLDER = 1_000
_PER_WRITE = 20_000


@dataclass(frozen=True)
class Open62541:
    """A running server."""

    endpoint: str
    namespace: int = NAMESPACE

    def node(self, tag: str) -> str:
        """The node id of a tag as text."""
        return f"ns={self.namespace};s={tag}"


def missing() -> str | None:
    """Why it cannot be started here, or None when it can."""
    return None if importlib.util.find_spec("o6") else "o6 is not installed: run pip install o6"


@contextmanager
def start_open62541(tags: int, history: int) -> Iterator[Open62541]:
    """A server with ``Bulk.00000`` and on, and with ``history`` samples of History.Million."""
    command = [sys.executable, "-m", "tests.bench.open62541_server"]
    process = subprocess.Popen(
        [*command, "--tags", str(tags), "--history", str(history)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:  # the package prints a banner first
            if line.startswith(b"{"):
                yield Open62541(json.loads(line)["endpoint"])
                return
        raise RuntimeError("the open62541 server ended before it was ready")
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that the kernel says is free."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def _fill(server: Any, tags: int) -> None:
    for index in range(tags):
        if index % _PER_FOLDER == 0:
            folder = await server.addObject(f"Bulk.{index}", server.objectsNode)
        name = f"Bulk.{index:05d}"
        await server.addVariable(name, folder, index * 0.25, nodeId=f"ns={NAMESPACE};s={name}")


async def _record(o6: Any, server: Any, node: Any, history: int) -> None:
    for first in range(0, history, _PER_WRITE):
        values = [
            o6.DataValue(
                index * 0.25 - 50, sourceTimestamp=HISTORY_START + timedelta(seconds=index)
            )
            for index in range(first, min(first + _PER_WRITE, history))
        ]
        await server.write([node] * len(values), values)


async def serve(tags: int, history: int) -> None:
    """Print the ready line and serve until stdin is closed."""
    began = time.monotonic()
    o6: Any = importlib.import_module("o6")
    port = free_port()
    server = o6.Server(port=port)
    server.config.setHistoryDatabase(maxNodes=2, capacity=history + 1, maxResponseSize=50_000)
    await _fill(server, tags)
    await server.addVariable(
        "History.Million", server.objectsNode, 0.0, nodeId=f"ns={NAMESPACE};s=History.Million",
        historizing=o6.History(capacity=history + 1),
    )  # fmt: skip
    async with server:
        await _record(o6, server, o6.NodeId(f"ns={NAMESPACE};s=History.Million"), history)
        ready = {"endpoint": f"opc.tcp://127.0.0.1:{port}", "seconds": time.monotonic() - began}
        print(json.dumps(ready), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--history", type=int, default=1_000_000)
    options = parser.parse_args()
    asyncio.run(serve(options.tags, options.history))


if __name__ == "__main__":
    main()
