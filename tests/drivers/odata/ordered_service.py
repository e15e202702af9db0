"""An OData service whose keys are in an order of its own: of identifiers, of letters, or of both.

``/v4/S/Rows`` has the key columns ``Client`` (always ``"100"``) and ``ID``. ``kind`` says what that
is: a guid, or a text of letters. They are sorted as ``order`` says, and compared as ``compared``
does: ``bytes`` from the first to the last, ``last bytes`` first as SQL Server does with
identifiers, or ``letters`` without regard to upper and lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar, Final
from uuid import UUID

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

_METADATA: Final = (
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    '<EntityType Name="Row"><Key><PropertyRef Name="Client"/><PropertyRef Name="ID"/></Key>'
    '<Property Name="Client" Type="Edm.String" Nullable="false"/>'
    '<Property Name="ID" Type="{type}" Nullable="false"/>'
    '<Property Name="Place" Type="Edm.Int32"/></EntityType>'
    '<EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/></EntityContainer>'
    "</Schema></edmx:DataServices></edmx:Edmx>"
)
_TYPES: Final = {"guid": "Edm.Guid", "letters": "Edm.String", "digits": "Edm.String"}


def start_ordered_service() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("ordered OData service", "tests.drivers.odata.ordered_service")


@cache
def keys_of(kind: str, rows: int) -> list[str]:
    """The keys of all rows, in no order."""
    found = []
    for number in range(rows):
        drawn = sha256(str(number).encode()).digest()
        letters = "".join(chr(65 + one % 26 + 32 * (one > 127)) for one in drawn[:6])
        found.append(
            {
                "guid": str(UUID(bytes=drawn[:16])),
                "letters": f"{letters}{number}",
                "digits": f"{number:06d}",
            }[kind]
        )
    return found


_ORDERS: Final[dict[str, Callable[[str], Any]]] = {
    "bytes": lambda key: key,
    # In groups: the last six bytes, then the two before, and so on; the first three turned around.
    "last bytes": lambda key: (
        key[24:36], key[19:23], *(bytes.fromhex(key[a:b])[::-1] for a, b in ((14, 18), (9, 13), (0, 8)))
    ),
    "letters": lambda key: (key.casefold(), key),
}  # fmt: skip


class OrderedService(Emulator):
    """``cap`` rows at once."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults, "rows": 600, "cap": 25, "kind": "guid", "order": "bytes",
        "compared": "bytes", "skips": True,
    }  # fmt: skip

    def handle(self, request: Request) -> Answer:
        kind = self.knob("kind")
        if request.parts[-1] == "$metadata":
            return Answer(body=_METADATA.format(type=_TYPES[kind]), content_type="application/xml")
        keys = [
            key
            for key in keys_of(kind, self.knob("rows"))
            if self._fits(key, request.one("$filter"))
        ]
        if request.parts[-1] == "$count":
            return Answer(body=str(len(keys)), content_type="text/plain")
        backwards = request.one("$orderby").endswith("desc")
        keys.sort(key=_ORDERS[self.knob("order")], reverse=backwards)
        skip = int(request.one("$skip") or 0) if self.knob("skips") else 0
        top = min(self.knob("cap"), int(request.one("$top") or len(keys)))
        value = [
            {"Client": "100", "ID": key, "Place": place}
            for place, key in enumerate(keys[skip : skip + top])
        ]
        return Answer(body={"@odata.count": len(keys), "value": value})

    def _fits(self, key: str, condition: str) -> bool:
        """Whether a condition, of nothing but comparisons of the key, holds."""
        value = _ORDERS[self.knob("compared")]

        def decided(test: re.Match[str]) -> str:
            name, how, bound = test[1], test[2], test[3].strip("'")
            own, other = (value(key), value(bound)) if name == "ID" else ("100", bound)
            return str(
                {"eq": own == other, "gt": own > other, "ge": own >= other, "lt": own < other,
                 "le": own <= other}[how]
            )  # fmt: skip

        text = re.sub(r"(Client|ID) (eq|gt|ge|lt|le) ('[^']*'|[\w-]+)", decided, condition)
        assert re.fullmatch(r"(True|False|and|or|[() ])*", text), text
        return bool(eval(text or "True"))


if __name__ == "__main__":
    run(__doc__, lambda options: OrderedService())
