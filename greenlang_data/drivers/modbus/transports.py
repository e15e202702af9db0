"""Open a link over whatever the endpoint names."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, TypeVar

from greenlang_data.drivers.address import head_start
from greenlang_data.drivers.modbus.endpoint import Endpoint, NetworkEndpoint, SerialEndpoint
from greenlang_data.drivers.modbus.line import Line
from greenlang_data.drivers.modbus.link import Link
from greenlang_data.drivers.modbus.pace import Pace
from greenlang_data.drivers.modbus.rtu import RtuLink
from greenlang_data.drivers.modbus.serial_port import SerialTransport, open_serial_port
from greenlang_data.drivers.modbus.tcp import TcpLink
from greenlang_data.drivers.modbus.tls import tls_context
from greenlang_data.errors import (
    AuthenticationError,
    ConfigurationError,
    SourceTimeout,
    SourceUnreachable,
)
from greenlang_data.settings.modbus import ModbusSettings

_TLS_KEYS: Final = frozenset(
    {
        "ca_certificate_path",
        "certificate_path",
        "private_key_path",
        "allow_unverified_certificate",
    }
)
_LINE_KEYS: Final = frozenset({"baudrate", "parity", "stop_bits"})
_PROTOCOLS: Final = {
    "tcp": "Modbus TCP",
    "tls": "Modbus TCP over TLS",
    "rtu+tcp": "Modbus RTU over TCP",
}
_Protocol = TypeVar("_Protocol", TcpLink, RtuLink)


def check_keys(endpoint: Endpoint, config: ModbusSettings, source: str) -> None:
    """Raise ConfigurationError for a key that does nothing with this transport.

    Somebody who gives a certificate means the connection to be encrypted.
    """
    transport = endpoint.transport if isinstance(endpoint, NetworkEndpoint) else "serial"
    useless: set[str] = set()
    if transport != "tls":
        useless |= _TLS_KEYS
    if transport in ("tcp", "tls"):
        useless |= _LINE_KEYS
    elif transport == "rtu+tcp":
        useless |= _LINE_KEYS - {"baudrate"}  # the device server has a line, and its speed matters
    for key in sorted(config.model_fields_set & useless):
        wanted = "tls://" if key in _TLS_KEYS else "a serial line"
        raise ConfigurationError(
            f"{key} does nothing with the endpoint {endpoint}",
            source=source,
            remedy=f"Remove it, or write an endpoint for {wanted}.",
        )


async def open_link(
    endpoint: Endpoint,
    config: ModbusSettings,
    pace: Pace,
    line: Line,
    *,
    seconds: float,
    source: str,
) -> Link:
    """Connect within ``seconds``, trying the host's addresses in turn.

    Raises SourceTimeout, SourceUnreachable when it is refused or there is no such host or port,
    AuthenticationError for a certificate that is not trusted, or ConfigurationError.
    """
    if isinstance(endpoint, SerialEndpoint):
        link = RtuLink(endpoint.path, source, line)
        SerialTransport(open_serial_port(endpoint.path, config, source), link)
        return link
    if endpoint.transport == "rtu+tcp":
        name = str(endpoint)
        return await _connect(endpoint, lambda: RtuLink(name, source, line), None, seconds, source)
    context = tls_context(config, source) if endpoint.transport == "tls" else None
    name = str(endpoint)
    return await _connect(endpoint, lambda: TcpLink(name, source, pace), context, seconds, source)


async def _connect(
    endpoint: NetworkEndpoint,
    factory: Callable[[], _Protocol],
    context: ssl.SSLContext | None,
    seconds: float,
    source: str,
) -> _Protocol:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            _, link = await loop.create_connection(
                factory,
                endpoint.host,
                endpoint.port,
                ssl=context,
                happy_eyeballs_delay=head_start(endpoint.host),
            )
    except TimeoutError as error:
        raise SourceTimeout(
            f"{endpoint} did not accept a connection within {seconds:g} s",
            source=source,
            remedy="Check the address, the network and firewalls, or raise timeout_seconds.",
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise AuthenticationError(
            f"the certificate of {endpoint} is not trusted: {error.verify_message}",
            source=source,
            remedy="Give the authority that signed it in ca_certificate_path, and the host name "
            "that it was issued for in endpoint.",
        ) from error
    except (OSError, UnicodeError) as error:  # the latter for a host name that cannot be encoded
        raise SourceUnreachable(
            f"cannot connect to {endpoint}: {_reason(error)}",
            source=source,
            remedy="Check the address, and that the device is on and serves "
            f"{_PROTOCOLS[endpoint.transport]} there.",
        ) from error
    return link


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no TLS is spoken there ({error.reason or error})"
    return str(getattr(error, "strerror", None) or error)
