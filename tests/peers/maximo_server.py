"""The IBM Maximo emulator, in a process of its own.  See ``README_business.md``."""

from __future__ import annotations

import argparse
import base64
import itertools
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from . import maximo_access as access
from . import maximo_query as query
from .business_emulator import BusinessEmulator
from .business_sessions import Sessions
from .historian_http import Answer, Refused, Request, run
from .maximo_objects import STRUCTURES, Record, Structure
from .maximo_query import BadQuery

_KEPT_RESULTS = 8


class MaximoEmulator(BusinessEmulator):
    """Object structures over ``/oslc`` and ``/api``, in both JSON dialects."""

    path = "/maximo"
    defaults: ClassVar[dict[str, Any]] = {
        **BusinessEmulator.defaults,
        **access.ACCESS_DEFAULTS,
        "status_code": "string",  # the number in an error's body: string or number
        "max_page": 1_000,  # a larger page is refused
        "auto_page": 500,  # without a page size the server pages on its own; 0 is never
        "unordered": True,  # without a whole order, pages repeat rows and leave others out
        "stable_seconds": 300.0,  # how long a stable page waits
        "link_host": "",  # what links name in place of this server
        "objects": [],  # the object structures that there are; empty for all
        "grow": 0,  # so many work orders more after each page
        "count_lie": 0,  # added to every total
        "silent_page": 0,  # so many records in a page at most, and no word of the others
        "ignores_order": False,  # records come as they are found, whatever order is asked for
    }

    def __init__(self, orders: int = 2_000) -> None:
        super().__init__()
        self._orders = orders
        self._grown = 0
        self._sessions = Sessions()
        self._results: dict[tuple[Any, ...], list[int]] = {}
        self._stable: dict[str, tuple[float, int, list[int]]] = {}
        self._numbers = itertools.count(1)
        self._work = threading.Lock()

    def reset(self) -> None:
        super().reset()
        self._grown = 0
        self._sessions.clear()
        self._stable.clear()

    # --- routes --------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        self.rate.take(self)
        if request.path in {"/maximo/oslc/login", "/maximo/j_security_check"}:
            return access.log_in(self, self._sessions, request)
        if not request.path.startswith(("/maximo/oslc/", "/maximo/api/")):
            return Answer(404, "<html>404</html>", content_type="text/html")
        if not access.may_ask(self, self._sessions, request):
            raise Refused(access.refusal(self, request))
        if request.path == "/maximo/oslc/logout":
            self._sessions.end(access.session_of(request))
            return Answer(200, {})
        if request.method != "GET":
            return access.error(self, request, 405, "BMXAA8712E", "This peer is read only.")
        try:
            return self._read(request)
        except BadQuery as bad:
            return access.error(self, request, 400, bad.code, str(bad))

    def is_data(self, line: str) -> bool:
        return "/os/" in line

    def too_many(self, reason: str = "rate") -> Any:
        text = f"BMXAA9999E - Too many requests: {reason}"
        return {"Error": {"reasonCode": "BMXAA9999E", "message": text, "statusCode": "429"}}

    def _read(self, request: Request) -> Answer:
        room, *rest = request.parts[2:]
        if room == "whoami":
            user = self.knob("user").upper()
            return Answer(200, {"userName": user, "defaultSite": "BEDFORD", "baseLang": "EN"})
        if room == "systeminfo":
            return Answer(200, {"appserver": "Liberty", "thisnode": {"version": "8.0.0.0"}})
        if room == "apimeta":
            return Answer(200, [{"osName": name} for name in STRUCTURES if self._has(name)])
        if not rest or room not in {"os", "jsonschemas"} or not self._has(rest[0].upper()):
            what = rest[0] if rest else room
            return access.error(self, request, 404, "BMXAA8738E", f"{what} is not there.")
        structure = STRUCTURES[rest[0].upper()]
        if room == "jsonschemas":
            return Answer(200, _schema(rest[0], structure))
        if len(rest) > 1:
            return self._one(request, structure, rest[1:])
        return Answer(200, self._collection(request, structure))

    def _has(self, name: str) -> bool:
        chosen = self.knob("objects")
        return name in STRUCTURES and (not chosen or name in chosen)

    def _one(self, request: Request, structure: Structure, rest: list[str]) -> Answer:
        """One member by the tail of its link, or the children of one."""
        for index in range(self._count(structure)):
            record = structure.make(index)
            if _tail(record, structure) == rest[0]:
                break
        else:
            return access.error(self, request, 404, "BMXAA4187E", "The record does not exist.")
        wanted = request.one("oslc.select") or "*"
        if len(rest) == 1:
            return Answer(200, self._member(request, structure, record, wanted))
        if not isinstance(record.get(rest[1]), list):
            return access.error(self, request, 404, "BMXAA8738E", f"{rest[1]} is not there.")
        found = [dict(query.select(item, query.parse_select(wanted))) for item in record[rest[1]]]
        return Answer(200, {_key("member", request): [_json(item, request) for item in found]})

    # --- collections ---------------------------------------------------------------------

    def _count(self, structure: Structure) -> int:
        return self._orders + self._grown if structure.rows < 0 else structure.rows

    def _places(self, request: Request, structure: Structure, number: int) -> list[int]:
        """The indices of the rows that the query finds, in its order; the last few are kept."""
        where = query.parse_where(request.one("oslc.where"))
        order = query.parse_order(request.one("oslc.orderBy"))
        order = [] if self.knob("ignores_order") else order
        internal = _internal_terms(request.one("domaininternalwhere"))
        any_of = request.one("opmodeor") == "1"
        count = self._count(structure)
        shuffle = 1 + number % 2 if self.knob("unordered") else 0
        asked = f"{request.one('oslc.where')}|{order}|{internal}|{any_of}|{shuffle}"
        key = (structure.make, asked, count)
        with self._work:
            if key not in self._results:
                if len(self._results) >= _KEPT_RESULTS:
                    self._results.pop(next(iter(self._results)))
                needs = where or order or internal
                self._results[key] = (
                    _search(structure, count, where, internal, order, shuffle, any_of=any_of)
                    if needs
                    else list(range(count))
                )
            return self._results[key]

    def _collection(self, request: Request, structure: Structure) -> dict[str, Any]:
        stable, number, places, size = self._page_of(request, structure)
        total = len(places) + self.knob("count_lie")
        if request.one("count") == "1":
            return {_key("totalCount", request): total}
        silent = self.knob("silent_page")
        start = (number - 1) * size if size else 0
        end = start + size if size else len(places)
        shift = 0
        if size and not stable and self.knob("unordered") and not request.one("oslc.orderBy"):
            shift = number - 1  # each page begins one row too early
        page = places[max(0, start - shift) : max(0, end - shift)]
        page = page[: silent or len(page)]
        wanted = request.one("oslc.select")
        members = [self._member(request, structure, structure.make(i), wanted) for i in page]
        info: dict[str, Any] = {_key("pagenum", request): number}
        info |= self._about(request, f"{self._base(request)}{_below(request)}?{_query(request)}")
        if size and end < len(places) and not silent:
            info |= self._next(request, stable, number)
        if request.one("collectioncount") == "1":
            info[_key("totalCount", request)] = total
            info[_key("totalPages", request)] = -(-total // size) if size else 1
        if structure.rows < 0:
            self._grown += self.knob("grow")
        return {
            _key("member", request): members,
            **self._about(request, f"{self._base(request)}{_below(request)}"),
            _key("responseInfo", request): info,
        }

    def _page_of(self, request: Request, structure: Structure) -> tuple[str, int, list[int], int]:
        """The stable id, the page's number, all places and the page's size."""
        size = _whole(request, "oslc.pageSize")
        if size > self.knob("max_page"):
            raise BadQuery("BMXAA8726E", f"The page size {size} is above the limit.")
        stable, number = request.one("stableid"), _whole(request, "pageno") or 1
        if stable:
            return stable, number, self._stable_places(stable, number), size
        places = self._places(request, structure, number)
        if not size and self.knob("auto_page") and len(places) > self.knob("auto_page"):
            size = self.knob("auto_page")
        if request.one("stablepaging") == "1" and size:
            stable = f"st{next(self._numbers)}"
            self._stable[stable] = (time.monotonic(), 2, list(places))
        return stable, number, places, size

    def _stable_places(self, stable: str, number: int) -> list[int]:
        """The places of a stable query; each page can be had once, one after the other."""
        with self._work:
            since, awaited, places = self._stable.get(stable, (0.0, 0, []))
            if not places or time.monotonic() - since > self.knob("stable_seconds"):
                self._stable.pop(stable, None)
                raise BadQuery("BMXAA8727E", "The stable result set has expired.")
            if number != awaited:
                raise BadQuery("BMXAA8728E", f"Page {number} was read already or is not next.")
            self._stable[stable] = (time.monotonic(), awaited + 1, places)
            return places

    def _next(self, request: Request, stable: str, number: int) -> dict[str, Any]:
        more = {"pageno": str(number + 1)} | ({"stableid": stable} if stable else {})
        link = f"{self._base(request)}{_below(request)}?{_query(request, more)}"
        name = "href" if request.one("lean") == "1" else "rdf:resource"
        return {_key("nextPage", request): {name: link}}

    def _base(self, request: Request) -> str:
        """Where links point: to ``/oslc`` whatever was asked, unless the client says otherwise."""
        public = request.headers.get("x-public-uri", "")
        return public or f"{self.knob('link_host') or self.origin}/maximo/oslc"

    @staticmethod
    def _about(request: Request, link: str) -> dict[str, Any]:
        return {"href" if request.one("lean") == "1" else "rdf:about": link}

    def _member(
        self, request: Request, structure: Structure, record: Record, wanted: str
    ) -> dict[str, Any]:
        link = f"{self._base(request)}/os/{request.parts[3]}/{_tail(record, structure)}"
        lean = request.one("lean") == "1"
        if not wanted:
            return {"href" if lean else "rdf:resource": link}
        found: Record = {}
        for name, value in query.select(record, query.parse_select(wanted)):
            merged = isinstance(value, dict) and isinstance(found.get(name), dict)
            found[name] = found[name] | value if merged else value
        if "status" in found and request.one("internalvalues") == "1":
            found["status_maxvalue"] = record["status_maxvalue"]
        elif request.one("internalvalues") != "1":
            found.pop("status_maxvalue", None)
        if "status" in found:
            found["status_description"] = record["status_description"]
        if request.one("ignorecollectionref") != "1":
            children = [name for name in record if isinstance(record[name], list)]
            found |= {f"{n}_collectionref": f"{link}/{n}" for n in children if n not in found}
        return {
            **_json(found, request),
            "_rowstamp": record["_rowstamp"],
            **self._about(request, link),
        }


# --- searching ---------------------------------------------------------------------------


def _internal_terms(text: str) -> list[query.Term]:
    """``status=COMP,CLOSE`` and ``status!=COMP`` against the internal values."""
    terms = []
    for part in filter(None, text.split(";")):
        name, sign, values = part.partition("=")
        if not sign:
            raise BadQuery("BMXAA8744E", f"The internal where cannot be read: {part}")
        relation = "not in" if name.endswith("!") else "in"
        attribute = f"{name.rstrip('!').strip().lower()}_maxvalue"
        terms.append(query.Term(attribute, relation, values.split(",")))
    return terms


def _search(
    structure: Structure,
    count: int,
    where: list[query.Term],
    internal: list[query.Term],
    order: list[tuple[str, bool]],
    shuffle: int,
    *,
    any_of: bool,
) -> list[int]:
    join: Callable[..., bool] = any if any_of and where else all
    found = []
    for index in range(count):
        record = structure.make(index)
        if join(query.fits(term, record) for term in where) and all(
            query.fits(term, record) for term in internal
        ):
            found.append((index, query.order_values(record, order)))
    return query.sorted_places(found, order, shuffle)


def _whole(request: Request, name: str) -> int:
    text = request.one(name, "0")
    if not text.isdigit():
        raise BadQuery("BMXAA8744E", f"{name} is no number: {text}")
    return int(text)


# --- writing -----------------------------------------------------------------------------


def _key(name: str, request: Request) -> str:
    if request.one("lean") == "1":
        return name
    return f"rdfs:{name}" if name == "member" else f"oslc:{name}"


def _below(request: Request) -> str:
    """The part of the path after the servlet."""
    return "/" + "/".join(quote(part, safe="") for part in request.parts[2:])


def _query(request: Request, more: dict[str, str] | None = None) -> str:
    more = more or {}
    kept = [(name, text) for name, text in request.query if name not in more]
    return urlencode([*kept, *more.items()])


def _tail(record: Record, structure: Structure) -> str:
    key = "/".join(str(record[name]) for name in structure.key)
    return "_" + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _json(record: Record, request: Request) -> dict[str, Any]:
    """A record on the wire: no nulls unless asked for, and prefixed names unless lean."""
    prefix = "" if request.one("lean") == "1" else "spi:"
    kept = request.one("_dropnulls") == "0"
    return {
        name if name.startswith("_") else prefix + name: _wire(value, request)
        for name, value in record.items()
        if kept or value is not None
    }


def _wire(value: Any, request: Request) -> Any:
    if isinstance(value, list):
        return [_json(item, request) for item in value]
    if isinstance(value, dict):
        return _json(value, request)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


_SCHEMA_TYPES: dict[type, dict[str, str]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "subType": "INTEGER"},
    Decimal: {"type": "number", "subType": "DECIMAL"},
    datetime: {"type": "string", "subType": "DATETIME"},
    date: {"type": "string", "subType": "DATE"},
    str: {"type": "string", "subType": "ALN"},
    list: {"type": "array"},
    dict: {"type": "object"},
}


def _schema(name: str, structure: Structure) -> dict[str, Any]:
    """The attributes with types, taken from the rows that have values."""
    kinds: dict[str, type] = {}
    for index in range(structure.rows if 0 < structure.rows < 200 else 200):
        for attribute, value in structure.make(index).items():
            if value is not None:
                kinds.setdefault(attribute, type(value))
    fields = {
        attribute: {"title": attribute.title(), **_SCHEMA_TYPES[kind]}
        for attribute, kind in kinds.items()
        if not attribute.endswith("_maxvalue")
    }
    return {"resource": name.upper(), "type": "object", "pk": structure.key, "properties": fields}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--orders", type=int, default=2_000)


if __name__ == "__main__":
    run(__doc__, lambda options: MaximoEmulator(options.orders), _options)
