"""One source's HTTP client: each request logged in, bounded, checked, and written down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from requests import Request

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.exchange import Decode, Exchange, Raw
from greenlang_data.drivers.http.faults import Explain, asked_to_wait, no_token, refusal
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.login import Login, login_of
from greenlang_data.drivers.http.masked import masked
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.drivers.http.origin import Origin, checked_url, followed, origin_of
from greenlang_data.drivers.http.tokens import FetchForm
from greenlang_data.errors import (
    ConfigurationError,
    GreenLangError,
    ProtocolError,
    SourceBusy,
)
from greenlang_data.pace import RateLimit
from greenlang_data.settings.http import HttpSettings

T = TypeVar("T")

_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NO_TOKEN: Final = frozenset({400, 401, 403})
_SECRET_FIELDS: Final = frozenset({"password", "client_assertion"})
_LOGINS_REMEMBERED: Final = 8
_FORM: Final = {"Accept": "application/json"}
_REQUEST_IDS: Final = ("X-Request-Id", "Request-Id", "X-Correlation-Id")


class HttpClient:
    """Asks one server, on threads, at most ``connection_pool_size`` requests at a time.

    Parameters
    ----------
    base_url : what the paths in an Ask are below; its origin is the only one ever asked, the
        ``token_url`` apart.
    settings : login, trust, limits; read when the client is made.
    source : the name of the source, for errors.
    explain : finds what the server says is wrong in the body of a refusal.
    login : a way to log in that ``settings`` has no word for.
    """

    def __init__(
        self,
        base_url: str,
        settings: HttpSettings,
        source: str,
        *,
        explain: Explain = lambda body: "",
        login: Login | None = None,
    ) -> None:
        self.base_url = checked_url(base_url, "the address", source)
        self.origin = origin_of(self.base_url)
        self._settings = settings
        self._source = source
        self._explain = explain
        self._login = login or login_of(settings, source)
        self._refuse_clear_text(self.origin)
        self._exchanges = {self.origin: Exchange(settings, source, self._login.auth)}
        self._slots = asyncio.Semaphore(settings.connection_pool_size)
        self._rate = RateLimit(settings.max_requests_per_second)
        self._sent: list[str] = []

    async def ask(self, ask: Ask, log: ReadLog, decode: Decode[T]) -> Answer[T]:
        """The answer, its body decoded on the thread that read it.

        ``decode`` raises ValueError for a body that it cannot make sense of. A redirect to the
        same origin is followed for a GET. After a 401 the login gets one chance to renew itself.

        Raises AuthenticationError, SourceBusy (429, 503), SourceTimeout, SourceUnreachable,
        TransientError (other 5xx), ProtocolError, SourceError, LoadBudgetExceeded or
        ConfigurationError.
        """
        try:
            return await self._answered(ask, log, decode)
        except GreenLangError as error:
            # Whatever of the answer is in it: a title, a scheme, a piece that was not understood.
            error.what = self.without_login(error.what)
            error.args = (error.what,)
            error.remedy = self.without_login(error.remedy)
            raise

    async def _answered(self, ask: Ask, log: ReadLog, decode: Decode[T]) -> Answer[T]:
        url = self.resolve(ask.url)
        if ask.params:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(ask.params)}"
        for _ in range(_MOST_REDIRECTS):
            raw = await self._logged_in(ask, url, log, decode)
            self._learn_pace(raw)
            if raw.status not in _REDIRECTS or raw.status in ask.expected:
                return self._checked(ask, raw)
            url = self._redirected(ask, raw)
        raise ProtocolError(
            "it redirects in circles",
            source=self._source,
            remedy="Configure the address that answers by itself.",
        )

    async def get_json(self, url: str, log: ReadLog, *params: tuple[str, str]) -> Any:
        """A GET whose answer is JSON of any shape."""
        return (await self.ask(Ask(url, params), log, read_any)).data

    def resolve(self, link: str) -> str:
        """The URL of a path below the base, or of an absolute link of the same origin.

        Raises ProtocolError for a link to another origin.
        """
        if "://" in link or link.startswith("//"):
            return followed(self.base_url, link, self._source)
        return f"{self.base_url}/{link.lstrip('/')}" if link else self.base_url

    def linked(self, answer: Answer[Any], link: str) -> str:
        """The URL of a ``link`` met in an answer, such as that to the next page; may be relative.

        Raises ProtocolError when it leads to another origin.
        """
        return followed(answer.url, link, self._source)

    def without_login(self, text: str) -> str:
        """What a server says is wrong inside a success, without the login that it may repeat.

        For failures and errors; samples and records are data and stay as they are.
        """
        return masked(text.encode(), self._sent).decode()

    def cookie(self, name: str) -> str | None:
        """A cookie that the server has set, such as a CSRF token."""
        return self._exchanges[self.origin].cookie(name)

    async def close(self) -> None:
        """Close idle connections; never raises, waits for nothing."""
        for exchange in self._exchanges.values():
            exchange.close()

    async def _logged_in(self, ask: Ask, url: str, log: ReadLog, decode: Decode[T]) -> Raw:
        fetch = self._token_fetcher(log)
        login = await self._login.headers(fetch)
        raw = await self._send(ask, url, login, log, decode)
        if raw.status == 401 and self._login.refused(login):
            login = await self._login.headers(fetch)
            raw = await self._send(ask, url, login, log, decode)
        return raw

    def _checked(self, ask: Ask, raw: Raw) -> Answer[Any]:
        if not 200 <= raw.status < 300 and raw.status not in ask.expected:
            raise refusal(
                raw.status, raw.headers, raw.body, self._explain, self._source, self._login.scheme
            )
        return Answer(raw.status, raw.headers, raw.url, raw.data, raw.body)

    def _redirected(self, ask: Ask, raw: Raw) -> str:
        target = followed(raw.url, raw.headers.get("Location", ""), self._source)
        if ask.method != "GET":
            raise ProtocolError(
                f"it redirects a {ask.method} to {urlsplit(target).path}, which is not followed",
                source=self._source,
                remedy="Configure the address that it redirects to.",
            )
        return target

    async def _send(
        self, ask: Ask, url: str, login: Mapping[str, str], log: ReadLog, decode: Decode[Any]
    ) -> Raw:
        headers = {
            "Accept": ", ".join(ask.accept),
            "Accept-Encoding": "identity" if self.origin.is_loopback else "gzip",
            "X-Request-Id": str(uuid4()),
            **ask.headers,
            **login,
        }
        if ask.content is not None:
            headers["Content-Type"] = ask.content_type
        request = Request(ask.method, url, headers=headers, data=ask.content)
        # The last few, since a token may be renewed while an answer to an older one is on its way.
        self._sent = list(dict.fromkeys([*login.values(), *self._sent]))[:_LOGINS_REMEMBERED]
        return await self._written_down(request, ask, log, decode, login.values())

    async def _written_down(
        self,
        request: Request,
        ask: Ask,
        log: ReadLog,
        decode: Decode[Any],
        secrets: Iterable[str],
    ) -> Raw:
        """One exchange, in the log whatever comes of it."""
        exchange = self._exchange_with(origin_of(request.url))
        async with self._slots:
            await self._turn()
            log.requests += 1
            began = time.perf_counter()
            raw: Raw | None = None
            try:
                raw = await exchange.send(request, ask.accept, decode, secrets)
            finally:
                log.exchanges.append(
                    {
                        "request": f"{request.method} {urlsplit(request.url).path}",
                        "status": raw.status if raw else None,
                        "bytes": raw.size if raw else None,
                        "seconds": round(time.perf_counter() - began, 4),
                        "request_id": self._request_id(raw, request.headers.get("X-Request-Id")),
                    }
                )
        return raw

    def _exchange_with(self, origin: Origin) -> Exchange:
        """That of the server, or of the token server: a cookie of one is not for another."""
        if origin not in self._exchanges:
            self._exchanges[origin] = Exchange(self._settings, self._source, None)
        return self._exchanges[origin]

    def _token_fetcher(self, log: ReadLog) -> FetchForm:
        async def fetch(
            url: str, form: Mapping[str, str], headers: Mapping[str, str]
        ) -> Mapping[str, Any]:
            self._refuse_clear_text(origin_of(url))
            secrets = [value for name, value in form.items() if name in _SECRET_FIELDS]
            request = Request("POST", url, data=dict(form), headers={**_FORM, **headers})
            secrets += headers.values()
            asked = Ask(url, method="POST")
            raw = await self._written_down(request, asked, log, read_any, secrets)
            if raw.status in _NO_TOKEN:
                raise no_token(raw.status, raw.body, self._source)
            answer = self._checked(Ask(url), raw).data
            if not isinstance(answer, dict):
                raise ProtocolError(
                    "the token server answered no object",
                    source=self._source,
                    remedy="Check token_url.",
                )
            return answer

        return fetch

    def _refuse_clear_text(self, origin: Origin) -> None:
        careful = self._login.sends_secret and not self._settings.allow_clear_text_credentials
        if careful and origin.in_clear_text:
            raise ConfigurationError(
                f"the login would go to {origin} in clear text",
                source=self._source,
                remedy="Use https, or set allow_clear_text_credentials for this source.",
            )

    def _request_id(self, raw: Raw | None, own_id: str | None) -> str | None:
        """The server's own name for the request where it tells one, else ours."""
        for name in _REQUEST_IDS if raw else ():
            given = raw.headers.get(name) if raw else None
            if given and given.isprintable():
                return self.without_login(given)[:100]
        return own_id

    async def _turn(self) -> None:
        """Wait until the next request may be sent: a read may be many requests.

        Raises SourceBusy when the source asked to be left alone for longer than an attempt takes.
        """
        self._rate.per_second = self._settings.max_requests_per_second
        held = self._rate.held
        if held >= self._settings.timeout_seconds:
            raise SourceBusy(
                f"it asked to be left alone, for {held:.3g} s from now on",
                source=self._source,
                retry_after=held,
            )
        await self._rate.wait()

    def _learn_pace(self, raw: Raw) -> None:
        wait = asked_to_wait(raw.status, raw.headers)
        if wait:
            self._rate.refused(wait)
        else:
            self._rate.passed()
