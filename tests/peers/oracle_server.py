"""The Oracle Fusion Cloud REST emulator, in a process of its own.  See ``README_business.md``."""

from __future__ import annotations

import argparse
import re
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from .erp_emulator import ErpEmulator
from .erp_live import Table
from .historian_access import basic_is_right, bearer_is_right, token_answer
from .historian_http import Answer, Refused, Request, run
from .odata_filter import BadFilter
from .odata_types import dumps_raw, raw
from .oracle_query import parse_fields, parse_order, parse_q
from .oracle_tables import Child, Resource, address, resources

ROOTS = ("/fscmRestApi/resources/11.13.18.05", "/fscmRestApi/resources/latest")
TOKEN_PATH = "/oauth2/v1/token"
_MEDIA = "application/vnd.oracle.adf.resource"
_TYPES = {"string": "string", "int64": "integer", "int32": "integer", "decimal": "number",
          "date": "date", "moment": "datetime", "boolean": "boolean"}  # fmt: skip


class OracleEmulator(ErpEmulator):
    """Resources with children, offset paging and answers that cannot be trusted."""

    path = ROOTS[0]
    defaults: ClassVar[dict[str, Any]] = {
        **ErpEmulator.defaults,
        "auth": "any",  # basic, oauth or any
        "cap": 500,  # a larger limit is lowered without a word
        "default_limit": 25,
        "has_more": "honest",  # honest, always or never
        "total_lie": 0,  # added to totalResults
        "filters": True,  # or it takes no notice of q
        "order_by": "",  # the column that rows are in the order of, whatever is asked for
        "unordered": True,  # without a whole order, pages repeat rows and leave others out
        "deep_offset": 10_000,  # an offset beyond it takes longer
        "deep_seconds": 0.0,
        "forbidden": [],  # resources that the user has no duty role for
    }

    def __init__(self, orders: int = 2_000) -> None:
        super().__init__()
        self._resources = resources(orders)

    # --- routes --------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        if request.path == TOKEN_PATH:
            return token_answer(self, self.tokens, request)
        self.rate.take(self)
        form = self.knob("auth")
        basic = form != "oauth" and basic_is_right(self, request, "user", "password")
        if not (basic or (form != "basic" and bearer_is_right(self.tokens, request))):
            return Answer(401, "<html>401 Unauthorized</html>", content_type="text/html")
        root = next((root for root in ROOTS if request.path.startswith(f"{root}/")), "")
        if not root or request.method != "GET":
            return self._error(request, 405 if root else 404, "The URL is not valid.")
        try:
            return self._read(request, request.path.removeprefix(f"{root}/").split("/"))
        except BadFilter as bad:
            return self._error(request, 400, str(bad))

    def _read(self, request: Request, parts: list[str]) -> Answer:
        name, *rest = parts
        resource = self._resources.get(name)
        if resource is None:
            return self._error(request, 404, f"The resource {name} is not there.")
        if name in self.knob("forbidden"):
            return self._error(request, 403, "Forbidden")
        if rest == ["describe"]:
            return Answer(200, {"Resources": {name: _described(resource)}})
        base, first, count = f"{self.origin}{self.path}/{name}", 0, resource.rows
        while rest:
            index = self._index(resource, rest[0], first, count)
            if index < 0:
                return self._error(request, 404, f"No row has the key {rest[0]}.")
            base = f"{base}/{rest[0]}"
            if len(rest) == 1:
                body = self._item(request, resource, index, base.rsplit("/", 1)[0], "")
                return Answer(200, dumps_raw(body), content_type=f"{_MEDIA}item+json")
            child = next(
                (c for c in resource.children if rest[1:3] == ["child", c.resource.name]), None
            )
            if child is None:
                return self._error(request, 404, "The child resource is not there.")
            resource, first, count = child.resource, index * child.each, child.each
            base, rest = f"{base}/child/{resource.name}", rest[3:]
        return self._collection(request, resource, base, first, count)

    @staticmethod
    def _index(resource: Resource, key: str, first: int, count: int) -> int:
        """The index of the row that is addressed so, or -1."""
        rows = range(first, first + count)
        return next((i for i in rows if address(resource, resource.make(i)) == key), -1)

    # --- collections ---------------------------------------------------------------------

    def _collection(
        self, request: Request, resource: Resource, base: str, first: int, count: int
    ) -> Answer:
        limit = _whole(request, "limit", self.knob("default_limit"))
        limit = min(limit, self.largest_page(self.knob("cap"))) or self.knob("default_limit")
        offset = _whole(request, "offset", 0)
        if offset > self.knob("deep_offset"):
            time.sleep(self.knob("deep_seconds"))
        shuffle = 1 + offset // limit % 2 if self.knob("unordered") else 0
        places = self._places(request, resource, first, count, shuffle)
        shift = 0
        if self.knob("unordered") and not request.one("orderBy") and offset:
            shift = 1
        page = places[offset - shift : offset + limit - shift]
        self.turn_page()
        form = self.knob("has_more")
        more = offset + limit < len(places) if form == "honest" else form == "always"
        body: dict[str, Any] = {
            "items": [self._item(request, resource, i, base, "") for i in page],
            "count": len(page),
            "hasMore": more,
            "limit": limit,
            "offset": offset,
            "links": [_link("self", base, resource.name, "collection")],
        }
        if request.one("totalResults") == "true":
            body["totalResults"] = len(places) + self.knob("total_lie")
        headers = {"REST-Framework-Version": str(_version(request))}
        return Answer(200, dumps_raw(body), headers, f"{_MEDIA}collection+json")

    def _places(
        self, request: Request, resource: Resource, first: int, count: int, shuffle: int
    ) -> list[int]:
        text, version = request.one("q") if self.knob("filters") else "", _version(request)
        test = parse_q(text, resource.columns, version) if text else None
        finder = re.fullmatch(r"PrimaryKey;(\w+)=(.*)", request.one("finder"))
        if finder:
            test = parse_q(f"{finder[1]}={finder[2]}", resource.columns, 1)
        elif request.one("finder"):
            raise BadFilter(f"The finder {request.one('finder')} is not there.")
        order = parse_order(request.one("orderBy"), resource.columns)
        order = [(self.knob("order_by"), False)] if self.knob("order_by") else order
        # Children are found among their own few; their indices begin at the parent's first one.
        table = Table(
            f"{resource.name}{first}", (resource.key,), resource.columns,
            lambda index: resource.make(first + index), count,
        )  # fmt: skip
        asked = f"{text}|{request.one('finder')}|{version}"
        inserting = bool(self.knob("inserts"))
        found = self.live.find(table, asked, test, order, inserting=inserting, shuffle=shuffle)
        return [first + index for index in found]

    def _item(
        self, request: Request, resource: Resource, index: int, base: str, path: str
    ) -> dict[str, Any]:
        """A row with its links and, when they are asked for, its children."""
        row = resource.make(index)
        fields = parse_fields(request.one("fields"))
        names = fields.get(path) or list(resource.columns)
        unknown = [name for name in names if name not in resource.columns]
        if unknown:
            raise BadFilter(f"URL request parameter fields: attribute {unknown[0]} is not there.")
        told = {name: _json(row[name]) for name in names}
        here = f"{base}/{address(resource, row)}"
        for child in resource.children:
            below = f"{path}.{child.resource.name}".strip(".")
            wanted = below in fields if fields else _expands(request.one("expand"), below)
            if wanted:
                told[child.resource.name] = self._children(request, child, index, here, below)
        if request.one("onlyData") == "true":
            return told
        links = [_link("self", here, resource.name, "item")]
        if request.one("links") != "self":
            links += [
                _link("child", f"{here}/child/{c.resource.name}", c.resource.name, "collection")
                for c in resource.children
            ]
        return told | {"links": links}

    def _children(self, request: Request, child: Child, index: int, base: str, path: str) -> Any:
        """The rows below; a collection of their own from version 3 of the framework on."""
        resource, first = child.resource, index * child.each
        below = f"{base}/child/{resource.name}"
        indices = range(first, first + child.each)
        items = [self._item(request, resource, i, below, path) for i in indices]
        if _version(request) < 3:
            return items
        return {"items": items, "count": len(items), "hasMore": False, "limit": 25, "offset": 0}

    # --- errors --------------------------------------------------------------------------

    def _error(self, request: Request, status: int, message: str) -> Answer:
        """A bare text, or the framework's own body from version 4 on."""
        if _version(request) < 4:
            return Answer(status, message, content_type="text/plain")
        detail = {"detail": message, "o:errorCode": "27520", "o:errorPath": "/"}
        body = {"title": "Error", "status": str(status), "o:errorDetails": [detail]}
        return Answer(status, body, content_type="application/vnd.oracle.adf.error+json")

    def too_many(self, reason: str = "rate") -> Any:
        return {"title": f"Too Many Requests: {reason}", "status": "429", "o:errorDetails": []}


