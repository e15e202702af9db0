"""Where a BACnet/IP device listens: ``host`` or ``host:port``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from greenlang_data.errors import ConfigurationError

DEFAULT_PORT: Final = 47808

_FORM: Final = re.compile(
    r"(?:(?:bacnet|udp)://)?(?P<host>[^\s:/@\[\]?#]+)(?::(?P<port>[0-9]{1,5}))?"
)


class Endpoint(NamedTuple):
    """Host name or IPv4 address, and UDP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_endpoint(text: str, *, source: str) -> Endpoint:
    """The host and port in ``text``; the port is 47808 unless given.

    Raises ConfigurationError for any other form.

    >>> parse_endpoint("192.168.1.20", source="plant")
    Endpoint(host='192.168.1.20', port=47808)
    """
    found = _FORM.fullmatch(text)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 1 <= port <= 65535:
        # What stands before an @ may be a password, so it is not repeated.
        shown = repr(text) if "@" not in text else "the endpoint"
        raise ConfigurationError(
            f"{shown} is no address of a BACnet/IP device",
            source=source,
            remedy="Write host or host:port; BACnet/IPv6 is another protocol.",
        )
    return Endpoint(found["host"], port)
