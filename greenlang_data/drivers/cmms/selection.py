"""What a request for maintenance records asks for, checked and made plain."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from greenlang_data.drivers.base import Records
from greenlang_data.drivers.cmms.entities import (
    ENTITIES,
    FINISHED,
    UNKNOWN,
    Entity,
    Kind,
)
from greenlang_data.drivers.windows import check_instants
from greenlang_data.errors import QueryError, UnknownTagError, UnsupportedError
from greenlang_data.nearest import nearest_and_all

FILTERS: Final = ("asset_id", "site", "status")


@dataclass(frozen=True)
class Selection:
    """A checked request. Empty lists do not restrict.

    ``date_field`` is the column that ``start`` and ``end`` bound, None when there is no bound. It
    is ``by_default`` when the request did not name it.
    """

    entity: Entity
    assets: tuple[str, ...]
    sites: tuple[str, ...]
    statuses: tuple[str, ...]
    start: datetime | date | None
    end: datetime | date | None
    date_field: str | None
    by_default: bool

    def wider(self) -> Selection:
        """The same with a day more before and after, where clocks may differ."""
        return replace(self, start=_moved(self.start, -1), end=_moved(self.end, 1))

    def bounds(self) -> list[tuple[str, str]]:
        """The bounds of an instant or date as comparisons with ISO 8601 texts.

        The end is excluded for instants and included for calendar dates. A calendar date as a
        bound of instants is that day in UTC.
        """
        if self.date_field is None:
            return []
        days = self.entity.columns[self.date_field] is Kind.DAY
        found = []
        if self.start is not None:
            found.append((">=", _day(self.start) if days else _instant(self.start, 0)))
        if self.end is not None:
            found.append(("<=", _day(self.end)) if days else ("<", _instant(self.end, 1)))
        return found


def select(request: Records, source: str) -> Selection:
    """Check ``request``. Raises QueryError naming the nearest of what there is."""
    entity = ENTITIES.get(request.entity)
    if entity is None:
        raise UnknownTagError(
            f"there are no records called {request.entity!r}",
            source=source,
            remedy=nearest_and_all(request.entity, ENTITIES),
        )
    for name in request.filters:
        if name not in FILTERS:
            raise QueryError(
                f"cannot filter by {name!r}", source=source, remedy=nearest_and_all(name, FILTERS)
            )
    statuses = _several(request.filters.get("status"))
    check_statuses(entity, statuses, source)
    if "completed" in statuses and set(FINISHED) <= entity.statuses:
        statuses = tuple(dict.fromkeys([*statuses, *FINISHED]))
    by_default = request.date_field is None
    date_field = _date_field(entity, request, statuses, source)
    if date_field and request.start and request.end and entity.columns[date_field] is not Kind.DAY:
        check_instants(request.start, request.end, source)
    return Selection(
        entity,
        _filter(entity, "asset_id", request, source),
        _filter(entity, "site", request, source),
        statuses,
        request.start,
        request.end,
        date_field,
        by_default,
    )


def check_possible(selection: Selection, possible: Collection[str], source: str) -> None:
    """Refuse statuses that this system has no records of, whatever they are elsewhere.

    ``possible`` are all that its own statuses can mean. Raises QueryError naming the nearest.
    """
    wanted = selection.statuses
    if wanted and not {*possible, UNKNOWN} & set(wanted):
        raise QueryError(
            f"no status of this system means {' or '.join(map(repr, wanted))}",
            source=source,
            remedy=f"{nearest_and_all(wanted[0], {*possible, UNKNOWN})} status_map adds to them.",
        )


def _filter(entity: Entity, name: str, request: Records, source: str) -> tuple[str, ...]:
    values = _several(request.filters.get(name))
    if values and name not in entity.columns:
        raise QueryError(
            f"records of {entity.name} have no {name}",
            source=source,
            remedy=f"They have {', '.join(entity.columns)}.",
        )
    return values


def _several(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))


def check_statuses(entity: Entity, statuses: Sequence[str], source: str) -> None:
    """Raises QueryError naming the nearest for a status that is no canonical one."""
    for status in statuses:
        if status not in entity.statuses:
            raise QueryError(
                f"no {entity.name} has the status {status!r}",
                source=source,
                remedy=nearest_and_all(status, entity.statuses),
            )


def _date_field(
    entity: Entity, request: Records, statuses: Collection[str], source: str
) -> str | None:
    name = request.date_field
    if name is not None and name not in entity.dates:
        raise QueryError(
            f"{name!r} is no date of {entity.name}",
            source=source,
            remedy=nearest_and_all(name, entity.dates),
        )
    if request.start is None and request.end is None:
        return None
    name = name or default_date(entity, statuses)
    if name is None:
        raise UnsupportedError(
            f"records of {entity.name} have no date", source=source, remedy="Leave start= out."
        )
    return name


def default_date(entity: Entity, statuses: Collection[str]) -> str | None:
    """The date that bounds ``entity``: when it came to be, or was finished if that is asked for."""
    finished = bool(statuses) and set(statuses) <= set(FINISHED)
    return "actual_finish" if finished and "actual_finish" in entity.columns else entity.date_column


def _moved(bound: datetime | date | None, days: int) -> datetime | date | None:
    return None if bound is None else bound + timedelta(days)


def _day(bound: datetime | date) -> str:
    return (bound.date() if isinstance(bound, datetime) else bound).isoformat()


def _instant(bound: datetime | date, days: int) -> str:
    if not isinstance(bound, datetime):
        midnight = datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
        bound = midnight + timedelta(days)
    return bound.astimezone(UTC).isoformat()
