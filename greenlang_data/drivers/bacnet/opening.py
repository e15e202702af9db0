"""Opening the socket to a device."""

from __future__ import annotations

import asyncio
import socket

from greenlang_data.drivers.address import Address
from greenlang_data.drivers.bacnet.invoke_ids import InvokeIds
from greenlang_data.drivers.bacnet.link import Link, Patience
from greenlang_data.drivers.bacnet.messages import Station
from greenlang_data.errors import SourceTimeout, SourceUnreachable


async def open_link(
    endpoint: Address,
    local: tuple[str | None, int],
    ids: InvokeIds,
    patience: Patience,
    *,
    station: Station | None,
    seconds: float,
    source: str,
) -> Link:
    """Open the socket; nothing is sent yet.

    Raises SourceTimeout when the name's address is not found in time, or SourceUnreachable.
    """
    loop = asyncio.get_running_loop()
    name = str(endpoint)
    try:
        async with asyncio.timeout(seconds):
            _, link = await loop.create_datagram_endpoint(
                lambda: Link(name, source, ids, patience, station),
                local_addr=(local[0] or "0.0.0.0", local[1]) if any(local) else None,  # noqa: S104 - a connected socket hears one peer only
                remote_addr=(endpoint.host, endpoint.port),
                family=socket.AF_INET,
            )
    except TimeoutError as error:
        raise SourceTimeout(
            f"the address of {name} was not found within {seconds:g} s",
            source=source,
            remedy="Check the name, or give the IP address.",
        ) from error
    except (OSError, UnicodeError) as error:  # the latter for a name that cannot be encoded
        reason = getattr(error, "strerror", None) or error
        raise SourceUnreachable(
            f"cannot open a socket to {name}: {reason}",
            source=source,
            remedy="Check the address, and local_address and local_port if they are set.",
        ) from error
    return link
