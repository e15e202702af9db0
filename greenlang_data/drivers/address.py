"""A host and a port, as several protocols write where a device listens."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, NamedTuple

from greenlang_data.errors import ConfigurationError

_FORM: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s:/@\[\]?#]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class Address(NamedTuple):
    """Host name or IP address, and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, default_port: int) -> Address | None:
    """The address in ``host``, ``host:port``, ``[::1]`` or ``[::1]:port``, None for another form.

    >>> parse_address("[::1]:20000", 502)
    Address(host='::1', port=20000)
    """
    found = _FORM.fullmatch(text)
    port = int(found["port"] or default_port) if found else 0
    if found is None or not 1 <= port <= 65535:
        return None
    return Address(found["v6"] or found["host"], port)


def head_start(host: str) -> float | None:
    """Seconds until the next address of a host is tried beside the one before; None for an IP.

    With one address there is nothing to race, and asyncio's race loses the socket of a connection
    that is given up in the moment in which it succeeds.
    """
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return 0.25
    return None


def no_address(text: str, of: str, *, source: str, remedy: str) -> ConfigurationError:
    """The error that says that ``text`` is no address of ``of``, such as "a Modbus device"."""
    # What stands before an @ may be a password, so it is not repeated.
    shown = repr(text) if "@" not in text else "the endpoint"
    return ConfigurationError(f"{shown} is no address of {of}", source=source, remedy=remedy)
