"""The Dataverse Web API emulator, in a process of its own.  See ``README_business.md``."""

from __future__ import annotations

import argparse
import hashlib
import re
import threading
import time
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from .dynamics_base import JSON, DynamicsEmulator, whole
from .dynamics_rows import dataverse_tables
from .erp_live import Table
from .erp_rows import Row, mixed
from .historian_http import Answer, Refused, Request, run
from .odata_filter import BadFilter
from .odata_types import dumps_raw

LARGEST_PAGE = 5_000
CHANGES, DELETIONS = 50, 5
_FORMATTED = "OData.Community.Display.V1.FormattedValue"
_CODES = {
    "rate": ("0x80072322", "Number of requests exceeded the limit of 6000 over 300 seconds."),
    "concurrency": ("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
}


class DataverseEmulator(DynamicsEmulator):
    """Entity sets with paging cookies, annotations, tracked changes and service protection."""

    path = "/api/data/v9.2"
    namespace = "Microsoft.Dynamics.CRM"
    defaults: ClassVar[dict[str, Any]] = {
        **DynamicsEmulator.defaults,
        "count_cap": 5_000,  # a count is never larger
        "delta": 0,  # how many sets of changes there are beyond the whole
        "penalty_seconds": 0.0,  # what an early retry adds to the wait
    }

    def __init__(self, lines: int = 30_000) -> None:
        super().__init__()
        self.tables = dataverse_tables(lines)
        self._blocked_until = 0.0
        self._waiting = threading.Lock()

    def reset(self) -> None:
        super().reset()
        self._blocked_until = 0.0

    def answer(self, request: Request) -> Answer:
        with self._waiting:
            left = self._blocked_until - time.monotonic()
            if left > 0:
                self._blocked_until += self.knob("penalty_seconds")
                wait = str(int(left + self.knob("penalty_seconds")) + 1)
                return Answer(429, self.too_many(), {"Retry-After": wait})
        try:
            answer = super().answer(request)
        except Refused as refused:
            wait = refused.answer.headers.get("Retry-After", "")
            if self.knob("penalty_seconds") and wait.isdigit():
                # The promised second is whole, so the block ends a little before it.
                self._blocked_until = time.monotonic() + int(wait) - 0.05
            raise
        answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = "5999"
        return answer

    def error(self, status: int, message: str) -> Answer:
        return Answer(status, {"error": {"code": "0x80060888", "message": message}})

    def too_many(self, reason: str = "rate") -> Any:
        code, message = _CODES[reason]
        return {"error": {"code": code, "message": message}}

    # --- pages ---------------------------------------------------------------------------

    def collection(self, request: Request, table: Table) -> Answer:
        if request.one("$skip"):
            raise BadFilter("Skip Clause is not supported in CRM")
        delta = request.one("$deltatoken")
        if delta:
            return self._changes(request, table, delta)
        prefer = request.headers.get("prefer", "")
        asked = re.search(r"odata\.maxpagesize=(\d+)", prefer)
        size = min(int(asked[1]), LARGEST_PAGE) if asked else LARGEST_PAGE
        top = None if asked else whole(request, "$top")
        number = self._number(request, table)
        places = self.places(request, table, number=number)
        start, following = self._bounds(number, size)
        end = len(places) if top is None else min(len(places), top)
        stop = min(end, following)
        shift = self.shift(request, start)
        total = min(len(places), self.knob("count_cap"))
        found = self.body(request, table, places[start - shift : max(0, stop - shift)], total)
        if "include-annotations" in prefer:
            found["value"] = [_annotated(row) for row in found["value"]]
        if stop < end:
            token = self._cookie(table, number + 1)
            found["@odata.nextLink"] = self.link(request, {"$skiptoken": token})
        elif "odata.track-changes" in prefer:
            found["@odata.deltaLink"] = self.link(request, {"$deltatoken": "1"})
        self.turn_page()
        headers = {"OData-Version": "4.0"}
        if asked:
            headers["Preference-Applied"] = f"odata.maxpagesize={size}"
        return Answer(200, dumps_raw(found), headers, JSON)

    def _bounds(self, number: int, size: int) -> tuple[int, int]:
        """Where a page begins and ends, by its number; later ones may be smaller."""
        lowered, after = int(self.knob("lowered_page")), int(self.knob("lowered_after"))
        smaller = min(size, lowered) if lowered else size
        ends = [
            min(one, after) * size + max(0, one - after) * smaller for one in (number - 1, number)
        ]
        return ends[0], ends[1]

    @staticmethod
    def _cookie(table: Table, number: int) -> str:
        """A paging cookie; whoever takes it apart and puts it together is found out."""
        proof = hashlib.sha256(f"{table.name}{number}".encode()).hexdigest()[:16]
        inner = quote(
            quote(f'<cookie page="{number - 1}"><{table.keys[0]} last="{proof}" /></cookie>')
        )
        return f'<cookie pagenumber="{number}" pagingcookie="{inner}" istracking="False" />'

    def _number(self, request: Request, table: Table) -> int:
        token = request.one("$skiptoken")
        if not token:
            return 1
        found = re.match(r'<cookie pagenumber="(\d+)"', token)
        if not found or unquote(token) != unquote(self._cookie(table, int(found[1]))):
            raise BadFilter("Malformed XML in the Paging Cookie")
        return int(found[1])

    # --- changes -------------------------------------------------------------------------

    def _changes(self, request: Request, table: Table, token: str) -> Answer:
        """What changed since; rows that are gone are named by their id."""
        number = int(token) if token.isdigit() else 0
        if not 1 <= number <= self.knob("delta") + 1:
            return self.error(400, "Version stamp associated with the client has expired.")
        changed, gone = changes(table, number) if number <= self.knob("delta") else ([], [])
        found = self.body(request, table, changed, len(changed))
        context = f"{self.origin}{self.path}/$metadata#{table.name}/$deletedEntity"
        key = table.keys[0]
        found["value"] += [
            {"@odata.context": context, "id": str(table.make(index)[key]), "reason": "deleted"}
            for index in gone
        ]
        following = str(number + 1 if changed else number)
        found["@odata.deltaLink"] = self.link(request, {"$deltatoken": following})
        return Answer(200, dumps_raw(found), {"OData-Version": "4.0"}, JSON)


def changes(table: Table, number: int) -> tuple[list[int], list[int]]:
    """The indices of the rows that a set of changes brings, and of those that it takes away."""
    drawn = dict.fromkeys(mixed(number * 1_000 + place, 55) % table.rows for place in range(200))
    chosen = list(drawn)[: CHANGES + DELETIONS]
    return sorted(chosen[:CHANGES]), sorted(chosen[CHANGES:])


def _annotated(row: Row) -> Row:
    """Formatted values of choices and lookups beside the values."""
    told: Row = {}
    for name, value in row.items():
        told[name] = value
        if value is not None and (name.endswith(("code", "status")) or name.startswith("_")):
            told[f"{name}@{_FORMATTED}"] = f"Formatted {value}"
    return told


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=int, default=30_000)


if __name__ == "__main__":
    run(__doc__, lambda options: DataverseEmulator(options.lines), _options)
