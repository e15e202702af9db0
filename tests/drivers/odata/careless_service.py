"""An OData service as one is written in a hurry: it does a part of the protocol, and says nothing.

Rows are ``ID`` (``"0000"`` …), ``Amount``, ``Kind`` (``kinds`` in turn) and
``Changed``, in milliseconds since 1970, which is ``changed`` for the first.
``ignores`` are the options that it takes no notice of, ``refuses`` those it has an error for.
``counts`` may be of the ``page``, as SAP's Gateway counts for a service that does not do so itself.
``links`` lead on to the rest of what ``$top`` asked for, and no further. So many rows are
``written`` behind the last one before each page, and so many of the last ones ``replaced`` by others
behind the first one. Those at the places in ``lost`` are counted and never given. After ``pages`` of them it has nothing more to say,
and where it is ``doubled`` the first row comes again with another amount.
"""

from __future__ import annotations

import operator
import re
import sys
from typing import Any, ClassVar, Final
from urllib.parse import quote

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

_SCHEMAS: Final = {
    2: ("ado/2007/06/edmx", "1.0", "http://schemas.microsoft.com/ado/2008/09/edm"),
    4: ("", "4.0", "http://docs.oasis-open.org/odata/ns/edm"),
}
_TYPE: Final = """<EntityType Name="Row" sap:semantics="{semantics}">
<Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String" Nullable="false"/>
<Property Name="Amount" Type="Edm.Decimal" Precision="10" Scale="1"/>
<Property Name="Kind" Type="Edm.String"/>
<Property Name="Changed" Type="Edm.DateTimeOffset" Precision="3"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/></EntityContainer>"""
_CHANGED: Final = '<Property Name="Changed" Type="Edm.DateTimeOffset" Precision="3"/>'
_COMPARED: Final = {
    "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le, "eq": operator.eq,
}  # fmt: skip


def start_careless_service() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("careless OData service", "tests.drivers.odata.careless_service")


class CarelessService(Emulator):
    """``/v2/S/Rows`` and ``/v4/S/Rows`` are the same rows, the latter without ``Changed``."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults, "rows": 250, "cap": 50, "counts": "all", "links": False,
        "ignores": [], "refuses": [], "written": 0, "replaced": 0, "lost": [], "semantics": "", "pages": None, "doubled": False,
        "changed": 1_740_000_000_000, "kinds": "AaB",
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.written = self.pages = self.replaced = 0

    def reset(self) -> None:
        super().reset()
        self.written = self.pages = self.replaced = 0

    def handle(self, request: Request) -> Answer:
        version = int(request.parts[0].removeprefix("v"))
        rest = request.parts[2:]
        if rest == ["$metadata"]:
            return Answer(body=self._metadata(version), content_type="application/xml")
        for option in self.knob("refuses"):
            if request.one(option):
                return Answer(501, {"error": {"code": "X/1", "message": f"no {option}"}})
        if rest == ["Rows", "$count"]:
            count = min(len(self._rows(request)), self._most(request))
            return Answer(body=str(count), content_type="text/plain")
        return self._page(request, version)

    def _metadata(self, version: int) -> str:
        path, number, schema = _SCHEMAS[version]
        edmx = f"http://schemas.microsoft.com/{path}" if path else schema.replace("edm", "edmx")
        body = _TYPE.format(semantics=self.knob("semantics"))
        if version == 4:
            body = body.replace(_CHANGED, "")
        return (
            f'<edmx:Edmx Version="{number}" xmlns:edmx="{edmx}"><edmx:DataServices>'
            f'<Schema Namespace="NS" xmlns="{schema}" '
            f'xmlns:sap="http://www.sap.com/Protocols/SAPData">{body}</Schema>'
            "</edmx:DataServices></edmx:Edmx>"
        )

    def _option(self, request: Request, name: str) -> str:
        return "" if name in self.knob("ignores") else request.one(name)

    def _most(self, request: Request) -> int:
        whole = self.knob("counts") == "all"
        return sys.maxsize if whole else min(self.knob("cap"), self._top(request))

    def _top(self, request: Request) -> int:
        return int(self._option(request, "$top") or sys.maxsize)

    def _rows(self, request: Request) -> list[dict[str, Any]]:
        kinds = self.knob("kinds")
        rows = [
            {"ID": f"{one:04d}", "Amount": f"{one}.5", "Kind": kinds[one % len(kinds)]}
            for one in range(self.knob("rows") + self.written - self.replaced)
        ]
        rows[1:1] = [
            {"ID": f"0000a{one:03d}", "Amount": "1.5", "Kind": "A"} for one in range(self.replaced)
        ]
        for row in rows:
            row["Changed"] = f"/Date({1_740_000_000_000 + int(row['ID'][:4])}+0000)/"
        rows[0]["Changed"] = f"/Date({self.knob('changed')}+0000)/"
        if self.knob("doubled"):
            rows.append({**rows[0], "Amount": "7.5"})
        tests = re.findall(r"(\w+) (gt|ge|lt|le|eq) '(.*?)'", self._option(request, "$filter"))
        return [
            row for row in rows if all(_COMPARED[how](row[name], to) for name, how, to in tests)
        ]

    def _page(self, request: Request, version: int) -> Answer:
        self.written += self.knob("written")
        self.replaced += self.knob("replaced")
        self.pages += 1
        if self.pages > (self.knob("pages") or sys.maxsize):
            return Answer(body=_body(version, [], None, 0, ""))
        rows = self._rows(request)
        token = request.one("$skiptoken")
        begin = int(token or self._option(request, "$skip") or 0)
        top = self._top(request)
        window = rows[begin : begin + min(self.knob("cap"), top)]
        end, rest = begin + len(window), top - len(window)
        more = self.knob("links") and end < len(rows) and rest > 0
        link = f"Rows?$skiptoken={end}&$top={rest}&$filter={quote(request.one('$filter'))}"
        count = min(len(rows), self._most(request))
        selected = self._option(request, "$select").split(",")
        lost = {f"{one:04d}" for one in self.knob("lost")}
        told = [
            {k: v for k, v in row.items() if k in selected or selected == [""]}
            for row in window
            if row["ID"] not in lost
        ]
        return Answer(body=_body(version, told, link if more else None, count, self.knob("counts")))


def _body(
    version: int, rows: list[dict[str, Any]], link: str | None, count: int, counts: str
) -> dict[str, Any]:
    linked = {} if link is None else {"__next" if version == 2 else "@odata.nextLink": link}
    if version == 2:
        return {"d": {"results": rows, **linked, **({} if not counts else {"__count": str(count)})}}
    return {"value": rows, **linked, **({} if not counts else {"@odata.count": count})}


if __name__ == "__main__":
    run(__doc__, lambda options: CarelessService())
