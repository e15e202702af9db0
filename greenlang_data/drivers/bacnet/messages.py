"""BACnet/IP datagrams: the headers around a service's request or answer.

BVLC (what kind of datagram) | NPDU (which network) | APDU (request, answer, segment, refusal).
"""

from __future__ import annotations

import socket
import struct
from enum import IntEnum
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.services import Confirmed
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError, context_unsigned

MAX_APDU: Final = 1476
MAX_SEGMENTS: Final = 64

_BACNET_IP: Final = 0x81
_UNICAST: Final = 0x0A
_BROADCAST: Final = 0x0B
_FORWARDED: Final = 0x04
_RESULT: Final = 0x00
_RESULT_SIZE: Final = 6
_REGISTER: Final = 0x05
_DISTRIBUTE: Final = 0x09
_FORWARDED_FROM: Final = ">4sH"
_NPDU_VERSION: Final = 1
_EXPECTING_REPLY: Final = 0x04
_HAS_SOURCE: Final = 0x08
_HAS_DESTINATION: Final = 0x20
_NETWORK_MESSAGE: Final = 0x80
# Segments of an answer are welcome, up to 64 of them, each as large as Ethernet carries.
_SEGMENTED_ACCEPTED: Final = 0x02
_SIZES_ACCEPTED: Final = 6 << 4 | 5
_SEGMENTED: Final = 0x08
_MORE_FOLLOWS: Final = 0x04
_NEGATIVE: Final = 0x02


class Kind(IntEnum):
    """The kinds of APDU."""

    CONFIRMED = 0
    UNCONFIRMED = 1
    SIMPLE_ACK = 2
    COMPLEX_ACK = 3
    SEGMENT_ACK = 4
    ERROR = 5
    REJECT = 6
    ABORT = 7


class Station(NamedTuple):
    """A device behind a router: the number of its network, and its address there."""

    network: int
    mac: bytes


class Arrival(NamedTuple):
    """A datagram without its headers, and whom they name as its sender.

    ``station`` is a device behind a router, ``origin`` the IP address and port of a device whose
    broadcast was forwarded from another subnet; both are None for the sender of the datagram.
    """

    apdu: bytes
    station: Station | None
    origin: tuple[str, int] | None


class Message(NamedTuple):
    """One APDU that arrived. ``choice`` is its service, or the reason of a reject or abort.

    ``sequence`` and ``window`` are those of a segment, None when the message is whole.
    """

    kind: Kind
    invoke_id: int
    choice: int
    body: bytes
    sequence: int | None = None
    window: int = 1
    more: bool = False


def request(
    service: Confirmed, invoke_id: int, body: bytes, station: Station | None = None
) -> bytes:
    """The datagram that asks for ``service``. Raises ValueError for any service but the four."""
    head = [_SEGMENTED_ACCEPTED, _SIZES_ACCEPTED, invoke_id, Confirmed(service)]
    return _datagram(bytes(head) + body, station, expecting=True)


def segment_ack(
    invoke_id: int, sequence: int, window: int, *, negative: bool, station: Station | None = None
) -> bytes:
    """The datagram that confirms segments up to ``sequence``, or asks again for those after it."""
    head = [Kind.SEGMENT_ACK << 4 | (_NEGATIVE if negative else 0), invoke_id, sequence, window]
    return _datagram(bytes(head), station)


def notification_ack(invoke_id: int, station: Station | None = None) -> bytes:
    """The datagram that confirms a report of a change."""
    head = [Kind.SIMPLE_ACK << 4, invoke_id, CONFIRMED_COV_NOTIFICATION]
    return _datagram(bytes(head), station)


def who_is(instance: int | None, station: Station | None = None) -> bytes:
    """The datagram that asks a device who it is; others than ``instance`` stay silent."""
    head = bytes([Kind.UNCONFIRMED << 4, _WHO_IS])
    if instance is None:
        return _datagram(head, station)
    low, high = context_unsigned(0, instance), context_unsigned(1, instance)
    return _datagram(head + low + high, station)


def registration(seconds: int) -> bytes:
    """The datagram that asks a broadcast management device to pass broadcasts on for so long."""
    return struct.pack(">BBHH", _BACNET_IP, _REGISTER, 6, seconds)


