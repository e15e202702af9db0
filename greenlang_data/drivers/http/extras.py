"""Logins whose handshake is in packages that are not for everybody."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from requests.auth import AuthBase

from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.secret import Secret


def kerberos_auth(source: str) -> Callable[[], AuthBase]:
    """Kerberos with the ticket that this process has. Raises ConfigurationError without the extra."""
    module = _imported("requests_kerberos", "kerberos", source)
    # The server must prove itself too, or its answers could be anybody's.
    return partial(module.HTTPKerberosAuth, mutual_authentication=module.REQUIRED)


def ntlm_auth(username: str, password: Secret, source: str) -> Callable[[], AuthBase]:
    r"""NTLM as ``DOMAIN\user``. Raises ConfigurationError without the extra."""
    module = _imported("requests_ntlm", "ntlm", source)
    return lambda: module.HttpNtlmAuth(username, password.get_secret_value())


def oauth1_auth(
    consumer: tuple[str, Secret], token: tuple[str, Secret], realm: str, source: str
) -> Callable[[], AuthBase]:
    """A signature of OAuth 1.0 (HMAC-SHA256) on each request, made anew with its own nonce.

    Raises ConfigurationError without the extra.
    """
    module = _imported("requests_oauthlib", "netsuite", source)
    return lambda: module.OAuth1(
        consumer[0],
        consumer[1].get_secret_value(),
        token[0],
        token[1].get_secret_value(),
        realm=realm,
        signature_method="HMAC-SHA256",
    )


def _imported(package: str, extra: str, source: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigurationError(
            f"the login {extra!r} needs a package that is not installed ({error.name})",
            source=source,
            remedy=f"Run: pip install 'greenlang_data[{extra}]'",
        ) from error
