"""The Infor EAM emulator, in a process of its own.  See ``README_business.md``."""

from __future__ import annotations

import argparse
import json
import threading
from typing import Any, ClassVar
from urllib.parse import unquote
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from .business_emulator import BusinessEmulator
from .business_sessions import Sessions
from .historian_access import (
    basic_is_right,
    bearer_is_right,
    token_answer,
)
from .historian_http import Answer, Refused, Request, run
from .infor_grids import Dialect, GridFault, filters, record, sort_key, sorting
from .infor_rows import GRIDS, Grid, asset_entity, work_order_entity
from .maintained_plant import ASSETS, asset, work_order

NO_SESSION = "com.dstm.mp.businessprocess.NoSessionException"
DEFAULT_DATASPY, ALL_DATASPY = "100", "101"
_KEPT_RESULTS = 8
_ENTITIES = {"workorders": "WorkOrder", "assets": "AssetEquipment"}


class InforEmulator(BusinessEmulator):
    """Grids and entities over REST."""

    path = "/axis/restservices"
    defaults: ClassVar[dict[str, Any]] = {
        **BusinessEmulator.defaults,
        "tenant": "GREENLANG_TST",
        "organizations": ["*", "BEDFORD", "NASHUA", "DRESDEN"],
        "session_seconds": 3600.0,
        "session_uses": 0,  # a session is lost after so many requests; 0 is never
        "zone": "Europe/Berlin",  # the clock of all dates
        "dates": "oracle",  # of grids: oracle, iso, us or german
        "numbers": "english",  # of grids: english (1,234.50), german (1.234,50) or plain
        "true": "-1",  # how a grid says yes: -1, 1, + or true
        "default_dataspy": DEFAULT_DATASPY,  # hides what is finished; 101 shows everything
        "max_rows": 1_000,  # a larger page is cut down without a word
        "cursor": "zero",  # after the last page: zero, missing, stuck; loop: never ends
        "grids": {},  # further names of grids
        "grow": 0,  # so many work orders more after each page of them
    }

    def __init__(self, orders: int = 2_000) -> None:
        super().__init__()
        self._orders = orders
        self._grown = 0
        self._sessions = Sessions()
        self._results: dict[str, list[int]] = {}
        self._work = threading.Lock()

    def reset(self) -> None:
        super().reset()
        self._grown = 0
        self._sessions.clear()

    # --- routes --------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        if request.path == "/oauth2/token":
            return token_answer(self, self.tokens, request)
        self.rate.take(self)
        if not request.path.startswith(f"{self.path}/"):
            return Answer(404, "<html>404</html>", content_type="text/html")
        session = self._admit(request)
        try:
            answer = Answer(200, {"Result": {"ResultData": self._read(request)}})
        except GridFault as fault:
            answer = _alert(str(fault), fault.name)
        if session:
            answer.headers["sessionid"] = session
        return answer if "json" in request.headers.get("accept", "") else _as_xml(answer)

    def too_many(self, reason: str = "rate") -> Any:
        return _alert(f"Too many requests: {reason}", "ThrottlingException").body

    def _admit(self, request: Request) -> str:
        """Who may ask; returns the id of a session that was opened."""
        for header, known in (
            ("tenant", [self.knob("tenant")]),
            ("organization", self.knob("organizations")),
        ):
            if request.headers.get(header) not in known:
                raise Refused(
                    _alert(f"The {header} is missing or not valid.", "ValidationException")
                )
        keeps = request.headers.get("keepsession", "").lower() == "true"
        given = request.headers.get("sessionid", "")
        if given:
            if not self._sessions.use(given):
                raise Refused(_alert("The session does not exist or has expired.", NO_SESSION))
            return ""
        if not (
            basic_is_right(self, request, "user", "password")
            or bearer_is_right(self.tokens, request)
        ):
            alert = _alert("The user or the password is not valid.", "LoginException")
            raise Refused(Answer(401, alert.body))
        if not keeps:
            return ""
        return self._sessions.open(self.knob("session_seconds"), self.knob("session_uses"))

    def _read(self, request: Request) -> dict[str, Any]:
        room = request.parts[2]
        # A bare # in the path ends it; clients must send it as %23.
        code = unquote("/".join(request.parts[3:]))
        if room == "grids" and request.method == "POST" and not code:
            return self._grid(request)
        if room not in _ENTITIES or request.method != "GET":
            raise GridFault(f"The resource {room} does not exist.", "ResourceException")
        return self._entity(room, code) if code else self._entities(request, room)

    # --- entities ------------------------------------------------------------------------

    def _rows(self, room: str) -> int:
        return ASSETS if room == "assets" else self._orders + self._grown

    def _told(self, room: str, index: int) -> dict[str, Any]:
        make = asset_entity if room == "assets" else work_order_entity
        return make(index, ZoneInfo(self.knob("zone")))

    def _entity(self, room: str, code: str) -> dict[str, Any]:
        number, _, organization = code.partition("#")
        make = asset if room == "assets" else work_order
        for index in range(self._rows(room)):
            found = make(index)
            if (found.number, found.site.name) == (number, organization):
                return {_ENTITIES[room]: self._told(room, index)}
        raise GridFault(f"The record {code} could not be found.", "RecordNotFoundException")

    def _entities(self, request: Request, room: str) -> dict[str, Any]:
        start = _whole(request.headers.get("cursorposition") or "0")
        end = min(start + min(100, self.knob("max_rows")), self._rows(room))
        records = [{_ENTITIES[room]: self._told(room, index)} for index in range(start, end)]
        last = end >= self._rows(room)
        return {"DATARECORD": records, **self._cursors(start, end, last=last)}

    # --- grids ---------------------------------------------------------------------------

    def _grid(self, request: Request) -> dict[str, Any]:
        try:
            body = json.loads(request.body)
            asked = body["GRID"]
            name = asked["GRID_NAME"]
        except (KeyError, TypeError, ValueError) as error:
            raise GridFault(f"The request cannot be read: {error}") from error
        grid = GRIDS.get(self.knob("grids").get(name, name))
        if grid is None:
            raise GridFault(f"The grid {name} does not exist.")
        if not str(body.get("REQUEST_TYPE", "")).startswith("LIST."):
            raise GridFault("The request type is not valid.")
        places = self._places(body, grid)
        start = _whole(str(asked.get("CURSOR_POSITION") or 0))
        wanted = _whole(str(asked.get("NUMBER_OF_ROWS_FIRST_RETURNED") or 50))
        end = min(start + min(wanted, self.knob("max_rows")), len(places))
        dialect = self._dialect()
        records = [record(grid.make(index), grid, dialect) for index in places[start:end]]
        last = end >= len(places)
        if grid.rows < 0:
            self._grown += self.knob("grow")
        return {
            "METADATA": {"RECORDS": str(len(records)), "MORERECORDPRESENT": "" if last else "+"},
            "DATAENTITYNAME": name,
            **self._cursors(start, end, last=last),
            "DATARECORD": records,
        }

    def _dialect(self) -> Dialect:
        return Dialect(
            ZoneInfo(self.knob("zone")), self.knob("dates"), self.knob("numbers"), self.knob("true")
        )

    def _places(self, body: dict[str, Any], grid: Grid) -> list[int]:
        """The rows that the dataspy and the filters leave; the last few results are kept."""
        dataspy = str((body.get("DATASPY") or {}).get("DATASPY_ID") or self.knob("default_dataspy"))
        if dataspy not in {DEFAULT_DATASPY, ALL_DATASPY}:
            raise GridFault(f"The dataspy {dataspy} does not exist.")
        count = self._orders + self._grown if grid.rows < 0 else grid.rows
        dialect = self._dialect()
        asked = [body.get(part) for part in ("MULTIADDON_FILTERS", "ADDON_SORT")]
        key = json.dumps([id(grid), asked, dataspy, count, repr(dialect)])
        with self._work:
            if key not in self._results:
                if len(self._results) >= _KEPT_RESULTS:
                    self._results.pop(next(iter(self._results)))
                hides = dataspy == DEFAULT_DATASPY
                self._results[key] = _search(body, grid, count, dialect, hides=hides)
            return self._results[key]

    def _cursors(self, start: int, end: int, *, last: bool) -> dict[str, Any]:
        found: dict[str, Any] = {"CURRENTCURSORPOSITION": start, "NEXTCURSORPOSITION": end}
        form = self.knob("cursor")
        if form == "loop":
            return found | {"NEXTCURSORPOSITION": 0 if last else end}
        if last and form == "missing":
            del found["NEXTCURSORPOSITION"]
        elif last:
            found["NEXTCURSORPOSITION"] = start if form == "stuck" else 0
        return found


