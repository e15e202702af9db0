"""What a Modbus source is configured with, whatever family it belongs to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from greenlang_data.settings.endpoint import EndpointSettings
from greenlang_data.settings.register import Register


class ModbusSettings(EndpointSettings):
    """Which registers a device has, and how it is reached; tags are in ``registers``.

    ``endpoint`` chooses the transport: ``host:port`` or ``tcp://host:port`` is Modbus TCP (port
    502 unless given), ``tls://host:port`` Modbus/TCP Security (802), ``rtu+tcp://host:port`` a
    serial line behind a device server, and ``/dev/ttyUSB0``, ``COM3`` or ``serial:///dev/ttyS0``
    a serial line here, which needs ``pip install 'greenlang_data[serial]'``.

    TLS: the server's certificate is checked against the system's authorities, or those in
    ``ca_certificate_path``, and has to name the host; ``certificate_path`` and
    ``private_key_path`` are the client's own. A serial line is 19200 baud with even parity and one
    stop bit unless told otherwise, as the specification has it.

    A unit that does not answer is given up after ``unit_timeout_seconds`` where the map names
    several units, and then left alone for ``circuit_breaker_timeout`` seconds.
    """

    unit_id: int = Field(1, ge=0, le=255, description="Unit (slave) address")
    registers: tuple[Register, ...] = ()
    max_block_registers: int = Field(125, ge=1, le=125, description="Per request")
    max_block_gap: int = Field(125, ge=0, le=125, description="Unneeded registers read to join two")
    block_alignment: int | None = Field(
        None, ge=1, le=65535, description="No request crosses a multiple of so many registers"
    )
    max_requests_in_flight: int | None = Field(
        None, ge=1, le=16, description="At the same time, on TCP and TLS; None learns up to 16"
    )
    unit_timeout_seconds: float | None = Field(
        None,
        gt=0,
        le=300,
        description="A unit's time to answer; None: a tenth of timeout_seconds if there are several",
    )
    ca_certificate_path: str | None = Field(None, description="Authorities to trust, PEM")
    certificate_path: str | None = Field(None, description="Client certificate, DER or PEM")
    private_key_path: str | None = None
    allow_unverified_certificate: bool = Field(
        False, description="Talk to whoever answers, whatever certificate it shows"
    )
    baudrate: int = Field(19200, ge=50, le=4_000_000, description="Of the serial line")
    parity: Literal["even", "odd", "none"] = "even"
    stop_bits: Literal[1, 2] = 1
