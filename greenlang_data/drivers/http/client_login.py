"""The login of a program: a client id and a secret, at the token server that a system usually has."""

from __future__ import annotations

from typing import TypeVar

from greenlang_data.settings.http import HttpSettings

TSettings = TypeVar("TSettings", bound=HttpSettings)


def with_client_login(
    settings: TSettings, token_url: str | None = None, scope: str | None = None
) -> TSettings:
    """``settings`` with client credentials where only a client id and its secret are given.

    ``token_url`` and ``scope`` are those of the system, used where none are configured.
    """
    other = (settings.login, settings.username, settings.token)
    if settings.client_secret is None or any(one is not None for one in other):
        return settings
    return settings.model_copy(
        update={
            "login": "client_credentials",
            "token_url": settings.token_url or token_url,
            "scope": settings.scope or scope,
        }
    )
