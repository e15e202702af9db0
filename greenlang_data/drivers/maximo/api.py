"""Requests to Maximo's REST interface."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urljoin

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.exchange import Decode
from greenlang_data.drivers.http.faults import WrongKindError, refusal
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.drivers.http.origin import followed, origin_of
from greenlang_data.drivers.maximo.dialect import Page, explain, read_count, read_page
from greenlang_data.drivers.maximo.login import maximo_login
from greenlang_data.errors import AuthenticationError, ProtocolError
from greenlang_data.settings.cmms import CmmsSettings

_ROUTES: Final = ("/api", "/oslc")
_PAGE_SIZE: Final = re.compile(r"page ?size", re.IGNORECASE)
_STRUCTURES: Final = "/os/"
_SMALLEST_PAGE: Final = 10
_ANY: Final = ("application/json", "text/plain")


class NoStructureError(Exception):
    """The server has no object structure of that name."""


class MaximoApi:
    """One Maximo server by one route, ``/api`` (with a key) or ``/oslc``.

    ``page_size`` is how many records are asked for at a time; less once the server refused it.
    """

    def __init__(self, settings: CmmsSettings, source: str) -> None:
        self.source = source
        self.page_size = settings.page_size
        login = maximo_login(settings, source)
        url = _routed(settings.api_url, with_key=settings.api_key is not None)
        self.client = HttpClient(url, settings, source, explain=explain, login=login)
        # Each request, because what answers may be another node than before. Without the second
        # one all links lead to /oslc, where a key is not taken.
        self._headers = {"x-public-uri": self.client.base_url}
        self._heads: dict[str, bool] = {}
        self._has_sessions = settings.login == "basic" and settings.api_key is None

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()

    async def page(self, structure: str, params: Sequence[tuple[str, str]], log: ReadLog) -> Page:
        """A page of the records of ``structure``. Raises NoStructureError, or what HTTP raises."""
        while True:
            sized = [*params, ("oslc.pageSize", str(self.page_size))]
            answer = await self._ask(f"os/{structure}", sized, log, read_page, {400, 404})
            if answer.data is not None:
                return self._judged(answer, answer.data)
            said = explain(answer.body)
            if answer.status == 404 or structure.lower() in said.lower():
                raise NoStructureError(said)
            if not _PAGE_SIZE.search(said) or self.page_size <= _SMALLEST_PAGE:
                raise refusal(answer.status, answer.headers, answer.body, explain, self.source)
            self.page_size = max(_SMALLEST_PAGE, self.page_size // 2)

    async def count(self, structure: str, params: Sequence[tuple[str, str]], log: ReadLog) -> int:
        """How many records of ``structure`` there are."""
        asked = [*params, ("count", "1")]
        answer: Answer[int] = await self._ask(f"os/{structure}", asked, log, read_count, set())
        assert answer.data is not None
        return answer.data

    async def who(self, log: ReadLog) -> Any:
        """Who this login is, as the server sees it."""
        return (await self._ask("whoami", [], log, read_any, set())).data

    def routed(self, link: Any) -> str | None:
        """A record's own link by the route that is used here; None when it leads elsewhere."""
        head, found, rest = (link if isinstance(link, str) else "").partition(_STRUCTURES)
        if not found or not self._is_ours(head):
            return None
        return f"{self.client.base_url}{_STRUCTURES}{rest}"

    def _is_ours(self, head: str) -> bool:
        """Whether links that begin like that lead to this server; thousands begin alike."""
        if head not in self._heads:
            target = urljoin(f"{self.client.base_url}/", head)
            self._heads = {head: origin_of(target) == self.client.origin}
        return self._heads[head]

    async def _ask(
        self,
        path: str,
        params: Sequence[tuple[str, str]],
        log: ReadLog,
        decode: Decode[Any],
        expected: set[int],
    ) -> Answer[Any]:
        ask = Ask(
            path,
            [("lean", "1"), *params],
            headers=self._headers,
            expected=frozenset(expected),
        )
        try:
            return await self._checked(ask, log, decode)
        except AuthenticationError:
            if not self._has_sessions:
                raise
        await self._log_in(log)
        return await self._checked(ask, log, decode)

    async def _log_in(self, log: ReadLog) -> None:
        """Open a session, for directories whose users may log in at one place only."""
        opening = Ask("login", method="POST", headers=self._headers, content=b"", accept=_ANY)
        await self._checked(opening, log, lambda body: None)

    async def _checked(self, ask: Ask, log: ReadLog, decode: Decode[Any]) -> Answer[Any]:
        try:
            return await self.client.ask(ask, log, decode)
        except WrongKindError as error:
            if not error.is_page:
                raise
            raise AuthenticationError(
                f"it does not take this login: {error.what}",
                source=self.source,
                remedy="Give an api_key, or username and password; with single sign-on only a key "
                "on the route /api works.",
            ) from None

    def _judged(self, answer: Answer[Page], page: Page) -> Page:
        """The page, and whether it is the last. Refuses a server that goes on elsewhere."""
        if page.next_link is not None:
            followed(answer.url, page.next_link, self.source)
        # A full page without a link to the next is not believed.
        is_short = page.next_link is None and len(page.rows) < self.page_size
        return replace(page, is_last=is_short or not page.rows)


def _routed(url: str, *, with_key: bool) -> str:
    """``url`` up to the route, which is added where it is not there."""
    url = url.rstrip("/")
    if url.endswith(_ROUTES):
        return url
    return f"{url}{'/api' if with_key else '/oslc'}"


def keyless(structure: str, source: str) -> ProtocolError:
    """The error for records that came without what was selected."""
    return ProtocolError(
        f"records of {structure} came without their keys, so none of them is used",
        source=source,
        remedy="Check that this login may read the object structure, and nothing alters requests.",
    )
