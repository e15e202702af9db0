"""Start and stop the BACnet/IP devices."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import bacnet_trends as trends
from . import bacnet_truth as truth
from . import launch
from .launch import FOLDER, Peer, PeerUnavailable
from .launch_modbus_more import require_npm
from .serial_line import TOP

HOST = "127.0.0.2"
MANAGER_HOST = "127.0.0.3"
# Confirmed and unconfirmed services that change, operate or acknowledge something.
WRITE_SERVICES = {
    True: (0, 7, 8, 9, 10, 11, 15, 16, 17, 18, 19, 20, 27),
    False: (4, 5, 6, 9, 10),
}


class BacnetPeer(Peer):
    """A running BACnet/IP device."""

    @property
    def host(self) -> str:
        """Another loopback address than the client's, as the standard port may be the same."""
        return HOST

    @property
    def address(self) -> str:
        """Address and UDP port, ``127.0.0.2:PORT``."""
        return f"{self.host}:{self.port}"

    @property
    def device(self) -> int:
        """The device's instance number."""
        return int(self.info["device"])

    def writes(self) -> list[dict[str, Any]]:
        """The requests so far that would have changed something in a real device."""
        return [
            entry
            for entry in self.requests()
            if entry["service"] in WRITE_SERVICES[bool(entry["confirmed"])]
        ]


class BacnetManager(BacnetPeer):
    """A running broadcast management device."""

    @property
    def host(self) -> str:
        """Another one than that of the devices."""
        return MANAGER_HOST


def _plant_file(analog_inputs: int) -> Path:
    path = launch._scratch_file("plant.json")
    plant = {
        "objects": [truth.as_json(found) for found in truth.plant(analog_inputs)],
        "logs": [trends.as_json(log) for log in trends.logs()],
        "live": trends.live_as_json(),
    }
    path.write_text(json.dumps(plant), encoding="utf-8")
    return path


def start_bacnet(
    *,
    port: int = 0,
    device: int = 5001,
    analog_inputs: int = 50,
    no_rpm: bool = False,
    max_apdu: int = 1476,
    live_period: int = 100,
    log_period: int = 100,
    drop_every: int = 0,
    utc_offset: int = 0,
) -> BacnetPeer:
    """Start the ``@bacnet-js/client`` device, which does not segment.

    Without ``no_rpm`` it answers ReadPropertyMultiple.  The live input changes each
    ``live_period`` and the live log grows each ``log_period`` milliseconds.  Of every
    ``drop_every`` requests the last is not answered.  ``utc_offset`` is the property, in
    minutes west of Greenwich.
    """
    require_npm("@bacnet-js/client")
    audit = launch._scratch_file("audit.jsonl")
    options = {
        "device": device,
        "plant": _plant_file(analog_inputs),
        "no_rpm": no_rpm,
        "max_apdu": max_apdu,
        "live_period": live_period,
        "log_period": log_period,
        "drop_every": drop_every,
        "audit": audit,
    }
    # A device keeps its own local time, so the process must not add the machine's zone.
    command = ["env", "TZ=UTC", "node", str(FOLDER / "bacnet_device.mjs"), *launch._flags(options)]
    return BacnetPeer(
        "@bacnet-js device",
        lambda chosen: [*command, "--port", str(chosen), f"--utc-offset={utc_offset}"],
        port=port,
        audit=audit,
    )


def _free_udp_port(host: str = HOST) -> int:
    """A port nobody uses now; bacpypes3 cannot be asked which one it took."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def start_bacnet_second(
    *, port: int = 0, device: int = 5002, analog_inputs: int = 400, live_period: float = 0.1
) -> BacnetPeer:
    """Start the bacpypes3 device, which segments."""
    reason = launch._missing_module("bacpypes3")
    if reason:
        raise PeerUnavailable(reason)
    audit = launch._scratch_file("audit.jsonl")
    options = {
        "device": device,
        "analog_inputs": analog_inputs,
        "live_period": live_period,
        "audit": audit,
    }
    flags = launch._flags(options)
    module = f"{__package__}.bacnet_second"

    def command(chosen: int) -> Sequence[str]:
        taken = chosen or _free_udp_port()
        return [sys.executable, "-m", module, "--port", str(taken), *flags]

    return BacnetPeer("bacpypes3 device", command, port=port, audit=audit, folder=TOP)


def start_bacnet_bbmd(*, device: int = 5003, peers: Sequence[str] = ()) -> BacnetManager:
    """Start a bacpypes3 broadcast management device, which passes broadcasts on to ``peers``."""
    reason = launch._missing_module("bacpypes3")
    if reason:
        raise PeerUnavailable(reason)
    module = f"{__package__}.bacnet_bbmd"
    flags = [flag for peer in peers for flag in ("--peer", peer)]

    def command(chosen: int) -> Sequence[str]:
        taken = chosen or _free_udp_port(MANAGER_HOST)
        return [
            sys.executable, "-m", module, "--port", str(taken), "--device", str(device), *flags,
        ]  # fmt: skip

    return BacnetManager("bacpypes3 BBMD", command, folder=TOP)
