"""The asset framework of the PI emulator: elements, attributes that are streams, event frames."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from . import pi_webid
from .historian_tags import DAY, HOUR, MINUTE, START, Event, Tag, every
from .pi_times import OPEN_END, text_of

AF_SERVER = "MYAFSERVER"
DATABASE = "Plant"
FRAME_COUNT = 2_500
_SPACE = uuid.UUID("85bb49d6-f101-4807-baf9-57c2fbd33000")
_ABBREVIATIONS = {"degree Celsius": "°C", "bar": "bar", "kilogram per hour": "kg/h", "": ""}
# Unit -> (factor, offset) to the first unit of its class.
_CLASSES: tuple[dict[str, tuple[float, float]], ...] = (
    {"°C": (1.0, 0.0), "K": (1.0, -273.15), "°F": (5 / 9, -160 / 9)},
    {"bar": (1.0, 0.0), "kPa": (0.01, 0.0), "Pa": (1e-5, 0.0)},
    {"kg/h": (1.0, 0.0), "t/h": (1000.0, 0.0)},
)


def guid(path: str) -> uuid.UUID:
    """The id of the object at a path."""
    return uuid.uuid5(_SPACE, path.upper())


AF_SERVER_ID, DATABASE_ID = guid(AF_SERVER), guid(rf"{AF_SERVER}\{DATABASE}")


def convert(value: float, source: str, target: str) -> float:
    """A number in another unit of the same class; a ValueError when there is none."""
    for units in _CLASSES:
        if source in units and target in units:
            factor, offset = units[source]
            target_factor, target_offset = units[target]
            return (value * factor + offset - target_offset) / target_factor
    raise ValueError(f"The unit '{target}' is not compatible with '{source}'.")


@dataclass(frozen=True)
class Attribute:
    """An attribute of an element; its values are those of ``tag``."""

    element: str
    name: str
    tag: Tag
    unit: str
    plug_in: str  # empty for a constant

    @property
    def path(self) -> str:
        return rf"{AF_SERVER}\{DATABASE}\{self.element}|{self.name}"

    @property
    def abbreviation(self) -> str:
        return _ABBREVIATIONS[self.unit]

    def web_id(self, kind: str) -> str:
        """The WebID: server, element and attribute ids, and the owner's marker."""
        element = guid(rf"{AF_SERVER}\{DATABASE}\{self.element}")
        keys = (AF_SERVER_ID, element, guid(self.path))
        return pi_webid.encode(kind, "Ab", keys, self.path, "E")

    def body(self, kind: str, origin: str) -> dict[str, Any]:
        """The attribute's JSON object."""
        web_id = self.web_id(kind)
        base = f"{origin}/piwebapi"
        return {
            "WebId": web_id,
            "Id": str(guid(self.path)),
            "Name": self.name,
            "Description": f"{self.name} of {self.element}",
            "Path": "\\\\" + self.path,
            "Type": "Double",
            "TypeQualifier": "",
            "DefaultUnitsName": self.unit,
            "DefaultUnitsNameAbbreviation": self.abbreviation,
            "DisplayDigits": -5,
            "DataReferencePlugIn": self.plug_in,
            "Step": self.tag.step,
            "Span": 100.0,
            "Zero": 0.0,
            "Links": {
                "Self": f"{base}/attributes/{web_id}",
                "RecordedData": f"{base}/streams/{web_id}/recorded",
                "InterpolatedData": f"{base}/streams/{web_id}/interpolated",
                "Value": f"{base}/streams/{web_id}/value",
            },
        }


def attributes(tags: dict[str, Tag]) -> list[Attribute]:
    """Three elements with three attributes each; ``Limit`` is a constant."""
    found: list[Attribute] = []
    for number in range(1, 4):
        limit = Tag("Limit", 1, every(DAY), lambda ticks, _i, _p: Event(ticks, 90.0), step=True)
        element = f"Boiler{number}"
        found += [
            Attribute(element, "Temperature", tags["Ramp"], "degree Celsius", "PI Point"),
            Attribute(element, "Pressure", tags["Mixed"], "bar", "PI Point"),
            Attribute(element, "Limit", limit, "", ""),
        ]
    return found


# --- event frames ------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """Event frame ``number``; every hundredth is still open."""

    number: int

    @property
    def start(self) -> int:
        return START + self.number * HOUR

    @property
    def end(self) -> int | None:
        return None if self.number % 100 == 99 else self.start + 30 * MINUTE + self.number % 7

    @property
    def name(self) -> str:
        return f"Trip {self.number:04d}"

    def body(self, kind: str, origin: str) -> dict[str, Any]:
        """The frame's JSON object."""
        path = rf"{AF_SERVER}\{DATABASE}\EventFrames[{self.name}]"
        web_id = pi_webid.encode(kind, "Fm", (AF_SERVER_ID, guid(path)), path)
        open_still = self.end is None
        return {
            "WebId": web_id,
            "Id": str(guid(path)),
            "Name": self.name,
            "Description": "",
            "Path": "\\\\" + path,
            "TemplateName": "Trip" if self.number % 2 else "Batch",
            "CategoryNames": ["Safety"] if self.number % 3 == 0 else [],
            "StartTime": text_of(self.start),
            "EndTime": OPEN_END if self.end is None else text_of(self.end),
            "Severity": ("None", "Information", "Warning", "Minor", "Major", "Critical")[
                self.number % 6
            ],
            "AcknowledgedBy": "" if open_still else "OPERATOR",
            "IsAcknowledged": not open_still,
            "AreValuesCaptured": not open_still,
            "RefElementWebIds": [],
            "Links": {"Self": f"{origin}/piwebapi/eventframes/{web_id}"},
        }


def overlapping(start: int, end: int) -> list[Frame]:
    """The frames that are active at some time between start and end."""
    frames = map(Frame, range(FRAME_COUNT))
    return [f for f in frames if f.start <= end and (f.end is None or f.end >= start)]
