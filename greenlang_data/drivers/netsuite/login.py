"""The two logins of NetSuite: a signed assertion for a token, or a signature on each request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from greenlang_data.drivers.http.assertion import signed_assertion
from greenlang_data.drivers.http.extras import oauth1_auth
from greenlang_data.drivers.http.login import GrantLogin, HandshakeLogin, Login
from greenlang_data.drivers.http.tokens import Grant, TokenLogin, needed
from greenlang_data.settings.netsuite import NetSuiteSettings

_GRANT_PATH: Final = "/services/rest/auth/oauth2/v1/token"
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE: Final = 300


def netsuite_login(settings: NetSuiteSettings, address: str, source: str) -> Login | None:
    """The login that the settings describe, or None for one that every web system has.

    Raises ConfigurationError naming what is missing.
    """
    if settings.consumer_key is not None:
        return HandshakeLogin(
            oauth1_auth(
                (
                    settings.consumer_key,
                    needed(settings.consumer_secret, "consumer_secret", "TBA", source),
                ),
                (
                    needed(settings.token_id, "token_id", "TBA", source),
                    needed(settings.token_secret, "token_secret", "TBA", source),
                ),
                realm_of(settings, address),
                source,
            )
        )
    if settings.private_key is None:
        return None
    url = settings.token_url or f"{address}{_GRANT_PATH}"
    key = settings.private_key
    client = needed(settings.client_id, "client_id", "jwt_assertion", source)

    def form() -> Mapping[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": signed_assertion(
                _claims(client, url, settings.scope or "rest_webservices"),
                key,
                settings.jwt_algorithm,
                settings.private_key_id,
                source,
            ),
        }

    return GrantLogin(TokenLogin(Grant(url, form, dict), source))


def realm_of(settings: NetSuiteSettings, address: str) -> str:
    """The account as signatures name it: ``1234567_SB1`` of ``1234567-sb1.suitetalk…``."""
    account = settings.account or (urlsplit(address).hostname or "").partition(".")[0]
    return account.upper().replace("-", "_")


def _claims(client: str, url: str, scope: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": client,
        "scope": scope.split(),
        "aud": url,
        "iat": now,
        "exp": now + _ASSERTION_LIFE,
    }
