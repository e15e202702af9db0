"""The pooled requests session of one source: its TLS, its proxies, its connections."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from requests import PreparedRequest, Request, Response, Session
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from greenlang_data.drivers.http.origin import origin_of
from greenlang_data.drivers.http.worker import current
from greenlang_data.errors import ConfigurationError, ProtocolError
from greenlang_data.settings.http import HttpSettings

_ASKS_WHO: Final = frozenset({401, 407})
_LONGEST_QUESTION: Final = 65_536


class _Watched:
    """A connection that a Stop can end, also while it waits for the server to begin."""

    sock: socket.socket | None
    answering: socket.socket | None = None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # that of the connection it is mixed into
        current.stop.check()

    def request(self, *arguments: Any, **options: Any) -> None:
        self.answering = None
        self.owner = current.stop
        current.stop.watch(self)
        super().request(*arguments, **options)  # type: ignore[misc]

    def getresponse(self) -> Any:
        # An answer whose end is the connection's takes the socket from it.
        self.answering = self.sock
        return super().getresponse()  # type: ignore[misc]


class _Connection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """Trusts exactly what the context trusts, where requests would add a bundle of its own."""

    def __init__(self, settings: HttpSettings, source: str) -> None:
        self._settings, self._source = settings, source
        self._made: ssl.SSLContext | None = None
        if settings.ca_path or settings.client_certificate_path:
            self._context()  # tells what is wrong with the files before anything is sent
        connections = settings.connection_pool_size
        super().__init__(pool_connections=4, pool_maxsize=connections, pool_block=False)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, pool = super().build_connection_pool_key_attributes(request, True, None)
        if host["scheme"] == "https":
            return host, {"ssl_context": self._context()}
        return host, pool

    def send(self, *arguments: Any, **options: Any) -> Response:
        response = super().send(*arguments, **options)
        if response.status_code in _ASKS_WHO:
            # What a login's plug-in reads on its own, without a limit.
            response.iter_content = partial(  # type: ignore[method-assign]
                _beginning, response, self._source
            )
        return response

    def _context(self) -> ssl.SSLContext:
        # Made when first needed, because it takes long.
        if self._made is None:
            self._made = _context(self._settings, self._source)
        return self._made

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the context has it all."""


def _beginning(response: Response, source: str, *_: object, **__: object) -> Iterator[bytes]:
    """A body that nobody looks into, as it is sent. Raises ProtocolError when it is a long one."""
    size = 0
    while piece := response.raw.read(_LONGEST_QUESTION, decode_content=False):
        size += len(piece)
        if size > _LONGEST_QUESTION:
            response.close()  # nobody else will, since nobody gets it
            raise ProtocolError(
                f"it asks for a login with more than {_LONGEST_QUESTION} bytes",
                source=source,
                remedy="Check the address, and that no proxy is in between.",
            )
        yield piece


class _Session(Session):
    """Reads no redirect, whose body requests would load whole to tell where it leads."""

    def get_redirect_target(self, resp: Response) -> None:
        """Nowhere: whoever asked looks at ``Location``."""


class _AsItIs(AuthBase):
    """No login of requests' own, which it would look up in ``~/.netrc``."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class Transport:
    """Sends one request at a time on any thread; ``close`` ends its idle connections."""

    def __init__(
        self, settings: HttpSettings, source: str, auth: AuthBase | None, cookies: RequestsCookieJar
    ) -> None:
        self._session = _Session()
        self._session.cookies = cookies
        self._auth = auth or _AsItIs()
        adapter = _Adapter(settings, source)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._session.headers["User-Agent"] = "greenlang-data"
        # Half of an attempt's time at most, so that the reason is told before the time is up.
        self._timeouts = (min(10.0, settings.timeout_seconds / 2), settings.timeout_seconds)

    def send(self, request: Request) -> Response:
        """The answer with its body still to be read. Redirects are given back, not followed."""
        request.auth = self._auth
        prepared = self._session.prepare_request(request)
        return self._session.send(
            prepared,
            stream=True,
            timeout=self._timeouts,
            allow_redirects=False,
            proxies=self._proxies(prepared.url or ""),
        )

    def _proxies(self, url: str) -> Any:
        """Those of the environment; none to this machine, since a proxy elsewhere could read along."""
        if origin_of(url).is_loopback:
            return {}
        environment = self._session.merge_environment_settings(url, {}, True, True, None)
        return environment["proxies"]

    def close(self) -> None:
        """Close what is idle; needs no thread and does not wait."""
        self._session.close()


def _context(settings: HttpSettings, source: str) -> ssl.SSLContext:
    ca = settings.ca_path
    try:
        is_folder = ca is not None and Path(ca).is_dir()
        context = ssl.create_default_context(
            cafile=None if is_folder else ca, capath=ca if is_folder else None
        )
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"ca_path cannot be used: {error.strerror or 'it holds no certificate'}",
            source=source,
            remedy="Give a PEM file, or a folder of hashed certificates.",
        ) from error
    if settings.client_certificate_path:
        try:
            context.load_cert_chain(settings.client_certificate_path, settings.client_key_path)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                "the client certificate or its key cannot be used: "
                f"{error.strerror or type(error).__name__}",
                source=source,
                remedy="Give a PEM certificate and its unencrypted PEM key.",
            ) from error
    return context
