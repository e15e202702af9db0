"""Where a Modbus device is, and what carries the requests: TCP, TLS, RTU over TCP, a serial line."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from greenlang_data.errors import ConfigurationError

Transport = Literal["tcp", "tls", "rtu+tcp"]

_PORTS: Final[dict[Transport, int]] = {"tcp": 502, "tls": 802, "rtu+tcp": 502}
_NETWORK: Final = re.compile(
    r"(?:(?P<transport>tcp|tls|rtu\+tcp)://)?"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s:/@\[\]?#]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
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
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


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
    found = _NETWORK.fullmatch(text)
    transport = _transport(found["transport"]) if found else "tcp"
    port = int(found["port"] or _PORTS[transport]) if found else 0
    if found is None or not 1 <= port <= 65535:
        # What stands before an @ may be a password, so it is not repeated.
        shown = repr(text) if "@" not in text else "the endpoint"
        raise ConfigurationError(
            f"{shown} is no address of a Modbus device", source=source, remedy=_REMEDY
        )
    return NetworkEndpoint(found["v6"] or found["host"], port, transport)


def _transport(name: str | None) -> Transport:
    return "tls" if name == "tls" else "rtu+tcp" if name == "rtu+tcp" else "tcp"
