"""A broadcast management device on bacpypes3, in a process of its own.

It lets foreign devices register and passes their broadcasts on to the peers it was given, as to
another subnet. It is device ``--device`` itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from bacpypes3.app import Application
from bacpypes3.basetypes import BDTEntry, IPMode
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject

HOST = "127.0.0.3"


async def serve(options: argparse.Namespace) -> None:
    """Print the ready line and serve until stdin is closed."""
    device = DeviceObject(
        objectIdentifier=("device", options.device),
        objectName=f"device {options.device}",
        vendorIdentifier=999,
    )
    port = NetworkPortObject(
        f"{HOST}/24:{options.port}",
        objectIdentifier=("network-port", 1),
        objectName="network-port 1",
    )
    port.bacnetIPMode = IPMode.bbmd
    port.bbmdAcceptFDRegistrations = True
    port.bbmdForeignDeviceTable = []
    peers = [f"{HOST}:{options.port}", *options.peer]
    port.bbmdBroadcastDistributionTable = [BDTEntry(peer) for peer in peers]
    application = Application.from_object_list([device, port])
    await asyncio.sleep(0.1)  # its socket is opened by a task of its own
    ready = {"port": options.port, "pid": os.getpid(), "device": options.device}
    print(json.dumps(ready), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    application.close()


def main() -> None:
    """Run the device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--device", type=int, default=5003)
    parser.add_argument("--peer", action="append", default=[])
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
