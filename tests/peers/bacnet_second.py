"""The second BACnet/IP device, on bacpypes3, in a process of its own: it segments.

Its analog inputs are those of ``bacnet_truth``; the last three have a fault, a fault flag
alone, and a present value that cannot be read.  Writes are rejected and written to the audit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from bacpypes3.apdu import ConfirmedRequestPDU, RejectPDU
from bacpypes3.app import Application
from bacpypes3.errors import ExecutionError
from bacpypes3.local.analog import AnalogInputObject
from bacpypes3.local.binary import BinaryInputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject

from . import bacnet_truth as truth

HOST = "127.0.0.2"
READ_REQUESTS = (
    "ReadPropertyRequest",
    "ReadPropertyMultipleRequest",
    "SubscribeCOVRequest",
    "ReadRangeRequest",
    "WhoIsRequest",
    "WhoHasRequest",
    "IAmRequest",
)


class UnreadableInput(AnalogInputObject):  # type: ignore[misc] # bacpypes3 ships no types
    """An analog input that refuses to say its present value."""

    async def read_property(self, attr: Any, index: int | None = None) -> Any:
        """Read any other property."""
        if attr in (truth.Property.PRESENT_VALUE, "presentValue"):
            raise ExecutionError(errorClass="property", errorCode="readAccessDenied")
        return await super().read_property(attr, index)


class ReadOnlyApplication(Application):  # type: ignore[misc] # bacpypes3 ships no types
    """Answers reads and subscriptions only, and writes every request down."""

    audit: Path | None = None

    async def indication(self, apdu: Any) -> None:
        """Take a request from the network."""
        name = type(apdu).__name__
        confirmed = isinstance(apdu, ConfirmedRequestPDU)
        served = name in READ_REQUESTS
        if self.audit is not None:
            entry = {"confirmed": confirmed, "service": int(apdu.apduService), "served": served}
            with self.audit.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        if served:
            await super().indication(apdu)
        elif confirmed:
            await self.response(RejectPDU(reason="unrecognizedService", context=apdu))


def analog_input(instance: int, last: int) -> AnalogInputObject:
    """One analog input; the last three are peculiar."""
    kind = UnreadableInput if instance == last else AnalogInputObject
    flags = [0, 1, 0, 0] if last - 3 < instance < last else [0, 0, 0, 0]
    return kind(
        objectIdentifier=("analog-input", instance),
        objectName=f"analog-input {instance}",
        description=f"Messstelle {instance} °ß",
        presentValue=truth.analog_value(instance),
        units=truth.analog_units(instance),
        statusFlags=flags,
        eventState="normal",
        reliability="overRange" if instance == last - 2 else "noFaultDetected",
        outOfService=False,
        covIncrement=0.1,
    )


def live_input() -> AnalogInputObject:
    """The input that counts."""
    return AnalogInputObject(
        objectIdentifier=("analog-input", truth.LIVE_INSTANCE),
        objectName="live",
        presentValue=0.0,
        units=95,
        statusFlags=[0, 0, 0, 0],
        eventState="normal",
        outOfService=False,
        covIncrement=0.5,
    )


def binary_input() -> BinaryInputObject:
    """An input that is on."""
    return BinaryInputObject(
        objectIdentifier=("binary-input", 1),
        objectName="binary-input 1",
        presentValue="active",
        activeText="läuft",
        inactiveText="steht",
        polarity="normal",
        statusFlags=[0, 0, 0, 0],
        eventState="normal",
        outOfService=False,
    )


async def serve(options: argparse.Namespace) -> None:
    """Print the ready line and serve until stdin is closed."""
    device = DeviceObject(
        objectIdentifier=("device", options.device),
        objectName=f"device {options.device}",
        vendorIdentifier=999,
        maxApduLengthAccepted=1024,
    )
    port = NetworkPortObject(
        f"{HOST}/24:{options.port}",
        objectIdentifier=("network-port", 1),
        objectName="network-port 1",
    )
    last = options.analog_inputs - 1
    inputs = [analog_input(instance, last) for instance in range(options.analog_inputs)]
    live = live_input()
    objects = [device, port, *inputs, live, binary_input()]
    application = ReadOnlyApplication.from_object_list(objects)
    application.audit = Path(options.audit) if options.audit else None
    await asyncio.sleep(0.1)  # its socket is opened by a task of its own
    ready = {"port": options.port, "pid": os.getpid(), "device": options.device}
    print(json.dumps(ready), flush=True)
    counting = asyncio.create_task(count(live, options.live_period))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    counting.cancel()
    application.close()


async def count(live: AnalogInputObject, period: float) -> None:
    """Add one to the live input in every period."""
    while True:
        await asyncio.sleep(period)
        live.presentValue = live.presentValue + 1.0


def main() -> None:
    """Run the device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--device", type=int, default=5002)
    parser.add_argument("--analog-inputs", type=int, default=400)
    parser.add_argument("--live-period", type=float, default=0.1)
    parser.add_argument("--audit")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