def _version(request: Request) -> int:
    text = request.headers.get("rest-framework-version", "1")
    if text not in {"1", "2", "3", "4"}:
        raise Refused(Answer(400, "The framework version is not valid.", content_type="text/plain"))
    return int(text)


def _expands(text: str, path: str) -> bool:
    """Whether ``expand`` names a path or something below it."""
    paths = [part.strip() for part in text.split(",") if part.strip()]
    return "all" in paths or any(part == path or part.startswith(f"{path}.") for part in paths)


def _whole(request: Request, name: str, default: int) -> int:
    text = request.one(name)
    if text and not text.isdigit():
        raise BadFilter(f"URL request parameter {name} with value {text} is not valid.")
    return int(text) if text else default


def _link(rel: str, href: str, name: str, kind: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "name": name, "kind": kind}


def _described(resource: Resource) -> dict[str, Any]:
    attributes = [
        {"name": name, "type": _TYPES[column.kind], "queryable": True, "updatable": False}
        for name, column in resource.columns.items()
    ]
    children = {child.resource.name: _described(child.resource) for child in resource.children}
    return {"attributes": attributes, "children": children, "discrColumnType": False}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return raw(value) if isinstance(value, Decimal) else value


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--orders", type=int, default=2_000)


if __name__ == "__main__":
    run(__doc__, lambda options: OracleEmulator(options.orders), _options)
