"""Business records: what an entity is, and how requests select from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.schema import ENTITIES, FIELDS, RECORD_ID
from greenlang_data.drivers.windows import check_instants
from greenlang_data.errors import QueryError, UnknownTagError, UnsupportedError
from greenlang_data.nearest import nearest_and_all

INSTANT: Final = pa.timestamp("us", tz="UTC")
BATCH_ROWS: Final = 10_000

_PLAIN: Final[dict[pa.DataType, type]] = {
    pa.string(): str,
    pa.bool_(): bool,
    pa.int64(): int,
    pa.date32(): date,
    INSTANT: datetime,
}

Row = dict[str, Any]


def column(name: str, kind: pa.DataType, unit: str | None = None) -> pa.Field:
    """A column; ``unit`` is for those whose unit is the same in each row."""
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


@dataclass(frozen=True)
class Entity:
    """A kind of record. ``key`` columns are unique together; ``date_column`` bounds requests."""

    name: str
    key: tuple[str, ...]
    date_column: str | None
    schema: pa.Schema
    rows: Callable[[], Iterable[Row]]

    @property
    def record_id(self) -> str:
        """The main id column."""
        return self.key[0]

    @cached_property
    def table(self) -> pa.Table:
        """All records, in the order of their keys' making."""
        return pa.Table.from_pylist(list(self.rows()), schema=self.schema)


def find_entity(name: str, entities: Mapping[str, Entity], source: str) -> Entity:
    """The entity called ``name``. Raises UnknownTagError with the nearest when there is none."""
    if name in entities:
        return entities[name]
    raise UnknownTagError(
        f"there is no entity {name!r} in the simulated plant",
        source=source,
        remedy=nearest_and_all(name, sorted(entities), "Entities"),
    )


def entity_table(entities: Mapping[str, Entity]) -> pa.RecordBatch:
    """What can be read of the plant's records."""
    rows = [
        {"entity": one.name, "name": one.name, "key": ", ".join(one.key)}
        for one in entities.values()
    ]
    return pa.RecordBatch.from_pylist(rows, schema=ENTITIES)


def field_table(entity: Entity) -> pa.RecordBatch:
    """The columns of one entity."""
    rows = [
        {
            "field": one.name,
            "native_name": one.name,
            "data_type": str(one.type),
            "arrow_type": str(one.type),
            "in_key": one.name in entity.key,
            "filtered_by": "server",
        }
        for one in entity.schema
    ]
    return pa.RecordBatch.from_pylist(rows, schema=FIELDS)


def select(entity: Entity, request: Records, log: ReadLog, source: str) -> list[pa.RecordBatch]:
    """The records asked for, at least one batch. Raises QueryError for what cannot be asked."""
    if request.since is not None:
        raise UnsupportedError(
            "the simulated plant keeps no track of changes",
            source=source,
            remedy="Leave since out.",
        )
    table = entity.table.replace_schema_metadata({RECORD_ID: entity.record_id})
    for name, wanted in request.filters.items():
        _known(entity, name, "filter by", source)
        table = table.filter(_matches(table[name], wanted, name, source))
    table = _between(table, entity, request, source)
    table = _limited(table, request.limit, log, source)
    if request.fields:
        for name in request.fields:
            _known(entity, name, "select", source)
        if len(set(request.fields)) < len(request.fields):
            raise QueryError("a field is named twice", source=source, remedy="Name it once.")
        table = table.select(list(request.fields))
    batches: list[pa.RecordBatch] = table.combine_chunks().to_batches(BATCH_ROWS)
    return batches or [pa.RecordBatch.from_pylist([], schema=table.schema)]


def _known(entity: Entity, name: str, verb: str, source: str) -> None:
    names = entity.schema.names
    if name in names:
        return
    raise QueryError(
        f"cannot {verb} {name!r}: {entity.name} has no such column",
        source=source,
        remedy=nearest_and_all(name, names, "Columns"),
    )


def _limited(table: pa.Table, limit: int | None, log: ReadLog, source: str) -> pa.Table:
    if limit is None or limit >= len(table):
        return table
    if limit < 0:
        raise QueryError(f"a limit of {limit} records", source=source, remedy="Give 0 or more.")
    log.note(f"The source has {len(table)} records that match, more than were asked for.")
    return table.slice(0, limit)


def _matches(values: pa.ChunkedArray, wanted: Any, name: str, source: str) -> pa.ChunkedArray:
    """Where ``values`` equal ``wanted`` or, for a list, any of it; None is a missing value."""
    if pa.types.is_list(values.type):
        raise QueryError(
            f"cannot filter by {name!r}: it holds lists", source=source, remedy="Filter the frame."
        )
    several = isinstance(wanted, list | tuple | set | frozenset)
    choices = list(wanted) if several else [wanted]
    plain = [_typed(choice, values.type, name, source) for choice in choices]
    return pc.is_in(values, value_set=pa.array(plain, values.type))


def _typed(value: Any, kind: pa.DataType, name: str, source: str) -> Any:
    """``value`` as the column holds it. No type is guessed: ``1000`` is not ``"1000"``."""
    if value is None:
        return None
    try:
        if isinstance(value, bool) == pa.types.is_boolean(kind):
            return pa.scalar(_convert(value, kind), kind).as_py()
    except (pa.ArrowException, ValueError, ArithmeticError):
        pass
    raise QueryError(
        f"cannot filter {name!r} by {value!r}: the column holds {kind}",
        source=source,
        remedy="Give a value of that type, such as the text '1000' for an identifier.",
    )


def _convert(value: Any, kind: pa.DataType) -> Any:
    """``value`` as a plain value of ``kind``. Raises ValueError when it is of another kind."""
    if pa.types.is_decimal(kind) and isinstance(value, int | float | str):
        return Decimal(str(value))
    if kind == INSTANT and isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif kind == pa.date32() and isinstance(value, str):
        value = date.fromisoformat(value)
    wanted = _PLAIN.get(kind, Decimal)
    # A datetime is a date to Python, but not the calendar date that the column holds.
    fits = isinstance(value, wanted) and not (wanted is date and isinstance(value, datetime))
    if not fits or (kind == INSTANT and value.tzinfo is None):
        raise ValueError(f"{value!r} is not of type {kind}")
    return value


def _between(table: pa.Table, entity: Entity, request: Records, source: str) -> pa.Table:
    if request.start is None and request.end is None:
        return table
    name = request.date_field or entity.date_column
    if request.date_field is not None:
        _known(entity, request.date_field, "bound", source)
    if name is None:
        raise QueryError(
            f"{entity.name} has no date to bound", source=source, remedy="Leave start and end out."
        )
    values = table[name]
    instants = values.type == INSTANT
    if instants and request.start is not None and request.end is not None:
        check_instants(_instant(request.start, 0), _instant(request.end, 1), source)
    if request.start is not None:
        low = _instant(request.start, 0) if instants else _day(request.start)
        table = table.filter(pc.greater_equal(values, pa.scalar(low, values.type)))
    if request.end is not None:
        # A whole day as the end of instants means all of that day.
        high = _instant(request.end, 1) if instants else _day(request.end)
        test = pc.less if instants else pc.less_equal
        table = table.filter(test(table[name], pa.scalar(high, values.type)))
    return table


def _instant(bound: datetime | date, days: int) -> datetime:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC)
    return datetime(bound.year, bound.month, bound.day, tzinfo=UTC) + timedelta(days)


def _day(bound: datetime | date) -> date:
    return bound.date() if isinstance(bound, datetime) else bound
