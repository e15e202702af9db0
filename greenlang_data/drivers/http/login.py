"""How a request proves who asks: the headers of each way to log in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from requests.auth import AuthBase

from greenlang_data.drivers.http.extras import kerberos_auth, ntlm_auth
from greenlang_data.drivers.http.tokens import FetchForm, TokenLogin, basic, needed, token_grant
from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret


class Login(ABC):
    """One way to log in.

    ``auth`` makes what a connection needs for schemes of several messages (NTLM, Kerberos).
    ``scheme`` is what a server that takes this login offers; None where it has no name for it.
    """

    auth: Callable[[], AuthBase] | None = None
    scheme: str | None = None
    sends_secret: bool = True

    @abstractmethod
    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        """What to send with the next request; may ask a token server with ``fetch``."""

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Told that the server answered 401 to these; whether another try may go better."""
        return False


class NoLogin(Login):
    """Anonymous."""

    sends_secret = False
    scheme = ""

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        return {}


class BasicLogin(Login):
    """``Authorization: Basic``, in UTF-8. The password is looked up for each request."""

    scheme = "Basic"

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        return basic(self._username, self._password.get_secret_value())


class HeaderLogin(Login):
    """A secret in a header: a bearer token, or an API key under whatever name a system has."""

    def __init__(self, secret: Secret, header: str = "Authorization", prefix: str = "") -> None:
        self._secret = secret
        self._header = header
        self._prefix = prefix

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        return {self._header: self._prefix + self._secret.get_secret_value()}


class GrantLogin(Login):
    """A bearer token from a token server, kept until shortly before it ends."""

    def __init__(self, token: TokenLogin) -> None:
        self._token = token

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {await self._token.current(fetch)}"}

    def refused(self, headers: Mapping[str, str]) -> bool:
        self._token.forget(headers["Authorization"].removeprefix("Bearer "))
        return True


class HandshakeLogin(Login):
    """What a plug-in of requests does: Kerberos and NTLM for a connection, a signature of each request."""

    def __init__(self, auth: Callable[[], AuthBase], scheme: str | None = None) -> None:
        self.auth = auth
        self.scheme = scheme

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        return {}


def login_of(settings: HttpSettings, source: str) -> Login:
    """The login that the settings describe. Raises ConfigurationError naming what is missing."""
    kind = settings.login or _likely(settings)
    if kind == "none":
        return NoLogin()
    if kind == "basic":
        return BasicLogin(
            needed(settings.username, "username", kind, source),
            needed(settings.password, "password", kind, source),
        )
    if kind == "bearer":
        token = needed(settings.token, "token", kind, source)
        return HeaderLogin(token, prefix="Bearer ")
    if kind == "kerberos":
        if settings.password is not None:
            needed(settings.username, "username", kind, source)
        auth = kerberos_auth(settings.username, settings.password, source)
        return HandshakeLogin(auth, "Negotiate")
    if kind == "ntlm":
        username = needed(settings.username, "username", kind, source)
        password = needed(settings.password, "password", kind, source)
        return HandshakeLogin(ntlm_auth(username, password, source))
    return GrantLogin(TokenLogin(token_grant(settings, kind, source), source))


def _likely(settings: HttpSettings) -> str:
    if settings.token is not None:
        return "bearer"
    return "none" if settings.username is None else "basic"
