"""A pod with few orders of many lines, of which only the first come with their order."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

_ROOT = "/fscmRestApi/resources/11.13.18.05"


def _attributes(**kinds: str) -> dict[str, Any]:
    return {"attributes": [{"name": name, "type": kind} for name, kind in kinds.items()]}


class ManyLines(Emulator):
    """``orders`` orders, ``at_once`` in a page, every second with ``lines`` lines.

    Of these ``with_order`` come with it, or else ``page`` at once, from the offset that is asked
    for with ``offsets``.
    """

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults, "orders": 4, "at_once": 500, "lines": 60, "with_order": 25, "page": 500,
        "offsets": True, "honest": True, "total_lie": 0, "keyless": None,
    }  # fmt: skip

    def handle(self, request: Request) -> Answer:
        parts = request.path.removeprefix(f"{_ROOT}/").split("/")
        if parts[-1] == "describe":
            lines = _attributes(POLineId="integer", POHeaderId="integer", Quantity="number")
            orders = _attributes(POHeaderId="integer", OrderNumber="string")
            return Answer(
                body={"Resources": {"purchaseOrders": {**orders, "children": {"lines": lines}}}}
            )
        if parts[-1] == "lines":
            first = int(request.one("offset") or 0) if self.knob("offsets") else 0
            found = self._lines(int(parts[1]))[first : first + self.knob("page")]
            return Answer(body={"items": found, "count": len(found), "hasMore": True})
        after = int(request.one("q", "POHeaderId > -1").split()[-1])
        items = [self._order(one) for one in range(self.knob("orders")) if one > after]
        items = items[: self.knob("at_once")]
        total = self.knob("orders") + self.knob("total_lie")
        told = {"totalResults": total} if request.one("totalResults") else {}
        return Answer(body={"items": items, "count": len(items), "hasMore": False, **told})

    def _order(self, number: int) -> dict[str, Any]:
        lines = self._lines(number)
        some = lines[: self.knob("with_order")]
        return {
            "POHeaderId": None if number == self.knob("keyless") else number,
            "OrderNumber": f"{number:05d}",
            "lines": {
                "items": some,
                "count": len(some),
                "limit": self.knob("with_order"),
                "hasMore": self.knob("honest") and len(some) < len(lines),
            },
            "links": [{"rel": "self", "href": f"{self.origin}{_ROOT}/purchaseOrders/{number}"}],
        }

    def _lines(self, order: int) -> list[dict[str, Any]]:
        # Every second order has few lines, which all come along.
        count = self.knob("lines") if order % 2 else 3
        return [
            {"POLineId": order * 1000 + one, "POHeaderId": order, "Quantity": one}
            for one in range(count)
        ]


def start_many_lines() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("orders of many lines", __name__)


if __name__ == "__main__":
    run(__doc__, lambda options: ManyLines())
