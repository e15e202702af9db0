"""What is asked of a set: columns, conditions, order, and the URL of it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.odata.changes import BEGIN, MODE, latest, link_of, moment_of
from greenlang_data.drivers.odata.choosing import Chosen
from greenlang_data.drivers.odata.conditions import Condition, OneOf, between, changed_since, one_of
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.gathered import as_days, table_of
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.drivers.odata.saved import line_name
from greenlang_data.drivers.schema import RECORD_ID
from greenlang_data.errors import QueryError

# What OData's own syntax uses stays readable; a colon would look like a scheme.
_PLAIN: Final = "$'(),*/"
LONGEST_FILTER: Final = 6000  # characters, of what an address can have


@dataclass(frozen=True, slots=True)
class Question:
    """A request, with the names of the system.

    ``output`` is each column asked for under the name it gets; ``read`` the columns to fetch,
    which are also those of the key and of the conditions. ``changed`` is the column
    with the time of a row's last change, where there is one. ``within`` is a further condition, of a
    part of the rows. ``begun`` is when it was first asked.
    """

    chosen: Chosen
    profile: Profile
    output: dict[str, Property]
    read: tuple[Property, ...]
    there: tuple[Condition, ...]
    here: tuple[Condition, ...]
    limit: int | None
    log: ReadLog
    since: str | None = None
    changed: Property | None = None
    within: str = ""
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the key's columns."""
        return self.chosen.entities.keys

    @property
    def tracks(self) -> bool:
        """Whether the server is asked to keep track of changes, or has done so."""
        return self.since == BEGIN or link_of(self.since) is not None

    @property
    def condition(self) -> str:
        """The text of ``$filter``."""
        own = [one.rendered(self.chosen.version) for one in self.there]
        where = self.chosen.place.where
        # In parentheses: an OR in it would let rows through that the other conditions exclude.
        return " and ".join(filter(None, (f"({where})" if where else "", *own, self.within)))

    @property
    def line(self) -> str:
        """A name for the pages that answer exactly this, as it is told now."""
        columns = [
            (one.name, one.type, one.precision, one.scale, one.date_only, one.told_at_noon)
            for one in self.read
        ]
        return line_name(self.url(page_size=None), self.since, self.keys, columns)

    def url(self, *, page_size: int | None, read: int = 0, skip: int = 0, after: str = "") -> str:
        """The path and query of a page, after ``read`` rows: of the rest, or from ``skip`` on.

        The rest is what the condition ``after`` holds for. Without ``page_size`` the server
        chooses it.
        """
        version, params = self.chosen.version, list(self.profile.params)
        wanted = None if self.limit is None or self.here else self.limit - read
        if version == 2:
            params.append(("$format", "json"))
            # V2 has no other way to ask for a page.
            sizes = [one for one in (page_size, wanted) if one is not None]
            wanted = min(sizes) if sizes else None
        conditions = [one for one in (self.condition, after) if one]
        if conditions:
            params.append(("$filter", " and ".join(conditions)))
        if len(self.read) < len(self.chosen.entities.properties):
            params.append(("$select", ",".join(one.name for one in self.read)))
        if self._orders:
            params.append(("$orderby", ",".join(self.keys)))
        if wanted is not None:
            params.append(("$top", str(wanted)))
        if skip:
            params.append(("$skip", str(skip)))
        if self.chosen.entities.countable and not read:
            params.append(("$inlinecount", "allpages") if version == 2 else ("$count", "true"))
        return f"{self.chosen.path}?{query_text(params)}"

    def key_url(self, place: int | None) -> str:
        """The path and query of the key of a row by its place in the order of the key, from 0.

        None is the last row.
        """
        params = list(self.profile.params)
        if self.chosen.version == 2:
            params.append(("$format", "json"))
        if self.condition:
            params.append(("$filter", self.condition))
        params.append(("$select", ",".join(self.keys)))
        order = "" if place is not None else " desc"
        params.append(("$orderby", ",".join(f"{one}{order}" for one in self.keys)))
        params.append(("$top", "1"))
        if place:
            params.append(("$skip", str(place)))
        return f"{self.chosen.path}?{query_text(params)}"

    def count_url(self) -> str:
        """The path and query of the number of rows."""
        params = list(self.profile.params)
        if self.condition:
            params.append(("$filter", self.condition))
        query = f"?{query_text(params)}" if params else ""
        return f"{self.chosen.path}/$count{query}"

    def answer(self, table: pa.Table, begun: datetime | None = None) -> pa.Table:
        """The rows and columns that were asked for, of all that was read by the system's names.

        ``begun`` is when the read began, if that was before this question.
        """
        if self.changed is not None and self.changed in self.read and self.limit is None:
            mark = latest(table.column(self.changed.name), begun or self.begun) or self.since
            self.log.completeness["mark"] = None if mark == BEGIN else mark
        if self.profile.no_date is not None:
            table = self._without_no_date(table)
        for condition in self.here:
            values = table.column(condition.column.name).combine_chunks()
            table = table.filter(condition.mask(values))
        if self.limit is not None:
            table = table.slice(0, self.limit)
        columns, fields = [], []
        for name, column in self.output.items():
            array = table.column(column.name)
            if column.told_at_noon:
                array = self._days(name, array)
            if column.as_text and pa.types.is_integer(array.type):
                array = array.cast(pa.string())
            columns.append(array)
            about = {"native": column.name, **({"label": column.label} if column.label else {})}
            fields.append(pa.field(name, array.type, metadata=about))
        named = [self.chosen.name_of(key) for key in self.keys]
        metadata = {RECORD_ID: named[0]} if named else None
        return table_of(fields, columns).replace_schema_metadata(metadata)

    def _without_no_date(self, table: pa.Table) -> pa.Table:
        for place, one in enumerate(table.schema):
            if pa.types.is_timestamp(one.type):
                values = table.column(place)
                none = pc.equal(values, pa.scalar(self.profile.no_date, one.type))
                if pc.any(none).as_py():
                    self.log.note(f"{self.profile.no_date:%Y-%m-%d} is no date, so it is missing")
                    values = pc.if_else(none.fill_null(False), pa.scalar(None, one.type), values)
                    table = table.set_column(place, one, values)
        return table

    def _days(self, name: str, moments: pa.ChunkedArray) -> pa.ChunkedArray:
        days = as_days(moments)
        if days is None:
            self.log.note(f"{name} has times of day, so it holds points in time and no dates")
            return moments
        return days

    @property
    def is_of_one(self) -> bool:
        """Whether one record has all that is asked for, since its whole key is told."""
        alone = {
            one.column.name for one in self.there if isinstance(one, OneOf) and len(one.values) == 1
        }
        return bool(self.keys) and alone.issuperset(self.keys)

    @property
    def can_skip(self) -> bool:
        """Whether rows can be skipped."""
        return self.profile.skips and self.chosen.entities.pageable

    @property
    def _orders(self) -> bool:
        properties = self.chosen.entities.properties
        sortable = all(key in properties and properties[key].sortable for key in self.keys)
        return self.profile.orders and bool(self.keys) and sortable


