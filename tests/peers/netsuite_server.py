"""The NetSuite emulator, in a process of its own.  See ``README_business.md``."""

from __future__ import annotations

import argparse
import json
import re
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from . import netsuite_access as access
from . import netsuite_records as records
from . import netsuite_sql as sql
from .erp_emulator import ErpEmulator
from .historian_http import Answer, Refused, Request, run
from .netsuite_rows import kinds

SUITEQL = "/services/rest/query/v1/suiteql"
RECORDS = "/services/rest/record/v1/"
LIMITS = "/services/rest/system/v1/governanceLimits"
LARGEST_PAGE = 1_000


class NetSuiteEmulator(ErpEmulator):
    """SuiteQL, records and their limits."""

    path = "/services/rest"
    defaults: ClassVar[dict[str, Any]] = {
        **ErpEmulator.defaults,
        **access.ACCESS_DEFAULTS,
        "row_cap": 100_000,  # a query has no more rows than that; 1,000,000 with Connect
        "date_format": "MM/DD/YYYY",  # the user's own
        "unordered": True,  # without a whole order, pages repeat rows and leave others out
        "total_lie": 0,  # added to totalResults
        "ids_gone": 0,  # so many of the first records are not listed any more
        "ids_cap": 1_000,  # a page of ids has no more, whatever is asked for
        "account_concurrency": 5,  # what governanceLimits says
    }

    def __init__(self, lines: int = 10_000) -> None:
        super().__init__()
        self._kinds = kinds(lines)
        self._database = sql.Database(self._kinds)
        self._nonces: set[str] = set()
        self._come = self._gone = 0
        self._turning = threading.Lock()

    def set(self, knobs: dict[str, Any]) -> None:
        super().set(knobs)
        self._turn(0)

    def reset(self) -> None:
        super().reset()
        self._come = self._gone = 0
        self._turn(0)

    def _turn(self, pages: int) -> None:
        with self._turning:
            if pages and not (self.knob("inserts") or self.knob("deletes")):
                return
            self._come += pages * self.knob("inserts")
            self._gone += pages * self.knob("deletes")
            inserting = bool(self.knob("inserts"))
            self._database.turn(self._come, self._gone, inserting=inserting)

    # --- routes --------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        if request.path == access.TOKEN_PATH:
            return access.token_answer(self, request)
        self.rate.take(self)
        if not access.may_ask(self, self._nonces, request):
            return problem(
                401, "INVALID_LOGIN", "Invalid login attempt.", {"o:errorHeader": "Authorization"}
            )
        try:
            if request.path == SUITEQL and request.method == "POST":
                return self._suiteql(request)
            if request.path == LIMITS and request.method == "GET":
                most = self.knob("account_concurrency")
                return Answer(
                    200,
                    {"accountConcurrencyLimit": most, "accountUnallocatedConcurrencyLimit": most},
                )
            if request.path.startswith(RECORDS) and request.method == "GET":
                return self._record(request, request.path.removeprefix(RECORDS))
        except sql.BadQuery as bad:
            return problem(400, "INVALID_PARAMETER", str(bad), {"o:errorQueryParam": "q"})
        return problem(
            404, "NONEXISTENT_URL", "The address is not there.", {"o:errorUrl": request.path}
        )

    def too_many(self, reason: str = "rate") -> Any:
        text = f"Too many requests: {reason}."
        return problem(429, "CONCURRENCY_LIMIT_EXCEEDED", text).body

    # --- SuiteQL -------------------------------------------------------------------------

    def _suiteql(self, request: Request) -> Answer:
        if request.headers.get("prefer", "").lower() != "transient":
            return problem(
                400,
                "INVALID_HEADER",
                "The Prefer header must be transient.",
                {"o:errorHeader": "Prefer"},
            )
        try:
            text = json.loads(request.body)["q"]
        except (KeyError, TypeError, ValueError) as error:
            raise sql.BadQuery(f"Invalid request body: {error}") from error
        limit, offset = _page(request)
        limit = min(limit, self.largest_page(LARGEST_PAGE))
        shuffle = 1 + offset // limit % 2 if self.knob("unordered") else 0
        names, rows = self._database.run(text, self.knob("row_cap"), shuffle)
        visible = len(rows)
        if offset and offset >= self.knob("row_cap"):
            raise sql.BadQuery(f"The offset must be below {self.knob('row_cap')}.")
        shift = 0
        if (
            offset
            and self.knob("unordered")
            and not re.search(r"\bORDER\s+BY\b", text, re.IGNORECASE)
        ):
            shift = 1
        page = rows[offset - shift : min(offset + limit, visible) - shift]
        items = list(sql.items(names, page, self.knob("date_format")))
        body = self._body(request, items, offset, limit, visible)
        self._turn(1)
        self.turn_page()
        return Answer(
            200, body, content_type="application/vnd.oracle.resource+json; type=collection"
        )

    def _body(
        self, request: Request, items: list[dict[str, Any]], offset: int, limit: int, total: int
    ) -> dict[str, Any]:
        here = f"{self.origin}{request.path}"
        links = [{"rel": "self", "href": f"{here}?limit={limit}&offset={offset}"}]
        more = offset + limit < total
        if more:
            links.append({"rel": "next", "href": f"{here}?limit={limit}&offset={offset + limit}"})
        if offset:
            links.append(
                {"rel": "prev", "href": f"{here}?limit={limit}&offset={max(0, offset - limit)}"}
            )
        return {
            "links": links,
            "count": len(items),
            "hasMore": more,
            "items": items,
            "offset": offset,
            "totalResults": total + self.knob("total_lie"),
        }

    # --- records -------------------------------------------------------------------------

    def _record(self, request: Request, rest: str) -> Answer:
        type_, _, key = rest.partition("/")
        if type_ == "metadata-catalog":
            if key in records.TYPES:
                kind = "application/schema+json"
                return Answer(200, records.schema(key, self._kinds), content_type=kind)
            return Answer(200, {"items": [{"name": name} for name in records.TYPES]})
        if type_ not in records.TYPES:
            return problem(404, "NONEXISTENT_RECORD_TYPE", f"Record type {type_} is not there.")
        base = f"{self.origin}{RECORDS}{type_}"
        rows = records.rows_of(type_, self._kinds, request.one("q"), self.knob("date_format"))
        if key:
            row = next((row for row in rows if str(row["id"]) == key), None)
            if row is None:
                return problem(404, "NONEXISTENT_ID", f"The record {key} is not there.")
            return Answer(200, records.record(type_, row, base))
        limit, offset = _page(request)
        limit, rows = min(limit, self.knob("ids_cap")), rows[self.knob("ids_gone") :]
        items = [
            {"links": [{"rel": "self", "href": f"{base}/{row['id']}"}], "id": str(row["id"])}
            for row in rows[offset : offset + limit]
        ]
        return Answer(200, self._body(request, items, offset, limit, len(rows)))


def _page(request: Request) -> tuple[int, int]:
    numbers: Callable[[str, str], str] = request.one
    limit, offset = numbers("limit", str(LARGEST_PAGE)), numbers("offset", "0")
    if not (limit.isdigit() and offset.isdigit()) or not 0 < int(limit) <= LARGEST_PAGE:
        detail = {"o:errorQueryParam": "limit"}
        raise Refused(problem(400, "INVALID_PARAMETER", "The limit must be 1 to 1000.", detail))
    if int(offset) % int(limit):
        detail = {"o:errorQueryParam": "offset"}
        text = "The offset must be divisible by the limit."
        raise Refused(problem(400, "INVALID_PARAMETER", text, detail))
    return int(limit), int(offset)


def problem(status: int, code: str, text: str, where: dict[str, str] | None = None) -> Answer:
    """An error in NetSuite's shape."""
    body = {
        "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html",
        "title": text,
        "status": status,
        "o:errorDetails": [{"detail": text, **(where or {}), "o:errorCode": code}],
    }
    return Answer(status, body, content_type="application/vnd.oracle.resource+json; type=error")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=int, default=10_000)


if __name__ == "__main__":
    run(__doc__, lambda options: NetSuiteEmulator(options.lines), _options)
