"""What the emulators of Dynamics 365 have in common: tokens of Entra ID and OData V4."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote

from .erp_emulator import ErpEmulator
from .erp_live import Table
from .gateway_metadata import metadata
from .historian_access import bearer_is_right, token_answer
from .historian_http import Answer, Refused, Request
from .odata_filter import BadFilter, Row, parse_filter, parse_order
from .odata_types import dumps_raw, v4_value

TOKEN_PATH = re.compile(r"/[\w.-]+/oauth2/v2\.0/token")
JSON = "application/json; odata.metadata=minimal"


class DynamicsEmulator(ErpEmulator):
    """Entity sets behind bearer tokens; subclasses page and refuse in their own ways."""

    namespace: ClassVar[str]
    defaults: ClassVar[dict[str, Any]] = {
        **ErpEmulator.defaults,
        "count_lie": 0,  # added to every count
        "next_host": "",  # what links name in place of this server
        "unordered": False,  # without a whole order, pages repeat rows and leave others out
    }
    tables: dict[str, Table]

    def answer(self, request: Request) -> Answer:
        if TOKEN_PATH.fullmatch(request.path):
            return self._token(request)
        with self._shaped():
            self.rate.take(self)
        if not bearer_is_right(self.tokens, request):
            refusal = self.error(401, "The access token is missing or not valid.")
            refusal.headers["WWW-Authenticate"] = "Bearer error=invalid_token"
            return refusal
        if not request.path.startswith(f"{self.path}/"):
            return self.error(404, "No HTTP resource was found that matches the request URI.")
        if request.method != "GET":
            return self.error(405, "This peer is read only.")
        try:
            return self._read(request, request.path.removeprefix(f"{self.path}/"))
        except BadFilter as bad:
            return self.error(400, str(bad))

    def error(self, status: int, message: str) -> Answer:
        """An error in the system's own shape."""
        raise NotImplementedError

    def collection(self, request: Request, table: Table) -> Answer:
        """A page of an entity set."""
        raise NotImplementedError

    @contextmanager
    def _shaped(self) -> Iterator[None]:
        """A refusal for too many requests has the system's own body."""
        try:
            yield
        except Refused as refused:
            answer = Answer(429, self.too_many(), refused.answer.headers)
            raise Refused(answer) from None

    def _token(self, request: Request) -> Answer:
        scope = parse_qs(request.body.decode()).get("scope", [""])[0]
        if not scope.endswith("/.default"):
            text = f"AADSTS70011: The scope {scope} is not valid."
            return Answer(400, {"error": "invalid_scope", "error_description": text})
        return token_answer(self, self.tokens, request)

    def _read(self, request: Request, rest: str) -> Answer:
        if rest == "$metadata":
            text = metadata(self.namespace, self.tables, 4)
            return Answer(200, text, content_type="application/xml")
        found = re.fullmatch(r"(\w+)(?:\((.*)\))?(/\$count)?", rest)
        if rest == "" or not found or found[1] not in self.tables:
            segment = rest.partition("(")[0]
            return self.error(404, f"Resource not found for the segment '{segment}'.")
        table = self.tables[found[1]]
        if found[3]:
            total = len(self.places(request, table)) + self.knob("count_lie")
            return Answer(200, str(total), content_type="text/plain")
        if found[2]:
            return self._single(request, table, found[2])
        return self.collection(request, table)

    def _single(self, request: Request, table: Table, predicate: str) -> Answer:
        parts = re.findall(r"(?:(\w+)=)?('(?:[^']|'')*'|[^,]+)", predicate)
        terms = [f"{name or table.keys[0]} eq {text}" for name, text in parts]
        test = parse_filter(" and ".join(terms), table.columns)
        row = next((row for row in map(table.make, range(table.rows)) if test(row)), None)
        if row is None:
            return self.error(404, "The record does not exist.")
        body = {"@odata.context": self._context(table) + "/$entity"}
        return Answer(200, dumps_raw(body | self.told(request, table, row)), content_type=JSON)

    def places(self, request: Request, table: Table, own: str = "", number: int = 0) -> list[int]:
        """The indices of all rows that a request finds, for the page of a number.

        ``own`` is a filter of the system's.
        """
        texts = [f"({text})" for text in (request.one("$filter"), own) if text]
        asked = " and ".join(texts)
        test = parse_filter(asked, table.columns) if asked else None
        order = parse_order(request.one("$orderby"), table.columns)
        inserting, shuffle = bool(self.knob("inserts")), 0
        if self.knob("unordered"):
            shuffle = 1 + number % 2
        return self.live.find(table, asked, test, order, inserting=inserting, shuffle=shuffle)

    def shift(self, request: Request, start: int) -> int:
        """By how many rows a page begins too early."""
        return int(bool(self.knob("unordered") and start and not request.one("$orderby")))

    def told(self, request: Request, table: Table, row: Row) -> dict[str, Any]:
        """The chosen columns of a row, with its ETag."""
        names = [name.strip() for name in request.one("$select").split(",") if name.strip()]
        unknown = [name for name in names if name not in table.columns]
        if unknown:
            raise BadFilter(f"Could not find a property named '{unknown[0]}'.")
        values = {
            name: v4_value(row[name], table.columns[name], strings=False)
            for name in names or table.columns
        }
        return {"@odata.etag": f'W/"{zlib.crc32(repr(row).encode()):08x}"', **values}

    def body(self, request: Request, table: Table, page: list[int], total: int) -> dict[str, Any]:
        """A page of rows."""
        found: dict[str, Any] = {"@odata.context": self._context(table)}
        if request.one("$count") == "true":
            found["@odata.count"] = total + self.knob("count_lie")
        found["value"] = [self.told(request, table, table.make(index)) for index in page]
        return found

    def link(self, request: Request, more: dict[str, str]) -> str:
        """The address of another page."""
        kept = [(n, t) for n, t in request.query if n not in more]
        query = "&".join(f"{n}={quote(t, safe='')}" for n, t in [*kept, *more.items()])
        return f"{self.knob('next_host') or self.origin}{request.path}?{query}"

    def _context(self, table: Table) -> str:
        return f"{self.origin}{self.path}/$metadata#{table.name}"


def whole(request: Request, name: str) -> int | None:
    """A whole number of the query, or None when it is not given."""
    text = request.one(name)
    if text and not text.isdigit():
        raise BadFilter(f"{name} is no number.")
    return int(text) if text else None
