"""What a server tells about its data types: structures field by field, enumerations by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.nodes import canonical
from greenlang_data.drivers.opcua.variants import read_element

_PLAIN, _OPTIONAL, _UNION = 0, 1, 2
_SCALAR, _ONE_DIMENSION = -1, 1
_INT32, _EXTENSION_OBJECT = 6, 22
_DEEPEST: Final = 16
_SMALLEST_FIELD: Final = 4 + 1 + 2 + 4 + 4 + 4 + 1
_SMALLEST_NAME: Final = 8 + 1 + 1 + 4


@dataclass(frozen=True, slots=True)
class Builtin:
    """A type that is encoded as the built-in type ``kind``."""

    kind: int


@dataclass(frozen=True, slots=True)
class Enumeration:
    """A type whose numbers have names."""

    names: dict[int, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a structure; ``data_type`` is an encoded node id."""

    name: str
    data_type: bytes
    rank: int
    optional: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """A type made of fields: all of them, those that a mask names, or one of them."""

    name: str
    form: int
    fields: tuple[Field, ...]


DataType = Builtin | Enumeration | Structure


class UndecodableError(Exception):
    """A structure cannot be decoded with what the server told about it."""


def read_structure(name: str, body: Reader) -> Structure:
    """A StructureDefinition. Raises MalformedAnswerError."""
    body.node_id()
    body.node_id()
    form = body.int32()
    fields = []
    for _ in range(body.count(_SMALLEST_FIELD)):
        field_name = body.string() or ""
        body.localized_text()
        data_type, rank = canonical(body.node_id()), body.int32()
        for _ in range(body.count(4)):
            body.uint32()
        body.uint32()
        fields.append(Field(field_name, data_type, rank, body.byte() != 0))
    return Structure(name, form, tuple(fields))


def read_enumeration(body: Reader) -> Enumeration:
    """An EnumDefinition. Raises MalformedAnswerError."""
    names: dict[int, str] = {}
    for _ in range(body.count(_SMALLEST_NAME)):
        value, display_name = body.int64(), body.localized_text()
        body.localized_text()
        names[value] = body.string() or display_name or ""
    return Enumeration(names)


def decode_structure(body: Reader, structure: Structure, types: dict[bytes, DataType]) -> Any:
    """The fields of a structure by name, whole.

    Raises UndecodableError when something is left over, or beyond what the server described.
    """
    try:
        content = _structure(body, structure, types, 0)
    except MalformedAnswerError as error:
        raise UndecodableError(str(error)) from None
    if body.position != body.end:
        raise UndecodableError(f"{body.end - body.position} bytes are left over")
    return content


def _structure(body: Reader, structure: Structure, types: dict[bytes, DataType], depth: int) -> Any:
    if depth > _DEEPEST:
        raise UndecodableError("structures nested without end")
    if structure.form == _UNION:
        chosen = body.uint32()
        if chosen > len(structure.fields):
            raise UndecodableError(f"choice {chosen} of {len(structure.fields)}")
        fields = structure.fields[chosen - 1 : chosen] if chosen else ()
        return {one.name: _field(body, one, types, depth) for one in fields}
    if structure.form not in (_PLAIN, _OPTIONAL):
        raise UndecodableError(f"a structure of the unknown form {structure.form}")
    mask = body.uint32() if structure.form == _OPTIONAL else 0
    content: dict[str, Any] = {}
    for field in structure.fields:
        if structure.form == _OPTIONAL and field.optional:
            present, mask = mask & 1, mask >> 1
            if not present:
                content[field.name] = None
                continue
        content[field.name] = _field(body, field, types, depth)
    return content


def _field(body: Reader, field: Field, types: dict[bytes, DataType], depth: int) -> Any:
    data_type = types.get(field.data_type)
    if data_type is None or field.rank not in (_SCALAR, _ONE_DIMENSION):
        raise UndecodableError(f"field {field.name} is of a type or shape that is not known")
    if field.rank == _SCALAR:
        return _value(body, data_type, types, depth)
    # Each element takes a byte at the least, but for structures without fields.
    count = body.count(1)
    return None if count < 0 else [_value(body, data_type, types, depth) for _ in range(count)]


def _value(body: Reader, data_type: DataType, types: dict[bytes, DataType], depth: int) -> Any:
    if isinstance(data_type, Structure):
        return _structure(body, data_type, types, depth + 1)
    if isinstance(data_type, Enumeration):
        number = body.int32()
        # As OPC UA's own JSON writes it for people.
        name = data_type.names.get(number)
        return number if name is None else f"{name}_{number}"
    return read_element(body, data_type.kind, depth)
