"""A window of one unit: its hours as series, with EPA's flags as quality."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.averages import nanoseconds
from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.campd.api import CampdApi
from greenlang_data.drivers.campd.columns import MEASURANDS, Column, column_of, flag_meaning
from greenlang_data.drivers.campd.rows import HOURS
from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    TIMESTAMP,
    UNCERTAIN,
    UNKNOWN_TAG,
    failed_series,
    quality_array,
    series_batch,
)
from greenlang_data.drivers.standard_time import (
    CLOCK,
    instants,
    local_days,
    note_missing_hours,
    quarters,
)
from greenlang_data.errors import ConfigurationError, QueryError
from greenlang_data.settings.campd import CampdSettings


class WindowReader:
    """Reads windows quarter by quarter; what a failed read had got is not asked for again."""

    def __init__(self, api: CampdApi, settings: CampdSettings, source: str) -> None:
        self._api = api
        self._settings = settings
        self._source = source
        # What the last read that failed had got; one that is under way has its own.
        self._kept: dict[Window, dict[date, pa.RecordBatch]] = {}

    async def read(self, window: Window, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A batch per tag; hours in which the unit stood still have no value and say so.

        Raises ConfigurationError without facility_id or time_zone, QueryError for a unit that the
        facility does not have, and what the requests raise.
        """
        settings = self._settings
        if settings.facility_id is None or settings.time_zone is None:
            raise ConfigurationError(
                "facility_id and time_zone are needed",
                source=self._source,
                remedy="Give the ORIS code, and the plant's time zone such as America/Chicago.",
            )
        zone = ZoneInfo(settings.time_zone)
        got = await self._quarters(window, settings.facility_id, zone, log)
        table = pa.Table.from_batches(got, HOURS).unify_dictionaries()
        rows = self._of_unit(table.combine_chunks())
        moments = instants(_whole(rows, "date"), _whole(rows, "hour"), zone)
        begin_ns, end_ns = nanoseconds(window.start), nanoseconds(window.end)
        order = np.argsort(moments, kind="stable")
        order = order[(moments[order] >= begin_ns) & (moments[order] < end_ns)]
        rows, moments = rows.take(pa.array(order)), moments[order]
        log.note(CLOCK)
        note_missing_hours("CAMPD has", moments, window, log)
        for tag in window.tags:
            column = column_of(tag)
            if column is None:
                known = ", ".join(MEASURANDS)
                yield failed_series(tag, f"{UNKNOWN_TAG}: CAMPD has {known}, and no {tag!r}")
            else:
                yield self._series(tag, column, rows, moments)

    async def _quarters(
        self, window: Window, facility: int, zone: ZoneInfo, log: ReadLog
    ) -> list[pa.RecordBatch]:
        got = self._kept.pop(window, {})
        filters = {"facilityId": [str(facility)]}
        try:
            for begin, end in quarters(*local_days(window.start, window.end, zone)):
                if begin not in got:
                    got[begin] = await self._api.hours(filters, begin, end, log)
        except BaseException:
            self._kept = {window: got}
            raise
        return list(got.values())

    def _of_unit(self, table: pa.Table) -> pa.Table:
        names = table.column("unit_id").cast(pa.string())
        units = sorted(set(names.to_pylist()))
        unit = self._settings.facility_unit
        if unit is None and len(units) <= 1:
            return table
        if unit in units:
            return table.filter(pc.equal(names, unit))
        if not units:
            return table
        raise QueryError(
            f"facility {self._settings.facility_id} has the units {', '.join(units)}"
            + (f", and no {unit!r}" if unit else ""),
            source=self._source,
            remedy="Set facility_unit to one of them.",
        )

    def _series(
        self, tag: str, column: Column, rows: pa.Table, moments: np.ndarray
    ) -> pa.RecordBatch:
        value = _whole(rows, column.field)
        status, quality = self._judged(column, rows, np.asarray(value.is_valid()))
        return series_batch(
            tag,
            pa.array(moments).cast(TIMESTAMP),
            value,
            quality_array(quality),
            status,
            unit=column.unit,
        )

    def _judged(
        self, column: Column, rows: pa.Table, valued: np.ndarray
    ) -> tuple[pa.DictionaryArray, np.ndarray]:
        """The flag and the quality of each hour."""
        stood = np.asarray(pc.equal(_whole(rows, "op_time"), 0.0).fill_null(False))
        if column.flag is None:
            quality = np.where(valued | stood, GOOD, BAD)
            flags = np.where(valued, "reported", "missing").astype(object)
        else:
            told = _whole(rows, column.flag)
            names, codes = self._meanings(told)
            flags, quality = names.copy(), codes.copy()
            unflagged = valued & ~np.asarray(told.is_valid())
            flags[unflagged], quality[unflagged] = "unknown", UNCERTAIN
            flags[~valued], quality[~valued] = "missing", BAD
        still = stood & ~valued
        flags[still], quality[still] = "not_operating", GOOD
        return pa.array(flags, pa.string()).dictionary_encode(), quality

    def _meanings(self, told: pa.DictionaryArray) -> tuple[np.ndarray, np.ndarray]:
        known = [
            flag_meaning(text, dict(self._settings.measure_flags))
            for text in told.dictionary.to_pylist()
        ]
        names = np.array([*(name for name, _ in known), None], object)
        codes = np.array([*(code for _, code in known), BAD], np.int8)
        places = np.asarray(told.indices.fill_null(len(known)))
        return names[places], codes[places]


def _whole(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        kind = rows.schema.field(name).type
        return column.chunk(0) if column.num_chunks else pa.array([], kind)
    return column
