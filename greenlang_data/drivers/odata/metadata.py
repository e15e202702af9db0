"""``$metadata`` into an entity data model: CSDL of OData V2 (with SAP's annotations) and V4."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from xml.etree.ElementTree import Element, ParseError, iterparse

from greenlang_data.drivers.odata.edm import EntitySet, Property, Service

_SAP: Final = "{http://www.sap.com/Protocols/SAPData}"
_CLARK: Final = "}"
_DOCUMENT_TYPES: Final = tuple("<!DOCTYPE".encode(one) for one in ("utf-8", "utf-16-le"))
"""As it begins in every encoding that the parser knows: those of the other order hold these bytes."""


@dataclass(slots=True)
class _Type:
    base: str | None
    keys: tuple[str, ...]
    properties: dict[str, Property]
    aggregates: bool


@dataclass(slots=True)
class _Document:
    """What has been read so far. Names are qualified with their namespace."""

    version: Literal[2, 4] = 2
    types: dict[str, _Type] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    sets: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def qualified(self, name: str) -> str:
        """``name`` with its namespace in place of the alias."""
        prefix, dot, rest = name.rpartition(".")
        return f"{self.aliases.get(prefix, prefix)}{dot}{rest}"


def read_metadata(body: bytes | bytearray) -> Service:
    """The model in a metadata document. Raises ValueError for what is none.

    It is read piece by piece, because some systems describe thousands of entities in it.
    """
    # Entities of a document type could make it any size, and no service needs one.
    if any(mark in body for mark in _DOCUMENT_TYPES):
        raise ValueError("its metadata has a document type, which is not read")
    document = _Document()
    namespace = ""
    try:
        # The document type above is what makes XML dangerous.
        for event, element in iterparse(io.BytesIO(body), events=("start", "end")):  # noqa: S314
            kind = element.tag.rpartition(_CLARK)[2]
            if event == "start":
                if kind == "Edmx" and element.get("Version", "").startswith("4"):
                    document.version = 4
                elif kind == "Schema":
                    namespace = element.get("Namespace", "")
                    if alias := element.get("Alias"):
                        document.aliases[alias] = namespace
            elif kind in _READERS:
                _READERS[kind](document, namespace, element)
                element.clear()
    except ParseError as error:
        raise ValueError(f"its metadata is no XML: {error}") from None
    sets = [_entity_set(document, *one) for one in document.sets]
    if not sets:
        raise ValueError("its metadata names no entity sets")
    return Service(document.version, {one.name: one for one in sets})


def _read_type(document: _Document, namespace: str, element: Element) -> None:
    keys = tuple(ref.get("Name", "") for ref in _children(element, "Key", "PropertyRef"))
    found = [_property(one) for one in _children(element, "Property")]
    name = f"{namespace}.{element.get('Name')}"
    aggregates = element.get(f"{_SAP}semantics") == "aggregate"
    base, columns = element.get("BaseType"), {one.name: one for one in found}
    document.types[name] = _Type(base, keys, columns, aggregates)


def _read_enum(document: _Document, namespace: str, element: Element) -> None:
    members = tuple(one.get("Name", "") for one in _children(element, "Member"))
    document.enums[f"{namespace}.{element.get('Name')}"] = members


def _read_definition(document: _Document, namespace: str, element: Element) -> None:
    underlying = element.get("UnderlyingType", "Edm.String")
    document.definitions[f"{namespace}.{element.get('Name')}"] = underlying


def _read_container(document: _Document, namespace: str, element: Element) -> None:
    for one in _children(element, "EntitySet"):
        about = {
            key.removeprefix(_SAP): value
            for key, value in one.attrib.items()
            if key.startswith(_SAP)
        }
        document.sets.append((one.get("Name", ""), one.get("EntityType", ""), about))


_READERS: Final = {
    "EntityType": _read_type,
    "EnumType": _read_enum,
    "TypeDefinition": _read_definition,
    "EntityContainer": _read_container,
}


def _children(element: Element, *path: str) -> list[Element]:
    found = [element]
    for name in path:
        found = [child for one in found for child in one if child.tag.rpartition(_CLARK)[2] == name]
    return found


def _property(element: Element) -> Property:
    return Property(
        name=element.get("Name", ""),
        type=element.get("Type", "Edm.String"),
        nullable=element.get("Nullable", "true") != "false",
        precision=_number(element.get("Precision")),
        scale=_number(element.get("Scale")),
        date_only=element.get(f"{_SAP}display-format") == "Date",
        label=element.get(f"{_SAP}label"),
        filterable=element.get(f"{_SAP}filterable") != "false",
        sortable=element.get(f"{_SAP}sortable") != "false",
    )


def _number(text: str | None) -> int | None:
    """A facet; ``variable``, ``floating`` and ``max`` set no bound."""
    return int(text) if text is not None and text.isdigit() else None


def _entity_set(
    document: _Document, name: str, type_name: str, about: Mapping[str, str]
) -> EntitySet:
    keys: tuple[str, ...] = ()
    properties: dict[str, Property] = {}
    seen: set[str] = set()
    aggregates = False
    following: str | None = document.qualified(type_name)
    while following in document.types and following not in seen:
        seen.add(following)
        kind = document.types[following]
        keys = kind.keys or keys
        aggregates = aggregates or kind.aggregates
        # What a base type has comes first.
        properties = {**kind.properties, **properties}
        following = kind.base and document.qualified(kind.base)
    if not seen:
        raise ValueError(f"its metadata does not tell the type of {name}")
    return EntitySet(
        name,
        keys,
        {key: _resolved(document, one) for key, one in properties.items()},
        about.get("label"),
        about.get("countable") != "false",
        about.get("pageable") != "false",
        aggregates,
    )


def _resolved(document: _Document, one: Property) -> Property:
    kind = document.qualified(one.type)
    kind = document.definitions.get(kind, kind)
    # V4 leaves the scale of whole numbers out; V2, whatever its services mean by it, does too.
    return replace(one, type=kind, members=document.enums.get(kind, ()))
