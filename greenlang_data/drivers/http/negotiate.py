"""Kerberos over HTTP (RFC 4559): the server asks, gets a ticket, and proves itself in return.

A server may keep the login for a connection, or ask anew for each request; both are followed. What
comes without a login that was proven on that very connection is not used, because it could be
anybody's. There is no way from here to another login.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar

from greenlang_data.drivers.http.tickets import EXPIRED, trouble
from greenlang_data.drivers.http.worker import current
from greenlang_data.errors import AuthenticationError

# Makes a context that begins the exchange with a service: host name, channel bindings.
MakeContext = Callable[[str, bytes | None], Any]

_OFFER: Final = re.compile(
    r"(?:^|,)\s*Negotiate(?:\s+([A-Za-z0-9+/]+=*))?\s*(?=,|$)", re.IGNORECASE
)
_LONGEST_REFUSAL: Final = 65_536
# RFC 5929, 4.1: a certificate that is signed with one of these is bound by a better one.
_TOO_WEAK: Final = frozenset({"md5", "sha1"})


class KerberosAuth(AuthBase):
    """The login of one connection at a time; the messages of a login are kept nowhere."""

    def __init__(self, make: MakeContext, source: str) -> None:
        self._make, self._source = make, source
        self._proven: socket.socket | None = None

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.register_hook("response", self._answered)  # type: ignore[no-untyped-call]
        return request

    def _answered(self, response: Response, **options: Any) -> Response:
        try:
            if response.status_code == 401 and _offer(response) is not None:
                return self._logged_in(response, options)
            wire = _socket()
            if response.status_code < 400 and (wire is None or wire is not self._proven):
                raise self._unproven("it answered without asking for the login")
        except BaseException:
            response.close()
            raise
        return response

    def _logged_in(self, response: Response, options: Mapping[str, Any]) -> Response:
        """The answer to the same request with a ticket."""
        self._proven = None
        host = urlsplit(response.url).hostname or ""
        context = self._begun(host)
        # A Kerberos login is one message each way.
        response = _sent_again(response, self._step(context, None, host), options)
        if response.status_code != 401:
            return self._judged(response, context, _offer(response), host)
        response.close()
        raise AuthenticationError(
            f"it does not take the ticket for HTTP/{host}: HTTP 401",
            source=self._source,
            remedy=f"Check what this user may do, and that HTTP/{host} is the name (SPN) of the "
            "account that the service runs as.",
        )

    def _judged(self, response: Response, context: Any, told: bytes | None, host: str) -> Response:
        """The answer, if the server has proved itself, or if it is no more than a refusal."""
        try:
            if told and not context.complete:
                self._step(context, told, host)
            if told is None and not context.complete and response.status_code >= 400:
                return response
            if not context.complete:
                raise self._unproven("it took the login")
        except BaseException:
            response.close()
            raise
        self._proven = _socket()
        return response

    def _begun(self, host: str) -> Any:
        with self._told(host):
            return self._make(host, _bindings())

    def _step(self, context: Any, told: bytes | None, host: str) -> bytes:
        with self._told(host, answered=told is not None):
            token: bytes | None = context.step(told)
            return token or b""

    @contextlib.contextmanager
    def _told(self, host: str, *, answered: bool = False) -> Any:
        try:
            yield
        except Exception as error:  # whatever class a system's Kerberos has; each is told
            found = trouble(error, host)
            if answered and found is not EXPIRED:
                raise self._unproven("it sent a wrong proof") from None
            raise AuthenticationError(
                found.what, source=self._source, remedy=found.remedy
            ) from None

    def _unproven(self, what: str) -> AuthenticationError:
        return AuthenticationError(
            f"{what} and did not prove that it is the server that was meant, so nothing of its "
            "answer is used",
            source=self._source,
            remedy="Check the address, that no proxy is in between, and that it uses Kerberos.",
        )


def _offer(response: Response) -> bytes | None:
    """What comes with an offer of Negotiate, perhaps nothing; None where there is none."""
    found = _OFFER.search(response.headers.get("WWW-Authenticate", ""))
    if found is None:
        return None
    try:
        return base64.b64decode(found[1] or "", validate=True)
    except ValueError:
        return b"\0"  # something, which proves nothing


def _sent_again(response: Response, token: bytes, options: Mapping[str, Any]) -> Response:
    """The answer to the same request with ``token``, on the same connection if it is still good."""
    _read_away(response)
    request = response.request.copy()
    # As requests' own login of several messages does it, with what is not in its stubs.
    cookies = request._cookies  # type: ignore[attr-defined]
    extract_cookies_to_jar(cookies, response.request, response.raw)  # type: ignore[no-untyped-call]
    request.headers.pop("Cookie", None)
    request.prepare_cookies(cookies)
    request.headers["Authorization"] = f"Negotiate {base64.b64encode(token).decode()}"
    answer: Response = response.connection.send(request, **options)
    answer.history.append(response)
    answer.request = request
    return answer


def _read_away(response: Response) -> None:
    """Read a refusal to its end, if that is near, so that its connection can be used again."""
    left = _LONGEST_REFUSAL
    while left > 0 and (piece := response.raw.read(left, decode_content=False)):
        left -= len(piece)
    if left > 0:
        response.raw.release_conn()
    else:
        response.close()


def _socket() -> socket.socket | None:
    """What the answer of this thread's request came through."""
    connection = current.stop.connection
    return None if connection is None else connection.answering


def _bindings() -> bytes | None:
    """What binds the login to the server's certificate (RFC 5929, tls-server-end-point)."""
    wire = _socket()
    if not isinstance(wire, ssl.SSLSocket):
        return None
    certificate = wire.getpeercert(binary_form=True) or b""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in _TOO_WEAK else algorithm.name
    return b"tls-server-end-point:" + hashlib.new(name, certificate).digest()
