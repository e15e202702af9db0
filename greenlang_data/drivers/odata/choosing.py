"""From the names that a request uses to a set of a service and its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.odata.edm import EntitySet, Property, Service
from greenlang_data.drivers.places import Place
from greenlang_data.errors import (
    AuthenticationError,
    ProtocolError,
    QueryError,
    UnknownTagError,
)
from greenlang_data.nearest import nearest

_TOLD: Final = 4


@dataclass(frozen=True, slots=True)
class Chosen:
    """The set that answers a request, and what its columns are called here.

    ``columns`` has each column under its canonical name where it has one, canonical ones first,
    then the system's own.
    """

    place: Place
    version: int
    path: str
    entities: EntitySet
    columns: Mapping[str, Property]

    def column(self, name: str) -> Property | None:
        """The column called ``name``, canonically or by the system."""
        return self.columns.get(name) or self.entities.properties.get(name)

    def name_of(self, native: str) -> str:
        """What the system's column ``native`` is called here."""
        for name, column in self.columns.items():
            if column.name == native:
                return name
        return native


class Catalogue(Protocol):
    """Where the services of a system are, and what each has.

    ``barred`` has those that the login may not read, each with what the system says about it.
    """

    barred: dict[str, str]

    def path(self, name: str) -> str:
        """The path of a service."""

    async def model(self, name: str, log: ReadLog) -> Service | None:
        """What is in it, or None when the system has none of that name."""


async def choose(services: Catalogue, request: Records, log: ReadLog, source: str) -> Chosen:
    """The first place that exists and has every column that the request names.

    Raises UnknownTagError when none exists and QueryError when none has the columns, both with
    the nearest names, and ProtocolError for a set without columns.
    """
    found: list[Chosen] = []
    sets: dict[str, None] = {}
    for place in request.places:
        model = await services.model(place.service, log)
        if model is None:
            continue
        sets |= dict.fromkeys(model.sets)
        name = next((one for one in _names(place) if one in model.sets), None)
        if name is None:
            continue
        if not model.sets[name].properties:
            raise ProtocolError(f"its metadata tells no columns of {name}", source=source)
        chosen = _chosen(place, services.path(place.service), model.version, model.sets[name])
        if not _missing(chosen, request):
            return chosen
        found.append(chosen)
    barred = [services.barred[name] for name in _services(request) if name in services.barred]
    if barred and not found:
        raise AuthenticationError(
            f"{request.entity!r} cannot be read: {'; '.join(barred)}",
            source=source,
            remedy="Have the right given, or configure another place under entities.",
        )
    if not found:
        raise UnknownTagError(
            f"it has nothing for {request.entity!r} (looked for {_tried(request)})",
            source=source,
            remedy=_other_name(request, sets)
            or "Configure where it is under entities, or check the login's rights.",
        )
    raise _lacks(found, request, source)


def _other_name(request: Records, sets: Iterable[str]) -> str:
    """What could have been meant, where the name itself is not the right one."""
    if request.entity in request.known:
        return ""
    return _suggestion(request.entity.rpartition("/")[2], [*request.known, *sets])


def _tried(request: Records) -> str:
    tried = list(dict.fromkeys(f"{one.service}/{one.name}" for one in request.places))
    if len(tried) > _TOLD:
        # As many as there are services, where a name is none of the usual ones.
        return f"it in {len(tried)} services, which erp.entities() lists"
    return ", ".join(tried) or "nothing"


def _services(request: Records) -> list[str]:
    return list(dict.fromkeys(one.service for one in request.places))


def _names(place: Place) -> tuple[str, str]:
    """A set's own name, and that of a collection below a resource."""
    return place.name, f"{place.service}/{place.name}"


def _suggestion(name: str, known: Iterable[str]) -> str:
    """``Did you mean …?`` with up to three names like ``name``, or nothing.

    A name that is the same but for upper and lower case is the only one.
    """
    # The name itself was looked for and is not there.
    close = nearest(name, [one for one in known if one != name], most=3)
    if close and close[0].casefold() == name.casefold():
        return f"Did you mean {close[0]!r}? Upper and lower case are told apart."
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""


def _chosen(place: Place, path: str, version: int, entities: EntitySet) -> Chosen:
    own = {name: _as_text(place, column) for name, column in entities.properties.items()}
    entities = replace(entities, properties=own)
    mapped = {
        name: replace(own[native], told_at_noon=name in place.days, as_text=name in place.texts)
        for name, native in place.columns.items()
        if native in own
    }
    natives = {column.name for column in mapped.values()}
    rest = {name: column for name, column in own.items() if name not in natives}
    # A canonical name stands for what it is mapped to, even if the system has such a column too.
    columns = {**mapped, **{name: column for name, column in rest.items() if name not in mapped}}
    told = key_of(entities, place.key)
    if place.key and told == place.key:
        # With a key of dimensions in every question, nothing is added up.
        entities = replace(entities, keys=told, adds_up=False)
    return Chosen(place, version, f"{path}/{place.name}", entities, columns)


def key_of(entities: EntitySet, told: Sequence[str]) -> tuple[str, ...]:
    """The key of a set: the one that is told of its place, where it has such columns."""
    known = bool(told) and all(one in entities.properties for one in told)
    return tuple(told) if known else entities.keys


def _as_text(place: Place, column: Property) -> Property:
    """A time of more digits than a time stamp has may be wanted as its text, and is filtered here."""
    if place.types.get(column.name) != "text" or not column.type.startswith("Edm.DateTime"):
        return column
    return replace(column, type="Edm.String", date_only=False, filterable=False, sortable=False)


def _missing(chosen: Chosen, request: Records) -> list[str]:
    names = [*request.filters, *request.fields]
    missing = [name for name in dict.fromkeys(names) if chosen.column(name) is None]
    if request.start is not None or request.end is not None:
        date = chosen.place.date
        if date is None:
            missing.append("start")
        elif chosen.column(date) is None:
            missing.append(date)
    return missing


def _lacks(found: Sequence[Chosen], request: Records, source: str) -> QueryError:
    best = min(found, key=lambda one: len(_missing(one, request)))
    missing = _missing(best, request)
    if missing == ["start"]:
        return QueryError(
            f"{request.entity!r} has no date that start and end could bound",
            source=source,
            remedy="Leave them out, filter by a column, or configure date for the entity.",
        )
    known = [*best.columns, *best.entities.properties]
    hints = [_suggestion(name, known) for name in missing if name != "start"]
    some = ", ".join(list(best.columns)[:30])
    return QueryError(
        f"{request.entity!r} ({best.entities.name}) has no column {', '.join(map(repr, missing))}",
        source=source,
        remedy=" ".join(filter(None, hints)) or f"It has {some}.",
    )
