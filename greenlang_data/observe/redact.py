"""Error texts that can be shown: a connector of the user's own may quote a password in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydantic import SecretStr

from greenlang_data.errors import ConfigurationError, GreenLangError
from greenlang_data.settings import ConnectorConfig, Secret

_MASK: Final = "**********"
_SECRET_NAME: Final = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)
_LOGIN_IN_URL: Final = re.compile(r"://[^/@\s]*:[^/@\s]+@")


def error_text(error: BaseException, config: ConnectorConfig) -> str:
    """What ``error`` says, with the secrets of ``config`` and logins in URLs masked."""
    text = str(error)
    if not isinstance(error, GreenLangError):
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    # The longest first: one secret may be a part of another.
    for secret in sorted(_secrets(config), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return _LOGIN_IN_URL.sub(f"://{_MASK}@", text)


def _secrets(config: ConnectorConfig) -> Iterator[str]:
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, Secret):
            yield from _cheaply(value)
        elif isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, str) and value and _SECRET_NAME.search(name):
            yield value


def _cheaply(secret: Secret) -> Iterator[str]:
    # A keyring or a function of the user's may ask a person, which a background check must not.
    if secret.origin == "configuration" or secret.origin.startswith("environment"):
        try:
            yield secret.get_secret_value()
        except ConfigurationError:
            return
