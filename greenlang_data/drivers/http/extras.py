"""Logins whose handshake is in packages that are not for everybody."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from requests.auth import AuthBase

from greenlang_data.drivers.http.negotiate import KerberosAuth
from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.secret import Secret


def kerberos_auth(
    username: str | None, password: Secret | None, source: str
) -> Callable[[], AuthBase]:
    """Kerberos as ``user@REALM`` with a password, or with a ticket that is there already.

    Without ``username`` the ticket is that of the default cache. Raises ConfigurationError without
    the extra.
    """
    spnego = _quiet_spnego("kerberos", source)
    if sys.platform != "win32":  # where Kerberos is a part of the system
        for name in ("gssapi", "krb5"):
            _imported(name, "kerberos", source)
    bindings = import_module("spnego.channel_bindings").GssChannelBindings

    def context(host: str, bound: bytes | None) -> Any:
        return spnego.client(
            username,
            None if password is None else password.get_secret_value(),
            hostname=host,
            service="HTTP",
            protocol="kerberos",
            # The server must prove itself too, or its answers could be anybody's.
            context_req=spnego.ContextReq.mutual_auth,
            channel_bindings=None if bound is None else bindings(application_data=bound),
        )

    return partial(KerberosAuth, context, source)


def ntlm_auth(username: str, password: Secret, source: str) -> Callable[[], AuthBase]:
    r"""NTLM as ``DOMAIN\user``. Raises ConfigurationError without the extra."""
    _quiet_spnego("ntlm", source)
    module = _imported("requests_ntlm", "ntlm", source)
    return lambda: module.HttpNtlmAuth(username, password.get_secret_value())


def _quiet_spnego(extra: str, source: str) -> Any:
    # At DEBUG it would log the messages of a login, from which a password can be guessed.
    logging.getLogger("spnego").setLevel(logging.INFO)
    return _imported("spnego", extra, source)


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
