"""Tags: which stream a name means, and what the server tells about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.webid import attribute_id, point_id
from greenlang_data.drivers.piwebapi.wire import About, Found
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.errors import ConfigurationError, ProtocolError

_KEPT_SECONDS: Final = 900.0
_NO_NUMBERS = frozenset({"digital", "string", "blob", "timestamp", "enumerationvalue", "boolean"})


@dataclass(slots=True)
class Point:
    """One tag. ``web_id`` is made here until the server had to be asked for its own."""

    tag: str
    path: str
    web_id: str
    is_attribute: bool
    name: str = ""
    description: str | None = None
    data_type: str | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    told_path: str = ""
    met_at: float = field(default_factory=monotonic)
    failure: str | None = None

    @property
    def textual(self) -> bool:
        """Whether its values are no numbers, as far as the server tells its type."""
        return (self.data_type or "").lower() in _NO_NUMBERS

    def may_be_at(self, path: str) -> bool:
        """Whether an answer about ``path`` may be about it; the server may have several names."""
        return (
            not path
            or not self.told_path
            or _tail(path) in (_tail(self.told_path), _tail(self.path))
        )


class Points:
    """The points met so far; each is asked about once in a quarter of an hour.

    Its unit may be corrected, or its name given to another point, while a session is open.
    """

    def __init__(self, api: PiApi, server: str | None) -> None:
        self._api = api
        self._server = server
        self._known: dict[str, Point] = {}

    async def of(self, tags: Sequence[str], log: ReadLog) -> list[Point]:
        """The points of these tags; one that does not exist has a ``failure``.

        What exists is not asked about again; what did not exist is.
        """
        oldest = monotonic() - _KEPT_SECONDS
        new = [tag for tag in tags if tag not in self._known or self._known[tag].met_at < oldest]
        if new:
            points = [await self._made(tag, log) for tag in new]
            await self._learn([one for one in points if not one.is_attribute], "points", log)
            await self._learn([one for one in points if one.is_attribute], "attributes", log)
            self._known.update((one.tag, one) for one in points if one.failure is None)
            found = {one.tag: one for one in points}
            return [found.get(tag) or self._known[tag] for tag in tags]
        return [self._known[tag] for tag in tags]

    async def server(self, log: ReadLog) -> str:
        """The data server's name: as configured, or the only one there is.

        Raises ConfigurationError when there are several, naming them.
        """
        if self._server is None:
            params = [("selectedFields", "Items.Name")]
            try:
                answer = await self._api.get("dataservers", params, log, read_any)
            except RefusedError as error:
                raise self._which(f"it does not tell its data servers ({error.said})") from None
            items = answer.get("Items") if isinstance(answer, dict) else None
            names = [str(one.get("Name")) for one in items or [] if isinstance(one, dict)]
            if len(names) != 1:
                listed = ", ".join(sorted(names)[:20]) or "none"
                raise self._which(f"it serves {len(names)} data servers ({listed})")
            self._server = names[0]
        return self._server

    def _which(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"which data server is meant is not clear: {why}",
            source=self._api.source,
            remedy="Set database_name to its name.",
        )

    async def _made(self, tag: str, log: ReadLog) -> Point:
        if tag.startswith("\\\\") and "|" in tag:
            return Point(tag, tag, attribute_id(tag), is_attribute=True)
        if tag.startswith("\\\\"):
            server, _, name = tag[2:].partition("\\")
        else:
            server, name = await self.server(log), tag
        return Point(tag, f"\\\\{server}\\{name}", point_id(server, name), is_attribute=False)

    async def _learn(self, points: Sequence[Point], kind: str, log: ReadLog) -> None:
        """Ask what they are, by the WebIDs made here; what is not found so, by its path."""
        if not points:
            return
        path = f"{kind}/multiple"
        try:
            found = await self._api.multiple(path, "webId", [one.web_id for one in points], log)
        except RefusedError as error:
            if error.status == 403:
                raise self._refused(error) from None
            found = [Found() for _ in points]  # a server from before these WebIDs
        rest = [
            one
            for one, about in zip(points, found, strict=True)
            if not (is_same(one, about.object) and _take(one, about))
        ]
        if not rest:
            return
        try:
            found = await self._api.multiple(path, "path", [one.path for one in rest], log)
        except RefusedError as error:
            raise self._refused(error) from None
        for one, about in zip(rest, found, strict=True):
            said = about.exception.errors if about.exception else None
            # An attribute may have another path too, where its element is in several places.
            if about.object and not (one.is_attribute or is_same(one, about.object)):
                said = [f"the server answered about {about.object.path or about.object.name}"]
            elif _take(one, about):
                one.web_id = about.object.web_id if about.object else one.web_id
                continue
            one.failure = f"{UNKNOWN_TAG}: {self._api.told(said or ['not found'])}"

    def _refused(self, error: RefusedError) -> ProtocolError:
        return ProtocolError(
            f"it does not tell about points: {error.said}",
            source=self._api.source,
            remedy="Check that this login may read them, and that it is PI Web API 2017 or later.",
        )


def is_same(point: Point, about: About | None) -> bool:
    """Whether a WebID that was made here led to the point, and to none that is merely alike.

    The server is left aside, since it may have several names.
    """
    if about is None:
        return False
    path, told = _tail(point.path), _tail(about.path)
    name = path.rpartition("|")[2] if point.is_attribute else path
    return told == path if told else about.name.lower() == name


def _tail(path: str) -> str:
    """A path without its server."""
    return path.lstrip("\\").partition("\\")[2].lower()


def _take(point: Point, found: Found) -> bool:
    """Whether the server knows it; what it tells is kept."""
    about = found.object
    if about is None or found.exception is not None:
        return False
    fill(point, about)
    return True


def fill(point: Point, about: About) -> None:
    """Keep what the server tells about a point or attribute."""
    point.name = about.name
    point.told_path = about.path
    point.description = about.descriptor or about.description or None
    point.data_type = about.point_type or about.type
    point.unit = (
        about.engineering_units
        or about.default_units_name_abbreviation
        or about.default_units_name
        or None
    )
    if about.zero is not None and about.span is not None and not point.textual:
        point.low, point.high = about.zero, about.zero + about.span


def by_id(points: Iterable[Point]) -> dict[str, Point]:
    """Points by their WebIDs."""
    return {one.web_id: one for one in points}
