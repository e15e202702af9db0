"""What a Honeywell Uniformance PHD source is configured with beside its address."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from greenlang_data.settings.config import ConnectorConfig


class PhdSettings(ConnectorConfig):
    """What answers at an http address, how PHD's confidence is understood, and its own library.

    PHD gives each sample a confidence of 0 to 100. From ``good_confidence`` on a sample is good, 0
    is bad, and in between it is uncertain; what a site means by it may be different.

    ``gateway_dialect`` is ``greenlang`` for the gateway that comes with this package, or ``oibus``
    for an OIBus agent, which reads PHD's OPC servers: ``opc_hda_server`` for stored and
    ``opc_da_server`` for current values, both on ``opc_host`` as the agent's machine knows it. OPC
    tells a quality in place of a confidence.
    """

    good_confidence: int = Field(100, ge=1, le=100)
    assembly_path: str | None = Field(None, description="phdapinet.dll, for a phd:// address")

    gateway_dialect: Literal["greenlang", "oibus"] = "greenlang"
    opc_host: str = Field("localhost", min_length=1)
    opc_hda_server: str = Field("OPC.PHDServerHDA.1", min_length=1)
    opc_da_server: str = Field("OPC.PHDServerDA.1", min_length=1)
