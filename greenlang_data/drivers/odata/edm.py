"""The entity data model of one OData service, as its ``$metadata`` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Property:
    """One column of an entity.

    ``type`` is an Edm type (``Edm.Decimal``), the qualified name of an enumeration (then
    ``members`` are its names), or of anything else. ``scale`` is None where any is allowed.
    ``date_only``: a V2 ``Edm.DateTime`` that is a calendar date. ``told_at_noon``: a calendar date
    that is told as a point in time, noon or midnight in UTC.
    """

    name: str
    type: str
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None
    date_only: bool = False
    told_at_noon: bool = False
    label: str | None = None
    filterable: bool = True
    sortable: bool = True
    members: tuple[str, ...] = ()

    @property
    def is_primitive(self) -> bool:
        """Whether it is one value, in place of a structure or a list."""
        return self.type.startswith("Edm.") or bool(self.members)


@dataclass(frozen=True, slots=True)
class EntitySet:
    """One set of a service: its columns in the order of the metadata, and its key.

    ``aggregates``: it sums its rows up over the columns that are not selected.
    """

    name: str
    keys: tuple[str, ...]
    properties: Mapping[str, Property]
    label: str | None = None
    countable: bool = True
    pageable: bool = True
    aggregates: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the version of its protocol, and its sets by name."""

    version: Literal[2, 4]
    sets: Mapping[str, EntitySet]
