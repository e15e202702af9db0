"""A stack gas analyser on asyncua, in a process of its own.

Nodes (``ns=2;s=...``): ``NOx`` in ppm, ``O2`` in percent, ``Mode`` (0 measuring, 1 calibrating,
2 maintenance), ``Alarm``.  Their source times stand still, as those of a server do whose values do
not change.  Commands are lines of JSON on stdin, each answered by a line: ``{"NOx": 43.2}``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from datetime import UTC, datetime
from typing import Any

from asyncua import Node, Server, ua

HOST = "127.0.0.1"
START = {"NOx": 43.2, "O2": 4.2, "Mode": 0, "Alarm": False}
KINDS = {
    "NOx": ua.VariantType.Double,
    "O2": ua.VariantType.Double,
    "Mode": ua.VariantType.Int32,
    "Alarm": ua.VariantType.Boolean,
}


async def write(nodes: dict[str, Node], change: dict[str, Any], moment: datetime) -> None:
    """Give nodes new values; None is a value of bad quality."""
    for name, value in change.items():
        variant = ua.Variant() if value is None else ua.Variant(value, KINDS[name])
        status = ua.StatusCodes.BadSensorFailure if value is None else ua.StatusCodes.Good
        await nodes[name].write_value(
            ua.DataValue(variant, ua.StatusCode(status), SourceTimestamp=moment)
        )


async def serve(port: int) -> None:
    """Print the ready line and obey commands until stdin is closed."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{HOST}:{port}/analyser/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    namespace = await server.register_namespace("urn:greenlang:analyser")
    nodes = {
        name: await server.nodes.objects.add_variable(
            ua.NodeId(name, namespace), ua.QualifiedName(name, namespace), START[name], KINDS[name]
        )
        for name in START
    }
    async with server:
        await write(nodes, START, datetime(2026, 1, 1, tzinfo=UTC))
        endpoint = f"opc.tcp://{HOST}:{port}/analyser/"
        ready = {"port": port, "pid": os.getpid(), "endpoint": endpoint, "namespace": namespace}
        print(json.dumps(ready), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            change = json.loads(line)
            await write(nodes, START if change is None else change, datetime.now(UTC))
            print("{}", flush=True)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port or free_port()))
