"""Structures inside values: from the bytes that came to their fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from greenlang_data.drivers.opcua.binary import Reader
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.definitions import (
    DataType,
    Structure,
    UndecodableError,
    decode_structure,
)
from greenlang_data.drivers.opcua.nodes import encode_node_id
from greenlang_data.drivers.opcua.variants import as_json

_MARK = '"type_id"'
_KEYS = {"type_id", "body"}


def body_of(text: str | None) -> tuple[str, bytes] | None:
    """The type id and the bytes of a structure, as :mod:`.variants` writes one that it only saw."""
    if text is None or _MARK not in text:
        return None
    content = json.loads(text)
    if not isinstance(content, dict) or content.keys() != _KEYS:
        return None
    return content["type_id"], bytes.fromhex(content["body"])


def undecoded_rows(columns: Columns) -> list[int]:
    """The rows with structures that are only bytes so far."""
    extension_object = 22
    return [
        row
        for row, text in columns.texts.items()
        if columns.kinds[row] == extension_object and _MARK in text
    ]


def encodings_in(columns: Columns, rows: list[int]) -> set[bytes]:
    """The encoded ids of the structures' encodings in these rows."""
    found: set[bytes] = set()
    for row in rows:
        _replaced(json.loads(columns.texts[row]), lambda type_id, body: found.add(_id(type_id)))
    return found


class Decoder:
    """Replaces bytes by fields where the server described the structure; else leaves the bytes."""

    def __init__(
        self, encodings: dict[bytes, Structure | None], types: dict[bytes, DataType]
    ) -> None:
        self._encodings = encodings
        self._types = types
        self.undecoded: set[str] = set()
        self._name: str | None = None

    def decode(self, columns: Columns, row: int) -> None:
        """Decode one row's text, and name its type."""
        self._name = None
        content = _replaced(json.loads(columns.texts[row]), self._one)
        columns.texts[row] = as_json(content)
        if self._name:
            name = columns.type_names.get(row, "ExtensionObject")
            columns.type_names[row] = name.replace("ExtensionObject", self._name)

    def _one(self, type_id: str, body: bytes) -> Any:
        structure = self._encodings.get(_id(type_id))
        if structure is None:
            self.undecoded.add(f"{type_id}: the server does not describe it")
            return None
        try:
            content = decode_structure(Reader(body), structure, self._types)
        except UndecodableError as error:
            self.undecoded.add(f"{structure.name}: {error}")
            return None
        self._name = self._name or structure.name
        return content


def _id(type_id: str) -> bytes:
    return encode_node_id(type_id, lambda _: 0)


def _replaced(content: Any, replace: Callable[[str, bytes], Any]) -> Any:
    """``content`` with each structure that is only bytes replaced, unless that gives None."""
    if isinstance(content, list):
        return [_replaced(one, replace) for one in content]
    if isinstance(content, dict) and content.keys() == _KEYS:
        made = replace(content["type_id"], bytes.fromhex(content["body"]))
        return content if made is None else _replaced(made, replace)
    if isinstance(content, dict):
        return {key: _replaced(one, replace) for key, one in content.items()}
    return content
