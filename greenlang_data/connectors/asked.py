"""What the answer to a request depends on: the source, whose login it is, and what is asked."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import pbkdf2_hmac
from typing import Any, Final

from greenlang_data.drivers.base import Records
from greenlang_data.settings import ConnectorConfig
from greenlang_data.settings.secret import Secret

# What may be another the next time: how an answer is asked for, and what proves the login.
_HOW: Final = frozenset(
    {
        "allow_clear_text_credentials",
        "ca_path",
        "client_key_path",
        "client_secret",
        "consumer_secret",
        "max_answer_bytes",
        "page_size",
        "parallel_ranges",
        "password",
        "private_key",
        "server_names",
        "token_secret",
        "trust_counts",
    }
)
# Logins that have no name beside them.
_LOGINS: Final = ("token", "api_key")
_SUBJECT: Final = ("iss", "tid", "sub", "oid", "appid", "azp", "client_id")
_ROUNDS: Final = 100_000
_DIGESTS_KEPT: Final = 16  # each takes as long as a small read
# Of those that have one, in HTTP or in OPC UA.
_NAMES: Final = ("username", "client_id", "client_certificate_path", "user_certificate_path")


def asked_of(config: ConnectorConfig, request: Records) -> dict[str, Any]:
    """All of it by name, as JSON has it; no secret is in it, nor can one be told from it.

    Raises ConfigurationError for a login that cannot be had.
    """
    policies = ConnectorConfig.model_fields.keys() - {"mock_mode", "mock_variants"}
    settings = config.model_dump(mode="json", exclude={*policies, *_HOW, *_LOGINS})
    logins = {name: _whose(getattr(config, name, None)) for name in _LOGINS}
    question = {
        one.name: _plain(getattr(request, one.name))
        for one in fields(request)
        if one.name != "known"  # only errors name it
    }
    return {"source": config.source_system, **settings, **logins, **question}


def login_name(config: ConnectorConfig) -> str | None:
    """Who asks, as far as the settings tell; empty for nobody. No secret can be told from it.

    None for a Kerberos ticket that may be anybody's. Raises ConfigurationError for a token that
    cannot be had.
    """
    names = [getattr(config, name, None) for name in _NAMES]
    if getattr(config, "login", None) == "kerberos" and names[0] is None:
        return None
    token = _whose(getattr(config, "token", None))
    return " ".join(filter(None, [names[0] or names[1], *names[2:], token]))


def _whose(secret: Secret | None) -> str | None:
    """Who logs in with a token: as it says itself, else a digest that no guessing undoes."""
    if secret is None:
        return None
    text = secret.get_secret_value()
    return _subject(text) or _digest(text)


@lru_cache(maxsize=_DIGESTS_KEPT)
def _digest(token: str) -> str:
    return pbkdf2_hmac("sha256", token.encode(), b"checkpoint", _ROUNDS).hex()


def _subject(token: str) -> str:
    """Whose token it is, where it is a JSON web token that tells it; a later one is another text."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    if not isinstance(claims, dict) or not {"sub", "oid"} & claims.keys():
        return ""
    return json.dumps([claims.get(name) for name in _SUBJECT])


def _plain(value: Any) -> Any:
    """``value`` as JSON has it, the same in every process."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Set):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return f"{type(value).__name__} {value}"
