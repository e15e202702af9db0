"""History: the records of trend logs within a window, as series."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.bacnet.catalogue import learn_about, resolve, unit_for
from greenlang_data.drivers.bacnet.device import Device
from greenlang_data.drivers.bacnet.logs import Log, find_logs
from greenlang_data.drivers.bacnet.paging import Pages
from greenlang_data.drivers.bacnet.quality import judge_results
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.records import Record
from greenlang_data.drivers.bacnet.references import object_name
from greenlang_data.drivers.bacnet.refusals import RefusedError
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.bacnet.wall_clock import ClockError, around, utc_moments
from greenlang_data.drivers.base import Window
from greenlang_data.drivers.schema import (
    BAD,
    TIMESTAMP,
    failed_series,
    quality_array,
    series_batch,
)
from greenlang_data.errors import ConfigurationError, ProtocolError, UnsupportedError
from greenlang_data.settings.bacnet_object import BacnetObject

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = datetime(1900, 1, 2)  # noqa: DTZ001 - a device's wall clock has no zone
Sample = tuple[datetime, Record]


async def read_window(
    window: Window,
    entries: Mapping[str, BacnetObject],
    zone: tzinfo | None,
    reader: Reader,
    device: Device,
) -> AsyncGenerator[pa.RecordBatch, None]:
    """One batch per tag.

    Raises UnsupportedError for aggregates, ConfigurationError without a time zone.
    """
    zone = _checked(window, zone, reader.source)
    targets = await resolve(window.tags, entries, reader, device)
    logs = await find_logs(targets, reader, device)
    recorded = [one.records for one in logs if isinstance(one, Log) and one.records]
    about = await learn_about([one.object_id for one in recorded], reader, device)
    source = _Source(window, zone, reader)
    for tag, log in zip(window.tags, logs, strict=True):
        if isinstance(log, Failure):
            yield failed_series(tag, log.text)
            continue
        known = about[log.records.object_id] if log.records else None
        unit = entries[tag].unit if tag in entries else None
        if log.records and known and not isinstance(known, Failure):
            unit = unit_for(log.records, known) or unit
        try:
            samples = await source.samples(log)
        except RefusedError as refused:
            yield failed_series(tag, refused.failure.text)
        except ClockError as error:
            yield failed_series(tag, str(error))
        except ProtocolError as broken:
            yield failed_series(tag, broken.what)
        else:
            yield _series(tag, unit, samples)


def _checked(window: Window, zone: tzinfo | None, source: str) -> tzinfo:
    if window.interval is not None or window.aggregation is not None:
        raise UnsupportedError(
            "BACnet has no aggregates: a trend log holds the records that were made",
            source=source,
            remedy="Ask for the raw window and resample it.",
        )
    if zone is None:
        raise ConfigurationError(
            "the records of a trend log carry the device's wall clock without a zone",
            source=source,
            remedy="Set time_zone to what the device's clock keeps, such as 'Europe/Berlin'.",
        )
    return zone


class _Source:
    """The logs of one window; one of several values is read once for all its members."""

    def __init__(self, window: Window, zone: tzinfo, reader: Reader) -> None:
        self._window = window
        self._zone = zone
        self._reader = reader
        self._several: dict[int, tuple[Pages, list[Record]]] = {}

    async def samples(self, log: Log) -> list[Sample]:
        """The values in the window, in time order; whatever else the log holds is noted."""
        window, reader = self._window, self._reader
        pages, records = await self._records(log)
        timed = [one for one in records if one.moment is not None]
        moments = utc_moments([one.moment for one in timed if one.moment is not None], self._zone)
        inside = [
            (moment, self._of(log, one))
            for moment, one in zip(moments, timed, strict=True)
            if window.start <= moment < window.end
        ]
        _note_gaps(pages, log, moments, window, reader)
        _note_events(log, inside, len(records) - len(timed), reader)
        samples = [(moment, one) for moment, one in inside if one.value is not None]
        return sorted(samples, key=lambda sample: sample[0])

    async def _records(self, log: Log) -> tuple[Pages, list[Record]]:
        known = self._several.get(log.object_id)
        if known is not None:
            return known
        pages = Pages(log.object_id, self._reader)
        first = max(around(self._window.start, self._zone, before=True), _FIRST_DAY)
        last = around(self._window.end, self._zone, before=False)
        records: list[Record] = []
        async with aclosing(pages.read(first)) as more:
            async for page in more:
                records += page
                if any(one.moment is not None and one.moment >= last for one in page):
                    break
        if log.member is not None:
            self._several[log.object_id] = pages, records
        return pages, records

    def _of(self, log: Log, record: Record) -> Record:
        """The record with the value of the member that is meant."""
        if log.member is None or record.event is not None:
            return record
        if log.member >= len(record.members):
            broken = BrokenAnswerError(f"a record of {object_name(log.object_id)} lacks a value")
            raise self._reader.link.broken(broken)
        return record._replace(value=record.members[log.member])


def _note_gaps(
    pages: Pages, log: Log, moments: Sequence[datetime], window: Window, reader: Reader
) -> None:
    name = object_name(log.object_id)
    if pages.lost:
        reader.log.note(
            f"{name}: {pages.lost} records are missing, because the device overwrote them while "
            "they were being read"
        )
    if pages.begins_later and moments and moments[0] > window.start:
        reader.log.note(f"{name} holds nothing before {moments[0].isoformat()}")


def _note_events(log: Log, inside: Sequence[Sample], untimed: int, reader: Reader) -> None:
    name = object_name(log.object_id)
    events: dict[str, list[datetime]] = {}
    for moment, record in inside:
        if record.event is not None:
            events.setdefault(record.event, []).append(moment)
    for event, moments in events.items():
        times = "once" if len(moments) == 1 else f"{len(moments)} times, first"
        reader.log.note(f"{name}: {event} {times} at {moments[0].isoformat()}")
    if untimed:
        reader.log.note(f"{name}: {untimed} records without a time are left out")


def _series(tag: str, unit: str | None, samples: Sequence[Sample]) -> pa.RecordBatch:
    values: list[float | None] = []
    texts: list[str | None] = []
    qualities: list[int] = []
    statuses: list[str | None] = []
    types: dict[str, None] = {}
    for _, record in samples:
        number, text, quality, status = _columns(record)
        values.append(number)
        texts.append(text)
        qualities.append(quality)
        statuses.append(status)
        if isinstance(record.value, Value):
            types[record.value.data_type] = None
    moments = [(moment - _EPOCH) // timedelta(microseconds=1) * 1000 for moment, _ in samples]
    return series_batch(
        tag,
        pa.array(moments, pa.int64()).cast(TIMESTAMP),
        pa.array(values, pa.float64()),
        quality_array(np.array(qualities, np.int8)),
        pa.array(statuses, pa.string()).dictionary_encode(),
        text=pa.array(texts, pa.string()) if any(one is not None for one in texts) else None,
        unit=unit,
        data_type=",".join(types),
    )


def _columns(record: Record) -> tuple[float | None, str | None, int, str | None]:
    """Value, text, quality and status of a record."""
    if isinstance(record.value, Failure):
        return None, None, BAD, record.value.status
    assert record.value is not None
    number, text = record.value.number, record.value.text
    quality, status = judge_results(record.flags, None)
    if record.value.status is not None:
        quality, status = BAD, ",".join(filter(None, (record.value.status, status)))
    if quality == BAD:
        number, text = None, None
    return number, text, quality, status
