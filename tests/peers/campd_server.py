"""An emulator of EPA's CAMPD, in a process of its own: hourly emissions, paged and streamed.

Written from what EPA's open back ends (``easey-emissions-api``, ``easey-streaming-services``) were
seen to do.  ``campd_truth.py`` says what the hours hold.  Knobs:

``published``   the last day of the last published quarter; a later endDate is a 400
``lying_count`` added to X-Total-Count
``unclosed``    so many streamed answers end after a share of their rows, with a right length and
                without the closing bracket, as when the database fails
``torn_count``  X-Total-Count grows by one with each page
``extra_row``   added to streamed rows
``other_year``  the export answers with a report of so many years later
``stray_value`` a derived value of an hour that is not there

The export of quarterly reports is there too; ``ecmps_truth.py`` says what they hold.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any, ClassVar

from . import campd_truth, ecmps_truth
from .historian_http import Answer, Emulator, Refused, Request, run

KEY = "peer-key-s3cret"
STREAMED = "/streaming-services/emissions/apportioned/hourly"
PAGED = "/emissions-mgmt/emissions/apportioned/hourly"
HOURLY = "/streaming-services/emissions/hourly/"
EXPORT = "/emissions-mgmt/emissions/export"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def refused(status: int, message: Any) -> Refused:
    body = {"message": message, "errorId": "5f0c4b1e-peer", "statusCode": status}
    return Refused(Answer(status, body))


class CampdEmulator(Emulator):
    """Answers the two kinds of endpoint."""

    path = "/easey"
    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        "published": "2025-12-31",
        "lying_count": 0,
        "torn_count": False,
        "unclosed": 0,
        "extra_row": None,
        "other_year": 0,
        "stray_value": False,
    }

    def handle(self, request: Request) -> Answer:
        if request.path == self.path + EXPORT:
            return self._export(request)
        if request.headers.get("x-api-key", request.one("api_key")) != KEY:
            code = "API_KEY_INVALID" if "x-api-key" in request.headers else "API_KEY_MISSING"
            raise Refused(Answer(403, {"error": {"code": code, "message": "No valid api_key."}}))
        kind = request.path.removeprefix(self.path)
        if kind.startswith(HOURLY):
            return self._hourly(request, kind.removeprefix(HOURLY))
        if kind not in (STREAMED, PAGED):
            raise refused(404, f"Cannot GET {request.path}")
        begin, end = self._days(request)
        facilities = [int(one) for one in request.one("facilityId").split("|") if one]
        states = [one for one in request.one("stateCode").split("|") if one]
        if kind == STREAMED:
            return self._streamed(request, begin, end, facilities, states)
        return self._paged(request, list(campd_truth.rows(begin, end, facilities, states)))

    def _export(self, request: Request) -> Answer:
        """A quarter of the one plan; nobody has to log in for it."""
        if request.one("monitorPlanId") != ecmps_truth.PLAN:
            raise refused(404, "Resource not found")
        year = int(request.one("year")) + self.knob("other_year")
        return Answer(200, ecmps_truth.report(year, int(request.one("quarter"))))

    def _hourly(self, request: Request, name: str) -> Answer:
        """Operating hours, or the derived values of them, of one location."""
        begin, end = self._days(request)
        found = ecmps_truth.streamed(name, request.one("locationName"), begin, end)
        if name == "derived-values" and self.knob("stray_value"):
            found.append({**found[0], "hourId": "STRAY"})
        text = "[\n" + "\n,\n".join(map(json.dumps, found)) + "\n]\n"
        return Answer(200, text, {}, request.headers.get("accept", "*/*"))

    def _days(self, request: Request) -> tuple[date, date]:
        days = []
        for name in ("beginDate", "endDate"):
            text = request.one(name)
            if not DAY.fullmatch(text):
                raise refused(400, [f"{name} should be in the YYYY-MM-DD format"])
            days.append(date.fromisoformat(text))
        if days[1] > date.fromisoformat(self.knob("published")):
            last = date.fromisoformat(self.knob("published"))
            raise refused(
                400,
                [f"Enter an endDate that is on or before the quarter ending on {last:%m/%d/%Y}"],
            )
        return days[0], days[1]

    def _streamed(
        self, request: Request, begin: date, end: date, facilities: list[int], states: list[str]
    ) -> Answer:
        found = [
            json.dumps({**row, "year": int(row["year"]), "unit_id": int(row["unit_id"])})
            for row in campd_truth.rows(begin, end, facilities, states)
        ]
        found += [campd_truth.bulk_rows(begin, end)] if "TX" in states else []
        if self.knob("extra_row"):
            found.append(json.dumps(self.knob("extra_row")))
        headers = {
            "Content-Disposition": 'attachment; filename="hourly-emissions.json',
            "X-Field-Mappings": '[{"label":"SO2 Mass (lbs)","value":"so2Mass"}]',
        }
        accept = request.headers.get("accept", "*/*")
        if not found:
            return Answer(200, "[\n\n]\n", headers, accept)
        text = "[\n" + "\n,\n".join(found) + "\n]\n"
        with self.lock:
            left = self.knob("unclosed")
            if left:
                self.changed["unclosed"] = left - 1
        if left:
            text = "[\n" + "\n,\n".join(found[: max(1, len(found) * 2 // 3)]) + "\n"
        return Answer(200, text, headers, accept)

    def _paged(self, request: Request, found: list[dict[str, Any]]) -> Answer:
        page, size = request.one("page"), request.one("perPage")
        if not page.isdigit() or not size.isdigit() or not 1 <= int(size) <= 500 or page == "0":
            raise refused(400, ["page and perPage are required, perPage at most 500"])
        number, per = int(page), int(size)
        part = found[(number - 1) * per : number * per]
        headers = {}
        if len(found) > per:
            total = len(found) + self.knob("lying_count")
            total += number if self.knob("torn_count") else 0
            headers["X-Total-Count"] = str(total)
            # There even past the end.
            headers["Link"] = f'<{request.path}?page={number + 1}&perPage={per}>; rel="next"'
        return Answer(200, part, headers)


if __name__ == "__main__":
    run(__doc__, lambda _: CampdEmulator())
