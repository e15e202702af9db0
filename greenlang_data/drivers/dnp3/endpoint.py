"""Where an outstation listens: ``host``, ``host:port``, ``[::1]:20000``, ``tcp://host:port``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from greenlang_data.errors import ConfigurationError

DEFAULT_PORT: Final = 20000

_FORM: Final = re.compile(
    r"(?:tcp://)?(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s:/@\[\]?#]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class Endpoint(NamedTuple):
    """Host name or IP address, and TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str, *, source: str) -> Endpoint:
    """The host and port in ``text``; the port is 20000 unless given.

    Raises ConfigurationError for any other form.

    >>> parse_endpoint("rtu7", source="plant")
    Endpoint(host='rtu7', port=20000)
    """
    found = _FORM.fullmatch(text)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 1 <= port <= 65535:
        # What stands before an @ may be a password, so it is not repeated.
        shown = repr(text) if "@" not in text else "the endpoint"
        raise ConfigurationError(
            f"{shown} is no address of a DNP3 outstation",
            source=source,
            remedy="Write host, host:port, [IPv6 address]:port or tcp://host:port.",
        )
    return Endpoint(found["v6"] or found["host"], port)