def distributed(datagram: bytes) -> bytes:
    """``datagram`` for everybody whom a broadcast management device reaches."""
    return datagram[:1] + bytes([_DISTRIBUTE]) + datagram[2:]


def result_of(datagram: bytes) -> int | None:
    """What a broadcast management device made of a request (0: it was done); None for the rest."""
    if len(datagram) != _RESULT_SIZE or datagram[:2] != bytes([_BACNET_IP, _RESULT]):
        return None
    return int.from_bytes(datagram[4:])


CONFIRMED_COV_NOTIFICATION: Final = 1
UNCONFIRMED_COV_NOTIFICATION: Final = 2
I_AM: Final = 0
_WHO_IS: Final = 8


def _datagram(apdu: bytes, station: Station | None, *, expecting: bool = False) -> bytes:
    control = _EXPECTING_REPLY if expecting else 0
    route = b""
    if station is not None:
        control |= _HAS_DESTINATION
        route = struct.pack(">HB", station.network, len(station.mac)) + station.mac + b"\xff"
    npdu = bytes([_NPDU_VERSION, control]) + route + apdu
    return struct.pack(">BBH", _BACNET_IP, _UNICAST, 4 + len(npdu)) + npdu


def parse(datagram: bytes, station: Station | None = None) -> Message:
    """The message in a datagram from ``station``. Raises BrokenAnswerError for anything else."""
    arrival = unwrap(datagram)
    if arrival.station != station or arrival.origin is not None:
        raise BrokenAnswerError("it comes from another device")
    return parse_apdu(arrival.apdu)


def unwrap(datagram: bytes) -> Arrival:
    """What is within the headers of any datagram. Raises BrokenAnswerError."""
    try:
        return _unwrap(datagram)
    except (IndexError, struct.error):
        raise BrokenAnswerError("it ends within its header") from None


def _unwrap(datagram: bytes) -> Arrival:
    kind, function, size = struct.unpack_from(">BBH", datagram)
    if kind != _BACNET_IP or size != len(datagram):
        raise BrokenAnswerError("it is no BACnet/IP")
    at, origin = 4, None
    if function == _FORWARDED:
        host, port = struct.unpack_from(_FORWARDED_FROM, datagram, at)
        origin = (socket.inet_ntoa(host), port)
        at += struct.calcsize(_FORWARDED_FROM)
    elif function not in (_UNICAST, _BROADCAST):
        raise BrokenAnswerError(f"BVLC function {function} carries no message")
    version, control = datagram[at], datagram[at + 1]
    if version != _NPDU_VERSION or control & _NETWORK_MESSAGE:
        raise BrokenAnswerError("it is no message to an application")
    at += 2
    if control & _HAS_DESTINATION:
        at += 3 + datagram[at + 2]
    station = None
    if control & _HAS_SOURCE:
        network, size = struct.unpack_from(">HB", datagram, at)
        station = Station(network, datagram[at + 3 : at + 3 + size])
        at += 3 + size
    if control & _HAS_DESTINATION:
        at += 1  # hop count
    return Arrival(datagram[at:], station, origin)


def parse_apdu(apdu: bytes) -> Message:
    """The message in an APDU. Raises BrokenAnswerError."""
    try:
        return _parse_apdu(apdu)
    except IndexError:
        raise BrokenAnswerError("it ends within its header") from None


def _parse_apdu(apdu: bytes) -> Message:
    kind = apdu[0] >> 4
    if kind == Kind.UNCONFIRMED:
        return Message(Kind.UNCONFIRMED, 0, apdu[1], apdu[2:])
    if kind == Kind.CONFIRMED and not apdu[0] & _SEGMENTED:
        return Message(Kind.CONFIRMED, apdu[2], apdu[3], apdu[4:])
    if kind == Kind.COMPLEX_ACK and apdu[0] & _SEGMENTED:
        more = bool(apdu[0] & _MORE_FOLLOWS)
        return Message(Kind.COMPLEX_ACK, apdu[1], apdu[4], apdu[5:], apdu[2], apdu[3], more)
    if kind in (Kind.SIMPLE_ACK, Kind.COMPLEX_ACK, Kind.ERROR, Kind.REJECT, Kind.ABORT):
        return Message(Kind(kind), apdu[1], apdu[2], apdu[3:])
    raise BrokenAnswerError(f"a device does not send APDU kind {kind} to a client")
