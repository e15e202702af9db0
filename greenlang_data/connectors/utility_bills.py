"""The ``utility_bill`` view: lines of another entity, with the commodity by the user's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.connectors.entities import places_of
from greenlang_data.drivers.base import Records
from greenlang_data.drivers.places import Place
from greenlang_data.errors import ConfigurationError, QueryError
from greenlang_data.settings.utility_bill import UtilityBills

VIEW: Final = "utility_bill"
COMMODITY: Final = "commodity"


def view_places(bills: UtilityBills, known: Mapping[str, tuple[Place, ...]]) -> tuple[Place, ...]:
    """Where the lines are, with the names of the view."""
    return tuple(
        replace(one, columns={**one.columns, **bills.columns}, date=bills.date or one.date)
        for one in places_of(bills.entity, known)
    )


def view_request(bills: UtilityBills | None, asked: Records, source: str) -> Records:
    """What is asked of the lines. Raises QueryError for what the view cannot answer."""
    if bills is None:
        raise no_rules(source)
    if asked.since is not None:
        raise QueryError(
            "changes of a view are not told", source=source, remedy=f"Ask {bills.entity} for them."
        )
    filters: dict[str, Any] = {**bills.filters}
    if not filters:
        filters = {bills.commodity_by: [one for some in bills.commodities.values() for one in some]}
    wanted = dict(asked.filters)
    if COMMODITY in wanted:
        values = _values(bills, wanted.pop(COMMODITY), source)
        wanted[bills.commodity_by] = _both(bills.commodity_by, values, wanted)
    for name, value in wanted.items():
        filters[name] = _both(name, value, filters)
    fields = [one for one in asked.fields or bills.fields if one != COMMODITY]
    return replace(asked, filters=filters, fields=(*dict.fromkeys([*fields, bills.commodity_by]),))


def no_rules(source: str) -> QueryError:
    """The error for the view where no rules are configured."""
    return QueryError(
        "which records are utility bills is not configured, and no system tells it",
        source=source,
        remedy="Set utility_bills with entity, commodity_by, commodities and fields.",
    )


def with_commodity_field(fields: pa.RecordBatch, bills: UtilityBills) -> pa.RecordBatch:
    """The columns of the lines, and the commodity that the view has beside them."""
    row = {
        "field": COMMODITY,
        "native_name": bills.commodity_by,
        "description": "By the rules of utility_bills",
        "data_type": "text",
        "arrow_type": "string",
        "in_key": False,
        "filtered_by": "server",
    }
    return pa.RecordBatch.from_pylist([*fields.to_pylist(), row], schema=fields.schema)


def with_commodity(
    bills: UtilityBills, batches: Sequence[pa.RecordBatch], source: str
) -> list[pa.RecordBatch]:
    """The lines with a column ``commodity``.

    Raises ConfigurationError, naming the values, when the rules say nothing of some line.
    """
    names = {value: name for name, values in bills.commodities.items() for value in values}
    known = pa.array(list(names), pa.string())
    commodities = pa.array(list(names.values()), pa.string())
    found, unmapped = [], set()
    for batch in batches:
        values = batch.column(bills.commodity_by).cast(pa.string())
        places = pc.index_in(values, known)
        if places.null_count:
            unmapped |= set(values.filter(pc.is_null(places)).unique().to_pylist())
        found.append(batch.append_column(COMMODITY, commodities.take(places)))
    if unmapped:
        some = ", ".join(sorted(map(repr, unmapped))[:5])
        raise ConfigurationError(
            f"utility bills with {bills.commodity_by} {some} have no commodity",
            source=source,
            remedy="Map them in utility_bills.commodities, or narrow utility_bills.filters.",
        )
    return found


def _values(bills: UtilityBills, commodities: Any, source: str) -> list[str]:
    """What the column has for these commodities."""
    wanted = [commodities] if isinstance(commodities, str) else list(commodities)
    unknown = [one for one in wanted if one not in bills.commodities]
    if unknown:
        raise QueryError(
            f"there is no commodity {unknown[0]!r}",
            source=source,
            remedy=f"There are {', '.join(bills.commodities)}.",
        )
    return [value for one in wanted for value in bills.commodities[one]]


def _both(name: str, value: Any, filters: Mapping[str, Any]) -> Any:
    """A filter that also holds what another one of the same column does."""
    if name not in filters:
        return value
    one, other = (
        list(each) if isinstance(each, list | tuple | set) else [each]
        for each in (value, filters[name])
    )
    return [each for each in one if each in other]
