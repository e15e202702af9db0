"""Pages of the SAP Gateway emulator: skip tokens, caps that sink, counts that lie."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, NamedTuple

from .erp_emulator import ErpEmulator
from .erp_live import Table
from .historian_http import Request
from .odata_filter import BadFilter, Row, parse_filter, parse_order

PAGING_DEFAULTS: dict[str, Any] = {
    "page": 1_000,  # the server's largest page; 0: it sends all that is asked for
    "silent_cap": 0,  # an answer has so many rows at most and no word about the others
    "token": "offset",  # of the next page: offset, quoted (an offset in quotes) or opaque
    "unordered": False,  # without a whole order, pages repeat rows and leave others out
    "count_lie": 0,  # added to every count
    "next_host": "",  # what links name in place of this server
    "next_relative": False,  # V4 links without a host
}


class Page(NamedTuple):
    """Some rows of a result."""

    rows: list[Row]
    total: int
    token: str  # of the next page; empty on the last one


class Pager:
    """Cuts results into pages."""

    def __init__(self, emulator: ErpEmulator) -> None:
        self._emulator = emulator

    def page(self, request: Request, table: Table, wanted: int | None) -> Page:
        """The page that a request asks for; ``wanted`` is the page size it prefers."""
        knob = self._emulator.knob
        skip, top = whole(request, "$skip") or 0, whole(request, "$top")
        places = self.places(request, table, self._shuffle(request))
        end = len(places) if top is None else min(len(places), skip + top)
        start = self._start(request, places, skip)
        cap = self._cap()
        size = min(filter(None, (cap, wanted)), default=0)
        stop = min(end, start + size) if size else end
        shift = 0
        if knob("unordered") and not request.one("$orderby") and start > skip:
            shift = 1
        chosen = places[start - shift : stop - shift]
        if knob("silent_cap") and len(chosen) > knob("silent_cap"):
            chosen, stop = chosen[: knob("silent_cap")], end
        self._emulator.turn_page()
        token = self._token(places, stop) if stop < end else ""
        return Page([table.make(i) for i in chosen], len(places) + knob("count_lie"), token)

    def places(self, request: Request, table: Table, shuffle: int = 0) -> list[int]:
        """The indices of all rows that a request finds."""
        text = request.one("$filter")
        _check_searchable(table, text, "filterable")
        _check_searchable(table, request.one("$orderby"), "sortable")
        test = parse_filter(text, table.columns) if text else None
        order = parse_order(request.one("$orderby"), table.columns)
        inserting = bool(self._emulator.knob("inserts"))
        return self._emulator.live.find(
            table, text, test, order, inserting=inserting, shuffle=shuffle
        )

    def _shuffle(self, request: Request) -> int:
        """How rows that the order holds equal are mixed: otherwise on every second page."""
        if not self._emulator.knob("unordered") or self._emulator.knob("token") == "opaque":
            return 0
        place = request.one("$skiptoken").strip("'") or request.one("$skip") or "0"
        return 1 + int(place) // max(1, self._cap()) % 2 if place.isdigit() else 0

    def _cap(self) -> int:
        return self._emulator.largest_page(int(self._emulator.knob("page")))

    def _token(self, places: list[int], stop: int) -> str:
        form = self._emulator.knob("token")
        if form == "opaque":
            return base64.urlsafe_b64encode(
                json.dumps({"after": places[stop - 1]}).encode()
            ).decode()
        return f"'{stop}'" if form == "quoted" else str(stop)

    def _start(self, request: Request, places: list[int], skip: int) -> int:
        token = request.one("$skiptoken")
        if not token:
            return skip
        try:
            if self._emulator.knob("token") == "opaque":
                after = json.loads(base64.urlsafe_b64decode(token))["after"]
                if after in places:
                    return places.index(after) + 1
                # The row itself is gone; those behind it are still behind it.
                return next((at for at, i in enumerate(places) if i > after), len(places))
            return int(token.strip("'"))
        except (KeyError, TypeError, ValueError) as error:
            raise BadFilter("The skip token is not valid.") from error


def _check_searchable(table: Table, text: str, word: str) -> None:
    for name in re.findall(r"\w+", text):
        if name in table.columns and not table.columns[name].searchable:
            raise BadFilter(f"Property {name} is not {word}.")


def whole(request: Request, name: str) -> int | None:
    """A whole number of the query, or None when it is not given."""
    text = request.one(name)
    if text and not text.isdigit():
        raise BadFilter(f"{name} is no number.")
    return int(text) if text else None
