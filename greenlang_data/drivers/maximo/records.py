"""Records of an entity out of an object structure."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.cmms.columns import make_batch
from greenlang_data.drivers.cmms.mapping import mapped
from greenlang_data.drivers.cmms.selection import Selection, select
from greenlang_data.drivers.maximo.api import MaximoApi, NoStructureError
from greenlang_data.drivers.maximo.dialect import Row
from greenlang_data.drivers.maximo.pages import Key, pages
from greenlang_data.drivers.maximo.rows import Rows, made_columns
from greenlang_data.drivers.maximo.statuses import Meanings
from greenlang_data.drivers.maximo.structures import STRUCTURES, Structure
from greenlang_data.drivers.maximo.where import compared, missing, one_of
from greenlang_data.errors import ProtocolError, QueryError, UnsupportedError
from greenlang_data.settings.cmms import CmmsSettings

# The date of a finished order that has no actual finish.
_STATUS_DATE: Final = "statusdate"
_FINISH: Final = "actual_finish"


@dataclass(frozen=True)
class _Question:
    """What is asked of which structure, and what its attributes mean."""

    api: MaximoApi
    structure: Structure
    names: tuple[str, ...]
    selection: Selection
    rows: Rows
    log: ReadLog


async def read_records(
    api: MaximoApi, settings: CmmsSettings, request: Records, log: ReadLog
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Batches of the canonical columns and Maximo's own, a page each, at least one.

    ``log.position`` tells after each where to go on. Raises QueryError for what cannot be asked.
    """
    selection = select(request, api.source)
    entity = selection.entity.name
    structure = STRUCTURES[entity]
    own = settings.objects.get(entity)
    made = made_columns(structure)
    columns = mapped(selection.entity, structure.columns, structure.native, made, settings)
    meanings = Meanings(entity, settings.status_map.get(entity, {}))
    rows = Rows(structure, columns, meanings, selection.statuses, settings.include_tasks, log)
    names = (own,) if own else structure.names
    question = _Question(api, structure, names, selection, rows, log)
    async with aclosing(_answers(question, request.after)) as batches:
        async for batch in batches:
            yield batch


async def _answers(question: _Question, after: Any) -> AsyncGenerator[pa.RecordBatch, None]:
    turns = _turns(question)
    begun = after is not None
    first, key = after or (0, None)
    for turn in range(first, len(turns)):
        async with aclosing(_pages(question, turns[turn], key)) as found:
            async for page in found:
                begun = True
                last = tuple(page[-1][name] for name in question.structure.key)
                question.log.position = (turn, last)
                yield _batch(question, page)
        key = None
    if not begun:
        yield _batch(question, [])


def _turns(question: _Question) -> list[list[str]]:
    """The conditions of the questions that are asked one after the other."""
    selection, log = question.selection, question.log
    conditions = _filters(question)
    if selection.date_field is None:
        return [conditions]
    attribute = _attribute(question, selection.date_field)
    if attribute in question.structure.inner:
        raise UnsupportedError(
            f"Maximo cannot select {selection.entity.name} records by {selection.date_field}",
            source=question.api.source,
            remedy="Leave start and end out, and select from the frame.",
        )
    log.note(f"start and end bound {selection.date_field} ({attribute})")
    bounds = selection.bounds()
    dated = [compared(attribute, operator, value) for operator, value in bounds]
    if not selection.by_default or selection.date_field != _FINISH:
        return [[*conditions, *dated]]
    log.note(f"finished orders without {attribute} were selected by {_STATUS_DATE}")
    others = [compared(_STATUS_DATE, operator, value) for operator, value in bounds]
    return [[*conditions, *dated], [*conditions, missing(attribute), *others]]


def _filters(question: _Question) -> list[str]:
    selection = question.selection
    wanted = {"site": selection.sites, "asset_id": selection.assets}
    try:
        return [
            one_of(_attribute(question, name), values) for name, values in wanted.items() if values
        ]
    except ValueError as error:
        if isinstance(error, QueryError):
            raise
        raise QueryError(
            f"Maximo cannot be asked for that: {error}",
            source=question.api.source,
            remedy="Leave it out, and select from the frame.",
        ) from None


def _attribute(question: _Question, column: str) -> str:
    attribute = question.rows.columns.get(column)
    if attribute is None:
        entity = question.selection.entity.name
        raise QueryError(
            f"no attribute is known for {column} of {entity}",
            source=question.api.source,
            remedy=f"Name it in field_map.{entity}, or do not select by it.",
        )
    return attribute


async def _pages(
    question: _Question, conditions: Sequence[str], after: Key | None
) -> AsyncGenerator[list[Row], None]:
    """Pages of the first structure that the server has."""
    api, names, params = question.api, question.names, _params(question)
    said = ""
    for name in names:
        key = question.structure.key
        asked = pages(api, name, key, conditions, params, after, question.log)
        try:
            async with aclosing(asked) as found:
                async for rows in found:
                    yield rows
        except NoStructureError as error:
            said = said or str(error)
        else:
            return
    raise ProtocolError(
        f"it has no object structure {' or '.join(names)}{f': {said}' if said else ''}",
        source=api.source,
        remedy="Check api_url, and that this login may read it, or name another in objects.",
    )


def _params(question: _Question) -> list[tuple[str, str]]:
    structure, rows, wanted = question.structure, question.rows, question.selection.statuses
    attributes = list(dict.fromkeys([*structure.key, *rows.fields]))
    outer = [name for name in attributes if name not in structure.inner]
    if structure.child:
        inner = [name for name in attributes if name in structure.inner]
        outer.append(f"{structure.child}{{{','.join(inner)}}}")
    params = [("oslc.select", ",".join(outer)), ("ignorecollectionref", "1")]
    if structure.entity.statuses:
        params.append(("internalvalues", "1"))
    internal = rows.meanings.internal(wanted) if wanted else None
    if internal:
        params.append(("domaininternalwhere", f"{rows.status}={','.join(internal)}"))
    elif wanted:
        question.log.note("status was selected here, not by Maximo")
    return params


def _batch(question: _Question, page: Sequence[Row]) -> pa.RecordBatch:
    entity, rows = question.structure.entity, question.rows
    try:
        columns = rows.columns_of(page, question.api.routed)
        return make_batch(entity, columns, rows.native, question.log)
    except ValueError as error:
        raise ProtocolError(
            f"a record of {entity.name} cannot be understood ({error})",
            source=question.api.source,
            remedy="None of it was used; name another attribute in field_map, or none.",
        ) from None
