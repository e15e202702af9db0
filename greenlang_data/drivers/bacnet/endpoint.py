"""Where a BACnet/IP device listens: ``host`` or ``host:port``."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.address import Address, no_address, parse_address

DEFAULT_PORT: Final = 47808

_SCHEMES: Final = ("bacnet://", "udp://")


def parse_endpoint(text: str, *, source: str) -> Address:
    """The host and UDP port in ``text``; the port is 47808 unless given.

    Raises ConfigurationError for any other form.

    >>> parse_endpoint("192.168.1.20", source="plant")
    Address(host='192.168.1.20', port=47808)
    """
    scheme = next((one for one in _SCHEMES if text.startswith(one)), "")
    address = parse_address(text.removeprefix(scheme), DEFAULT_PORT)
    if address is None or ":" in address.host:
        raise no_address(
            text,
            "a BACnet/IP device",
            source=source,
            remedy="Write host or host:port; BACnet/IPv6 is another protocol.",
        )
    return address