def ask_for(
    chosen: Chosen, request: Records, profile: Profile, log: ReadLog, source: str
) -> Question:
    """The question that answers ``request``. Raises QueryError for what cannot be asked at once."""
    question = question_of(chosen, request, profile, log, source)
    if len(question.condition) > LONGEST_FILTER:
        raise too_long(source)
    return question


def too_long(source: str) -> QueryError:
    """The error for a filter that no address can have."""
    return QueryError(
        "the filter is too long for an address",
        source=source,
        remedy="Filter by fewer values at once, and combine the frames.",
    )


def question_of(
    chosen: Chosen, request: Records, profile: Profile, log: ReadLog, source: str
) -> Question:
    """Like :func:`ask_for`, however long its condition is."""
    conditions: list[Condition] = [
        _with_no_date(one_of(name, _column(chosen, name), wanted, source), profile)
        for name, wanted in request.filters.items()
    ]
    conditions += _defaults(chosen, request, log, source)
    if (request.start is not None or request.end is not None) and chosen.place.date:
        bounded, start = chosen.place.date, _start(request, profile)
        column = _column(chosen, bounded)
        conditions.append(between(bounded, column, start, request.end, log, source))
    changed = _changed(chosen)
    if request.since is not None:
        conditions += _since(chosen, changed, request.since, log, source)
    here = tuple(one for one in conditions if not one.column.filterable)
    output = _output(chosen, request, profile, log, source)
    read = {one.name: one for one in output.values()}
    # What it filters by is looked at here too; but to select it makes other rows of sums.
    looked_at = here if chosen.entities.adds_up else conditions
    read |= {one.column.name: one.column for one in looked_at}
    if request.since is not None and changed is not None:
        read[changed.name] = changed
    properties = chosen.entities.properties
    tracks = request.since == BEGIN or link_of(request.since) is not None
    needed = [*chosen.entities.keys, *([MODE] if tracks else [])]
    read |= {name: properties[name] for name in needed if name in properties}
    in_order = tuple(one for name, one in properties.items() if name in read)
    if chosen.entities.adds_up:
        log.caution(
            f"a row of {chosen.entities.name} is a total over all that the columns asked for do "
            "not tell apart, and no single record"
        )
    there = tuple(one for one in conditions if one.column.filterable)
    return Question(
        chosen, profile, output, in_order, there, here, request.limit, log, request.since, changed
    )


