"""One Variant of any type as a number or a text; the way for all that has no fixed width.

Texts: ByteStrings and Guids in hexadecimal, DateTimes in ISO 8601 UTC, node ids and status codes
as OPC UA writes them, structures as JSON (of their type id and hexadecimal body, but for units
and ranges),
arrays as compact JSON in which, as in OPC UA's own, ``NaN`` and the infinities are strings.
"""

from __future__ import annotations

import base64
import json
import math
import struct
import uuid
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.statuses import status_name
from greenlang_data.drivers.opcua.times import iso_text

TYPE_NAMES: Final = (
    *("Null", "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"),
    *("Float", "Double", "String", "DateTime", "Guid", "ByteString", "XmlElement", "NodeId"),
    *("ExpandedNodeId", "StatusCode", "QualifiedName", "LocalizedText", "ExtensionObject"),
    *("DataValue", "Variant", "DiagnosticInfo"),
)
NULL, BOOLEAN, INT64, UINT64 = 0, 1, 8, 9
# A float64 holds every integer up to here, and no longer every one beyond.
LARGEST_EXACT: Final = 2**53

# The numpy type of each built-in type that is a number of fixed width.
NUMBERS: Final = dict(
    enumerate(("u1", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"), start=1)
)
_ARRAY, _MATRIX, _VARIANT = 0x80, 0x40, 24
_DEEPEST: Final = 16


def read_variant(reader: Reader) -> tuple[float | None, str | None, str | None]:
    """``(value, text, data_type)`` of the Variant at the reader's position.

    At most one of value and text is given; data_type is None when there is no value at all.
    """
    content, name = _variant(reader, 0)
    if isinstance(content, bool | float):
        return float(content), None, name
    if isinstance(content, int):
        exact = abs(content) <= LARGEST_EXACT
        return (float(content), None, name) if exact else (None, str(content), name)
    if content is None or isinstance(content, str):
        return None, content, name
    return None, as_json(content), name


def _variant(reader: Reader, depth: int) -> tuple[Any, str | None]:
    if depth > _DEEPEST:
        raise MalformedAnswerError("values nested without end")
    encoding = reader.byte()
    kind = encoding & 0x3F
    name = TYPE_NAMES[kind] if kind < len(TYPE_NAMES) else f"Reserved{kind}"
    if not encoding & _ARRAY:
        if encoding & _MATRIX:
            raise MalformedAnswerError("a scalar with dimensions")
        return _element(reader, kind, depth), name if kind else None
    elements = _array(reader, kind, depth)
    if not encoding & _MATRIX:
        return elements, f"{name}[{'' if elements is None else len(elements)}]"
    sizes = _array(reader, 6, depth) or []
    fits = elements is not None and math.prod(sizes) == len(elements) and min(sizes, default=0) >= 0
    if not fits or len(sizes) > _DEEPEST:
        raise MalformedAnswerError(f"dimensions {sizes} do not fit the elements")
    return _reshaped(elements or [], sizes), f"{name}[{','.join(map(str, sizes))}]"


def _array(reader: Reader, kind: int, depth: int) -> list[Any] | None:
    numbers = NUMBERS.get(kind)
    length = reader.count(np.dtype(numbers).itemsize if numbers else 1)
    if length < 0:
        return None
    if not numbers:
        if kind == NULL:
            raise MalformedAnswerError("an array of nothing")
        return [_element(reader, kind, depth) for _ in range(length)]
    start = reader.skip(length * np.dtype(numbers).itemsize)
    column = np.frombuffer(reader.data, numbers, length, start)
    elements: list[Any] = (column != 0 if kind == BOOLEAN else column).tolist()
    return elements


def _reshaped(elements: list[Any], sizes: list[int]) -> list[Any]:
    for size in reversed(sizes[1:]):
        elements = [elements[i : i + size] for i in range(0, len(elements), size)] if size else []
    return elements


def read_element(reader: Reader, kind: int, depth: int) -> Any:
    """One value of a built-in type, as a structure holds it: without a type before it."""
    return _element(reader, kind, depth)


def as_json(content: Any) -> str:
    """Compact JSON in the manner of this module."""
    return json.dumps(_jsonable(content), separators=(",", ":"), ensure_ascii=False)


def _element(reader: Reader, kind: int, depth: int) -> Any:
    numbers = NUMBERS.get(kind)
    if numbers:
        start = reader.skip(np.dtype(numbers).itemsize)
        number = np.frombuffer(reader.data, numbers, 1, start)[0].item()
        return number != 0 if kind == BOOLEAN else number
    if kind in (_VARIANT, 23):
        inner = _variant if kind == _VARIANT else _data_value
        return inner(reader, depth + 1)[0]
    return _READERS.get(kind, _hexadecimal)(reader)


def _data_value(reader: Reader, depth: int) -> tuple[Any, None]:
    mask = reader.byte()
    content = _variant(reader, depth)[0] if mask & 0x01 else None
    status = status_name(reader.uint32()) if mask & 0x02 else "Good"
    reader.skip(sum(width for bit, width in DATA_VALUE_TIMES if mask & bit))
    return {"value": content, "status": status}, None


# The fields of a DataValue behind its status: mask bit and width, in the order of the standard.
DATA_VALUE_TIMES: Final = ((0x04, 8), (0x10, 2), (0x08, 8), (0x20, 2))


def _hexadecimal(reader: Reader) -> str | None:
    content = reader.byte_string()
    return None if content is None else content.hex()


def _guid(reader: Reader) -> str:
    start = reader.skip(16)
    return str(uuid.UUID(bytes_le=reader.data[start : start + 16]))


def node_id_text(encoded: bytes) -> str:
    """An encoded NodeId as OPC UA writes it, such as ``ns=2;s=Temperature`` or ``i=2258``."""
    reader = Reader(encoded)
    kind = reader.byte()
    if kind == 0:
        return f"i={reader.byte()}"
    namespace = reader.byte() if kind == 1 else reader.uint16()
    forms: dict[int, Callable[[], str]] = {
        1: lambda: f"i={reader.uint16()}",
        2: lambda: f"i={reader.uint32()}",
        3: lambda: f"s={reader.string() or ''}",
        4: lambda: f"g={_guid(reader)}",
        5: lambda: f"b={base64.b64encode(reader.byte_string() or b'').decode()}",
    }
    return (f"ns={namespace};" if namespace else "") + forms[kind]()


def _qualified_name(reader: Reader) -> str:
    namespace = reader.uint16()
    return f"{namespace}:{reader.string() or ''}" if namespace else reader.string() or ""


def _structure(reader: Reader) -> dict[str, Any] | None:
    type_id, body = reader.extension_object()
    if body is None:
        return None
    name = node_id_text(type_id)
    if name in _KNOWN_STRUCTURES:
        return _KNOWN_STRUCTURES[name](body)
    return {"type_id": name, "body": body.data[body.position : body.end].hex()}


def _engineering_unit(body: Reader) -> dict[str, Any]:
    """The structure EUInformation."""
    return {
        "namespace_uri": body.string(),
        "unit_id": body.int32(),
        "display_name": body.localized_text(),
        "description": body.localized_text(),
    }


def _range(body: Reader) -> dict[str, Any]:
    """The structure Range."""
    low, high = struct.unpack_from("<dd", body.data, body.skip(16))
    return {"low": low, "high": high}


def _enum_value(body: Reader) -> dict[str, Any]:
    """The structure EnumValueType."""
    return {
        "value": body.int64(),
        "display_name": body.localized_text(),
        "description": body.localized_text(),
    }


# By the id of their binary encoding.
_KNOWN_STRUCTURES: Final = {"i=886": _range, "i=889": _engineering_unit, "i=8251": _enum_value}

_READERS: Final[dict[int, Callable[[Reader], Any]]] = {
    NULL: lambda reader: None,
    12: Reader.string,
    13: lambda reader: iso_text(reader.int64()),
    14: _guid,
    16: Reader.string,
    17: lambda reader: node_id_text(reader.node_id()),
    18: lambda reader: node_id_text(reader.node_id()),
    19: lambda reader: status_name(reader.uint32()),
    20: _qualified_name,
    21: Reader.localized_text,
    22: _structure,
    25: lambda reader: reader.skip_diagnostics(),
}


def _jsonable(content: Any) -> Any:
    if isinstance(content, list):
        return [_jsonable(element) for element in content]
    if isinstance(content, dict):
        return {key: _jsonable(element) for key, element in content.items()}
    if isinstance(content, float) and not math.isfinite(content):
        number = struct.pack("<d", content)
        return {_POSITIVE: "Infinity", _NEGATIVE: "-Infinity"}.get(number, "NaN")
    return content


_POSITIVE: Final = struct.pack("<d", math.inf)
_NEGATIVE: Final = struct.pack("<d", -math.inf)
