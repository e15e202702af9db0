"""Requests to PI Web API: many objects in few, within what servers take."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.faults import refusal
from greenlang_data.drivers.http.jsons import errors_in, json_decoder
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.drivers.piwebapi.wire import (
    ABOUT_FIELDS,
    BatchPart,
    Found,
    FoundList,
    ItemException,
    WebException,
)
from greenlang_data.errors import (
    GreenLangError,
    ProtocolError,
    SourceBusy,
    SourceError,
    TransientError,
)
from greenlang_data.settings.http import HttpSettings

T = TypeVar("T")

USUAL_CAP: Final = 150_000
_LONGEST_URL: Final = 2000
# In the server's language; its numbers may be grouped.
_TOO_MANY: Final = re.compile(r"(?:maximum allowed \(?|maxCount.*\()(\d[\d.,\s]*)")
# The defence against cross-site requests wants it with every POST; a GET may have it too.
_ALWAYS: Final = {"X-Requested-With": "greenlang-data"}
_NO_BATCH: Final = frozenset({403, 404, 405, 501})
_TOO_FAST: Final = 429


class TooManyError(Exception):
    """More items were asked for in one call than the server allows; ``api.cap`` has the number."""


class RefusedError(Exception):
    """The server will not answer this request, while it may well answer another."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said or f"HTTP {status}"


