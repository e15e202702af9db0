"""Who may ask the Maximo emulator: API keys, native and directory logins, sessions that end."""

from __future__ import annotations

import base64
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from .business_sessions import Sessions
from .historian_access import basic_is_right
from .historian_faults import LOGIN_PAGE
from .historian_http import Answer, Emulator, Refused, Request

ACCESS_DEFAULTS: dict[str, Any] = {
    "user": "wilson",
    "password": "s3cret-Pässword",
    "apikey": "s3cret-apikey-0123456789",
    "auth": "native",  # native: maxauth; directory: Basic or a form; key: only /api answers
    "login_page": True,  # who may not ask gets a login page with status 200, else 401
    "session_seconds": 3600.0,
    "session_uses": 0,  # a session dies after so many requests; 0 is never
}


def session_of(request: Request) -> str:
    """The session id that a request's cookies carry."""
    cookie = SimpleCookie(request.headers.get("cookie", ""))
    return cookie["JSESSIONID"].value if "JSESSIONID" in cookie else ""


def may_ask(emulator: Emulator, sessions: Sessions, request: Request) -> bool:
    """Keys are for ``/api`` and sessions for ``/oslc``; neither opens the other."""
    if request.path.startswith("/maximo/api"):
        given = request.headers.get("apikey") or request.one("apikey")
        return bool(given == emulator.knob("apikey"))
    if emulator.knob("auth") == "key":
        return False
    return sessions.use(session_of(request)) or _credentials_are_right(emulator, request)


def _credentials_are_right(emulator: Emulator, request: Request) -> bool:
    if emulator.knob("auth") == "directory":
        # Directory users log in once; Basic beside a query is for the login resource only.
        at_login = request.path == "/maximo/oslc/login"
        return at_login and basic_is_right(emulator, request, "user", "password")
    wanted = f"{emulator.knob('user')}:{emulator.knob('password')}".encode()
    return request.headers.get("maxauth", "") == base64.b64encode(wanted).decode()


def log_in(emulator: Emulator, sessions: Sessions, request: Request) -> Answer:
    """``POST /oslc/login`` and the form behind ``/j_security_check``."""
    form = request.path.endswith("/j_security_check")
    if request.method != "POST":
        return Answer(405, "")
    if form:
        fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        right = emulator.knob("auth") == "directory" and (
            fields.get("j_username"),
            fields.get("j_password"),
        ) == (emulator.knob("user"), emulator.knob("password"))
    else:
        right = _credentials_are_right(emulator, request)
    if not right:
        raise Refused(refusal(emulator, request))
    session = sessions.open(emulator.knob("session_seconds"), emulator.knob("session_uses"))
    headers = {"Set-Cookie": f"JSESSIONID={session}; Path=/maximo; HttpOnly"}
    if form:
        return Answer(302, "", headers | {"Location": "/maximo/oslc/whoami"})
    return Answer(200, {"maxupg": "V8000"}, headers)


def refusal(emulator: Emulator, request: Request) -> Answer:
    """What somebody gets who may not ask."""
    if emulator.knob("login_page"):
        return Answer(200, LOGIN_PAGE, content_type="text/html; charset=utf-8")
    return error(
        emulator, request, 401, "BMXAA0021E", "User name and password combination not valid."
    )


def error(emulator: Emulator, request: Request, status: int, code: str, message: str) -> Answer:
    """An error in the server's own shape; its number is a text unless the knob says otherwise."""
    text = f"{code} - {message}" if not message.startswith(code) else message
    lean = request.one("lean") == "1"
    spi, oslc = ("", "") if lean else ("spi:", "oslc:")
    link = f"{emulator.origin}/maximo/oslc/error/messages/{code}"
    inner = {"href": link} if lean else {"rdf:resource": link}
    told = str(status) if emulator.knob("status_code") == "string" else status
    body = {
        f"{oslc}Error": {
            f"{oslc}extendedError": {f"{oslc}moreInfo": inner},
            f"{spi}reasonCode": code,
            f"{oslc}message": text,
            f"{oslc}statusCode": told,
        }
    }
    return Answer(status, body)
