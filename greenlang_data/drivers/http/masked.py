"""What a server says of a refused request may repeat the login: it is masked before it is told."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

_MASK: Final = b"**********"
# Of the logins that are several messages, which no caller knows.
_MESSAGES: Final = re.compile(rb"\b(Negotiate|NTLM) [A-Za-z0-9+/=%]{16,}")
# What is shorter would take the words out of a message, and is no secret that holds.
_SHORTEST: Final = 5


def masked(body: bytes, sent: Iterable[str]) -> bytes:
    """``body`` without the secrets in ``sent``: the values of headers, or of a form."""
    if not body:
        return body
    body = _MESSAGES.sub(rb"\1 " + _MASK, body)
    secrets = {part for value in sent for part in _parts(value) if len(part) >= _SHORTEST}
    # The longest first: one may be a part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        for written in {
            secret,
            quote(secret),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }:
            body = body.replace(written.encode(), _MASK)
    return body


def _parts(value: str) -> Iterator[str]:
    """The value, what follows its scheme, and the password of a pair in base64."""
    yield value
    rest = value.rpartition(" ")[2]
    yield rest
    try:
        name, colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except ValueError:
        return
    if name and colon:
        yield password
