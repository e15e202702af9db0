"""From what goes wrong over HTTP to the package's errors; none quotes a URL's query or a header."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from typing import Final

import requests
from urllib3.exceptions import HTTPError, IncompleteRead
from urllib3.exceptions import InvalidHeader as ContradictoryHeader

from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.drivers.http.waiting import seconds_to_wait
from greenlang_data.errors import (
    AuthenticationError,
    ConfigurationError,
    GreenLangError,
    ProtocolError,
    SourceBusy,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
    TransientError,
)

Explain = Callable[[bytes], str]

_LONGEST: Final = 300
_TITLE: Final = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_BUSY: Final = frozenset({425, 429, 503})
_LATER: Final = "Try again later; if it stays so, tell its operator."
# What a source is configured with for each scheme that a server may offer.
_WAYS: Final = {
    "Negotiate": "login = 'kerberos' (pip install 'greenlang_data[kerberos]')",
    "NTLM": "login = 'ntlm' (pip install 'greenlang_data[ntlm]')",
    "Basic": "username and password",
    "Bearer": "token",
}


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    explain: Explain,
    source: str,
    scheme: str | None = None,
) -> GreenLangError:
    """The error for an answer that is no success. Transient: 408, 425, 429 and all 5xx but three.

    ``scheme`` is that of the login that was sent, empty when none was, and None where it does not
    matter.
    """
    said = _said(headers, body, explain)
    if status == 401:
        ways = headers.get("WWW-Authenticate")
        offers = f" (it offers {_kinds(ways)})" if ways else ""
        what = "it asks for a login" if scheme == "" else "the login was refused"
        return AuthenticationError(
            f"{what}{offers}: HTTP 401{said}", source=source, remedy=_remedy(ways or "", scheme)
        )
    if status in (403, 407):
        return AuthenticationError(
            f"this login may not do that: HTTP {status}{said}", source=source
        )
    if status in _BUSY:
        return SourceBusy(
            f"it asks to come back later: HTTP {status}{said}",
            source=source,
            retry_after=asked_to_wait(status, headers),
        )
    if status in (408, 504):
        return SourceTimeout(
            f"it gave up in time: HTTP {status}{said}",
            source=source,
            remedy="Ask for less at once, or later.",
        )
    if status == 502:
        return SourceUnreachable(
            f"the proxy before it could not reach it: HTTP 502{said}", source=source, remedy=_LATER
        )
    if status in (404, 405, 406, 410, 415, 501, 505, 511):
        return ProtocolError(
            f"there is nothing of that kind at its address: HTTP {status}{said}",
            source=source,
            remedy="Check the address and the version of the server.",
        )
    if status >= 500:
        return TransientError(f"it failed: HTTP {status}{said}", source=source, remedy=_LATER)
    return SourceError(
        f"it refused the request: HTTP {status}{said}",
        source=source,
        remedy="Correct the query or the configuration as it says.",
    )


def asked_to_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """For how many seconds the source asks to be left alone, None when it does not."""
    if status not in _BUSY:
        return None
    return seconds_to_wait(headers.get("Retry-After"), headers.get("Date"))


def no_token(status: int, body: bytes, source: str) -> AuthenticationError:
    """The error for a token server that gives no token."""
    said = errors_in(body)
    code = said.get("error") if isinstance(said, dict) else None
    named = f" ({plain(code.encode())})" if isinstance(code, str) else ""
    return AuthenticationError(
        f"the token server gave no token: HTTP {status}{named}",
        source=source,
        remedy="Check client_id, its secret or key, scope, and username and password.",
    )


class WrongKindError(ProtocolError):
    """A success of another media type than asked for; ``is_page`` when it is for a browser."""

    is_page = False


def wrong_kind(kind: str, body: bytes, source: str) -> WrongKindError:
    """The error for a success that is of another media type than asked for, such as a login page."""
    title = _TITLE.search(body[:10_000])
    named = f" titled {plain(title[1])!r}" if title else ""
    error = WrongKindError(
        f"it answered with {kind or 'an unnamed type'}{named} instead of data",
        source=source,
        remedy="That is often a login page or a proxy: check the address and the way to log in.",
    )
    error.is_page = "html" in kind or not kind
    return error


def broken(error: Exception, where: str, source: str) -> GreenLangError:
    """The error for an exception of requests or urllib3 on the way to ``where``."""
    reasons = list(_chain(error))
    for reason in reasons:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return ConfigurationError(
                f"the certificate of {where} is not trusted: {reason.verify_message}",
                source=source,
                remedy="Set ca_path to the authority that issued it, or use the name it is for.",
            )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return SourceTimeout(
            f"{where} did not accept a connection in time",
            source=source,
            remedy="Check the address, the network and firewalls, or raise timeout_seconds.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return _silent(where, source)
    if any(isinstance(reason, IncompleteRead) for reason in reasons):
        return SourceUnreachable(
            f"{where} ended its answer before it was whole, so none of it is used",
            source=source,
            remedy=_LATER,
        )
    if any(isinstance(reason, TimeoutError) for reason in reasons):
        return _silent(where, source)
    if any(isinstance(reason, ContradictoryHeader) for reason in reasons):
        return ProtocolError(
            f"{where} does not tell how long its answer is, or tells it in two ways",
            source=source,
            remedy="None of it is used; check the proxies before it.",
        )
    if isinstance(error, _NOT_TO_BE_SENT):
        return ConfigurationError(
            f"no request can be made of its address or login ({type(error).__name__})",
            source=source,
            remedy="Check them for stray characters.",
        )
    return SourceUnreachable(
        f"the connection to {where} failed: {_reason(reasons)}",
        source=source,
        remedy="Check the address, and that the server is up.",
    )


# The last for letters that no header can hold.
_NOT_TO_BE_SENT: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    UnicodeError,
)
NETWORK_ERRORS: Final = (requests.exceptions.RequestException, HTTPError, OSError, UnicodeError)
"""What sending and reading may raise."""


def _silent(where: str, source: str) -> SourceTimeout:
    return SourceTimeout(
        f"{where} fell silent",
        source=source,
    )


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error, what caused it, and what it carries in its arguments, at most a dozen."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting and len(found) < 12:
        one = waiting.pop(0)
        if one is None or one in found:
            continue
        found.append(one)
        carried = [part for part in one.args if isinstance(part, BaseException)]
        reason = getattr(one, "reason", None)
        if isinstance(reason, BaseException):
            carried.append(reason)
        waiting += [*carried, one.__cause__, one.__context__]
    return found


def _reason(reasons: list[BaseException]) -> str:
    for reason in reasons:
        if isinstance(reason, OSError) and reason.strerror:
            return str(reason.strerror)
    return type(reasons[-1]).__name__ if reasons else "unknown"


def _said(headers: Mapping[str, str], body: bytes, explain: Explain) -> str:
    kind = headers.get("Content-Type", "").lower()
    if "html" in kind:
        title = _TITLE.search(body[:10_000])
        text = plain(title[1]) if title else ""
    else:
        text = plain(explain(body).encode())
    return f": {text}" if text else ""


def plain(text: bytes) -> str:
    """What a server says, on one line, without what does not print, and not too long."""
    words = " ".join(text.decode("utf-8", "replace").split())
    printable = "".join(letter for letter in words if letter.isprintable())
    return printable if len(printable) <= _LONGEST else f"{printable[:_LONGEST]}…"


def _remedy(ways: str, scheme: str | None) -> str:
    """What to configure, when the scheme that was sent is none of those that the server offers."""
    offered = _kinds(ways).split(", ")
    known = " or ".join(_WAYS[one] for one in offered if one in _WAYS)
    if scheme is None or scheme in offered or not known:
        return AuthenticationError.usual_remedy
    return f"Set {known} for this source."


def _kinds(ways: str) -> str:
    """``Negotiate, Basic``: the schemes, without their parameters."""
    found = re.findall(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s|,|$)", ways)
    return ", ".join(dict.fromkeys(found)) or "nothing readable"
