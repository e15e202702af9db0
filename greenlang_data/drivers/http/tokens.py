"""OAuth 2 access tokens: fetched when needed, kept until shortly before they end."""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote_plus
from uuid import uuid4

from greenlang_data.drivers.http.assertion import signed_assertion
from greenlang_data.drivers.http.origin import checked_url
from greenlang_data.errors import AuthenticationError, ConfigurationError, ProtocolError
from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret

T = TypeVar("T")

# Posts a form to a URL with these headers beside it, and gives the JSON object answered.
FetchForm = Callable[[str, Mapping[str, str], Mapping[str, str]], Awaitable[Mapping[str, Any]]]

# Renewed that long before the end, or a tenth of its life if that is less.
_EARLY_SECONDS: Final = 60.0
_USUAL_LIFE: Final = 300.0
_ASSERTION_LIFE: Final = 300
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Grant:
    """Where and with what a token is asked for; ``form`` is made anew for each request."""

    url: str
    form: Callable[[], Mapping[str, str]]
    headers: Callable[[], Mapping[str, str]]


class TokenLogin:
    """The current token of one grant; however many ask at once, it is fetched once."""

    def __init__(self, grant: Grant, source: str) -> None:
        self._grant = grant
        self._source = source
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    async def current(self, fetch: FetchForm) -> str:
        """A token that has not ended. Raises AuthenticationError or ProtocolError without one."""
        async with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                began = time.monotonic()
                answer = await fetch(self._grant.url, self._grant.form(), self._grant.headers())
                self._token, life = self._read(answer)
                self._renew_at = began + life - min(_EARLY_SECONDS, life / 10)
            return self._token

    def forget(self, token: str) -> None:
        """Fetch a new one next time, unless that has happened since ``token`` was given out."""
        if self._token == token:
            self._token = None

    def _read(self, answer: Mapping[str, Any]) -> tuple[str, float]:
        token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
        if not isinstance(token, str) or not token.isprintable() or " " in token or not token:
            raise AuthenticationError(
                "the token server answered without a usable access_token",
                source=self._source,
                remedy="Check token_url, scope and what this client may do.",
            )
        if str(kind).lower() != "bearer":
            raise ProtocolError(
                f"the token server gave a token of type {str(kind)[:40]!r}, not bearer",
                source=self._source,
                remedy="Check token_url.",
            )
        return token, _life(answer.get("expires_in"))


def _life(told: Any) -> float:
    """How many seconds a token is good for; some servers tell it as text, and some not at all."""
    try:
        seconds = float(told)
    except (TypeError, ValueError):
        return _USUAL_LIFE
    return max(seconds, 0.0) if math.isfinite(seconds) else _USUAL_LIFE


def token_grant(settings: HttpSettings, kind: str, source: str) -> Grant:
    """The grant that the settings describe. Raises ConfigurationError naming what is missing."""
    url = checked_url(needed(settings.token_url, "token_url", kind, source), "token_url", source)
    name = needed(settings.client_id, "client_id", kind, source)
    scope = {"scope": settings.scope} if settings.scope else {}
    if kind == "jwt_assertion":
        key = needed(settings.private_key, "private_key", kind, source)

        def signed() -> Mapping[str, str]:
            assertion = signed_assertion(
                _claims(name, url),
                key,
                settings.jwt_algorithm,
                settings.private_key_id,
                source,
            )
            return {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": assertion,
                "client_id": name,
                **scope,
            }

        return Grant(url, signed, dict)
    if kind == "client_credentials":
        secret = needed(settings.client_secret, "client_secret", kind, source)
        form = {"grant_type": "client_credentials", **scope}
        return Grant(url, lambda: form, lambda: _client(name, secret))
    return _password_grant(settings, url, name, scope, source)


def _password_grant(
    settings: HttpSettings, url: str, name: str, scope: Mapping[str, str], source: str
) -> Grant:
    username = needed(settings.username, "username", "password_grant", source)
    password = needed(settings.password, "password", "password_grant", source)

    def form() -> Mapping[str, str]:
        return {
            "grant_type": "password",
            "username": username,
            "password": password.get_secret_value(),
            **({} if settings.client_secret else {"client_id": name}),
            **scope,
        }

    secret = settings.client_secret
    return Grant(url, form, lambda: {} if secret is None else _client(name, secret))


def _client(name: str, secret: Secret) -> dict[str, str]:
    """The client's own login; RFC 6749 has both parts quoted as in a form."""
    return basic(quote_plus(name), quote_plus(secret.get_secret_value()))


def basic(username: str, password: str) -> dict[str, str]:
    """``Authorization: Basic``, in UTF-8."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _claims(name: str, url: str) -> dict[str, Any]:
    # The one place where the wall clock counts, because the token server compares it with its own.
    now = int(time.time())
    return {
        "iss": name,
        "sub": name,
        "aud": url,
        "iat": now,
        "exp": now + _ASSERTION_LIFE,
        "jti": str(uuid4()),
    }


def needed(value: T | None, key: str, kind: str, source: str) -> T:
    """``value``. Raises ConfigurationError when the login of that kind lacks it."""
    if value is None:
        raise ConfigurationError(
            f"the login {kind!r} needs {key}", source=source, remedy=f"Set {key}, or another login."
        )
    return value
