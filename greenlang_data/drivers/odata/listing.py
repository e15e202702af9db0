"""What there is to read: entity sets and their columns, from the services' own metadata."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.odata.choosing import Catalogue, Chosen, key_of
from greenlang_data.drivers.odata.edm import Property, Service
from greenlang_data.drivers.odata.values import wire_of
from greenlang_data.drivers.places import Place
from greenlang_data.drivers.schema import ENTITIES, FIELDS


async def entity_table(
    services: Catalogue, places: Mapping[str, Sequence[Place]], log: ReadLog
) -> pa.RecordBatch:
    """Each canonical entity at each place that exists, then every other set of those services."""
    names = list(dict.fromkeys(one.service for each in places.values() for one in each))
    found = await asyncio.gather(*(services.model(name, log) for name in names))
    models = {name: model for name, model in zip(names, found, strict=True) if model is not None}
    rows = []
    taken: set[tuple[str, str]] = set()
    for entity, each in places.items():
        for place in each:
            model = models.get(place.service)
            if model is not None and place.name in model.sets:
                rows.append(_row(entity, place.service, place.name, model, place.key))
                taken.add((place.service, place.name))
    for service, model in models.items():
        rows += [
            _row(f"{service}/{name}", service, name, model)
            for name in model.sets
            if (service, name) not in taken
        ]
    return pa.RecordBatch.from_pylist(rows, schema=ENTITIES)


def _row(
    entity: str, service: str, name: str, model: Service, key: Sequence[str] = ()
) -> dict[str, object]:
    one = model.sets[name]
    return {
        "entity": entity,
        "service": service,
        "name": name,
        "description": one.label,
        "key": ", ".join(key_of(one, key)),
    }


def field_table(chosen: Chosen) -> pa.RecordBatch:
    """The columns of a set, canonical ones first."""
    rows = [
        {
            "field": name,
            "native_name": column.name,
            "description": column.label,
            "data_type": _type(column),
            "arrow_type": _arrow_type(column),
            "in_key": column.name in chosen.entities.keys,
            "filtered_by": "server" if column.filterable and column.is_primitive else "here",
        }
        for name, column in chosen.columns.items()
    ]
    return pa.RecordBatch.from_pylist(rows, schema=FIELDS)


def _arrow_type(column: Property) -> str:
    kind = wire_of(column).empty
    return "string" if column.as_text and pa.types.is_integer(kind) else str(kind)


def _type(column: Property) -> str:
    facets = [str(one) for one in (column.precision, column.scale) if one is not None]
    return f"{column.type}({', '.join(facets)})" if facets else column.type
