"""Where a Modbus device is, and what carries the requests: TCP, TLS, RTU over TCP, a serial line."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from greenlang_data.drivers.address import Address, no_address, parse_address

Transport = Literal["tcp", "tls", "rtu+tcp"]

_PORTS: Final[dict[Transport, int]] = {"tcp": 502, "tls": 802, "rtu+tcp": 502}
_SERIAL: Final = re.compile(r"(?:serial://)?(?P<path>/[^\s?#]+|COM[0-9]{1,3})")
_REMEDY: Final = (
    "Write host, host:port, [IPv6 address]:port, or tcp://, tls:// or rtu+tcp:// before one of "
    "them; for a serial line /dev/ttyUSB0, COM3 or serial:///dev/ttyS0."
)


class NetworkEndpoint(NamedTuple):
    """Host name or IP address, and TCP port."""

    host: str
    port: int
    transport: Transport = "tcp"

    def __str__(self) -> str:
        return str(Address(self.host, self.port))


class SerialEndpoint(NamedTuple):
    """The name of a serial port on this machine."""

    path: str

    def __str__(self) -> str:
        return self.path


Endpoint = NetworkEndpoint | SerialEndpoint


def parse_endpoint(text: str, *, source: str) -> Endpoint:
    """The address in ``text``; the port is 502, or 802 for TLS, unless given.

    Raises ConfigurationError for any other form.

    >>> parse_endpoint("plc7:1502", source="plant")
    NetworkEndpoint(host='plc7', port=1502, transport='tcp')
    >>> parse_endpoint("COM3", source="plant")
    SerialEndpoint(path='COM3')
    """
    serial = _SERIAL.fullmatch(text)
    if serial is not None:
        return SerialEndpoint(serial["path"])
    transport = next((one for one in _PORTS if text.startswith(f"{one}://")), None)
    rest = text if transport is None else text.removeprefix(f"{transport}://")
    address = parse_address(rest, _PORTS[transport or "tcp"])
    if address is None:
        raise no_address(text, "a Modbus device", source=source, remedy=_REMEDY)
    return NetworkEndpoint(*address, transport or "tcp")