class PiApi:
    """One PI Web API server.

    ``cap`` is how many items it gives in one call, as far as known, ``width`` how many requests it
    is sent at once. ``longest`` is the longest page of samples so far.
    """

    def __init__(self, url: str, settings: HttpSettings, source: str) -> None:
        self.source = source
        self.cap = USUAL_CAP
        self.client = HttpClient(url, settings, source, explain=explain)
        self.width = settings.connection_pool_size
        self.longest = 0
        self._batches = True

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()

    async def get(
        self,
        path: str,
        params: Sequence[tuple[str, str]],
        log: ReadLog,
        decode: Callable[[bytes | bytearray], T],
    ) -> T:
        """A GET. Raises TooManyError or RefusedError (400, 403, 404, 409), or what HTTP raises."""
        expected = frozenset({400, 403, 404, 409})
        answer = await self._ask(Ask(path, params, headers=_ALWAYS, expected=expected), log, decode)
        if answer.status in expected:
            said = explain(answer.body)
            found = _TOO_MANY.search(said)
            allowed = int("".join(filter(str.isdecimal, found[1]))) if found else 0
            if allowed > 0:
                self.cap = min(self.cap, allowed)
                raise TooManyError(said)
            raise RefusedError(answer.status, said)
        if answer.data is None:
            raise ProtocolError(
                f"its answer to {path or 'its root'} is null",
                source=self.source,
                remedy="Check the address.",
            )
        return answer.data

    async def _ask(
        self, ask: Ask, log: ReadLog, decode: Callable[[bytes | bytearray], T]
    ) -> Answer[T]:
        answer = await self.client.ask(ask, log, decode)
        broke: WebException | None = getattr(answer.data, "web_exception", None)
        if broke is not None:
            raise self.broke_off(broke)
        said = getattr(answer.data, "errors", None)
        if said:
            raise SourceError(
                f"it answered with errors: {self.told(said)}",
                source=self.source,
                remedy="None of it was used; ask again, or for less at once.",
            )
        return answer

    def told(self, texts: Sequence[str]) -> str:
        """What the server says is wrong inside a success, without the login that it may repeat."""
        return self.client.without_login(_joined(texts))

    def broke_off(self, broke: WebException) -> GreenLangError:
        """The error for an answer that the server could not write to its end."""
        return TransientError(
            f"it broke off in the middle of an answer: {self.told(broke.errors or [])} "
            f"(status {broke.status_code})",
            source=self.source,
            remedy="None of it was used; ask again, or for less at once.",
        )

    async def multiple(
        self, path: str, key: str, values: Sequence[str], log: ReadLog
    ) -> list[Found]:
        """What ``path`` (points/multiple) knows of each value of ``key``, in their order.

        It is one batch where it needs more than one request and the server takes batches. Single
        requests can be sent at the pace of a server that does not take so many at once.
        """
        fields = ("selectedFields", _FOUND_FIELDS)
        chunks = list(self.chunks(path, key, values, [fields]))
        if len(chunks) > 1 and self._batches:
            parts = await self._batch(path, key, chunks, fields, log)
            if parts is not None:
                return parts
        asked = [[*((key, one) for one in chunk), fields] for chunk in chunks]
        lists = await asyncio.gather(*(self.get(path, one, log, _found) for one in asked))
        return self._each(key, chunks, lists)

    def _each(
        self, key: str, chunks: Sequence[Sequence[str]], lists: Sequence[FoundList]
    ) -> list[Found]:
        """One for each value asked for: by its identifier, or by its place if none has one."""
        # Two WebIDs may differ in upper and lower case alone; in paths it means nothing.
        same = str.lower if key == "path" else str
        each = []
        for chunk, answered in zip(chunks, lists, strict=True):
            items = answered.items or []
            named = {same(one.identifier): one for one in items if one.identifier}
            if not named and len(items) == len(chunk):
                each += items
                continue
            missing = Found(exception=ItemException(["the server says nothing about it"]))
            each += [named.get(same(value), missing) for value in chunk]
        return each

    async def _batch(
        self,
        path: str,
        key: str,
        chunks: Sequence[Sequence[str]],
        fields: tuple[str, str],
        log: ReadLog,
    ) -> list[Found] | None:
        requests = {
            str(number): {
                "Method": "GET",
                "Resource": f"{self.client.resolve(path)}?"
                + urlencode([*((key, one) for one in chunk), fields]),
            }
            for number, chunk in enumerate(chunks)
        }
        ask = Ask(
            "batch",
            method="POST",
            headers=_ALWAYS,
            content=json.dumps(requests).encode(),
            expected=_NO_BATCH,
        )
        try:
            answer = await self._ask(ask, log, _batch_parts)
        except SourceBusy:
            # It may be larger than what the server takes in its time, and would be so each time.
            self._batches = False
            raise
        if answer.data is None:
            self._batches = False
            return None
        parts = [answer.data.get(str(number)) for number in range(len(chunks))]
        if any(part is not None and part.status == _TOO_FAST for part in parts):
            self._batches = False
            return None
        return self._each(key, chunks, [self._found_in(part) for part in parts])

    def _found_in(self, part: BatchPart | None) -> FoundList:
        if part is None:
            raise ProtocolError(
                "a part of a batch was not answered",
                source=self.source,
                remedy="None of it was used; ask again.",
            )
        if part.status not in (200, 207):
            body = self.client.without_login(json.dumps(part.content)).encode()
            if part.status >= 500:
                raise refusal(part.status, {}, body, explain, self.source)
            raise RefusedError(part.status, explain(body))
        try:
            return msgspec.convert(part.content, FoundList)
        except msgspec.ValidationError as error:
            raise ProtocolError(
                f"a part of a batch cannot be understood ({error})",
                source=self.source,
                remedy="None of it was used; report this with the server's version.",
            ) from None

    def chunks(
        self,
        path: str,
        key: str,
        values: Sequence[str],
        others: Sequence[tuple[str, str]],
        most: int | None = None,
    ) -> Iterator[list[str]]:
        """``values`` in lists that fit into one URL beside the other parameters."""
        room = _LONGEST_URL - len(self.client.resolve(path)) - len(urlencode(others)) - 1
        chunk: list[str] = []
        length = 0
        for value in values:
            more = len(urlencode([(key, value)])) + 1
            if chunk and (length + more > room or len(chunk) == most):
                yield chunk
                chunk, length = [], 0
            chunk.append(value)
            length += more
        if chunk:
            yield chunk


_FOUND_FIELDS: Final = ";".join(
    ["Items.Identifier", "Items.Exception"] + [f"Items.Object.{name}" for name in ABOUT_FIELDS]
)
_found = json_decoder(FoundList)
_batch_parts = json_decoder(dict[str, BatchPart])


def explain(body: bytes) -> str:
    """What PI Web API says is wrong: ``Errors`` or ``Message``."""
    said = errors_in(body)
    if not isinstance(said, dict):
        return ""
    errors = said.get("Errors") or said.get("Message")
    return _joined(errors if isinstance(errors, list) else [errors] if errors else [])


def _joined(texts: Sequence[Any]) -> str:
    return "; ".join(str(text) for text in texts)[:300]
