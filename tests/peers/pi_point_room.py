"""Data servers and points of the PI emulator."""

from __future__ import annotations

from typing import Any

from . import pi_times, pi_webid
from .historian_http import Request
from .historian_tags import Tag
from .pi_door import PiDoor
from .pi_points import SERVER_ID, SERVER_NAME, Point, name_pattern, search_filter, server_web_id
from .pi_values import refuse

BASE = "piwebapi"


class PointRoom(PiDoor):
    """``dataservers`` and ``points``."""

    def _data_servers(self, request: Request, rest: list[str]) -> Any:
        kind = self._kind(request)
        server = {
            "WebId": server_web_id(kind),
            "Id": str(SERVER_ID),
            "Name": SERVER_NAME,
            "Path": rf"\\PIServer[{SERVER_NAME}]",
            "IsConnected": True,
            "ServerVersion": "3.4.450.43",
            "ServerTime": pi_times.text_of(self._now()),
            "Links": {"Points": f"{self._links}/{BASE}/dataservers/{server_web_id(kind)}/points"},
        }
        if rest:
            self._require_server(rest[0])
            return self._under_server(request, [part.lower() for part in rest[1:]], server)
        asked = request.one("name") or request.one("path").strip("\\")
        if not asked:
            return {"Links": {}, "Items": [server]}
        if asked.upper() not in {SERVER_NAME, f"PISERVER[{SERVER_NAME}]"}:
            raise refuse(404, f"PI Data Archive '{asked}' was not found.")
        return server

    def _under_server(self, request: Request, rest: list[str], server: dict[str, Any]) -> Any:
        if not rest:
            return server
        if rest == ["points"]:
            pattern = name_pattern(request.one("nameFilter") or "*")
            found = [p for p in self.points.all if pattern.fullmatch(p.tag.name)]
            return self._point_page(request, found, self.knob("max_returned"))
        if rest == ["enumerationsets"]:
            tags = [point.tag for point in self.points.all if point.tag.states]
            rows = [self._state_set(tag) for tag in tags]
            return self._page(request, rows, self.knob("max_returned"))
        raise refuse(404, "Not found.")

    def _state_set(self, tag: Tag) -> dict[str, Any]:
        name = f"{tag.name}Set"
        web_id = pi_webid.encode("F", "MS", (SERVER_ID, 1), rf"{SERVER_NAME}\{name}")
        values = f"{self._links}/{BASE}/enumerationsets/{web_id}/enumerationvalues"
        return {"WebId": web_id, "Name": name, "Links": {"Values": values}}

    def _enumeration_sets(self, request: Request, rest: list[str]) -> dict[str, Any]:
        """The values of one set of digital states."""
        for point in self.points.all:
            states = point.tag.states
            if states and rest and self._state_set(point.tag)["WebId"] == rest[0]:
                rows = [{"Name": s.name, "Value": s.code, "Links": {}} for s in states]
                return self._page(request, rows, self.knob("max_returned"))
        raise refuse(404, "The enumeration set was not found.")

    def _point_page(self, request: Request, found: list[Point], most: int) -> dict[str, Any]:
        page = self._page(request, found, most)
        kind = self._kind(request)
        page["Items"] = [point.body(kind, self._links) for point in page["Items"]]
        return page

    def _require_server(self, text: str) -> None:
        if text.upper() not in {server_web_id(kind).upper() for kind in "FIPLD"}:
            raise refuse(404, f"The data server '{text}' was not found.")

    def _points(self, request: Request, rest: list[str]) -> Any:
        kind = self._kind(request)
        if not rest:
            point = self.points.at_path(request.one("path"))
            if point is None:
                raise refuse(404, f"PI Point '{request.one('path')}' not found.")
            return point.body(kind, self._links)
        if rest[0].lower() == "search":
            if request.one("dataServerWebId"):
                self._require_server(request.one("dataServerWebId"))
            try:
                wanted = search_filter(request.one("query"))
            except ValueError as error:
                raise refuse(400, str(error)) from error
            found = [point for point in self.points.all if wanted(point)]
            return self._point_page(request, found, self.knob("search_max"))
        if rest[0].lower() == "multiple":
            finders = {"path": self._at_path, "webid": self._point}
            return self._multiple(request, finders)
        point = self._point(rest[0])
        body = point.body(kind, self._links)
        if rest[1:] == ["attributes"]:
            names = {name.lower() for name in request.all("name")}
            values = {
                "tag": point.tag.name,
                "descriptor": point.tag.descriptor,
                "engunits": point.tag.unit,
                "pointtype": point.tag.point_type,
                "step": int(point.tag.step),
                "zero": 0.0,
                "span": 100.0,
            }
            rows = [{"Name": n, "Value": v, "Links": {}} for n, v in values.items()]
            return {"Links": {}, "Items": [r for r in rows if not names or r["Name"] in names]}
        return body

    def _at_path(self, path: str) -> Point:
        return self._allowed(self.points.at_path(path), path)

    def _point(self, text: str) -> Point:
        return self._allowed(self.points.of(self._web_id(text)), text)

    def _allowed(self, point: Point | None, text: str) -> Point:
        if point is None:
            raise refuse(404, f"PI Point '{text}' not found.")
        if point.tag.name in self.knob("denied"):
            raise refuse(403, f"Access to PI Point '{text}' is denied.")
        return point
