"""A small OData service of both versions that pages, links and counts as badly as it is told.

Rows are ``ID`` (``"0000"`` …), ``Amount`` (the number and a half) and ``Hidden`` (odd or even, by
which the server does not filter). ``/v2/S/Rows`` and ``/v4/S/Rows`` are the same rows.
"""

from __future__ import annotations

import operator
import re
from typing import Any, ClassVar
from urllib.parse import quote

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

_SAP = 'xmlns:sap="http://www.sap.com/Protocols/SAPData"'
_TYPE = """<EntityType Name="Row"><Key><PropertyRef Name="ID"/></Key>
<Property Name="ID" Type="Edm.String" Nullable="false" sap:label="Number"/>
<Property Name="Amount" Type="Edm.Decimal" Precision="10" Scale="1"/>
<Property Name="Hidden" Type="Edm.String" sap:filterable="false"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/></EntityContainer>"""
_V2 = (
    '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://schemas.microsoft.com/ado/2008/09/edm"'
    f" {_SAP}>{_TYPE}</Schema></edmx:DataServices></edmx:Edmx>"
)
_V4 = (
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://docs.oasis-open.org/odata/ns/edm"'
    f" {_SAP}>{_TYPE}</Schema></edmx:DataServices></edmx:Edmx>"
)


def start_lying_service() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("lying OData service", "tests.drivers.odata.lying_service")


