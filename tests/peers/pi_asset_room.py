"""Asset servers, databases, elements, attributes and event frames of the PI emulator."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from . import pi_assets, pi_times, pi_webid
from .historian_http import Request
from .pi_door import PiDoor
from .pi_points import name_pattern
from .pi_values import refuse


class AssetRoom(PiDoor):
    """``assetservers``, ``assetdatabases``, ``elements``, ``attributes`` and ``eventframes``."""

    # --- asset framework -----------------------------------------------------------------

    def _attribute(self, text: str) -> pi_assets.Attribute:
        web_id = self._web_id(text)
        for attribute in self.attributes:
            same = attribute.web_id(web_id.kind) == text
            if same or (web_id.name and web_id.name == attribute.path.upper()):
                return attribute
        raise refuse(404, f"The attribute '{text[:60]}' was not found.")

    def _attribute_at(self, path: str) -> pi_assets.Attribute:
        for attribute in self.attributes:
            if ("\\\\" + attribute.path).upper() == path.upper():
                return attribute
        raise refuse(404, f"The attribute '{path}' was not found.")

    def _attributes(self, request: Request, rest: list[str]) -> Any:
        kind = self._kind(request)
        room = rest[0].lower() if rest else ""
        if not rest:
            return self._attribute_at(request.one("path")).body(kind, self._links)
        if room == "search":
            pattern = name_pattern(request.one("query").rpartition(":")[2].strip("='\"") or "*")
            rows = [a.body(kind, self._links) for a in self.attributes if pattern.fullmatch(a.name)]
            return self._page(request, rows, self.knob("max_returned"))
        if room != "multiple":
            return self._attribute(rest[0]).body(kind, self._links)
        return self._multiple(request, {"path": self._attribute_at, "webid": self._attribute})

    def _asset_servers(self, request: Request, rest: list[str]) -> Any:
        kind = self._kind(request)
        keys = (pi_assets.AF_SERVER_ID,)
        web_id = pi_webid.encode(kind, "RS", keys, pi_assets.AF_SERVER)
        server = {
            "WebId": web_id,
            "Name": pi_assets.AF_SERVER,
            "Path": f"\\\\{pi_assets.AF_SERVER}",
        }
        if len(rest) == 2 and rest[1].lower() == "assetdatabases":
            return {"Links": {}, "Items": [self._database(kind)]}
        return server if rest else {"Links": {}, "Items": [server]}

    @staticmethod
    def _database(kind: str) -> dict[str, Any]:
        path = rf"{pi_assets.AF_SERVER}\{pi_assets.DATABASE}"
        keys = (pi_assets.AF_SERVER_ID, pi_assets.DATABASE_ID)
        web_id = pi_webid.encode(kind, "RD", keys, path)
        return {"WebId": web_id, "Name": pi_assets.DATABASE, "Path": f"\\\\{path}"}

    def _asset_databases(self, request: Request, rest: list[str]) -> Any:
        if not rest:
            return self._database(self._kind(request))
        self._require_database(rest[0])
        if rest[1:] == ["eventframes"]:
            return self._event_frames(request, ["search"])
        return self._database(self._kind(request))

    def _require_database(self, text: str) -> None:
        if text not in {self._database(kind)["WebId"] for kind in "FIPLD"}:
            raise refuse(404, f"The database '{text[:60]}' was not found.")

    def _elements(self, request: Request, rest: list[str]) -> Any:
        names = list(dict.fromkeys(attribute.element for attribute in self.attributes))
        kind = self._kind(request)
        found = [self._element(name, kind) for name in names]
        if not rest:
            asked = request.one("path").upper()
            found = [element for element in found if element["Path"].upper() == asked]
        else:
            found = [
                e
                for e in found
                if rest[0] in {self._element(e["Name"], k)["WebId"] for k in "FIPLD"}
            ]
        if not found:
            raise refuse(404, "The element was not found.")
        if rest[1:] == ["attributes"]:
            inside = [a for a in self.attributes if a.element == found[0]["Name"]]
            rows = [attribute.body(kind, self._links) for attribute in inside]
            return self._page(request, rows, self.knob("max_returned"))
        if rest[1:] == ["eventframes"]:
            return self._event_frames(request, ["search"])
        return found[0]

    @staticmethod
    def _element(name: str, kind: str) -> dict[str, Any]:
        path = rf"{pi_assets.AF_SERVER}\{pi_assets.DATABASE}\{name}"
        web_id = pi_webid.encode(kind, "Em", (pi_assets.AF_SERVER_ID, pi_assets.guid(path)), path)
        return {"WebId": web_id, "Name": name, "Path": f"\\\\{path}", "Links": {}}

    def _event_frames(self, request: Request, rest: list[str]) -> Any:
        kind, zone = self._kind(request), ZoneInfo(self.knob("time_zone"))
        if request.one("databaseWebId"):
            self._require_database(request.one("databaseWebId"))
        if [part.lower() for part in rest] != ["search"]:
            raise refuse(404, "The event frame was not found.")
        try:
            start, end = (
                pi_times.parse(request.one(name) or default, self._now(), zone)
                for name, default in (("startTime", "*-8h"), ("endTime", "*"))
            )
        except ValueError as error:
            raise refuse(400, str(error)) from error
        pattern = name_pattern(request.one("nameFilter") or "*")
        rows = [f.body(kind, self._links) for f in pi_assets.overlapping(start, end)]
        rows = [row for row in rows if pattern.fullmatch(row["Name"])]
        for name, field in (("templateName", "TemplateName"), ("severity", "Severity")):
            if request.one(name):
                rows = [row for row in rows if row[field] == request.one(name)]
        if request.one("categoryName"):
            rows = [row for row in rows if request.one("categoryName") in row["CategoryNames"]]
        return self._page(request, rows, self.knob("max_returned"))
