"""What is asked for a request: conditions, parameters, and what can only be selected here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, NamedTuple

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.selection import Selection
from greenlang_data.drivers.maximo.rows import Rows
from greenlang_data.drivers.maximo.structures import Structure
from greenlang_data.drivers.maximo.where import compared, is_listable, missing, one_of
from greenlang_data.errors import QueryError, UnsupportedError

# The date of a finished order that has no actual finish.
_STATUS_DATE: Final = "statusdate"
_FINISH: Final = "actual_finish"
_AT_ONCE: Final = 100


class Turn(NamedTuple):
    """Conditions that are asked for at once; what comes may be too much if not ``is_exact``."""

    conditions: Sequence[str]
    is_exact: bool = True


@dataclass(frozen=True)
class Question:
    """``turns`` are asked one after the other, and no record is in two of them.

    ``told`` is what the provenance says about them.
    """

    turns: Sequence[Turn]
    params: Sequence[tuple[str, str]]
    told: Mapping[str, Any]


def ask_for(
    structure: Structure, selection: Selection, rows: Rows, log: ReadLog, source: str
) -> Question:
    """The question for ``selection``. Raises QueryError for what cannot be asked."""
    wanted = {"site": selection.sites, "asset_id": selection.assets}
    sites = _conditions(selection, rows, "site", selection.sites, source)
    assets = _conditions(selection, rows, "asset_id", selection.assets, source)
    turns = [
        turn
        for site, asset in product(sites, assets)
        for turn in _dated(structure, selection, rows, [*site, *asset], log, source)
    ]
    there = [name for name, values in wanted.items() if values]
    params = _params(structure, rows)
    by_status = _by_status(selection, rows)
    if selection.statuses and not by_status:
        log.note("status was selected here, not by Maximo")
    told = {
        "date_field": selection.date_field,
        "filtered_by_server": [*there, *(["status"] if by_status else [])],
        "filtered_here": ["status"] if selection.statuses and not by_status else [],
    }
    return Question(turns, [*params, *by_status], told)


def _by_status(selection: Selection, rows: Rows) -> list[tuple[str, str]]:
    """The parameter that selects by internal status; none where Maximo cannot."""
    internal = rows.meanings.internal(selection.statuses) if selection.statuses else None
    return [("domaininternalwhere", f"{rows.status}={','.join(internal)}")] if internal else []


def _conditions(
    selection: Selection, rows: Rows, column: str, values: Sequence[str], source: str
) -> list[list[str]]:
    """The condition that ``column`` is one of ``values``, in as many questions as addresses allow."""
    if not values:
        return [[]]
    attribute = _attribute(selection, rows, column, source)
    several = [one for one in values if is_listable(one)]
    parts = [several[start : start + _AT_ONCE] for start in range(0, len(several), _AT_ONCE)]
    parts += [[one] for one in values if not is_listable(one)]
    try:
        return [[one_of(attribute, part)] for part in parts]
    except ValueError as error:
        raise QueryError(
            f"Maximo cannot be asked for this {column}: {error}",
            source=source,
            remedy=f"Leave {column} out, and select from the frame.",
        ) from None


def _dated(
    structure: Structure,
    selection: Selection,
    rows: Rows,
    conditions: Sequence[str],
    log: ReadLog,
    source: str,
) -> list[Turn]:
    """The conditions with the bounds in time; once more for what has no such date."""
    field, entity = selection.date_field, selection.entity.name
    if field is None:
        return [Turn(conditions)]
    attribute = _attribute(selection, rows, field, source)
    if attribute in structure.inner:
        raise UnsupportedError(
            f"Maximo cannot select {entity} records by {field}",
            source=source,
            remedy="Leave start and end out, and select from the frame.",
        )
    log.note(f"start and end bound {field} ({attribute})")
    # A date without a time has its midnight on a clock that Maximo does not tell.
    is_day = field in structure.days
    bounds = (selection.wider() if is_day else selection).bounds()
    dated = [compared(attribute, operator, value) for operator, value in bounds]
    first = Turn([*conditions, *dated], is_exact=not is_day)
    if not selection.by_default or field != _FINISH:
        return [first]
    log.note(f"finished orders without {attribute} were selected by {_STATUS_DATE}")
    others = [compared(_STATUS_DATE, operator, value) for operator, value in bounds]
    return [first, Turn([*conditions, missing(attribute), *others])]


def _attribute(selection: Selection, rows: Rows, column: str, source: str) -> str:
    attribute = rows.columns.get(column)
    if attribute is None:
        entity = selection.entity.name
        raise QueryError(
            f"no attribute is known for {column} of {entity}",
            source=source,
            remedy=f"Name it in field_map.{entity}, or do not select by it.",
        )
    return attribute


def _params(structure: Structure, rows: Rows) -> list[tuple[str, str]]:
    attributes = list(dict.fromkeys([*structure.key, *rows.fields]))
    outer = [name for name in attributes if name not in structure.inner]
    if structure.child:
        inner = [name for name in attributes if name in structure.inner]
        outer.append(f"{structure.child}{{{','.join(inner)}}}")
    params = [("oslc.select", ",".join(outer)), ("ignorecollectionref", "1")]
    if structure.entity.statuses:
        params.append(("internalvalues", "1"))
    return params
