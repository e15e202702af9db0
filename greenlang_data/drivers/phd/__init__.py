"""Honeywell Uniformance PHD: through a gateway, an OPC UA wrapper, or its own library on Windows.

The gateway is the one that comes with this package, or an OIBus agent.
"""

from pathlib import Path
from typing import Final

from greenlang_data.drivers.phd.dotnet import PhdLibraryDriver
from greenlang_data.drivers.phd.driver import PhdGatewayDriver
from greenlang_data.drivers.phd.oibus import PhdOibusDriver
from greenlang_data.drivers.phd.opcua import PhdOpcUaDriver

GATEWAY: Final = Path(__file__).with_name("phd_gateway.cs")
"""The gateway's source, to be compiled on a Windows machine that has PHD's API."""

__all__ = ["GATEWAY", "PhdGatewayDriver", "PhdLibraryDriver", "PhdOibusDriver", "PhdOpcUaDriver"]
