"""From a set's typed columns to canonical ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.columns import make_batch
from greenlang_data.drivers.cmms.entities import UNKNOWN, Kind
from greenlang_data.drivers.cmms.selection import Selection
from greenlang_data.drivers.cmms.window import within
from greenlang_data.drivers.sappm.clock import ZoneOf, on_clock, parted
from greenlang_data.drivers.sappm.combining import Filled
from greenlang_data.drivers.sappm.fields import Source
from greenlang_data.drivers.sappm.parts import Part
from greenlang_data.drivers.sappm.sets import EQUIPMENT, FLAGS, SetTable
from greenlang_data.drivers.sappm.statuses import LOCKED, LONGEST_LINE, of_code, of_words
from greenlang_data.drivers.sappm.values import exact, without_zeros

_HOUR: Final = Decimal(3600)
_DONE: Final = frozenset({"work_done", "completed", "closed"})


class Rows:
    """Turns batches of a set into batches of the canonical frame."""

    def __init__(
        self,
        table: SetTable,
        sources: Mapping[str, Source],
        native: Mapping[str, Kind],
        selection: Selection,
        overrides: Mapping[str, str],
        zone_of: ZoneOf,
        log: ReadLog,
    ) -> None:
        self._table = table
        self._sources = sources
        self._native = native
        self._selection = selection
        self._overrides = overrides
        self._zone_of = zone_of
        self._log = log

    def canonical(
        self, found: pa.RecordBatch, filled: Sequence[tuple[Part, Filled]]
    ) -> pa.RecordBatch:
        """The rows that are wanted, with what other sets tell of them.

        Raises ValueError for a value that is not what it should be.
        """
        columns: dict[str, Any] = {
            name: self._values(found, name, source) for name, source in self._sources.items()
        }
        columns["asset_id"] = _each(columns.get("asset_id"), without_zeros)
        self._part_objects(found, columns)
        if self._table.seconds in columns:
            columns[self._table.seconds] = _each(columns[self._table.seconds], _hours)
            self._log.note(f"{self._table.seconds}: SAP tells seconds, whatever unit it names")
        columns |= self._statuses(found)
        for part, values in filled:
            for name, known in values.items():
                columns[name] = self._filled(name, part, known, columns)
        columns["source_system"] = ["sap"] * found.num_rows
        columns = {name: values for name, values in columns.items() if values is not None}
        batch = make_batch(self._table.entity, columns, self._native, self._log)
        return within(self._wanted(batch), self._selection, self._log)

    def _values(self, found: pa.RecordBatch, name: str, source: Source) -> Any:
        kind = {**self._table.entity.columns, **self._native}[name]
        array = found.column(source.name)
        if kind is Kind.NUMBER:
            return [exact(value) for value in array.to_pylist()]
        if kind is Kind.TEXT:
            texts = array.cast(pa.string())
            return pc.if_else(pc.equal(texts, ""), None, texts)
        if kind is not Kind.INSTANT:
            return array
        if source.time is not None:
            times = found.column(source.time)
        elif pa.types.is_timestamp(array.type) and array.type.tz is None:
            array, times = parted(array)
        else:
            return array
        if times is None:
            return array
        return on_clock(array, times, self._sites(found), self._zone_of, self._log)

    def _filled(
        self, name: str, part: Part, known: Mapping[str, Any], columns: Mapping[str, Any]
    ) -> Any:
        """A column out of what is known of each record."""
        values = [known.get(without_zeros(_plain(one)) or "") for one in columns[part.by]]
        if name == "actual_finish":
            # One operation may have ended long before the others.
            done = [one in _DONE for one in columns["status"]]
            values = [one if is_done else None for one, is_done in zip(values, done, strict=True)]
        sites = columns.get("site")
        kind = self._table.entity.columns[name]
        if kind is not Kind.INSTANT:
            return pa.array(values, kind.value) if kind is Kind.DAY else values
        days, times = (
            zip(*((one or (None, None)) for one in values), strict=True) if values else ((), ())
        )
        sites = [None] * len(values) if sites is None else [_plain(one) for one in sites]
        return on_clock(
            pa.array(days, pa.date32()),
            pa.array(times, pa.time64("us")),
            pa.array(sites, pa.string()),
            self._zone_of,
            self._log,
        )

    def _sites(self, found: pa.RecordBatch) -> pa.Array:
        source = self._sources.get("site")
        if source is None:
            return pa.nulls(found.num_rows, pa.string())
        return self._values(found, "site", source)

    def _part_objects(self, found: pa.RecordBatch, columns: dict[str, Any]) -> None:
        """One field names equipment or a location, and another tells which of them it is."""
        kind = self._table.kind
        if kind is None or kind not in found.schema.names:
            return
        is_equipment = [value == EQUIPMENT for value in found.column(kind).to_pylist()]
        columns["asset_id"] = _where(columns.get("asset_id"), is_equipment)
        own = self._sources.get("location_id")
        if own is not None and own == self._sources.get("asset_id"):
            columns["location_id"] = _where(columns["location_id"], [not x for x in is_equipment])

    def _statuses(self, found: pa.RecordBatch) -> dict[str, list[Any]]:
        table, rows = self._table, found.num_rows
        if table.status == "flags":
            return self._of_flags(found)
        if table.status is None:
            return {}
        source = self._sources.get("status_raw")
        lines = [None] * rows if source is None else found.column(source.name).to_pylist()
        words = [(line or "").split() for line in lines]
        if table.status == "words":
            self._tell_cut(lines)
            meanings = [of_words(some, self._overrides) for some in words]
        else:
            code = table.status_code or ""
            codes = found.column(code).to_pylist() if code in found.schema.names else [None] * rows
            meanings = [of_code(table.entity.name, one, self._overrides) for one in codes]
        self._warn(meanings, lines)
        return {
            "status": meanings,
            "status_all": [some or None for some in words],
            # What is not in a line that may have been cut off is not known to be false.
            "locked": [
                bool(LOCKED.intersection(some)) or (None if _may_be_cut(line) else False)
                for some, line in zip(words, lines, strict=True)
            ],
        }

    def _of_flags(self, found: pa.RecordBatch) -> dict[str, list[Any]]:
        flags = {
            name: found.column(name).to_pylist() for name in FLAGS if name in found.schema.names
        }
        true = [
            [name for name, values in flags.items() if values[row]] for row in range(found.num_rows)
        ]
        meanings = [FLAGS[some[0]] if some else UNKNOWN for some in true]
        self._warn(meanings, [None] * found.num_rows)
        return {"status": meanings, "status_all": [some or None for some in true]}

    def _tell_cut(self, lines: Sequence[str | None]) -> None:
        if any(_may_be_cut(line) for line in lines):
            self._log.note(
                f"SAP tells {LONGEST_LINE} letters of an order's statuses and cuts off the rest, so "
                "whether orders of so many are locked may be missing"
            )

    def _warn(self, meanings: Sequence[str | None], lines: Sequence[str | None]) -> None:
        for meaning, line in zip(meanings, lines, strict=True):
            if meaning == UNKNOWN:
                self._log.caution(
                    f"what the status {line!r} means is not known, so it is {UNKNOWN!r}; "
                    f"name it in status_map.{self._table.entity.name}"
                )

    def _wanted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        selection = self._selection
        wanted = {
            "site": selection.sites,
            "asset_id": [without_zeros(one) for one in selection.assets],
            "status": selection.statuses,
        }
        for name, values in wanted.items():
            if values:
                mask = pc.is_in(batch.column(name), value_set=pa.array(values, pa.string()))
                batch = batch.filter(mask)
        return batch


def _may_be_cut(line: str | None) -> bool:
    return line is not None and len(line) >= LONGEST_LINE - 1


def _each(values: Any, change: Callable[[Any], Any]) -> list[Any] | None:
    if values is None:
        return None
    return [change(one) for one in (values.to_pylist() if isinstance(values, pa.Array) else values)]


def _where(values: Any, keep: Sequence[bool]) -> list[Any] | None:
    if values is None:
        return None
    plain = values.to_pylist() if isinstance(values, pa.Array) else values
    return [one if kept else None for one, kept in zip(plain, keep, strict=True)]


def _plain(value: Any) -> Any:
    return value.as_py() if isinstance(value, pa.Scalar) else value


def _hours(seconds: Decimal | None) -> Decimal | None:
    return None if seconds is None else seconds / _HOUR
