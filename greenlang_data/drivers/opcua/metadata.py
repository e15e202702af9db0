"""Display names and engineering units, read once per tag and connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.browsing import HAS_PROPERTY
from greenlang_data.drivers.opcua.bulk import NEITHER, ReadPlan, all_or_none, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.nodes import ATTRIBUTE_DISPLAY_NAME, TagMap, read_value_id
from greenlang_data.drivers.opcua.paths import follow, path_of
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.variants import TYPE_NAMES

# Along HasProperty or a subtype.
_PATH_TO_UNIT: Final = path_of((HAS_PROPERTY, "EngineeringUnits"))


class Metadata:
    """Names and units of tags. A tag that has none is remembered as such."""

    def __init__(self, connection: Connection, tags: TagMap) -> None:
        self._connection = connection
        self._tags = tags
        self._names: dict[str, str] = {}
        self._units: dict[str, str | None] = {}

    def name(self, tag: str) -> str:
        """The display name of the tag's node, or the tag itself."""
        return self._names.get(tag, tag)

    def unit(self, tag: str) -> str | None:
        """The configured unit, or the one that the node tells."""
        return self._units.get(tag)

    async def learn_names(self, tags: Sequence[str], log: ReadLog) -> None:
        """Read the display names that are not known yet. What goes wrong is left out."""
        unknown = [tag for tag in tags if tag not in self._names]
        if not unknown:
            return
        entries = [
            read_value_id(node, ATTRIBUTE_DISPLAY_NAME) for node in self._tags.encoded(unknown)
        ]
        try:
            plan = ReadPlan(entries, NEITHER)
            found = await read_all(self._connection, plan, log, optional=True)
        except (ServiceFaultError, MalformedAnswerError):
            if not self._connection.alive:
                raise
            log.note("the server did not tell its display names; the tags stand in for them")
            self._names.update({tag: tag for tag in unknown})
            return
        for row, tag in enumerate(unknown):
            self._names[tag] = found.texts.get(row) or tag

    async def learn_units(self, tags: Sequence[str], log: ReadLog) -> None:
        """Read the units that are neither configured nor known yet. What goes wrong is left out."""
        for tag in tags:
            entry = self._tags.entries.get(tag)
            if entry is not None and entry.unit is not None:
                self._units[tag] = entry.unit
        unknown = [tag for tag in tags if tag not in self._units]
        if not unknown:
            return
        try:
            paths = [(node, _PATH_TO_UNIT) for node in self._tags.encoded(unknown)]
            properties = await follow(self._connection, paths, log)
            self._units |= await self._read_units(unknown, properties, log)
        except (ServiceFaultError, MalformedAnswerError):
            if not self._connection.alive:
                raise
            log.note("the server did not tell the units of its tags")
            self._units.update(dict.fromkeys(unknown))

    async def learn(self, tags: Sequence[str], log: ReadLog) -> None:
        """Names and units together."""
        await all_or_none([self.learn_names(tags, log), self.learn_units(tags, log)])

    async def _read_units(
        self, tags: Sequence[str], properties: Sequence[bytes | None], log: ReadLog
    ) -> dict[str, str | None]:
        units: dict[str, str | None] = dict.fromkeys(tags)
        owners = [tag for tag, node in zip(tags, properties, strict=True) if node is not None]
        if not owners:
            return units
        entries = [read_value_id(node) for node in properties if node is not None]
        plan = ReadPlan(entries, NEITHER)
        found = await read_all(self._connection, plan, log, optional=True)
        return units | {tag: unit_in(found, row) for row, tag in enumerate(owners)}


def unit_in(properties: Columns, row: int) -> str | None:
    """The symbol in an EUInformation as :mod:`.variants` writes it, or a plain text."""
    text = properties.texts.get(row)
    if text is None or properties.codes[row] & BAD:
        return None
    kind = TYPE_NAMES[properties.kinds[row]]
    if kind in ("String", "LocalizedText"):
        return text or None
    symbol = json.loads(text).get("display_name") if kind == "ExtensionObject" else None
    return symbol if isinstance(symbol, str) and symbol else None
