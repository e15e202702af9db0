"""Requests to Proficy's REST interface, and the errors that it tells inside a 200."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlencode

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.http.origin import checked_url, origin_of
from greenlang_data.drivers.proficy.pages import decode_page
from greenlang_data.drivers.proficy.samples import Answered, Columns
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.errors import (
    AuthenticationError,
    ProtocolError,
    QueryError,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)
from greenlang_data.settings.http import HttpSettings

_LONGEST_URL: Final = 2000
_TOO_LARGE: Final = -24
_UNKNOWN: Final = frozenset({-14, 6})
_REFUSED: Final = frozenset({-7, -8, 1, 2})
_REFUSALS: Final = frozenset({400, 404})
# Shipped with the product for everybody who has a user and a password.
_PUBLIC_CLIENT: Final = "historian_public_rest_api"


class TooLargeError(Exception):
    """The answer would have more samples than the server gives at once."""


class RefusedError(Exception):
    """The server will not answer about this tag."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


Result = Columns | RefusedError | TooLargeError


class ProficyApi:
    """One server."""

    def __init__(self, url: str, settings: HttpSettings, source: str) -> None:
        self.source = source
        self.client = HttpClient(url, _with_login(url, settings, source), source, explain=explain)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()

    async def data(
        self, call: str, tags: Sequence[str], params: Sequence[tuple[str, str]], log: ReadLog
    ) -> list[Result]:
        """What each tag has, in their order; one that is refused does not lose the others.

        Raises AuthenticationError, SourceTimeout, SourceUnreachable or what HTTP raises.
        """
        asked = [("tagNames", ";".join(tags)), *params]
        ask = Ask(f"datapoints/{call}", asked, expected=_REFUSALS)
        answer = await self.client.ask(ask, log, decode_page)
        if answer.data is None:
            return await self._apart(call, tags, params, log, explain(answer.body), 0)
        if answer.data.error_code:
            code, message = answer.data.error_code, answer.data.message
            return await self._apart(call, tags, params, log, message, code)
        return self._matched(tags, answer.data)

    async def _apart(
        self,
        call: str,
        tags: Sequence[str],
        params: Sequence[tuple[str, str]],
        log: ReadLog,
        said: str,
        code: int,
    ) -> list[Result]:
        """After a failure of the whole: each half for itself, until it is one tag's own."""
        if len(tags) == 1 or code in _REFUSED | {-2, -3}:
            return [self._result(code, said)]
        half = len(tags) // 2
        return [
            *await self.data(call, tags[:half], params, log),
            *await self.data(call, tags[half:], params, log),
        ]

    def _matched(self, tags: Sequence[str], answer: Answered) -> list[Result]:
        items = {one.tag.lower(): one for one in answer.items}
        twins = {tag.lower(): tag for tag in tags}
        if len(twins) < len(tags):
            alike = next(tag for tag in tags if twins[tag.lower()] != tag)
            raise QueryError(
                f"{alike!r} and {twins[alike.lower()]!r} are one tag, since case means nothing here",
                source=self.source,
                remedy="Ask for it once.",
            )
        if len(items) < len(answer.items):
            raise ProtocolError(
                "it answered about a tag twice",
                source=self.source,
                remedy="None of it was used; report this with the server's version.",
            )
        results: list[Result] = []
        for tag in tags:
            item = items.get(tag.lower())
            if item is None:
                why = "its name holds a semicolon, which this interface takes for two tags"
                left = "the server left it out of its answer"
                results.append(RefusedError(why if ";" in tag else left))
            elif item.error_code:
                results.append(self._result(item.error_code, ""))
            elif item.columns is None:
                results.append(RefusedError("the server gave no list of samples for it"))
            else:
                results.append(item.columns)
        return results

    def _result(self, code: int, said: str) -> RefusedError | TooLargeError:
        """What an error code means for a tag; raises for what concerns the whole source."""
        said = self.client.without_login(said)
        text = f"{said or 'an error'} (code {code})" if code else said or "refused"
        if code == _TOO_LARGE:
            return TooLargeError(text)
        if code == -2:
            raise SourceTimeout(
                f"it gave up in time: {text}",
                source=self.source,
                remedy="Ask for less at once, or later.",
            )
        if code == -3:
            raise SourceUnreachable(
                f"it is not connected to its archiver: {text}",
                source=self.source,
                remedy="Ask again, and check that the archiver is up.",
            )
        if code in _REFUSED:
            raise AuthenticationError(
                f"this login may not do that: {text}",
                source=self.source,
                remedy="Check the login and its rights.",
            )
        return RefusedError(f"{UNKNOWN_TAG}: {text}" if code in _UNKNOWN else text)

    def groups(
        self, call: str, tags: Sequence[str], params: Sequence[tuple[str, str]]
    ) -> Iterator[list[str]]:
        """Tags in lists that fit into one URL; one whose name holds the separator is alone."""
        room = _LONGEST_URL - len(self.client.resolve(f"datapoints/{call}"))
        room -= len(urlencode([("tagNames", ""), *params])) + 1
        group: list[str] = []
        length = 0
        for tag in tags:
            more = len(urlencode([("", f";{tag}")]))
            if group and (length + more > room or ";" in tag or ";" in group[0]):
                yield group
                group, length = [], 0
            group.append(tag)
            length += more
        if group:
            yield group

    async def names(self, log: ReadLog) -> list[str]:
        """The names of all tags. Raises SourceError when the server tells only some of them."""
        params = [("nameMask", "*"), ("maxNumber", "0")]
        answer = await self.client.get_json("tags", log, *params)
        if not isinstance(answer, dict):
            raise ProtocolError("its list of tags is no object", source=self.source)
        if answer.get("ErrorCode"):
            raise SourceError(
                f"it does not tell all its tags (code {answer['ErrorCode']})", source=self.source
            )
        found = answer.get("tags", answer.get("Tags"))
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise ProtocolError("its list of tags has no names", source=self.source)
        return found


def explain(body: bytes) -> str:
    """What Proficy says is wrong."""
    said = errors_in(body)
    return str(said.get("ErrorMessage") or "")[:300] if isinstance(said, dict) else ""


def _with_login(url: str, settings: HttpSettings, source: str) -> HttpSettings:
    """The settings with what every Proficy has: its token server, and its public client."""
    login = settings.login
    if login is None and settings.token is None:
        if settings.username is not None:
            login = "password_grant"
        elif settings.client_secret is not None:
            login = "client_credentials"
    if login not in ("password_grant", "client_credentials"):
        return settings
    origin = origin_of(checked_url(url, "server_url", source))
    return settings.model_copy(
        update={
            "login": login,
            "token_url": settings.token_url or f"{origin}/uaa/oauth/token",
            "client_id": settings.client_id or _PUBLIC_CLIENT,
        }
    )
