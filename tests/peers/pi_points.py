"""The points of the PI emulator: identities, JSON objects, name filters and the search query."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import pi_webid
from .historian_tags import Tag, catalogue

SERVER_NAME = "MYPISERVER"
SERVER_ID = uuid.UUID("93a5a55b-d44f-4bb6-bdbd-64efc60e39a0")
EXAMPLE_POINT_ID = 59601
WEB_ID_KINDS = {
    "full": "F",
    "idonly": "I",
    "pathonly": "P",
    "localidonly": "L",
    "defaultidonly": "D",
}


@dataclass(frozen=True)
class Point:
    """A tag on the data server."""

    id: int
    tag: Tag

    @property
    def path(self) -> str:
        return rf"\\{SERVER_NAME}\{self.tag.name}"

    def web_id(self, kind: str) -> str:
        """The WebID of a kind given by its letter."""
        return pi_webid.encode(kind, "DP", (SERVER_ID, self.id), self.path[2:])

    def body(self, kind: str, origin: str) -> dict[str, Any]:
        """The point's JSON object."""
        web_id, tag = self.web_id(kind), self.tag
        base = f"{origin}/piwebapi"
        return {
            "WebId": web_id,
            "Id": self.id,
            "Name": tag.name,
            "Path": self.path,
            "Descriptor": tag.descriptor,
            "PointClass": "classic",
            "PointType": tag.point_type,
            "DigitalSetName": f"{tag.name}Set" if tag.states else "",
            "EngineeringUnits": tag.unit,
            "Span": 100.0,
            "Zero": 0.0,
            "Step": tag.step,
            "Future": tag.future,
            "DisplayDigits": -5,
            "Links": {
                "Self": f"{base}/points/{web_id}",
                "DataServer": f"{base}/dataservers/{server_web_id(kind)}",
                "Attributes": f"{base}/points/{web_id}/attributes",
                "InterpolatedData": f"{base}/streams/{web_id}/interpolated",
                "RecordedData": f"{base}/streams/{web_id}/recorded",
                "PlotData": f"{base}/streams/{web_id}/plot",
                "SummaryData": f"{base}/streams/{web_id}/summary",
                "Value": f"{base}/streams/{web_id}/value",
                "EndValue": f"{base}/streams/{web_id}/end",
            },
        }


def server_web_id(kind: str) -> str:
    """The data server's WebID."""
    return pi_webid.encode(kind, "DS", (SERVER_ID,), SERVER_NAME)


class Points:
    """All points, found by name (in any case) and by id."""

    def __init__(self, bulk: int) -> None:
        self.all: list[Point] = []
        for number, tag in enumerate(catalogue(bulk).values(), start=1):
            point_id = EXAMPLE_POINT_ID if tag.name == "POINTNAME" else number
            self.all.append(Point(point_id, tag))
        self._by_name = {pi_webid.capitals(point.tag.name): point for point in self.all}
        self._by_id = {point.id: point for point in self.all}

    def named(self, name: str) -> Point | None:
        """The point of that name."""
        return self._by_name.get(pi_webid.capitals(name))

    def at_path(self, path: str) -> Point | None:
        """The point at ``\\\\SERVER\\TAG``."""
        server, _, name = path.removeprefix("\\\\").partition("\\")
        return self.named(name) if server.upper() == SERVER_NAME else None

    def of(self, web_id: pi_webid.WebId) -> Point | None:
        """The point that a WebID means."""
        if web_id.kind == "P":
            return self.at_path("\\\\" + web_id.name)
        if web_id.kind in "FI" and web_id.keys[0] != SERVER_ID:
            return None
        return self._by_id.get(int(web_id.keys[-1]))


# --- filters -----------------------------------------------------------------------------


def name_pattern(text: str) -> re.Pattern[str]:
    """A name filter with ``*``, ``?``, ``[..]``, ``[!..]``; a backslash escapes."""
    pattern, place = "", 0
    while place < len(text):
        letter = text[place]
        if letter == "\\" and place + 1 < len(text):
            place += 1
            pattern += re.escape(text[place])
        elif letter == "[" and "]" in text[place:]:
            end = text.index("]", place)
            inner = text[place + 1 : end]
            negated, inner = inner.startswith("!"), inner.removeprefix("!")
            pattern += f"[{'^' if negated else ''}{inner.replace(chr(92), '')}]"
            place = end
        else:
            pattern += {"*": ".*", "?": "."}.get(letter, re.escape(letter))
        place += 1
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


Filter = Callable[[Point], bool]
_FIELDS: dict[str, Callable[[Point], Any]] = {
    "tag": lambda point: point.tag.name,
    "name": lambda point: point.tag.name,
    "descriptor": lambda point: point.tag.descriptor,
    "description": lambda point: point.tag.descriptor,
    "pointtype": lambda point: point.tag.point_type,
    "engunits": lambda point: point.tag.unit,
    "pointid": lambda point: point.id,
    "step": lambda point: int(point.tag.step),
    "future": lambda point: int(point.tag.future),
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<word>AND|OR)\b|(?P<field>\w+)(?P<op>:<>|:<=|:>=|:=|:<|:>|:)"""
    r"""(?:"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>(?:\\.|[^\s\\])+)))""",
    re.IGNORECASE,
)


def search_filter(query: str) -> Filter:
    """The filter of ``points/search``; a ValueError when the query cannot be read."""
    groups: list[list[Filter]] = [[]]
    place = 0
    while query[place:].strip():
        match = _TOKEN.match(query, place)
        if match is None:
            raise ValueError(f"The query '{query}' is not valid near position {place}.")
        place = match.end()
        word = (match["word"] or "").upper()
        if word == "OR":
            groups.append([])
        elif not word:
            groups[-1].append(_condition(match))
    if not all(groups):
        raise ValueError(f"The query '{query}' is not valid.")
    return lambda point: any(all(test(point) for test in group) for group in groups)


def _condition(match: re.Match[str]) -> Filter:
    field = _FIELDS.get(match["field"].lower())
    if field is None:
        raise ValueError(f"The attribute '{match['field']}' is not known.")
    value = next(
        part for part in (match["double"], match["single"], match["bare"]) if part is not None
    )
    operator = match["op"]
    if operator in {":=", ":", ":<>"}:
        pattern = name_pattern(value)
        wanted = operator != ":<>"
        return lambda point: bool(pattern.fullmatch(str(field(point)))) is wanted
    limit = float(value)
    compare: dict[str, Callable[[float], bool]] = {
        ":<": lambda number: number < limit,
        ":<=": lambda number: number <= limit,
        ":>": lambda number: number > limit,
        ":>=": lambda number: number >= limit,
    }
    return lambda point: compare[operator](float(field(point)))
