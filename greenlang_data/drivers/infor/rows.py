"""From the rows of grids and the entities of collections to the values of columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.columns import text_of
from greenlang_data.drivers.cmms.entities import UNKNOWN, Kind
from greenlang_data.drivers.cmms.mapping import Mapped
from greenlang_data.drivers.cmms.selection import Selection
from greenlang_data.drivers.infor.dialect import Dialect
from greenlang_data.drivers.infor.grids import Table
from greenlang_data.drivers.infor.shapes import part_of, plain
from greenlang_data.drivers.infor.statuses import Meanings
from greenlang_data.drivers.infor.wire import Page, Row
from greenlang_data.errors import ProtocolError


class Rows:
    """Turns pages into columns: of the rows that are wanted, each with its status's meaning."""

    def __init__(
        self,
        table: Table,
        mapped: Mapped,
        meanings: Meanings,
        selection: Selection,
        dialect: Dialect,
        log: ReadLog,
    ) -> None:
        self.native = mapped.native
        self.meanings = meanings
        self._table = table
        self._fields: Mapping[str, str] = {
            **{name: name for name in mapped.native},
            **mapped.columns,
        }
        self._kinds = {**table.entity.columns, **mapped.native}
        self._selection = selection
        self._dialect = dialect
        self._log = log

    def field(self, column: str) -> str | None:
        """The field of a column."""
        return self._fields.get(column)

    def key_of(self, row: Row) -> tuple[str, ...]:
        """What tells a row from the others. Raises ValueError when that is missing."""
        key = tuple(text_of(self._raw(row, name)) or "" for name in self._table.key)
        if "" in key:
            raise ValueError(f"a record without {' and '.join(self._table.key)}")
        return key

    def check_fields(self, page: Page, source: str) -> None:
        """Tell which columns the grid lacks, and refuse one that cannot tell its records apart."""
        if not page.kinds:
            return
        for column, field in self._fields.items():
            if field in page.kinds:
                continue
            if column in self._table.key:
                raise ProtocolError(
                    f"the grid {self._table.name} has no field {field!r}",
                    source=source,
                    remedy=f"Name its own in field_map.{self._table.entity.name}.{column}.",
                )
            self._log.note(
                f"the grid {self._table.name} has no field {field}, so {column} is missing"
            )

    def columns_of(self, page: Page, assets: Collection[str]) -> dict[str, list[Any]]:
        """The columns of the rows that are wanted, of ``assets`` if there are any.

        Raises ValueError for a value that is not what it should be.
        """
        rows = [row for row in page.rows if self._is_wanted(row, assets, page.kinds)]
        columns: dict[str, list[Any]] = {
            name: self._values(rows, name, page.kinds) for name in self._fields
        }
        columns["source_system"] = ["infor"] * len(rows)
        if self._table.entity.statuses:
            columns |= self._status_columns(rows, page.kinds)
        return columns

    def _raw(self, row: Row, column: str) -> Any:
        field = self._fields.get(column)
        if field is None:
            return None
        return row.get(field) if self._table.is_grid else part_of(row, field)

    def _values(self, rows: Sequence[Row], name: str, kinds: Mapping[str, str]) -> list[Any]:
        wanted = self._kinds[name]
        if not self._table.is_grid:
            return [plain(self._raw(row, name), wanted) for row in rows]
        kind = kinds.get(self._fields[name], "VARCHAR")
        return [self._dialect.value(self._raw(row, name), kind, wanted) for row in rows]

    def _code(self, row: Row, name: str, kinds: Mapping[str, str]) -> str | None:
        """A code as its column has it; in a field of numbers ``1,234`` is the code 1234."""
        return self._as_code(self._raw(row, name), name, kinds)

    def _as_code(self, raw: Any, name: str, kinds: Mapping[str, str]) -> str | None:
        text = text_of(raw)
        if not self._table.is_grid:
            return text or None
        kind = kinds.get(self._fields.get(name, ""), "VARCHAR")
        code: str | None = self._dialect.value(text, kind, Kind.TEXT)
        return code

    def _is_wanted(self, row: Row, assets: Collection[str], kinds: Mapping[str, str]) -> bool:
        selection = self._selection

        def is_one(name: str, wanted: Collection[str]) -> bool:
            codes = {self._as_code(one, name, kinds) for one in wanted}
            return not wanted or self._code(row, name, kinds) in codes

        return (
            is_one("site", selection.sites)
            and is_one("asset_id", assets)
            and (self._tell(row, kinds) in selection.statuses or not selection.statuses)
        )

    def _meaning(self, row: Row, kinds: Mapping[str, str]) -> str | None:
        read = row.get if self._table.is_grid else lambda path: part_of(row, path)
        system, text = (
            None if field is None else text_of(read(field)) or None
            for field in (self._table.system_status, self._table.status_text)
        )
        return self.meanings.of(self._code(row, "status_raw", kinds), system, text)

    def _tell(self, row: Row, kinds: Mapping[str, str]) -> str | None:
        """What the status of a row means; an unknown one is told, wanted or not."""
        meaning = self._meaning(row, kinds)
        if meaning == "completed" and self._table.status_text is not None:
            self._log.note(
                "work that has ended is completed, unless the name of its status says cancelled"
            )
        if meaning == UNKNOWN:
            self._log.caution(
                f"what the status {self._code(row, 'status_raw', kinds)!r} means is not known, so it is "
                f"{UNKNOWN!r}; name it in status_map.{self._table.entity.name}"
            )
        return meaning

    def _status_columns(
        self, rows: Sequence[Row], kinds: Mapping[str, str]
    ) -> dict[str, list[Any]]:
        raw = [self._code(row, "status_raw", kinds) for row in rows]
        meanings = [self._meaning(row, kinds) for row in rows]
        return {
            "status": meanings,
            "status_all": [None if text is None else [text] for text in raw],
        }
