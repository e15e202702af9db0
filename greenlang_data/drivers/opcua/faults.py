"""What went wrong on the wire, as the errors of this package."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from asyncua.ua.status_codes import StatusCodes as S
from asyncua.ua.uaerrors import UaStatusCodeError

from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.statuses import status_name
from greenlang_data.errors import (
    AuthenticationError,
    ConfigurationError,
    GreenLangError,
    ProtocolError,
    SourceBusy,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)


class ServiceFaultError(Exception):
    """The server refused a whole request, in a fault or an abort chunk, with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(status_name(code))
        self.code = code


class ConnectionLostError(Exception):
    """The connection ended, or was given up, while or before something was asked."""


_IDENTITY: Final = frozenset(
    {S.BadUserAccessDenied, S.BadIdentityTokenRejected, S.BadUserSignatureInvalid}
)
_CERTIFICATE: Final = frozenset(
    {
        S.BadSecurityChecksFailed,
        S.BadCertificateUntrusted,
        S.BadCertificateInvalid,
        S.BadCertificateTimeInvalid,
        S.BadCertificateUseNotAllowed,
        S.BadCertificateRevoked,
        S.BadCertificatePolicyCheckFailed,
        S.BadCertificateChainIncomplete,
        S.BadCertificateRevocationUnknown,
        S.BadCertificateIssuerRevocationUnknown,
        S.BadCertificateHostNameInvalid,
        S.BadApplicationSignatureInvalid,
        S.BadNonceInvalid,
    }
)
# The session or channel is gone although the socket may still be open.
SESSION_LOST: Final = frozenset(
    {
        S.BadSessionIdInvalid,
        S.BadSessionClosed,
        S.BadSessionNotActivated,
        S.BadSecureChannelClosed,
        S.BadSecureChannelIdInvalid,
        S.BadTcpSecureChannelUnknown,
        S.BadSecureChannelTokenUnknown,
        S.BadConnectionClosed,
        S.BadShutdown,
        S.BadServerHalted,
    }
)
_BUSY: Final = frozenset(
    {
        S.BadServerTooBusy,
        S.BadTcpServerTooBusy,
        S.BadTcpNotEnoughResources,
        S.BadTooManySessions,
        S.BadTooManyOperations,
        S.BadResourceUnavailable,
        S.BadOutOfMemory,
        S.BadNoContinuationPoints,
        S.BadTimeout,
        S.BadRequestTimeout,
    }
)


def refused(code: int, source: str) -> SourceError:
    """The error for a request that the server refused with ``code``."""
    name = status_name(code)
    if code in SESSION_LOST:
        return SourceUnreachable(f"the server ended the session ({name})", source=source)
    if code in _BUSY:
        return SourceBusy(f"the server is too busy ({name})", source=source)
    if code in _IDENTITY or code in _CERTIFICATE:
        return AuthenticationError(f"the server refuses this ({name})", source=source)
    return ProtocolError(f"the server refused the request with {name}", source=source)


def not_connected(error: BaseException, endpoint: str, own: str, source: str) -> GreenLangError:
    """The error for a connection that could not be made.

    ``own`` is the file of our certificate, which the server's administrator may have to trust.
    """
    if isinstance(error, UaStatusCodeError | ServiceFaultError):
        return _login_refused(int(error.code), endpoint, own, source)
    for kind, made, what, remedy in _NOT_CONNECTED:
        if isinstance(error, kind):
            told = what.format(endpoint=endpoint, reason=_reason(error))
            return made(told, source=source, remedy=remedy)
    return ProtocolError(f"{endpoint} broke off the login: {error!r}", source=source)


# In this order, because the later ones include the earlier.
_NOT_CONNECTED: Final[tuple[tuple[type[BaseException], type[SourceError], str, str], ...]] = (
    (
        MalformedAnswerError,
        ProtocolError,
        "{endpoint} does not speak OPC UA: {reason}",
        "Check host and port; OPC UA servers often use port 4840.",
    ),
    (
        asyncio.TimeoutError,
        SourceTimeout,
        "{endpoint} did not answer in time",
        "Check host and port, and raise timeout_seconds if the line is slow.",
    ),
    (
        socket.gaierror,
        SourceUnreachable,
        "the host name in {endpoint} cannot be resolved ({reason})",
        "Check its spelling, the DNS and the VPN.",
    ),
    (
        OSError,
        SourceUnreachable,
        "{endpoint} cannot be reached ({reason})",
        "Check that the server runs and that no firewall is between.",
    ),
    (
        ConnectionLostError,
        SourceUnreachable,
        "{endpoint} closed the connection ({reason})",
        "Check that an OPC UA server listens there.",
    ),
)


def _reason(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__


def _login_refused(code: int, endpoint: str, own: str, source: str) -> GreenLangError:
    name = status_name(code)
    for codes, made, what, remedy in _REFUSED_LOGINS:
        if code in codes:
            told = what.format(name=name, endpoint=endpoint, own=own)
            return made(told, source=source, remedy=remedy.format(own=own))
    return refused(code, source)


_REFUSED_LOGINS: Final[tuple[tuple[frozenset[int], type[GreenLangError], str, str], ...]] = (
    (
        frozenset({S.BadIdentityTokenInvalid}),
        AuthenticationError,
        "the server does not accept this kind of login ({name})",
        "It may refuse anonymous users: set username and password, or user_certificate_path.",
    ),
    (
        _IDENTITY,
        AuthenticationError,
        "the server refused the user or password, or the user's certificate ({name})",
        "Check username and password (or that the server trusts the user's certificate), and the user's rights there.",
    ),
    (
        frozenset({S.BadCertificateUriInvalid}),
        AuthenticationError,
        (
            "the server refused the client certificate {own}, because the application URI in its "
            "subject alternative name is not the one it expects ({name})"
        ),
        "Use a certificate with a URI entry, or remove certificate_path to have one made.",
    ),
    (
        _CERTIFICATE,
        AuthenticationError,
        "the server does not trust the client certificate ({name})",
        "Have its administrator trust the file {own}; servers often list it as rejected.",
    ),
    (
        frozenset({S.BadSecurityPolicyRejected, S.BadSecurityModeRejected}),
        ConfigurationError,
        "the server refused the security mode or policy ({name})",
        "Change security_mode and security_policy to what the server offers.",
    ),
    (
        frozenset({S.BadTcpEndpointUrlInvalid}),
        ConfigurationError,
        "the server does not know the address {endpoint} ({name})",
        "Check the path behind host and port.",
    ),
)
