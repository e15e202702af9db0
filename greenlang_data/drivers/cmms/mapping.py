"""Which of a system's fields are which columns, with what a site has told about its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from greenlang_data.drivers.cmms.entities import ENTITIES, Entity, Kind
from greenlang_data.errors import ConfigurationError
from greenlang_data.nearest import nearest_and_all
from greenlang_data.settings.cmms import CmmsSettings

# Made from others, so they have no field of their own.
_MADE: Final = frozenset({"status", "status_all", "source_system"})


@dataclass(frozen=True)
class Mapped:
    """``columns``: canonical name to field. ``native``: the system's own columns, in order.

    ``made`` are those of them that the driver makes, and no field of the system.
    """

    columns: Mapping[str, str]
    native: Mapping[str, Kind]
    made: frozenset[str]

    @property
    def fields(self) -> list[str]:
        """The system's fields that are needed, each once."""
        own = [name for name in self.native if name not in self.made]
        return list(dict.fromkeys([*self.columns.values(), *own]))

    def values(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """The values of each column that has a field; a missing field is null."""
        named = {**{name: name for name in self.native if name not in self.made}, **self.columns}
        return {name: [row.get(field) for row in rows] for name, field in named.items()}


def mapped(
    entity: Entity,
    columns: Mapping[str, str],
    native: Mapping[str, Kind],
    made: Mapping[str, Kind],
    settings: CmmsSettings,
    parts: Collection[str] = (),
) -> Mapped:
    """The usual fields of ``entity`` with those of the site in their place.

    ``parts`` are what ``objects`` and ``field_map`` may name beside the kinds of records.

    Raises ConfigurationError for a column that there is not, or that would be there twice.
    """
    source = settings.connector_id
    _check_entities(settings, parts)
    _check_meanings(entity, settings)
    own = settings.field_map.get(entity.name, {})
    known = entity.columns.keys() - _MADE
    for name in own:
        if name not in known:
            raise ConfigurationError(
                f"field_map.{entity.name} names {name!r}, which is no column of it",
                source=source,
                remedy=nearest_and_all(name, known),
            )
    extra = settings.native_columns.get(entity.name, [])
    taken = {*entity.schema({**native, **made}).names}
    for name in extra:
        if name in taken or extra.count(name) > 1:
            raise ConfigurationError(
                f"native_columns.{entity.name} names {name!r}, which is a column already",
                source=source,
                remedy="Remove it.",
            )
    return Mapped(
        {name: field for name, field in {**columns, **own}.items() if field},
        {**native, **made, **dict.fromkeys(extra, Kind.TEXT)},
        frozenset(made),
    )


def _check_entities(settings: CmmsSettings, parts: Collection[str]) -> None:
    for key in ("objects", "field_map", "status_map", "native_columns", "dataspies"):
        known = [*ENTITIES, *(parts if key in {"objects", "field_map"} else ())]
        for name in getattr(settings, key):
            if name not in known:
                raise ConfigurationError(
                    f"{key} names {name!r}, which is no kind of record",
                    source=settings.connector_id,
                    remedy=nearest_and_all(name, known),
                )


def _check_meanings(entity: Entity, settings: CmmsSettings) -> None:
    for status, meaning in settings.status_map.get(entity.name, {}).items():
        if meaning not in entity.statuses:
            raise ConfigurationError(
                f"status_map.{entity.name} says that {status!r} means {meaning!r}, which is no "
                "canonical status",
                source=settings.connector_id,
                remedy=nearest_and_all(meaning, entity.statuses),
            )
