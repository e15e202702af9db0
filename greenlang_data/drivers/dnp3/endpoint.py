"""Where an outstation listens: ``host``, ``host:port``, ``[::1]:20000``, ``tcp://host:port``."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.address import Address, no_address, parse_address

DEFAULT_PORT: Final = 20000


def parse_endpoint(text: str, *, source: str) -> Address:
    """The host and TCP port in ``text``; the port is 20000 unless given.

    Raises ConfigurationError for any other form.

    >>> parse_endpoint("rtu7", source="plant")
    Address(host='rtu7', port=20000)
    """
    address = parse_address(text.removeprefix("tcp://"), DEFAULT_PORT)
    if address is None:
        raise no_address(
            text,
            "a DNP3 outstation",
            source=source,
            remedy="Write host, host:port, [IPv6 address]:port or tcp://host:port.",
        )
    return address
