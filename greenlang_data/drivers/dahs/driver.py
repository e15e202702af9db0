"""The driver of data acquisition systems: a window of records, by the column map."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.absent import absent
from greenlang_data.drivers.averages import averaged, nanoseconds
from greenlang_data.drivers.base import Driver, ReadLog, Request, Window
from greenlang_data.drivers.dahs.csv_files import read_csv_files
from greenlang_data.drivers.dahs.records import RawRecords, in_utc
from greenlang_data.drivers.dahs.series import series_of
from greenlang_data.drivers.dahs.sql import read_table
from greenlang_data.drivers.http.worker import on_thread
from greenlang_data.drivers.paths import files_of
from greenlang_data.drivers.schema import TAGS, TIMESTAMP, UNKNOWN_TAG, failed_series
from greenlang_data.errors import ProtocolError, UnsupportedError
from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.settings.dahs import DahsColumn, DahsSettings

_TWO_DAYS: Final = 2 * 86_400 * 1_000_000_000


class DahsDriver(Driver):
    """Reads records of the past; files and tables are only ever read."""

    name: ClassVar[str] = "dahs"
    kinds: ClassVar[frozenset[str]] = frozenset({"avg"})
    config: DahsSettings

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        self._is_sql = getattr(config, "protocol", None) == "dahs_sql"

    async def connect(self) -> None:
        """Nothing: a file or a connection is open only while it is read."""

    async def close(self) -> None:
        """Nothing is open."""

    async def ping(self) -> None:
        """See that the files or the SQLite database are there."""
        files = self.config.files
        if self._is_sql:
            files = (self.config.database,) if self.config.database is not None else ()
        files_of(files, self.source)

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A Window. Raises UnsupportedError for anything else, and what reading raises."""
        if not isinstance(request, Window):
            raise UnsupportedError(
                "a data system's records are of the past, and there are no current values",
                remedy="Give a start and an end.",
                source=self.source,
            )
        known = {one.tag: one for one in self.config.columns}
        columns = [known[tag] for tag in request.tags if tag in known]
        found = await on_thread(lambda _: self._series(columns, request, log))
        for tag in request.tags:
            if tag not in found:
                names = ", ".join(known)
                yield failed_series(tag, f"{UNKNOWN_TAG}: the map has {names}, and no {tag!r}")
                continue
            log.basis[tag] = known[tag].basis
            if not request.interval:
                yield found[tag]
                continue
            for batch in averaged(found[tag], request, self._period()):
                yield batch

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """The columns of the map."""
        rows = [
            {"tag_id": one.tag, "tag_name": one.tag, "path": one.column, "unit": one.unit}
            for one in self.config.columns
        ]
        yield pa.RecordBatch.from_pylist(rows, TAGS)

    def _series(
        self, columns: Sequence[DahsColumn], window: Window, log: ReadLog
    ) -> dict[str, pa.RecordBatch]:
        names = [one.column for one in columns]
        names += [one.flag_column for one in columns if one.flag_column]
        names = list(dict.fromkeys(names))
        if self._is_sql:
            parts = [read_table(self.config, names, window, log, self.source)]
        else:
            parts = read_csv_files(self.config, names, log, self.source)
        begun = [self._begun(part, window) for part in parts]
        order = self._order([moments for moments, _ in begun], window, log)
        batches = {}
        for column in columns:
            pieces = [
                series_of(
                    column,
                    moments,
                    {name: values.take(rows) for name, values in part.columns.items()},
                    self.config,
                    part.where,
                    self.source,
                )
                for part, (moments, rows) in zip(parts, begun, strict=True)
            ]
            table = pa.Table.from_batches(pieces).unify_dictionaries().take(order)
            whole = table.combine_chunks().to_batches()
            batches[column.tag] = whole[0] if whole else pieces[0]
        return batches

    def _begun(self, part: RawRecords, window: Window) -> tuple[pa.Array, pa.Array]:
        """When each record that is in the window began, and which these are."""
        moments = np.asarray(part.moments.cast(pa.int64()))
        begin, end = nanoseconds(window.start), nanoseconds(window.end)
        # Far from the window a time that the clocks repeat does no harm.
        near = np.flatnonzero((moments >= begin - _TWO_DAYS) & (moments < end + _TWO_DAYS))
        part = RawRecords(part.moments.take(pa.array(near)), {}, part.where)
        instants = np.asarray(in_utc(part, self.config, self.source).cast(pa.int64()))
        if self.config.stamp == "end":
            instants = instants - self._period()
        inside = (instants >= begin) & (instants < end)
        return pa.array(instants[inside]).cast(TIMESTAMP), pa.array(near[inside])

    def _order(self, moments: list[pa.Array], window: Window, log: ReadLog) -> pa.Array:
        stamps = np.concatenate([np.asarray(one.cast(pa.int64())) for one in moments])
        if len(np.unique(stamps)) < len(stamps):
            raise ProtocolError(
                "a time is there twice in the window, so none of it is used",
                source=self.source,
                remedy="Leave out files that overlap, or correct the time zone.",
            )
        self._tell_absent(stamps, window, log)
        return pa.array(np.argsort(stamps))

    def _tell_absent(self, stamps: np.ndarray, window: Window, log: ReadLog) -> None:
        """Where records stand between the whole periods of the clock is seen by the first."""
        period, begin = self._period(), nanoseconds(window.start)
        phase = int(stamps.min()) if len(stamps) else begin
        missing = absent(stamps, begin, nanoseconds(window.end), period, phase)
        if missing:
            log.caution(f"{missing} of the window are not there")

    def _period(self) -> int:
        return round(self.config.period_seconds * 1e9)
