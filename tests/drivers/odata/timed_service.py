"""An OData service of rows with times: ``/v4/S/Rows`` has the key ``ID`` and a time ``ValidTo``.

``values`` are the times as they are written, ``cap`` of which come at once. It knows no filters.
The row ``twice`` has its time twice, the other one first.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

_METADATA: Final = (
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    '<EntityType Name="Row"><Key><PropertyRef Name="ID"/></Key>'
    '<Property Name="ID" Type="Edm.Int32" Nullable="false"/>'
    '<Property Name="ValidTo" Type="Edm.DateTimeOffset" Precision="7"/></EntityType>'
    '<EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/></EntityContainer>'
    "</Schema></edmx:DataServices></edmx:Edmx>"
)


def start_timed_service() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("timed OData service", "tests.drivers.odata.timed_service")


class TimedService(Emulator):
    """Its pages follow by ``$skip``."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        "values": [],
        "cap": 1000,
        "twice": None,
    }

    def handle(self, request: Request) -> Answer:
        if request.parts[-1] == "$metadata":
            return Answer(body=_METADATA, content_type="application/xml")
        values = self.knob("values")
        if request.parts[-1] == "$count":
            return Answer(body=str(len(values)), content_type="text/plain")
        if " gt " in request.one("$filter"):
            return Answer(501, {"error": {"code": "X/1", "message": "no comparisons"}})
        rows = [{"ID": place, "ValidTo": one} for place, one in enumerate(values)]
        names = request.one("$select").split(",") if request.one("$select") else ["ID", "ValidTo"]
        first = int(request.one("$skip") or 0)
        window = rows[first : first + self.knob("cap")]
        value = [{name: row[name] for name in names} for row in window]
        body = json.dumps({"@odata.count": len(rows), "value": value})
        if self.knob("twice") is not None:
            start = f'{{"ID": {self.knob("twice")}, '
            body = body.replace(start, f'{start}"ValidTo": "2001-01-01T00:00:00Z", ')
        return Answer(body=body, content_type="application/json")


if __name__ == "__main__":
    run(__doc__, lambda options: TimedService())
