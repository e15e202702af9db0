"""Records of a kind out of an entity set, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.cmms.entities import FAILURE, Kind
from greenlang_data.drivers.cmms.mapping import mapped
from greenlang_data.drivers.cmms.selection import check_possible, select
from greenlang_data.drivers.odata.driver import ODataDriver
from greenlang_data.drivers.places import Place
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.drivers.sappm.combining import Filled, combined
from greenlang_data.drivers.sappm.fields import Source, needed, resolved
from greenlang_data.drivers.sappm.gathering import Gathering
from greenlang_data.drivers.sappm.parts import PARTS, Part, parts_of
from greenlang_data.drivers.sappm.periods import latest
from greenlang_data.drivers.sappm.rows import Rows
from greenlang_data.drivers.sappm.sets import FLAGS, TABLES, SetTable
from greenlang_data.drivers.sappm.statuses import codes_of, possible
from greenlang_data.drivers.sappm.values import without_zeros
from greenlang_data.errors import (
    GreenLangError,
    ProtocolError,
    QueryError,
    UnsupportedError,
)
from greenlang_data.nearest import nearest_and_all
from greenlang_data.settings.cmms import CmmsSettings


class SapPmReading(RecordReading):
    """Reads the records of one request. Raises QueryError for what cannot be asked."""

    def __init__(
        self, odata: ODataDriver, settings: CmmsSettings, request: Records, log: ReadLog
    ) -> None:
        self._odata = odata
        self._settings = settings
        self._log = log
        self._source = settings.connector_id
        self._selection = selection = select(request, self._source)
        self._table = table = _table(selection.entity.name, self._source)
        self._mapped = mapped(
            selection.entity, table.columns, table.native, _made(table), settings, PARTS
        )
        name = selection.entity.name
        service, _, set_name = settings.objects.get(name, table.place).rpartition("/")
        self._place = Place(service, set_name)
        self._overrides = settings.status_map.get(name, {})
        check_possible(selection, possible(table.status, name, self._overrides), self._source)
        self._gatherings = [
            Gathering(odata, settings, part, log) for part in _parts(name, settings)
        ]
        for one in self._gatherings:
            one.check()
        self._gathered: list[Gathering] = []
        self._found: Mapping[str, Source] = {}
        self._inner: RecordReading | None = None
        self._main: pa.Table | None = None
        self._told: dict[str, Any] = {}
        self._rows: Rows | None = None
        self._batches: list[pa.RecordBatch] = []

    async def advance(self) -> bool:
        if self._inner is None:
            self._inner = await self._begin()
            return True
        if self._main is None:
            more = await self._inner.advance()
            self.rows = self._inner.rows
            if more:
                return True
            self._main = pa.Table.from_batches(self._inner.batches())
            self._told = self._log.completeness
        elif self._gatherings:
            await self._gather(self._gatherings[0], self._main)
        if self._gatherings:
            return True
        self._finish(self._main)
        return False

    async def _gather(self, gathering: Gathering, main: pa.Table) -> None:
        """A step more of the rows that belong to the records."""
        if not self._left.intersection(gathering.part.fills):
            self._gatherings.pop(0)
            return
        source = self._found.get(gathering.part.by)
        ids = [] if source is None else pc.unique(main.column(source.name)).to_pylist()
        whole = not self._told["filtered_by_server"]
        start = self._selection.wider().start
        if not await gathering.advance([one for one in ids if one], whole, start):
            self._gathered.append(self._gatherings.pop(0))

    def _finish(self, main: pa.Table) -> None:
        filled: list[tuple[Part, Filled]] = []
        for one in self._gathered:
            if one.table is not None:
                known = combined(one.part.name, one.table, self._settings.work_units, self._log)
                known = {name: known[name] for name in one.part.fills if name in self._left}
                filled.append((one.part, known))
        self._batches = self._canonical(main, filled)
        selection = self._selection
        there = [self._called(name) for name in self._told["filtered_by_server"]]
        wanted = {
            "asset_id": selection.assets,
            "site": selection.sites,
            "status": selection.statuses,
            selection.date_field or "": selection.date_field,
        }
        self._log.completeness = self._told | {
            "date_field": selection.date_field,
            "filtered_by_server": there,
            "filtered_here": [
                name for name, value in wanted.items() if value and name not in there
            ],
            "rows_of_parts": {
                one.part.name: None if one.table is None else one.table.num_rows
                for one in self._gathered
            },
        }

    @property
    def _left(self) -> set[str]:
        """The columns that other sets fill: those for which the site has no field of its own."""
        own = self._settings.field_map.get(self._selection.entity.name, {})
        fills = (name for part in PARTS.values() for name in part.fills)
        return {name for name in fills if name not in own and name not in self._found}

    def _called(self, field: str) -> str:
        """The column that a field is the source of."""
        if field == self._table.status_code:
            return "status"
        columns = (name for name, source in self._found.items() if source.name == field)
        return next(columns, field)

    def batches(self) -> list[pa.RecordBatch]:
        return self._batches

    def unsaved(self) -> list[pa.RecordBatch]:
        """The pages of the records themselves; what belongs to them is read anew."""
        if self._inner is None:
            return []
        self.restarts = self._inner.restarts
        return self._inner.unsaved()

    async def _begin(self) -> RecordReading:
        """Look at what the service has, and ask for what is needed of it."""
        known: dict[str, bool] = {}
        asked = Records(self._selection.entity.name, places=(self._place,))
        async for about in self._odata.list_fields(asked, self._log):
            names, by = (about.column(one).to_pylist() for one in ("native_name", "filtered_by"))
            known |= {name: one == "server" for name, one in zip(names, by, strict=True)}
        sources = self._found = self._sources(known)
        self._rows = Rows(
            self._table,
            sources,
            self._mapped.native,
            self._selection,
            self._overrides,
            self._settings.zone_of,
            self._log,
        )
        fields = [*needed(sources), *self._others(known)]
        request = self._request(sources, known, tuple(dict.fromkeys(fields)))
        inner = self._odata.reading(request, self._log)
        inner.spool = self.spool
        inner.resume(self.saved)
        return inner

    def _sources(self, known: Mapping[str, bool]) -> dict[str, Source]:
        """Where each column is. What the service lacks is told."""
        found = {}
        mapped = self._mapped
        filled = {name for one in self._gatherings for name in one.part.fills}
        own = {name: name for name in mapped.native if name not in mapped.made}
        for column, field in {**mapped.columns, **own}.items():
            source = resolved(field, known)
            if source is not None:
                found[column] = source
            elif column in {self._selection.entity.record_id, "site"} - filled:
                raise ProtocolError(
                    f"{self._place.service}/{self._place.name} has no field {field!r}",
                    source=self._source,
                    remedy=f"Name its own in field_map.{self._selection.entity.name}.{column}. "
                    + nearest_and_all(field, known),
                )
            else:
                self._log.note(f"the service has no {field}, so {column} is missing")
        date_field = self._selection.date_field
        if date_field is not None:
            if date_field not in found and date_field not in filled:
                raise QueryError(
                    f"the service has nothing for {date_field} of {self._selection.entity.name}",
                    source=self._source,
                    remedy="Name its field in field_map, or choose another date_field.",
                )
            field = found[date_field].name if date_field in found else "of another set"
            self._log.note(f"start and end bound {date_field} ({field})")
        return found

    def _others(self, known: Mapping[str, bool]) -> list[str]:
        """Fields that are no columns, and are needed to make some."""
        table = self._table
        flags = FLAGS if table.status == "flags" else ()
        names = [table.status_code, table.kind, table.period, *flags]
        return [name for name in names if name is not None and name in known]

    def _request(
        self, sources: Mapping[str, Source], known: Mapping[str, bool], fields: tuple[str, ...]
    ) -> Records:
        """What the server selects; it may be more than is wanted, and is made exact here."""
        selection = self._selection
        filters: dict[str, Sequence[str]] = {}
        # The latest period of an object may be at another site than the one that is asked for.
        if self._table.period is None:
            self._put(filters, sources.get("site"), selection.sites, known)
        assets = [without_zeros(one) or one for one in selection.assets]
        self._put(filters, sources.get("asset_id"), assets, known)
        code = self._table.status_code
        if code is not None and code in known and selection.statuses:
            codes = codes_of(selection.entity.name, selection.statuses, self._overrides)
            self._put(filters, Source(code), codes or [], known)
        place, start, end = self._place, None, None
        date_source = sources.get(selection.date_field or "")
        if date_source is not None and known[date_source.name] and self._table.period is None:
            place = Place(place.service, place.name, date=date_source.name)
            wider = selection.wider()
            start, end = wider.start, wider.end
        return Records(
            selection.entity.name, filters, fields, start=start, end=end, places=(place,)
        )

    def _put(
        self,
        filters: dict[str, Sequence[str]],
        source: Source | None,
        values: Sequence[str],
        known: Mapping[str, bool],
    ) -> None:
        if source is not None and values and known.get(source.name):
            filters[source.name] = list(values)

    def _canonical(
        self, table: pa.Table, filled: Sequence[tuple[Part, Filled]]
    ) -> list[pa.RecordBatch]:
        assert self._rows is not None
        try:
            period = self._table.period
            if period is not None and period in table.schema.names:
                table = self._latest(table, period)
            return [self.keep(self._rows.canonical(one, filled)) for one in self.in_batches(table)]
        except GreenLangError:
            raise
        except (ValueError, pa.ArrowException) as error:
            raise ProtocolError(
                f"a record of {self._selection.entity.name} cannot be understood ({error})",
                source=self._source,
                remedy="None of it was used; name another field in field_map, or none.",
            ) from None

    def _latest(self, table: pa.Table, period: str) -> pa.Table:
        """One row for each object."""
        kept = latest(table, self._found[self._selection.entity.record_id].name, period)
        if kept.num_rows < table.num_rows:
            self._log.note(f"of several rows of an object, the one with the last {period} is here")
        return kept


def _parts(entity: str, settings: CmmsSettings) -> list[Part]:
    """The sets beside the entity's own that are to be read."""
    own, named = settings.field_map.get(entity, {}), settings.objects
    return [
        part
        for part in parts_of(entity)
        if (part.name in named or (part.place and entity not in named))
        and not own.keys() >= set(part.fills)
    ]


def _made(table: SetTable) -> dict[str, Kind]:
    return {"locked": Kind.FLAG} if table.status == "words" else {}


def _table(entity: str, source: str) -> SetTable:
    table = TABLES.get(entity)
    if entity == FAILURE.name:
        raise UnsupportedError(
            "SAP PM has no set of failure codes: they are catalog codes of notifications",
            source=source,
            remedy="Read MaintenanceNotificationItem and MaintNotificationItemCause of "
            "API_MAINTNOTIFICATION over a connector for OData, and take the codes from there.",
        )
    if table is None:
        raise UnsupportedError(
            f"what SAP holds of {entity} records is not known",
            source=source,
            remedy=nearest_and_all(entity, TABLES),
        )
    return table
