"""Who may ask the NetSuite emulator: token-based access (OAuth 1.0) and signed tokens (OAuth 2.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from .erp_emulator import ErpEmulator
from .historian_access import bearer_is_right
from .historian_http import Answer, Request

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
CLOCK_SECONDS = 300
ACCESS_DEFAULTS: dict[str, Any] = {
    "auth": "any",  # tba, oauth2 or any
    "account": "1234567_SB1",
    "consumer_key": "consumer-key",
    "consumer_secret": "s3cret-consumer",
    "token_id": "token-id",
    "token_secret": "s3cret-token",
    "certificate_id": "certificate-1",
    "public_key": "",  # PEM; signed tokens are refused without it
}


def may_ask(emulator: ErpEmulator, nonces: set[str], request: Request) -> bool:
    """Whether the request is signed with the secrets, or carries a token that is good."""
    form = emulator.knob("auth")
    if form != "tba" and bearer_is_right(emulator.tokens, request):
        return True
    return form != "oauth2" and _signature_is_right(emulator, nonces, request)


def _signature_is_right(emulator: ErpEmulator, nonces: set[str], request: Request) -> bool:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "oauth":
        return False
    given = {n: unquote(v) for n, v in re.findall(r'(\w+)="([^"]*)"', rest)}
    signature, realm = given.pop("oauth_signature", ""), given.pop("realm", "")
    named = {
        "oauth_consumer_key": emulator.knob("consumer_key"),
        "oauth_token": emulator.knob("token_id"),
        "oauth_signature_method": "HMAC-SHA256",
    }
    if realm != emulator.knob("account") or any(given.get(n) != v for n, v in named.items()):
        return False
    stamp, nonce = given.get("oauth_timestamp", ""), given.get("oauth_nonce", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > CLOCK_SECONDS or nonce in nonces:
        return False
    wanted = _signature(emulator, request, given)
    if not hmac.compare_digest(signature, wanted):
        return False
    nonces.add(nonce)
    return True


def _signature(emulator: ErpEmulator, request: Request, given: dict[str, str]) -> str:
    """RFC 5849, 3.4: method, address without query, and all parameters but the body's."""
    parts = urlsplit(emulator.origin + request.target)
    pairs = [(_escaped(n), _escaped(v)) for n, v in [*request.query, *given.items()]]
    parameters = "&".join(f"{n}={v}" for n, v in sorted(pairs))
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    base = "&".join((request.method, _escaped(address), _escaped(parameters)))
    key = "&".join(_escaped(emulator.knob(n)) for n in ("consumer_secret", "token_secret"))
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def _escaped(text: str) -> str:
    return quote(text, safe="~")


def token_answer(emulator: ErpEmulator, request: Request) -> Answer:
    """Exchange a signed assertion for an access token, without a refresh token."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    right = (form.get("grant_type"), form.get("client_assertion_type")) == (
        "client_credentials",
        kind,
    )
    if request.method != "POST" or not right:
        return Answer(400, {"error": "invalid_request"})
    reason = _why_refused(emulator, form.get("client_assertion", ""))
    if reason:
        return Answer(400, {"error": "invalid_client", "error_description": reason})
    seconds = emulator.knob("token_seconds")
    token, _ = emulator.tokens.issue(seconds, emulator.knob("token_uses"), refresh=False)
    return Answer(
        200, {"access_token": token, "expires_in": str(int(seconds)), "token_type": "bearer"}
    )


def _why_refused(emulator: ErpEmulator, assertion: str) -> str:
    import jwt  # only this way in needs it

    allowed = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
    try:
        if jwt.get_unverified_header(assertion).get("kid") != emulator.knob("certificate_id"):
            return "The certificate is not known."
        claims = jwt.decode(
            assertion,
            emulator.knob("public_key"),
            algorithms=allowed,
            audience=emulator.origin + TOKEN_PATH,
            issuer=emulator.knob("client_id"),
            options={"require": ["iss", "aud", "exp", "iat", "scope"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        return str(error)
    return "The assertion lives too long." if claims["exp"] - claims["iat"] > 3_600 else ""
