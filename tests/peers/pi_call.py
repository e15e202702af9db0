"""One stream call of the PI emulator: the stream, its parameters and its times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import pi_times
from .historian_http import Request
from .historian_tags import Event, Tag
from .pi_assets import convert
from .pi_values import refuse, timed_value

_WINDOWS_ZONES = {
    "w. europe standard time": "Europe/Berlin",
    "romance standard time": "Europe/Paris",
    "eastern standard time": "America/New_York",
    "gmt standard time": "Europe/London",
}


@dataclass(frozen=True)
class Stream:
    """A point or an attribute as a source of values."""

    web_id: str
    name: str
    path: str
    tag: Tag
    unit: str
    is_attribute: bool = False

    def head(self) -> dict[str, Any]:
        """What a stream set says about each of its streams."""
        return {"WebId": self.web_id, "Name": self.name, "Path": self.path, "Links": {}}


@dataclass(frozen=True)
class Settings:
    """The knobs that stream calls look at."""

    now: int
    zone: str
    cap: int
    order: str
    silent_cap: int
    outside: str
    non_numeric: str


class Call:
    """One request for one stream."""

    def __init__(self, stream: Stream, request: Request, settings: Settings) -> None:
        self.stream, self.request, self.settings = stream, request, settings
        self.zone = self._zone()
        self.unit = request.one("desiredUnits") or stream.unit
        if request.one("desiredUnits") and not stream.is_attribute:
            raise refuse(409, "desiredUnits is not supported for PI points.")

    @property
    def tag(self) -> Tag:
        return self.stream.tag

    def time(self, name: str, default: str) -> int:
        """A time parameter in ticks."""
        return self._parse(self.request.one(name) or default)

    def times(self) -> list[int]:
        """The repeated ``time`` parameter."""
        return [self._parse(text) for text in self.request.all("time")]

    def integer(self, name: str, default: int) -> int:
        """A positive whole parameter."""
        text = self.request.one(name) or str(default)
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise refuse(400, f"The value '{text}' is not valid for parameter '{name}'.")
        return int(text)

    def values(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        """Events as timed values in the wanted unit."""
        order = self.settings.order
        return [timed_value(self._converted(event), self.unit, order) for event in events]

    def window(self) -> tuple[int, int]:
        """Start and end; the end is before the start for a descending answer."""
        return self.time("startTime", "*-1d"), self.time("endTime", "*")

    def grid(self, name: str, default: str, start: int, end: int) -> list[int]:
        """Times on the requested grid; too many are refused."""
        text = self.request.one(name) or default
        try:
            times = pi_times.grid(start, end, text, self.zone, self.settings.cap)
        except ValueError as error:
            raise refuse(400, str(error)) from error
        if len(times) > self.settings.cap:
            raise over_cap("intervals", self.settings.cap)
        return times

    def _parse(self, text: str) -> int:
        try:
            return pi_times.parse(text, self.settings.now, self.zone)
        except ValueError as error:
            raise refuse(400, str(error)) from error

    def _zone(self) -> ZoneInfo:
        name = self.request.one("timeZone") or self.settings.zone
        try:
            return ZoneInfo(_WINDOWS_ZONES.get(name.lower(), name))
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise refuse(400, f"The specified time zone '{name}' is not valid.") from error

    def _converted(self, event: Event) -> Event:
        number = event.number
        if self.unit == self.stream.unit or number is None:
            return event
        try:
            return event._replace(value=convert(number, self.stream.unit, self.unit))
        except ValueError as error:
            raise refuse(409, str(error)) from error


def over_cap(name: str, cap: int) -> Exception:
    """The refusal of a call that asks for more than the server gives."""
    return refuse(400, f"Parameter '{name}' is greater than the maximum allowed ({cap})")
