"""Records of an entity out of a grid or a collection, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.cmms.columns import make_batch
from greenlang_data.drivers.cmms.entities import Entity
from greenlang_data.drivers.cmms.mapping import mapped
from greenlang_data.drivers.cmms.selection import check_possible, select
from greenlang_data.drivers.cmms.window import within
from greenlang_data.drivers.infor.api import Filter, InforApi
from greenlang_data.drivers.infor.dialect import Dialect
from greenlang_data.drivers.infor.grids import COLLECTIONS, GRIDS, Table
from greenlang_data.drivers.infor.pages import MovedError, Pages
from greenlang_data.drivers.infor.rows import Rows
from greenlang_data.drivers.infor.statuses import Meanings
from greenlang_data.drivers.infor.wire import Page
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import (
    ConfigurationError,
    GreenLangError,
    ProtocolError,
    SourceError,
    TransientError,
    UnsupportedError,
)
from greenlang_data.nearest import nearest_and_all
from greenlang_data.settings.cmms import CmmsSettings

_MOST_MOVES: Final = 5


class _Turn(NamedTuple):
    """A question, and the assets of which the rows are wanted (none: of all)."""

    filters: Sequence[Filter]
    assets: tuple[str, ...]


class InforReading(RecordReading):
    """Reads the records of one request. Raises QueryError for what cannot be asked."""

    def __init__(
        self, api: InforApi, settings: CmmsSettings, request: Records, log: ReadLog
    ) -> None:
        self._api = api
        self._log = log
        self._size = settings.page_size
        self._selection = selection = select(request, api.source)
        self._table = table = _table(selection.entity, settings)
        self._dataspy = _dataspy(table, settings)
        name = selection.entity.name
        columns = mapped(selection.entity, table.columns, table.native, {}, settings)
        meanings = Meanings(name, settings.status_map.get(name, {}))
        check_possible(selection, meanings.possible, api.source)
        dialect = Dialect(settings, log)
        self._rows = Rows(table, columns, meanings, selection, dialect, log)
        self._there: list[str] = []
        self._turns = self._questions(dialect)
        self._moves = 0
        self._start_again()
        if selection.date_field is not None:
            field = self._rows.field(selection.date_field)
            log.note(f"start and end bound {selection.date_field} ({field})")

    def _start_again(self) -> None:
        self._turn = 0
        self._pages: Pages | None = None
        self._batches: list[pa.RecordBatch] = []
        self.rows = 0

    async def advance(self) -> bool:
        pages = self._pages = self._pages or self._first_pages()
        try:
            page = await pages.next()
            self._batches.append(self.keep(self._batch(page)))
        except MovedError:
            raise self._moved() from None
        except GreenLangError:
            raise
        except ValueError as error:
            raise ProtocolError(
                f"a record of {self._table.entity.name} cannot be understood ({error})",
                source=self._api.source,
                remedy="None of it was used; name another field in field_map, or none.",
            ) from None
        self.rows += self._batches[-1].num_rows
        if pages.ended:
            self._turn, self._pages = self._turn + 1, None
        if self._turn < len(self._turns):
            return True
        self._log.completeness = self._told()
        return False

    def _moved(self) -> SourceError:
        """The error after which it is read from the start, a few times."""
        self._start_again()
        self._moves += 1
        error = TransientError if self._moves <= _MOST_MOVES else SourceError
        return error(
            "records came or went while they were read, so none of them is used",
            source=self._api.source,
            remedy="Read again when less is written, or one site at a time.",
        )

    def batches(self) -> list[pa.RecordBatch]:
        return self._batches

    def _told(self) -> dict[str, object]:
        selection = self._selection
        wanted = {
            "asset_id": selection.assets,
            "site": selection.sites,
            "status": selection.statuses,
            selection.date_field or "": selection.date_field,
        }
        here = [name for name, value in wanted.items() if value and name not in self._there]
        return {
            "object": self._table.name,
            "dataspy": self._dataspy or None,
            "pages": len(self._batches),
            "rows": self.rows,
            "date_field": selection.date_field,
            "filtered_by_server": self._there,
            "filtered_here": here,
        }

    def _first_pages(self) -> Pages:
        table, filters = self._table, self._turns[self._turn].filters

        async def ask(position: int, rows: int) -> Page:
            if not table.is_grid:
                path = table.name.lstrip("/")
                return await self._api.collection(path, table.within, position, self._log)
            sort = self._rows.field(table.key[0]) or ""
            page = await self._api.grid(
                table.name, self._dataspy, filters, sort, position, rows, self._log
            )
            self._rows.check_fields(page, self._api.source)
            return page

        return Pages(ask, self._rows.key_of, self._size, self._api.source)

    def _batch(self, page: Page) -> pa.RecordBatch:
        columns = self._rows.columns_of(page, self._turns[self._turn].assets)
        batch = make_batch(self._table.entity, columns, self._rows.native, self._log)
        return within(batch, self._selection, self._log)

    def _questions(self, dialect: Dialect) -> list[_Turn]:
        """What the system selects; one question for each asset, as filters only narrow down."""
        if not self._table.is_grid:
            return [_Turn((), self._selection.assets)]
        selection, field = self._selection, self._rows.field
        filters = []
        site, asset = field("site"), field("asset_id")
        if len(selection.sites) == 1 and site:
            filters.append(Filter(site, "=", selection.sites[0]))
            self._there.append("site")
        system = self._rows.meanings.system(selection.statuses) if selection.statuses else None
        if system and self._table.system_status:
            filters.append(Filter(self._table.system_status, "=", system))
            self._there.append("status")
        filters += self._dates(dialect)
        if not selection.assets or asset is None:
            return [_Turn(filters, selection.assets)]
        self._there.append("asset_id")
        return [_Turn([Filter(asset, "=", one), *filters], (one,)) for one in selection.assets]

    def _dates(self, dialect: Dialect) -> list[Filter]:
        """A day more on each side than asked for, as the clocks may differ; the rest is done here."""
        selection = self._selection
        field = self._rows.field(selection.date_field) if selection.date_field else None
        if field is None:
            return []
        found = []
        for operator, bound, days in ((">=", selection.start, -1), ("<", selection.end, 3)):
            if bound is None:
                continue
            value = dialect.written(_moment(bound) + timedelta(days))
            if value is None:
                self._log.note("without date_format the window was selected here, not by Infor")
                return []
            found.append(Filter(field, operator, value))
        self._there.append(str(selection.date_field))
        return found


def _moment(bound: datetime | date) -> datetime:
    return bound if isinstance(bound, datetime) else datetime.combine(bound, time(), UTC)


def _table(entity: Entity, settings: CmmsSettings) -> Table:
    own = settings.objects.get(entity.name)
    if own is not None and own.startswith("/"):
        table = COLLECTIONS.get(own)
        if table is None or table.entity is not entity:
            raise ConfigurationError(
                f"objects.{entity.name} is {own!r}, which holds no such records",
                source=settings.connector_id,
                remedy=nearest_and_all(own, COLLECTIONS),
            )
        return table
    usual = GRIDS.get(entity.name)
    if usual is None:
        raise UnsupportedError(
            f"what Infor EAM holds of {entity.name} records is not known",
            source=settings.connector_id,
            remedy=nearest_and_all(entity.name, GRIDS),
        )
    if not (own or usual.name):
        raise ConfigurationError(
            f"which grid has the {entity.name} records differs between systems",
            source=settings.connector_id,
            remedy=f"Name it in objects.{entity.name}, and its fields in field_map.{entity.name}.",
        )
    return replace(usual, name=own or usual.name)


def _dataspy(table: Table, settings: CmmsSettings) -> str:
    """The saved filter to use. Without one a grid gives what the user's usual one lets through."""
    if not table.is_grid:
        return ""
    dataspy = settings.dataspies.get(table.entity.name)
    if dataspy is None:
        raise ConfigurationError(
            f"no dataspy is named for the grid {table.name}, and the usual one may hide records",
            source=settings.connector_id,
            remedy=f"Set dataspies.{table.entity.name} to the id of one that shows all records.",
        )
    return dataspy
