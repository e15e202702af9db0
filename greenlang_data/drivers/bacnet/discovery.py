"""Finding a device by its instance number: one broadcast Who-Is, and the I-Ams that come back.

Routers do not pass broadcasts on. In another subnet a broadcast management device (BBMD) does it
for a foreign device that has registered there. A registration ends by itself, so that nothing is
left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple

from greenlang_data.drivers.address import Address
from greenlang_data.drivers.bacnet.messages import (
    I_AM,
    Kind,
    Station,
    distributed,
    parse_apdu,
    registration,
    result_of,
    unwrap,
    who_is,
)
from greenlang_data.drivers.bacnet.references import MAX_INSTANCE
from greenlang_data.drivers.bacnet.services import read_i_am
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError
from greenlang_data.errors import ConfigurationError, SourceUnreachable

# Answers come within a second, also from devices behind slow routers that spread theirs.
_LISTEN_SECONDS: Final = 1.0
# More than all tries take.
_REGISTERED_SECONDS: Final = 60
_DONE: Final = 0
_MOST_FOUND: Final = 10_000
_MOST_SHOWN: Final = 20
_NOT_HEARD: Final = (
    "Check the broadcast address. A device that answers by broadcast is heard only with "
    "local_port = 47808; one in another subnet needs its own address as endpoint, or that of a "
    "BBMD there and foreign_device = true."
)
_NOT_THERE: Final = (
    "Check device_instance, and that the device is in a subnet to which this BBMD passes "
    "broadcasts on."
)


class Found(NamedTuple):
    """A device that answered: its instance, where it is, and who made it."""

    instance: int
    endpoint: Address
    station: Station | None
    vendor: int

    def __str__(self) -> str:
        behind = f", network {self.station.network}" if self.station else ""
        return f"{self.instance} at {self.endpoint}{behind} (vendor {self.vendor})"


class _Listener(asyncio.DatagramProtocol):
    """Keeps each device once, and what a broadcast management device said, whatever else arrives."""

    def __init__(self) -> None:
        self.found: dict[Found, None] = {}
        self.results: asyncio.Queue[int] = asyncio.Queue()
        self.refused = ""
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the socket is closed."""
        self.closed.set()

    def error_received(self, exc: Exception) -> None:
        """Called by asyncio when the network does not take the broadcast."""
        self.refused = f" ({getattr(exc, 'strerror', None) or exc})"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by asyncio with what anybody sent."""
        if (result := result_of(data)) is not None:
            self.results.put_nowait(result)
            return
        with contextlib.suppress(BrokenAnswerError):
            arrival = unwrap(data)
            message = parse_apdu(arrival.apdu)
            if message.kind is Kind.UNCONFIRMED and message.choice == I_AM:
                told = read_i_am(message.body)
                endpoint = Address(*(arrival.origin or addr[:2]))
                found = Found(told.object_id & MAX_INSTANCE, endpoint, arrival.station, told.vendor)
                if len(self.found) < _MOST_FOUND:
                    self.found[found] = None


async def find_device(
    broadcast: Address,
    local: tuple[str | None, int],
    instance: int | None,
    tries: int,
    source: str,
    *,
    foreign: bool,
) -> Found:
    """The device ``instance`` in the subnet of the address ``broadcast``.

    With ``foreign`` that is the address of a broadcast management device, which is asked to pass
    the Who-Is on. Raises SourceUnreachable when nobody answers, and ConfigurationError, which
    lists who did, without an instance or when two devices have the same.
    """
    listener = await _listen(broadcast, local, instance, tries, source, foreign=foreign)
    found = [one for one in listener.found if instance in (None, one.instance)]
    if not found:
        raise SourceUnreachable(
            f"{'no device' if instance is None else f'no device {instance}'} answered Who-Is at "
            f"{broadcast}{listener.refused}",
            source=source,
            remedy=_NOT_THERE if foreign else _NOT_HEARD,
        )
    if instance is None:
        raise ConfigurationError(
            f"discover needs to know which device to read; there are {_listed(found)}",
            source=source,
            remedy="Set device_instance to one of them.",
        )
    if len(found) > 1:
        raise ConfigurationError(
            f"{len(found)} devices say that they are {instance}: {_listed(found)}",
            source=source,
            remedy="Give each a number of its own, or set endpoint to the one to read and leave "
            "discover out.",
        )
    return found[0]


def _listed(found: Iterable[Found]) -> str:
    shown = sorted(found, key=lambda one: one.instance)
    more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
    return ", ".join(map(str, shown[:_MOST_SHOWN])) + more


async def _listen(
    broadcast: Address,
    local: tuple[str | None, int],
    instance: int | None,
    tries: int,
    source: str,
    *,
    foreign: bool,
) -> _Listener:
    loop = asyncio.get_running_loop()
    try:
        ipaddress.IPv4Address(broadcast.host)
    except ValueError as error:
        raise ConfigurationError(
            f"{broadcast.host} is no IP address, and discover needs one",
            source=source,
            remedy="Write the broadcast address of the device's subnet, such as 192.168.1.255, or "
            "with foreign_device = true that of a BBMD.",
        ) from error
    try:
        transport, listener = await loop.create_datagram_endpoint(
            _Listener,
            local_addr=(local[0] or "0.0.0.0", local[1]),  # noqa: S104 - only I-Ams are heard
            family=socket.AF_INET,
            allow_broadcast=True,
        )
    except OSError as error:
        raise SourceUnreachable(
            f"cannot open a socket for Who-Is: {error.strerror}",
            source=source,
            remedy="Check local_address and local_port; another program may have the port.",
        ) from error
    try:
        question = who_is(instance)
        if foreign:
            question = distributed(question)
            await _register(transport, listener, broadcast, tries, source)
        for _ in range(tries):
            transport.sendto(question, broadcast)
            await asyncio.sleep(_LISTEN_SECONDS)
            if listener.found:
                break
    finally:
        transport.abort()
        await listener.closed.wait()  # so that the local port is free for what follows
    return listener


async def _register(
    transport: asyncio.DatagramTransport,
    listener: _Listener,
    manager: Address,
    tries: int,
    source: str,
) -> None:
    """Register as a foreign device. Raises SourceUnreachable when that is refused or not answered."""
    why = f" did not answer within {tries * _LISTEN_SECONDS:g} s{listener.refused}"
    for _ in range(tries):
        transport.sendto(registration(_REGISTERED_SECONDS), manager)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LISTEN_SECONDS):
                result = await listener.results.get()
                if result == _DONE:
                    return
                why = f" takes no foreign devices (result 0x{result:04X})"
                break
    raise SourceUnreachable(
        f"{manager}{why}",
        source=source,
        remedy="Check that the endpoint is a broadcast management device (BBMD) that lets foreign "
        "devices register.",
    )
