"""The second Modbus TCP server, on pymodbus, in a process of its own.

It loses pipelined requests, so it is for plain reads only.  Contents are in ``README.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

HOST = "127.0.0.1"


def first_device() -> SimDevice:
    """Unit 1: the same formulas as the libmodbus server, over fewer addresses."""
    floats = [index * 0.5 - 100 for index in range(100)]
    pattern = [(address * 31 + 7) & 0xFFFF for address in range(300, 400)]
    inputs = [index * 0.25 + 1000 for index in range(100)]
    holding = [
        SimData(0, values=floats, datatype=DataType.FLOAT32),
        SimData(300, values=pattern, datatype=DataType.REGISTERS),
        SimData(400, values="GREENLANG ", datatype=DataType.STRING),
    ]
    coils = [address % 3 == 0 for address in range(200)]
    discrete = [address % 5 == 0 or address % 7 == 0 for address in range(200)]
    return SimDevice(
        id=1,
        simdata=(
            [SimData(0, values=coils, datatype=DataType.BITS)],
            [SimData(0, values=discrete, datatype=DataType.BITS)],
            holding,
            [SimData(0, values=inputs, datatype=DataType.FLOAT32)],
        ),
    )


def second_device() -> SimDevice:
    """Unit 2: holding registers 0-9 hold 1000 to 1009."""
    return SimDevice(
        id=2,
        simdata=(
            [SimData(0, values=[True] * 8, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 8, datatype=DataType.BITS)],
            [SimData(0, values=list(range(1000, 1010)), datatype=DataType.REGISTERS)],
            [SimData(0, values=list(range(2000, 2010)), datatype=DataType.REGISTERS)],
        ),
    )


async def serve(port: int) -> None:
    """Print the ready line and serve until stdin is closed."""
    server = ModbusTcpServer([first_device(), second_device()], address=(HOST, port))
    await server.serve_forever(background=True)
    listener: Any = server.transport  # a server's, and not a link's as its type says
    listening = listener.sockets[0].getsockname()[1]
    print(json.dumps({"port": listening, "pid": os.getpid()}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    await server.shutdown()


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
