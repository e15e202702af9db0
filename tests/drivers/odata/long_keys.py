"""An OData service whose keys are long: megabytes of them in a moment, made while they are read."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tests.peers.historian_http import Answer, Emulator, Request, run

_PAGE: Final = 2_000
_METADATA: Final = (
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    '<EntityType Name="Row"><Key><PropertyRef Name="ID"/></Key>'
    '<Property Name="ID" Type="Edm.String" Nullable="false"/></EntityType>'
    '<EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/></EntityContainer>'
    "</Schema></edmx:DataServices></edmx:Edmx>"
)


class LongKeys(Emulator):
    """``rows`` rows with keys of ``length`` digits, 2,000 of them at once."""

    defaults: ClassVar[dict[str, Any]] = {**Emulator.defaults, "rows": 1_000, "length": 800}

    def handle(self, request: Request) -> Answer:
        rows, zeros = self.knob("rows"), "0" * (self.knob("length") - 8)
        if request.parts[-1] == "$metadata":
            return Answer(body=_METADATA, content_type="application/xml")
        if request.parts[-1] == "$count":
            return Answer(body=str(rows), content_type="text/plain")
        after = re.search(r"ID gt '(\d+)'", request.one("$filter"))
        first = int(after[1]) + 1 if after else 0
        numbers = range(first, min(first + _PAGE, rows))
        value = [{"ID": f"{zeros}{one:08d}"} for one in numbers]
        return Answer(body={"@odata.count": rows, "value": value})


if __name__ == "__main__":
    run(__doc__, lambda options: LongKeys())
