"""What a user needs to know of each variable: name, place, type, unit, range."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.bulk import NEITHER, ReadPlan, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.metadata import unit_in
from greenlang_data.drivers.opcua.nodes import (
    ATTRIBUTE_BROWSE_NAME,
    ATTRIBUTE_DATA_TYPE,
    ATTRIBUTE_DESCRIPTION,
    ATTRIBUTE_USER_ACCESS_LEVEL,
    ATTRIBUTE_VALUE_RANK,
    TagMap,
    encode_node_id,
    read_value_id,
)
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.variants import TYPE_NAMES, node_id_text
from greenlang_data.drivers.opcua.walk import FoundVariable, Walk
from greenlang_data.drivers.schema import TAGS

_ATTRIBUTES: Final = (
    ATTRIBUTE_DATA_TYPE,
    ATTRIBUTE_DESCRIPTION,
    ATTRIBUTE_VALUE_RANK,
    ATTRIBUTE_USER_ACCESS_LEVEL,
)
# Of UserAccessLevel: the current value may be read, or the history.
_READABLE: Final = 0x01 | 0x04


class TagLister:
    """Makes batches of :data:`~greenlang_data.drivers.schema.TAGS` of what a walk finds."""

    def __init__(self, connection: Connection, tags: TagMap, log: ReadLog) -> None:
        self._connection = connection
        self._tags = tags
        self._log = log
        self._names = tags.named()
        self._type_names: dict[str, str] = {}
        self._unreadable = 0

    async def batches(self, root: bytes) -> AsyncGenerator[pa.RecordBatch, None]:
        """All readable variables below ``root``; at least one batch."""
        yield _batch([])
        walk = Walk(self._connection, root, self._log)
        async with aclosing(walk.variables()) as groups:
            async for group in groups:
                yield await self._described(group)
        if self._unreadable:
            self._log.note(f"{self._unreadable} variables that this user may not read: left out")

    async def _described(self, group: Sequence[FoundVariable]) -> pa.RecordBatch:
        nodes = [one.place.node for one in group]
        entries = [read_value_id(node, one) for one in _ATTRIBUTES for node in nodes]
        units, ranges = _owners(group, "EngineeringUnits"), _owners(group, "EURange")
        for owners, name in ((units, "EngineeringUnits"), (ranges, "EURange")):
            entries += [read_value_id(group[row].properties[name]) for row in owners]
        read = await read_all(self._connection, ReadPlan(entries, NEITHER), self._log)
        await self._learn_types(read, len(group))
        unit_of = {row: unit_in(read, len(_ATTRIBUTES) * len(group) + place)
                   for place, row in enumerate(units)}  # fmt: skip
        start = len(_ATTRIBUTES) * len(group) + len(units)
        range_of = {row: _range_in(read, start + place) for place, row in enumerate(ranges)}
        rows = []
        for row, one in enumerate(group):
            access = _number(read, 3 * len(group) + row)
            if access is not None and not int(access) & _READABLE:
                self._unreadable += 1
                continue
            rows.append(self._row(one, read, row, len(group), unit_of, range_of))
        return _batch(rows)

    def _row(
        self,
        one: FoundVariable,
        read: Columns,
        row: int,
        count: int,
        unit_of: dict[int, str | None],
        range_of: dict[int, tuple[float | None, float | None]],
    ) -> dict[str, Any]:
        text = node_id_text(one.place.node)
        tag = self._names.get(one.place.node, text)
        entry = self._tags.entries.get(tag)
        low, high = range_of.get(row, (None, None))
        data_type = self._type_names.get(read.texts.get(row, ""))
        rank = _number(read, 2 * count + row)
        is_array = rank is not None and rank >= 0 and data_type is not None
        return {
            "tag_id": tag,
            "tag_name": one.place.display_name,
            "path": one.place.path,
            "description": _text(read, count + row) or None,
            "data_type": f"{data_type}[]" if is_array else data_type,
            "unit": (entry.unit if entry is not None else None) or unit_of.get(row),
            "low": low,
            "high": high,
        }

    async def _learn_types(self, read: Columns, count: int) -> None:
        """The names of data types that were not met before."""
        texts = {read.texts[row] for row in range(count) if row in read.texts}
        for text in texts - self._type_names.keys():
            number = text.removeprefix("i=")
            if number.isdigit() and int(number) < len(TYPE_NAMES):
                self._type_names[text] = TYPE_NAMES[int(number)]
        unknown = sorted(texts - self._type_names.keys())
        if not unknown:
            return
        nodes = [encode_node_id(text, lambda _: 0) for text in unknown]
        plan = ReadPlan([read_value_id(node, ATTRIBUTE_BROWSE_NAME) for node in nodes], NEITHER)
        try:
            names = await read_all(self._connection, plan, self._log)
        except ServiceFaultError:
            return
        for row, text in enumerate(unknown):
            name = _text(names, row)
            # A QualifiedName carries its namespace, which a reader does not ask for.
            self._type_names[text] = name.partition(":")[2] or name if name else text


def _owners(group: Sequence[FoundVariable], name: str) -> list[int]:
    return [row for row, one in enumerate(group) if name in one.properties]


def _text(columns: Columns, row: int) -> str | None:
    return None if columns.codes[row] & BAD else columns.texts.get(row)


def _number(columns: Columns, row: int) -> float | None:
    if columns.codes[row] & BAD or not columns.valid[row]:
        return None
    return float(columns.numbers[row])


def _range_in(columns: Columns, row: int) -> tuple[float | None, float | None]:
    """The bounds in a Range as :mod:`.variants` writes it; None for what is no number."""
    text = _text(columns, row)
    if text is None or TYPE_NAMES[columns.kinds[row]] != "ExtensionObject":
        return None, None
    content = json.loads(text)
    low, high = content.get("low"), content.get("high")
    bounds = [one if isinstance(one, float) and math.isfinite(one) else None for one in (low, high)]
    # Equal bounds are how a server leaves the range unset.
    return (None, None) if low == high else (bounds[0], bounds[1])


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=TAGS)
