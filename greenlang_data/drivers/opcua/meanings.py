"""What values mean beyond their bytes: names of enumerations, fields of structures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.browsing import (
    ANY_CLASS,
    FORWARD,
    HAS_PROPERTY,
    Budget,
    Direction,
    browse,
)
from greenlang_data.drivers.opcua.bulk import NEITHER, ReadPlan, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datatypes import DataTypes
from greenlang_data.drivers.opcua.datavalues import Columns, whole_numbers
from greenlang_data.drivers.opcua.definitions import Enumeration
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.nodes import (
    ATTRIBUTE_DATA_TYPE,
    encode_node_id,
    read_value_id,
)
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.structures import Decoder, encodings_in, undecoded_rows

Names = Mapping[int, str]

# What a number with a name is called; its own type would promise that the text is a number.
ENUMERATION: Final = "Enumeration"
NO_NAMES: Final[Names] = MappingProxyType({})
_PROPERTIES: Final = Direction(FORWARD, HAS_PROPERTY, ANY_CLASS)
_STRINGS, _VALUES = "EnumStrings", "EnumValues"


class Meanings:
    """Looked up when a value needs it, once per node and connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._types = DataTypes(connection)
        self._names: dict[bytes, dict[int, str]] = {}

    async def names(self, nodes: Sequence[bytes], log: ReadLog) -> list[Names]:
        """For each node, of which there are whole numbers, the names of its numbers.

        Mostly there are none. What cannot be found out is left out, with a note.
        """
        unknown = list(dict.fromkeys(node for node in nodes if node not in self._names))
        if unknown:
            try:
                await self._learn_names(unknown, log)
            except (ServiceFaultError, MalformedAnswerError) as error:
                self._not_told(error, log)
        return [self._names.get(node, NO_NAMES) for node in nodes]

    async def explain(self, columns: Columns, nodes: Sequence[bytes] | None, log: ReadLog) -> None:
        """Put names and fields into the texts of ``columns``, a row per node.

        Without ``nodes``, as in histories, only structures get their fields; see :meth:`names` for
        the numbers. What cannot be found out is left as it came, with a note.
        """
        try:
            await self._explain_structures(columns, log)
        except (ServiceFaultError, MalformedAnswerError) as error:
            self._not_told(error, log)
        if nodes is not None:
            await self._explain_enumerations(columns, nodes, log)

    def _not_told(self, error: Exception, log: ReadLog) -> None:
        if not self._connection.alive:
            raise error
        log.note(f"the server did not tell all about its data types ({error})")

    async def _explain_structures(self, columns: Columns, log: ReadLog) -> None:
        rows = undecoded_rows(columns) if columns.texts else []
        if not rows:
            return
        await self._types.learn_encodings(encodings_in(columns, rows), log)
        decoder = Decoder(self._types.encodings, self._types.types)
        for row in rows:
            decoder.decode(columns, row)
        for one in sorted(decoder.undecoded):
            log.note(f"structures are given as bytes, because they cannot be decoded: {one}")

    async def _explain_enumerations(
        self, columns: Columns, nodes: Sequence[bytes], log: ReadLog
    ) -> None:
        rows = np.flatnonzero(whole_numbers(columns)).tolist()
        named = await self.names([nodes[row] for row in rows], log)
        for row, names in zip(rows, named, strict=True):
            if not names:
                continue
            columns.type_names[row] = ENUMERATION
            name = names.get(int(columns.numbers[row]))
            if name:
                columns.texts[row] = name

    async def _learn_names(self, nodes: Sequence[bytes], log: ReadLog) -> None:
        """The names of the numbers that these nodes may have; mostly none."""
        entries = [read_value_id(node, ATTRIBUTE_DATA_TYPE) for node in nodes]
        read = await read_all(self._connection, ReadPlan(entries, NEITHER), log, optional=True)
        types = {
            node: encode_node_id(read.texts[row], lambda _: 0)
            for row, node in enumerate(nodes)
            if row in read.texts and not read.codes[row] & BAD
        }
        await self._types.learn(set(types.values()), log)
        found: dict[bytes, dict[int, str]] = {}
        for node, data_type in types.items():
            known = self._types.types.get(data_type)
            if isinstance(known, Enumeration):
                found[node] = known.names
        rest = [node for node in nodes if node not in found]
        found |= await self._names_in_properties(rest, log) if rest else {}
        self._names |= {node: found.get(node, {}) for node in nodes}

    async def _names_in_properties(
        self, nodes: Sequence[bytes], log: ReadLog
    ) -> dict[bytes, dict[int, str]]:
        budget = Budget(100 * len(nodes) + 1000, 1 << 28)
        browsed = await browse(self._connection, nodes, _PROPERTIES, budget, log, optional=True)
        owners, entries = [], []
        for node, one in zip(nodes, browsed, strict=True):
            for reference in one.references:
                if reference.name in (_STRINGS, _VALUES):
                    owners.append(node)
                    entries.append(read_value_id(reference.node))
        if not owners:
            return {}
        read = await read_all(self._connection, ReadPlan(entries, NEITHER), log, optional=True)
        return {
            node: _names_in(read.texts[row])
            for row, node in enumerate(owners)
            if row in read.texts and not read.codes[row] & BAD
        }


def _names_in(text: str) -> dict[int, str]:
    """The names in EnumStrings, counted from 0, or in EnumValues, as :mod:`.variants` writes them."""
    names: dict[int, str] = {}
    try:
        content = json.loads(text)
    except ValueError:
        return names
    for number, one in enumerate(content if isinstance(content, list) else []):
        if isinstance(one, str):
            names[number] = one
        elif isinstance(one, dict) and isinstance(one.get("value"), int):
            names[one["value"]] = str(one.get("display_name") or "")
    return names
