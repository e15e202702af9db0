"""What a Modbus source is configured with, whatever family it belongs to."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.endpoint import EndpointSettings
from greenlang_data.settings.register import Register


class ModbusSettings(EndpointSettings):
    """Which registers a device has; ``endpoint`` is ``host:port``, and tags are in ``registers``."""

    unit_id: int = Field(1, ge=0, le=255, description="Unit (slave) address")
    registers: tuple[Register, ...] = ()
    max_block_registers: int = Field(125, ge=1, le=125, description="Per request")
    max_block_gap: int = Field(125, ge=0, le=125, description="Unneeded registers read to join two")