def _start(request: Records, profile: Profile) -> datetime | date | None:
    """The begin of the window, which is behind the date that stands for none."""
    start, none = request.start, profile.no_date
    if none is None:
        return start
    day = start.date() if isinstance(start, datetime) else start
    return none + timedelta(days=1) if day is None or day <= none.date() else start


def _with_no_date(condition: OneOf, profile: Profile) -> OneOf:
    """A missing date is also the one that stands for none."""
    is_time = condition.column.type == "Edm.DateTimeOffset"
    if profile.no_date is None or not is_time or None not in condition.values:
        return condition
    return replace(condition, values=(*condition.values, profile.no_date))


def _changed(chosen: Chosen) -> Property | None:
    """The column with the time of the last change, where a set has one that is a time."""
    column = chosen.columns.get("changed_at")
    is_time = column is not None and column.type in ("Edm.DateTimeOffset", "Edm.DateTime")
    return column if is_time else None


def _since(
    chosen: Chosen, changed: Property | None, since: str, log: ReadLog, source: str
) -> list[Condition]:
    if since == BEGIN or link_of(since) is not None:
        return []
    if changed is None:
        raise QueryError(
            f"{chosen.entities.name} does not tell when a record was changed",
            source=source,
            remedy="Leave since out, or map its time of change to changed_at under entities.",
        )
    low, overlap = moment_of(since, changed, source)
    minutes = round(overlap.total_seconds() / 60)
    log.note(
        f"what was changed in the {minutes} minutes before the mark, or at no time that is told, "
        "is here again; deletions are not told"
    )
    return [changed_since("changed_at", changed, low)]


def _defaults(chosen: Chosen, request: Records, log: ReadLog, source: str) -> list[Condition]:
    """What the source is configured for, where the request does not say it itself."""
    said = {_column(chosen, name).name for name in request.filters}
    found: list[Condition] = []
    untold: dict[str, str] = {}
    for name, wanted in request.defaults.items():
        column = chosen.columns.get(name)
        if chosen.column(name) is None:
            untold.setdefault(str(wanted), name)  # the company has two names
        elif column is not None and column.name not in said:
            said.add(column.name)
            found.append(one_of(name, column, wanted, source))
            log.note(f"only {name} {wanted}, as the source is configured")
    for wanted, name in untold.items():
        if not any(str(request.defaults[one.name]) == wanted for one in found):
            log.note(f"it has no {name}, so it is of more than {wanted}")
    return found


def _output(
    chosen: Chosen, request: Records, profile: Profile, log: ReadLog, source: str
) -> dict[str, Property]:
    if request.fields:
        if len(set(request.fields)) < len(request.fields):
            raise QueryError("a field is named twice", source=source, remedy="Name it once.")
        return {name: _column(chosen, name) for name in request.fields}
    if profile.asks_all or not chosen.place.columns:
        return dict(chosen.columns)
    log.note("only the canonical columns were asked for, of a set that is very wide; name fields")
    keys = set(chosen.entities.keys)
    return {
        name: column
        for name, column in chosen.columns.items()
        if name in chosen.place.columns or column.name in keys
    }


def _column(chosen: Chosen, name: str) -> Property:
    column = chosen.column(name)
    assert column is not None, name  # choose() looked for all of them
    return column


def query_text(params: Sequence[tuple[str, str]]) -> str:
    """The part of a URL behind the question mark; a blank is ``%20``, which all servers know."""
    return "&".join(f"{quote(name, _PLAIN)}={quote(value, _PLAIN)}" for name, value in params)
