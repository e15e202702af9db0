"""Records of an entity out of an object structure, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.cmms.columns import make_batch
from greenlang_data.drivers.cmms.mapping import mapped
from greenlang_data.drivers.cmms.selection import check_possible, select
from greenlang_data.drivers.cmms.window import within
from greenlang_data.drivers.maximo.api import MaximoApi, NoStructureError
from greenlang_data.drivers.maximo.dialect import Row
from greenlang_data.drivers.maximo.pages import Pages
from greenlang_data.drivers.maximo.question import ask_for
from greenlang_data.drivers.maximo.rows import Rows, made_columns
from greenlang_data.drivers.maximo.statuses import Meanings
from greenlang_data.drivers.maximo.structures import STRUCTURES
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.cmms import CmmsSettings


class MaximoReading(RecordReading):
    """Reads the records of one request. Raises QueryError for what cannot be asked."""

    def __init__(
        self, api: MaximoApi, settings: CmmsSettings, request: Records, log: ReadLog
    ) -> None:
        self._api = api
        self._log = log
        self._trusts = settings.trust_counts
        selection = select(request, api.source)
        self._selection = selection
        name = selection.entity.name
        self._structure = structure = STRUCTURES[name]
        made = made_columns(structure)
        columns = mapped(selection.entity, structure.columns, structure.native, made, settings)
        meanings = Meanings(name, settings.status_map.get(name, {}))
        check_possible(selection, meanings.possible, api.source)
        self._rows = Rows(
            structure, columns, meanings, selection.statuses, settings.include_tasks, log
        )
        self._question = ask_for(structure, selection, self._rows, log, api.source)
        own = settings.objects.get(name)
        self._names = [own] if own else list(structure.names)
        self._tried = 0
        self._turn = 0
        self._pages: Pages | None = None
        self._batches: list[pa.RecordBatch] = []

    async def advance(self) -> bool:
        pages = self._pages or self._first_pages(self._names[self._tried])
        try:
            rows = await pages.next()
        except NoStructureError as error:
            self._try_another(error)
            return True
        self._batches.append(self.keep(self._batch(rows)))
        self.rows += self._batches[-1].num_rows
        self._pages = None if pages.ended else pages
        self._turn += pages.ended
        if self._turn < len(self._question.turns):
            return True
        self._log.completeness = {
            "object": self._names[self._tried],
            "pages": len(self._batches),
            "rows": self.rows,
            **self._question.told,
        }
        return False

    def batches(self) -> list[pa.RecordBatch]:
        return self._batches

    def _first_pages(self, name: str) -> Pages:
        conditions = self._question.turns[self._turn].conditions
        key, params = self._structure.key, self._question.params
        return Pages(self._api, name, key, conditions, params, self._log, trust_counts=self._trusts)

    def _try_another(self, error: NoStructureError) -> None:
        """Older systems lack the first structure, and have another."""
        if not self._batches and self._tried + 1 < len(self._names):
            self._tried += 1
            return
        said = f": {error}" if str(error) else ""
        raise ProtocolError(
            f"it has no object structure {' or '.join(self._names)}{said}",
            source=self._api.source,
            remedy="Check api_url, and that this login may read it, or name another in objects.",
        ) from None

    def _batch(self, page: Sequence[Row]) -> pa.RecordBatch:
        entity = self._selection.entity
        try:
            columns = self._rows.columns_of(page, self._api.routed)
            batch = make_batch(entity, columns, self._rows.native, self._log)
        except ValueError as error:
            raise ProtocolError(
                f"a record of {entity.name} cannot be understood ({error})",
                source=self._api.source,
                remedy="None of it was used; name another attribute in field_map, or none.",
            ) from None
        if self._question.turns[self._turn].is_exact:
            return batch
        return within(batch, self._selection, self._log)
