"""The entities that every ERP system is asked for by the same names, and where each keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from greenlang_data.connectors.entities import dataverse, finance, netsuite, oracle, sap
from greenlang_data.connectors.entities.columns import in_order
from greenlang_data.drivers.places import Place

CANONICAL: Final = (
    "material",
    "supplier",
    "customer",
    "purchase_order",
    "purchase_order_item",
    "supplier_invoice",
    "goods_movement",
    "cost_center",
    "gl_entry",
    "plant",
    "asset",
    "unit_of_measure",
    "utility_bill",
)


SYSTEMS: Final[Mapping[str, Mapping[str, tuple[Place, ...]]]] = {
    system: {entity: tuple(map(in_order, places)) for entity, places in known.items()}
    for system, known in (
        ("sap", sap.PLACES),
        ("finance", finance.PLACES),
        ("dataverse", dataverse.PLACES),
        ("oracle", oracle.PLACES),
        ("netsuite", netsuite.PLACES),
    )
}
"""Of each kind of system: the canonical name of an entity to the places it may be in."""


def places_of(entity: str, known: Mapping[str, tuple[Place, ...]]) -> tuple[Place, ...]:
    """Where ``entity`` may be: by its canonical name, or a set of the system by its own.

    ``service/set`` names both; a set alone is looked for in all services that ``known`` names.
    """
    if entity in known:
        return known[entity]
    # What a set is called by the system, its key stays the same.
    every = [one for places in known.values() for one in places if one.key]
    keys = {name: one.key for one in every for name in (one.name, f"{one.service}/{one.name}")}
    service, slash, name = entity.rpartition("/")
    if slash:
        return (Place(service, name, key=keys.get(entity, ())),)
    services = dict.fromkeys(place.service for places in known.values() for place in places)
    return tuple(Place(service, entity, key=keys.get(entity, ())) for service in services)
