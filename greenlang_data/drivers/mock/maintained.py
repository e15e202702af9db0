"""Maintenance records of the simulated plant in the columns that every system's have."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.cmms.entities import ENTITIES
from greenlang_data.drivers.cmms.selection import select


def meant(request: Records, log: ReadLog, source: str) -> Records:
    """What a request means to a maintenance system: the same as to the real ones.

    Raises QueryError naming the nearest of what there is.
    """
    selection = select(request, source)
    wanted = {"asset_id": selection.assets, "site": selection.sites, "status": selection.statuses}
    if selection.date_field is not None:
        log.note(f"start and end bound {selection.date_field}")
    filters = {name: list(values) for name, values in wanted.items() if values}
    return replace(request, filters=filters, date_field=selection.date_field)


def canonical(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """The canonical columns of ``name`` with their types, then the plant's own.

    What the plant does not know is null; none of its instants is a calendar date.
    """
    entity = ENTITIES[name]
    there, rows = set(batch.schema.names), batch.num_rows
    arrays = [
        batch.column(one).cast(kind.value) if one in there else pa.nulls(rows, kind.value)
        for one, kind in entity.columns.items()
    ]
    known = dict(zip(entity.columns, arrays, strict=True))
    for one in entity.instants:
        valid = pc.is_valid(known[one])
        arrays.append(pc.if_else(valid, pa.scalar(False), pa.scalar(None, pa.bool_())))
    schema = entity.schema({})
    own = [field for field in batch.schema if field.name not in schema.names]
    arrays += [batch.column(field.name) for field in own]
    return pa.RecordBatch.from_arrays(
        arrays, schema=pa.schema([*schema, *own], metadata=schema.metadata)
    )
