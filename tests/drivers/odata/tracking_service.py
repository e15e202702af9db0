"""An OData service of both versions that tells what has changed page by page, and forgets it.

``/v2/S/Rows`` is a delta queue as SAP's (ODP): each mark is a request of its own, which can be
repeated until the next mark is asked for, and is forgotten then. ``/v4/S/Rows`` is the same with
delta links, and without a queue: a list of what has changed that may be shifted.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

_TYPE: Final = """<EntityType Name="Row"><Key><PropertyRef Name="ID"/></Key>
<Property Name="ID" Type="Edm.String" Nullable="false"/>
<Property Name="Amount" Type="Edm.Decimal" Precision="10" Scale="1"/>{mode}</EntityType>
<EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/></EntityContainer>"""
_V2: Final = (
    '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://schemas.microsoft.com/ado/2008/09/edm"'
    ">{type}</Schema></edmx:DataServices></edmx:Edmx>"
)
_V4: Final = (
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://docs.oasis-open.org/odata/ns/edm"'
    ">{type}</Schema></edmx:DataServices></edmx:Edmx>"
)
_MODE: Final = '<Property Name="ODQ_CHANGEMODE" Type="Edm.String"/>'
ROWS: Final = 20  # of the whole
CHANGES: Final = 50  # behind each mark; every seventh is a deletion


def start_tracking_service() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("tracking OData service", "tests.drivers.odata.tracking_service")


class TrackingService(Emulator):
    """Its marks are numbers: that of the whole is 1, and what is asked for with 1 leads to 2."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        "cap": 10,
        "marks": 2,  # behind so many of them something has changed
        "asked_once": False,  # a mark is good for one request
        "forgets": False,  # what was told behind a mark is not told again for it
        "links_refused": 0,  # so many links are too old
        "shifted": 0,  # so many of what had changed first have changed again since
    }

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def reset(self) -> None:
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self.newest = 0  # the newest mark that was asked for: those before are confirmed
        self.told = 0  # rows behind it
        self.refused = 0

    def handle(self, request: Request) -> Answer:
        version = int(request.parts[0].removeprefix("v"))
        rest = request.parts[2:]
        if rest == ["$metadata"]:
            told = _TYPE.format(mode=_MODE if version == 2 else "")
            text = (_V2 if version == 2 else _V4).format(type=told)
            return Answer(body=text, content_type="application/xml")
        if rest != ["Rows"]:
            return Answer(404, {"error": {"code": "X/1", "message": "no such resource"}})
        token = re.search(r"[!$]deltatoken='?(\d+)", request.target.replace("%27", "'"))
        page = re.search(r"(\d+)\.(\d+)", request.one("$skiptoken"))
        if page:
            if self.refused < self.knob("links_refused"):
                self.refused += 1
                return _gone("the link")
            return self._page(request, version, int(page[1]), int(page[2]))
        return self._begin(request, version, int(token[1]) if token else 0)

    def _begin(self, request: Request, version: int, mark: int) -> Answer:
        known = range(max(1, self.newest), self.knob("marks") + 2)
        if mark and (mark not in known or (self.knob("asked_once") and mark == self.newest)):
            return _gone("the mark")
        if mark > self.newest:
            self.told = 0
        self.newest = mark
        return self._page(request, version, mark, self.told if self.knob("forgets") else 0)

    def _page(self, request: Request, version: int, mark: int, first: int) -> Answer:
        rows = [_row(one, 0) for one in range(ROWS)]
        if mark:
            rows = changes(mark) if mark <= self.knob("marks") else []
            moved = self.knob("shifted")
            rows = [*rows[moved:], *rows[:moved]]
        last = min(first + self.knob("cap"), len(rows))
        self.told = max(self.told, last)
        root = f"{self.origin}{request.path}"
        link = f"{root}?$skiptoken='{mark}.{last}'" if last < len(rows) else None
        following = mark + 1 if rows else mark
        sign = "!" if version == 2 else "$"
        delta = None if link else f"{root}?{sign}deltatoken='{following}'"
        told = [_told(one, version) for one in rows[first:last]]
        names = ("__next", "__delta") if version == 2 else ("@odata.nextLink", "@odata.deltaLink")
        links = {
            name: one for name, one in zip(names, (link, delta), strict=True) if one is not None
        }
        body = {"results" if version == 2 else "value": told, **links}
        return Answer(body={"d": body} if version == 2 else body)


def changes(mark: int) -> list[dict[str, Any]]:
    """What has changed behind a mark; the first record has done so twice."""
    rows = [_row(one, mark) for one in range(CHANGES - 1)]
    return [*rows, _row(0, mark + 100)]


def _row(number: int, mark: int) -> dict[str, Any]:
    mode = "D" if mark and number % 7 == 6 else ""
    return {"ID": f"{number:04d}", "Amount": f"{number + mark}.5", "ODQ_CHANGEMODE": mode}


def _told(row: dict[str, Any], version: int) -> dict[str, Any]:
    if version == 2:
        return row
    if row["ODQ_CHANGEMODE"] == "D":
        return {"@removed": {"reason": "deleted"}, "@id": f"Rows('{row['ID']}')"}
    return {name: row[name] for name in ("ID", "Amount")}


def _gone(what: str) -> Answer:
    return Answer(410, {"error": {"code": "X/2", "message": f"{what} is not good any more"}})


if __name__ == "__main__":
    run(__doc__, lambda options: TrackingService())
