"""The Dynamics 365 finance and operations emulator, in a process of its own.

See ``README_business.md``.
"""

from __future__ import annotations

import argparse
import re
from typing import Any, ClassVar

from .dynamics_base import JSON, DynamicsEmulator, whole
from .dynamics_rows import finance_tables
from .erp_live import Table
from .historian_http import Answer, Request, run
from .odata_filter import BadFilter
from .odata_types import dumps_raw


class FinanceEmulator(DynamicsEmulator):
    """Wide entities of several companies, of which a caller sees only their own."""

    path = "/data"
    namespace = "Microsoft.Dynamics.DataEntities"
    defaults: ClassVar[dict[str, Any]] = {
        **DynamicsEmulator.defaults,
        "page": 10_000,
        "company": "usmf",  # the caller's own
        "token": "skip",  # what next links page with: skip or skiptoken
    }

    def __init__(self, lines: int = 30_000) -> None:
        super().__init__()
        self.tables = finance_tables(lines)

    def error(self, status: int, message: str) -> Answer:
        inner = {
            "message": message,
            "type": "Microsoft.OData.ODataException",
            "stacktrace": "   at",
        }
        told = {"code": "", "message": "An error has occurred.", "innererror": inner}
        return Answer(status, {"error": told})

    def collection(self, request: Request, table: Table) -> Answer:
        self._check_enumerations(request, table)
        own = ""
        if "dataAreaId" in table.columns and request.one("cross-company").lower() != "true":
            own = f"dataAreaId eq '{self.knob('company')}'"
        top, skip = whole(request, "$top"), whole(request, "$skip") or 0
        start = skip
        token = request.one("$skiptoken")
        if token:
            if not re.fullmatch(r"at-\d+", token):
                raise BadFilter("The skip token is not valid.")
            start = int(token[3:])
        page = self.largest_page(self.knob("page"))
        places = self.places(request, table, own, start // page)
        end = min(len(places), start + top if top is not None else len(places))
        stop = min(end, start + page)
        shift = self.shift(request, start)
        found = self.body(request, table, places[start - shift : stop - shift], len(places))
        if stop < end:
            more = (
                {"$skip": str(stop)}
                if self.knob("token") == "skip"
                else {"$skiptoken": f"at-{stop}"}
            )
            if top is not None:
                more["$top"] = str(top - (stop - start))
            found["@odata.nextLink"] = self.link(request, more)
        self.turn_page()
        return Answer(200, dumps_raw(found), {"OData-Version": "4.0"}, JSON)

    @staticmethod
    def _check_enumerations(request: Request, table: Table) -> None:
        """An enumeration is compared with its own members, not with a text."""
        for name, column in table.columns.items():
            wrong = re.search(rf"\b{name}\s+(eq|ne)\s+'", request.one("$filter"))
            if column.kind in {"yesno", "unittype"} and wrong:
                raise BadFilter(
                    "A binary operator with incompatible types was detected. Found operand types "
                    "'Microsoft.Dynamics.DataEntities.NoYes' and 'Edm.String'."
                )

    def too_many(self, reason: str = "rate") -> Any:
        return {"error": {"code": "429", "message": f"Resource limits exceeded: {reason}."}}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=int, default=30_000)


if __name__ == "__main__":
    run(__doc__, lambda options: FinanceEmulator(options.lines), _options)
