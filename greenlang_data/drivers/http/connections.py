"""What a source's requests travel over: shared, or where a login is of a connection, one for each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from requests import Request, Response
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar

from greenlang_data.drivers.http.faults import NETWORK_ERRORS
from greenlang_data.drivers.http.transport import Transport
from greenlang_data.errors import AuthenticationError, GreenLangError
from greenlang_data.settings.http import HttpSettings


class Connections:
    """Transports of one source, whose cookies are the same.

    NTLM and Kerberos prove who asks in several messages on one connection. So with ``auth``, which
    makes one such proof, a request has a transport for itself, and no other comes in between.
    """

    def __init__(
        self, settings: HttpSettings, source: str, auth: Callable[[], AuthBase] | None
    ) -> None:
        self._settings, self._source, self._auth = settings, source, auth
        self._cookies = RequestsCookieJar()
        self._lock = threading.Lock()
        self._closed = False
        self._idle = [self._made()]

    @contextmanager
    def send(self, request: Request) -> Iterator[Response]:
        """The answer with its body still to be read.

        Raises AuthenticationError for a handshake that the server leads nowhere, or what requests
        raises.
        """
        transport = self._taken()
        try:
            response = self._sent(transport, request)
            try:
                yield response
            finally:
                # A body that was not read to its end cannot share its connection with another.
                response.close()
        finally:
            self._given_back(transport)

    def cookie(self, name: str) -> str | None:
        """A cookie that the server has set."""
        return self._cookies.get(name)

    def close(self) -> None:
        """Close what is idle; needs no thread and does not wait."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for transport in idle:
            transport.close()

    def _sent(self, transport: Transport, request: Request) -> Response:
        try:
            return transport.send(request)
        except GreenLangError:
            raise
        except Exception as error:
            # A plug-in that gets no challenge says so with an OSError, as a lost connection does.
            refused = self._auth is not None and type(error) is PermissionError
            if self._auth is None or (isinstance(error, NETWORK_ERRORS) and not refused):
                raise
            # Whatever a plug-in stumbles over in a server's part of the handshake.
            raise AuthenticationError(
                f"the handshake of the login broke off ({type(error).__name__})",
                source=self._source,
                remedy="Check that the server offers this login, and that no proxy is in between.",
            ) from error

    def _made(self) -> Transport:
        auth = None if self._auth is None else self._auth()
        return Transport(self._settings, self._source, auth, self._cookies)

    def _taken(self) -> Transport:
        with self._lock:
            if self._auth is None and self._idle:
                return self._idle[0]
            if self._idle:
                return self._idle.pop()
        return self._made()

    def _given_back(self, transport: Transport) -> None:
        with self._lock:
            if not self._closed:
                if self._auth is not None:
                    self._idle.append(transport)
                return
        transport.close()
