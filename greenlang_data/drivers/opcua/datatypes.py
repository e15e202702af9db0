"""Data types as the server describes them, found when values of them come up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import (
    MalformedAnswerError,
    Reader,
    numeric_node_id,
)
from greenlang_data.drivers.opcua.browsing import (
    ANY_CLASS,
    HAS_ENCODING,
    HAS_SUBTYPE,
    INVERSE,
    Budget,
    Direction,
    browse,
)
from greenlang_data.drivers.opcua.bulk import NEITHER, ReadPlan, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.definitions import (
    Builtin,
    DataType,
    Structure,
    read_enumeration,
    read_structure,
)
from greenlang_data.drivers.opcua.nodes import (
    ATTRIBUTE_BROWSE_NAME,
    ATTRIBUTE_DEFINITION,
    read_value_id,
)
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.structures import body_of
from greenlang_data.drivers.opcua.variants import TYPE_NAMES

_STRUCTURE_DEFINITION, _ENUM_DEFINITION = "i=122", "i=123"
_TO_TYPE: Final = Direction(INVERSE, HAS_ENCODING, ANY_CLASS)
_TO_SUPERTYPE: Final = Direction(INVERSE, HAS_SUBTYPE, ANY_CLASS)
_MOST_TYPES: Final = 5_000
_MOST_ROUNDS: Final = 30
_INT32: Final = 6
_BUILTINS: Final = {numeric_node_id(kind): Builtin(kind) for kind in range(1, len(TYPE_NAMES))}
# Abstract types whose values carry their own type, and the one of enumerations without names.
_BUILTINS.update({numeric_node_id(number): Builtin(24) for number in (24, 26, 27, 28)})
_BUILTINS[numeric_node_id(29)] = Builtin(_INT32)


class DataTypes:
    """Types by the node id of the type, and structures by that of their binary encoding.

    What cannot be found is remembered as such, so that it is asked for once.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.types: dict[bytes, DataType] = dict(_BUILTINS)
        self.encodings: dict[bytes, Structure | None] = {}
        self._asked: set[bytes] = set()

    async def learn_encodings(self, encodings: Iterable[bytes], log: ReadLog) -> None:
        """Find the structures that these ids of encodings stand for."""
        unknown = [one for one in encodings if one not in self.encodings]
        if not unknown:
            return
        owners = await self._sources(unknown, _TO_TYPE, log)
        await self.learn([owner for owner in owners if owner is not None], log)
        for encoding, owner in zip(unknown, owners, strict=True):
            found = self.types.get(owner) if owner is not None else None
            self.encodings[encoding] = found if isinstance(found, Structure) else None

    async def learn(self, types: Iterable[bytes], log: ReadLog) -> None:
        """Find these types, and those that they are made of."""
        unknown = self._unasked(types)
        for _ in range(_MOST_ROUNDS):
            if not unknown or len(self._asked) > _MOST_TYPES:
                return
            unknown = self._unasked(await self._learn_some(unknown, log))

    def _unasked(self, types: Iterable[bytes]) -> list[bytes]:
        wanted = list(dict.fromkeys(one for one in types if one not in self.types))
        return [one for one in wanted if one not in self._asked]

    async def _learn_some(self, unknown: Sequence[bytes], log: ReadLog) -> list[bytes]:
        """Read some definitions; returns the types that they refer to."""
        self._asked.update(unknown)
        entries = [read_value_id(node, ATTRIBUTE_DEFINITION) for node in unknown]
        entries += [read_value_id(node, ATTRIBUTE_BROWSE_NAME) for node in unknown]
        read = await read_all(self._connection, ReadPlan(entries, NEITHER), log, optional=True)
        further: list[bytes] = []
        derived: list[bytes] = []
        for row, node in enumerate(unknown):
            text = None if read.codes[row] & BAD else read.texts.get(row)
            name = (read.texts.get(len(unknown) + row) or "").rpartition(":")[2]
            found = _definition(name, text)
            if found is None:
                derived.append(node)
                continue
            self.types[node] = found
            if isinstance(found, Structure):
                further += [field.data_type for field in found.fields]
        return further + await self._learn_derived(derived, log)

    async def _learn_derived(self, derived: Sequence[bytes], log: ReadLog) -> list[bytes]:
        """Types without a definition are encoded as what they derive from."""
        supertypes = await self._sources(derived, _TO_SUPERTYPE, log) if derived else []
        pairs = [
            (one, above)
            for one, above in zip(derived, supertypes, strict=True)
            if above is not None
        ]
        await self.learn([above for _, above in pairs], log)
        for one, above in pairs:
            found = self.types.get(above)
            if found is not None:
                self.types[one] = found
        return []

    async def _sources(
        self, nodes: Sequence[bytes], direction: Direction, log: ReadLog
    ) -> list[bytes | None]:
        """The node that each one's first reference of a kind comes from."""
        budget = Budget(100 * len(nodes) + 1000, 1 << 26)
        found = await browse(self._connection, nodes, direction, budget, log, optional=True)
        return [one.references[0].node if one.references else None for one in found]


def _definition(name: str, text: str | None) -> DataType | None:
    found = body_of(text)
    if found is None:
        return None
    type_id, body = found
    try:
        if type_id == _STRUCTURE_DEFINITION:
            return read_structure(name, Reader(body))
        return read_enumeration(Reader(body)) if type_id == _ENUM_DEFINITION else None
    except MalformedAnswerError:
        return None
