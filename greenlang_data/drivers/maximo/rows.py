"""From the rows of a page to the values of columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.columns import flag_of, text_of
from greenlang_data.drivers.cmms.entities import UNKNOWN, Kind
from greenlang_data.drivers.cmms.mapping import Mapped
from greenlang_data.drivers.maximo.dialect import Row
from greenlang_data.drivers.maximo.statuses import HOLDS, Meanings
from greenlang_data.drivers.maximo.structures import Structure

_TASK: Final = "istask"


def made_columns(structure: Structure) -> dict[str, Kind]:
    """Columns of Maximo's own that no attribute of a record holds."""
    made = {}
    if structure.entity.statuses:
        made["status_internal"] = Kind.TEXT
    if _TASK in structure.native:
        made["hold_reason"] = Kind.TEXT
    if structure.child is None:
        made["href"] = Kind.TEXT
    return made


class Rows:
    """Turns pages into columns: of the rows that are wanted, each with its status's meaning."""

    def __init__(
        self,
        structure: Structure,
        columns: Mapped,
        meanings: Meanings,
        statuses: Collection[str],
        include_tasks: bool,
        log: ReadLog,
    ) -> None:
        self.meanings = meanings
        self.columns: Mapping[str, str] = columns.columns
        self.native = columns.native
        self.fields = columns.fields
        self.status = columns.columns.get("status_raw", "status")
        self._structure = structure
        self._values = columns.values
        self._statuses = statuses
        self._drops_tasks = _TASK in structure.native and not include_tasks
        self._log = log

    def columns_of(
        self, page: Sequence[Row], routed: Callable[[str | None], str | None]
    ) -> dict[str, list[Any]]:
        """The columns of the rows that are wanted, which may be fewer than came.

        Raises ValueError for a value that is not what it should be.
        """
        rows = self._wanted(self._records(page))
        columns = self._values(rows)
        columns["source_system"] = ["maximo"] * len(rows)
        columns["href"] = [routed(row.get("href")) for row in rows]
        if self._structure.entity.statuses:
            columns |= self._status_columns(rows)
        return columns

    def _records(self, page: Sequence[Row]) -> Sequence[Row]:
        child = self._structure.child
        if child is None:
            return page
        return [{**row, **one} for row in page for one in row.get(child) or ()]

    def _wanted(self, rows: Sequence[Row]) -> list[Row]:
        found = []
        for row in rows:
            if self._drops_tasks and flag_of(row.get(_TASK)):
                self._log.note("tasks of work orders were left out; include_tasks has them")
            elif self._tell(row) in self._statuses or not self._statuses:
                found.append(row)
        return found

    def _tell(self, row: Row) -> str | None:
        """What the status of a row means; an unknown one is told, wanted or not."""
        meaning = self._meaning(row)
        if meaning == UNKNOWN:
            self._log.caution(
                f"what the status {row.get(self.status)!r} means is not known, so it is "
                f"{UNKNOWN!r}; name it in status_map.{self._structure.entity.name}"
            )
        return meaning

    def _meaning(self, row: Row) -> str | None:
        return self.meanings.of(text_of(row.get(self.status)), self._internal(row))

    def _internal(self, row: Row) -> str | None:
        return text_of(row.get(f"{self.status}_maxvalue"))

    def _status_columns(self, rows: Sequence[Row]) -> dict[str, list[Any]]:
        raw = [text_of(row.get(self.status)) for row in rows]
        meanings = [self._meaning(row) for row in rows]
        internal = [self._internal(row) for row in rows]
        return {
            "status": meanings,
            "status_all": [None if text is None else [text] for text in raw],
            "status_internal": internal,
            "hold_reason": [name if name in HOLDS else None for name in internal],
        }
