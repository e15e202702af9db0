"""Who may ask, and how often: Basic and bearer tokens, expiry, rate limit."""

from __future__ import annotations

import base64
import hmac
import itertools
import threading
import time
from email.utils import formatdate
from urllib.parse import parse_qs

from .historian_http import Answer, Emulator, Refused, Request

ACCESS_DEFAULTS = {
    "user": "operator",
    "password": "s3cret-Pässword",
    "client_id": "historian-client",
    "client_secret": "s3cret-client",
    "token_seconds": 3600.0,  # how long a token is good for
    "token_uses": 0,  # a token dies after so many requests; 0 is never
    "token_expires_in": None,  # what expires_in says when it is to lie
    "token_refresh": True,  # whether a refresh token comes along for the password grant
    "rate_max": 0,  # so many requests in rate_seconds; 0 is no limit
    "rate_seconds": 1.0,
    "retry_after": "seconds",  # seconds, date, none or garbage
}


class Tokens:
    """Issued tokens, with their ends and remaining uses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._good: dict[str, tuple[float, int]] = {}
        self._refresh: set[str] = set()

    def clear(self) -> None:
        """Make every token that is out worthless."""
        with self._lock:
            self._good.clear()
            self._refresh.clear()

    def issue(self, seconds: float, uses: int, *, refresh: bool) -> tuple[str, str]:
        """A new access token and, when wanted, a refresh token."""
        with self._lock:
            number = next(self._numbers)
            token, second = f"token-{number}-s3cret", f"refresh-{number}-s3cret" if refresh else ""
            self._good[token] = (time.monotonic() + seconds, uses or 1 << 60)
            if second:
                self._refresh.add(second)
            return token, second

    def redeem(self, refresh: str) -> bool:
        """Use up a refresh token."""
        with self._lock:
            known = refresh in self._refresh
            self._refresh.discard(refresh)
            return known

    def use(self, token: str) -> bool:
        """Whether the token is good for one more request."""
        with self._lock:
            end, uses = self._good.get(token, (0.0, 0))
            if uses < 1 or time.monotonic() >= end:
                return False
            self._good[token] = (end, uses - 1)
            return True


def basic_is_right(emulator: Emulator, request: Request, user: str, password: str) -> bool:
    """Whether Basic credentials are those of the two named knobs."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(rest, validate=True)
    except ValueError:
        return False
    wanted = f"{emulator.knob(user)}:{emulator.knob(password)}".encode()
    return hmac.compare_digest(given, wanted)


def bearer_is_right(tokens: Tokens, request: Request) -> bool:
    """Whether the request carries a token that is good."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and tokens.use(rest)


def token_answer(emulator: Emulator, tokens: Tokens, request: Request) -> Answer:
    """The token endpoint: client credentials, password and refresh grants."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    if request.method != "POST":
        return Answer(405, {"error": "method_not_allowed"})
    if not _client_is_right(emulator, request, form):
        return Answer(401, {"error": "invalid_client", "error_description": "Bad credentials"})
    grant = form.get("grant_type", "")
    if grant == "password":
        right = (emulator.knob("user"), emulator.knob("password"))
        if (form.get("username"), form.get("password")) != right:
            return Answer(400, {"error": "invalid_grant", "error_description": "Bad credentials"})
    elif grant == "refresh_token":
        if not tokens.redeem(form.get("refresh_token", "")):
            return Answer(400, {"error": "invalid_grant"})
    elif grant != "client_credentials":
        return Answer(400, {"error": "unsupported_grant_type"})
    seconds = float(emulator.knob("token_seconds"))
    refresh = grant != "client_credentials" and emulator.knob("token_refresh")
    token, second = tokens.issue(seconds, emulator.knob("token_uses"), refresh=refresh)
    told = emulator.knob("token_expires_in")
    body = {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": int(seconds) if told is None else told,
        "scope": form.get("scope", "system"),
        "jti": token[:8],
    }
    return Answer(200, body | ({"refresh_token": second} if second else {}))


def _client_is_right(emulator: Emulator, request: Request, form: dict[str, str]) -> bool:
    if basic_is_right(emulator, request, "client_id", "client_secret"):
        return True
    right = (emulator.knob("client_id"), emulator.knob("client_secret"))
    return (form.get("client_id"), form.get("client_secret")) == right


class RateLimit:
    """So many requests in a fixed window of time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = 0.0
        self._count = 0

    def take(self, emulator: Emulator, count: int = 1) -> None:
        """Count requests; raise 429 past the limit, which counts nothing."""
        most, seconds = emulator.knob("rate_max"), emulator.knob("rate_seconds")
        if not most:
            return
        with self._lock:
            now = time.monotonic()
            if now - self._since >= seconds:
                self._since, self._count = now, 0
            if self._count + count <= most:
                self._count += count
                return
            left = self._since + seconds - now
        raise Refused(
            Answer(429, "Rate limit was reached", retry_after(emulator, left), "text/plain")
        )


def retry_after(emulator: Emulator, left: float) -> dict[str, str]:
    """The header of a 429, in the form that the knob says, for the whole seconds after ``left``."""
    whole = int(left) + 1
    form = emulator.knob("retry_after")
    texts = {
        "seconds": str(whole),
        "date": formatdate(time.time() + whole, usegmt=True),
        "garbage": "soon",
    }
    return {"Retry-After": texts[form]} if form in texts else {}