class LyingService(Emulator):
    """It filters by keys at most. ``after`` pages, ``then`` happens to the rows: deleted, inserted, replaced, changed, or a lower cap."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        "rows": 250,
        "cap": 100,
        "link": "relative",
        "counts": True,
        "count_shift": 0,
        "after": 1,
        "then": None,
        "message": None,
        "message_header": "sap-message",
        "etag": None,
        "precision": 10,  # of the amount, as the metadata tell it
        "nameless": None,  # a row without its key
        "expired": None,  # what a link gives then: an error, nothing, or the first page
        "expired_times": 0,
        "session": "",  # a parameter of links that opens a session
        "skips": True,  # or it gives the same rows whatever is to be skipped
        "tops": True,  # or as many as it likes
        "sorts": True,  # or they are in an order of its own
        "keys": "compared",  # or refused, or ignored, or stuck: it gives the last rows again
    }

    def __init__(self) -> None:
        super().__init__()
        self.pages = 0
        self.expired = 0

    def reset(self) -> None:
        super().reset()
        self.pages = 0
        self.expired = 0

    def handle(self, request: Request) -> Answer:
        version = int(request.parts[0].removeprefix("v"))
        rest = request.parts[2:]
        if rest == ["$metadata"]:
            return self._metadata(request, version)
        if rest == ["Rows", "$count"]:
            return Answer(body=str(self._count()), content_type="text/plain")
        if rest != ["Rows"]:
            return Answer(404, {"error": {"code": "X/1", "message": "no such resource"}})
        if "gt" in request.one("$filter") and self.knob("keys") == "refused":
            return Answer(501, {"error": {"code": "X/2", "message": "no comparisons"}})
        return self._page(request, version)

    def _metadata(self, request: Request, version: int) -> Answer:
        etag = self.knob("etag")
        if etag and request.headers.get("if-none-match") == etag:
            return Answer(304, b"")
        headers = {"ETag": etag} if etag else {}
        text = (_V2 if version == 2 else _V4).replace('"10"', f'"{self.knob("precision")}"')
        return Answer(body=text, headers=headers, content_type="application/xml")

    def _happened(self) -> str | None:
        then: str | None = self.knob("then")
        return then if self.pages >= self.knob("after") else None

    def _rows(self) -> list[dict[str, Any]]:
        numbers = list(range(self.knob("rows")))
        happened = self._happened()
        if happened == "deleted":
            numbers = numbers[5:]
        elif happened == "replaced":  # by as many at the end, so that no count tells
            numbers = [*numbers[5:], *range(len(numbers), len(numbers) + 5)]
        elif happened == "inserted":
            numbers = [-5, -4, -3, *numbers]
        bonus = 1 if happened in ("changed", "changed once") else 0
        rows = [
            {"ID": f"{one:04d}", "Amount": f"{one + bonus}.5", "Hidden": "eo"[one % 2]}
            for one in numbers
        ]
        if self.knob("nameless") is not None:
            rows[self.knob("nameless")]["ID"] = None
        if happened == "changed":
            rows = [rows[0], *rows]
        return rows

    def _count(self) -> int:
        return len(self._rows()) + int(self.knob("count_shift"))

    def _page(self, request: Request, version: int) -> Answer:
        rows = self._rows()
        cap = self.knob("cap")
        if self._happened() == "lower cap":
            cap //= 7
        token = request.one("$skiptoken")
        skip = int(request.one("$skip") or 0) if self.knob("skips") else 0
        first = int(token.strip("'")) if token else skip
        if token and self.expired < self.knob("expired_times"):
            self.expired += 1
            if self.knob("expired") == "an error":
                return Answer(410, {"error": {"code": "X/3", "message": "the link is too old"}})
            first = len(rows) if self.knob("expired") == "nothing" else 0
        if not self.knob("sorts"):
            rows.sort(key=lambda row: row["ID"][::-1])
        elif request.one("$orderby") == "ID desc":
            rows = rows[::-1]
        if self.knob("keys") == "compared":
            rows = [row for row in rows if _fits(row["ID"], request.one("$filter"))]
        if self.knob("keys") == "lossy" and " gt " in request.one("$filter"):
            # It leaves some out.
            some = [row for row in rows if _fits(row["ID"], request.one("$filter"))]
            rows = [row for row in some if int(row["ID"]) % 50 != 49]
        if self.knob("keys") == "stuck" and " gt " in request.one("$filter"):
            rows = rows[-10:]
        top = int(request.one("$top") or len(rows)) if self.knob("tops") else len(rows)
        window = rows[first : first + min(cap, top)]
        last = first + len(window)
        more = last < len(rows) and len(window) < top
        link = self._link(request, last, top - len(window)) if more else None
        count = len(rows) + self.knob("count_shift") if self.knob("counts") else None
        self.pages += 1
        headers = (
            {self.knob("message_header"): self.knob("message")} if self.knob("message") else {}
        )
        return Answer(body=_body(version, window, link, count), headers=headers)

    def _link(self, request: Request, last: int, top: int) -> str | None:
        kind = self.knob("link")
        condition = quote(request.one("$filter"))
        query = f"Rows?$skiptoken={quote(repr(str(last)))}&$top={top}&$filter={condition}"
        if self.knob("session"):
            query += f"&session={self.knob('session')}"
        root = request.path.rpartition("/")[0]
        return {
            "relative": query,
            "absolute": f"{self.origin}{root}/{query}",
            "foreign": f"http://elsewhere.example{root}/{query}",
            "circle": "Rows?$skiptoken='0'",
            "first only": query if self.pages == 1 else None,
            "none": None,
        }[kind]


_COMPARED = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt}


def _fits(key: str | None, condition: str) -> bool:
    tests = re.findall(r"ID (gt|ge|lt) '(.*?)'", condition)
    return all(key and _COMPARED[how](key, bound) for how, bound in tests)


def _body(version: int, rows: list[Any], link: str | None, count: int | None) -> Any:
    if version == 4:
        told = {"@odata.nextLink": link, "@odata.count": count}
        return {"value": rows} | {name: one for name, one in told.items() if one is not None}
    told = {"__next": link, "__count": None if count is None else str(count)}
    return {"d": {"results": rows} | {name: one for name, one in told.items() if one is not None}}


if __name__ == "__main__":
    run(__doc__, lambda options: LyingService())