def _search(
    body: dict[str, Any], grid: Grid, count: int, dialect: Dialect, *, hides: bool
) -> list[int]:
    test, order = filters(body, grid, dialect), sorting(body, grid)
    found = [
        (index, [sort_key(row, name, grid, dialect) for name, _ in order])
        for index, row in enumerate(map(grid.make, range(count)))
        if not (hides and grid.hidden(row)) and test(row)
    ]
    for column in reversed(range(len(order))):
        found.sort(key=lambda pair: pair[1][column], reverse=order[column][1])
    return [index for index, _ in found]


def _whole(text: str) -> int:
    if not text.isdigit():
        raise GridFault(f"{text} is no number.")
    return int(text)


def _alert(message: str, name: str) -> Answer:
    alert = {"Code": "8", "Location": "", "Message": message, "Name": name}
    return Answer(400, {"ErrorAlert": [alert], "Result": None})


def _as_xml(answer: Answer) -> Answer:
    """What a client gets that does not ask for JSON."""
    text = f'<?xml version="1.0"?><Response>{escape(json.dumps(answer.body))}</Response>'
    return Answer(answer.status, text, answer.headers, "application/xml")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--orders", type=int, default=2_000)


if __name__ == "__main__":
    run(__doc__, lambda options: InforEmulator(options.orders), _options)
