"""One look at an analyser: status, readings, status."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.analyser.states import (
    UNKNOWN,
    codes_of,
    flag_of,
    look_of,
    place_of,
    quality_of,
    state_of,
)
from greenlang_data.drivers.base import Driver, ReadLog, Snapshot
from greenlang_data.drivers.schema import BAD, SNAPSHOT, TIMESTAMP, UNKNOWN_TAG, quality_array
from greenlang_data.settings.analyser import AnalyserSettings
from greenlang_data.settings.measurand import Measurand


async def read_look(
    wire: Driver, settings: AnalyserSettings, tags: Sequence[str], log: ReadLog
) -> pa.RecordBatch:
    """A row of :data:`~greenlang_data.drivers.schema.SNAPSHOT` per measurand, all of one time.

    The signals are read before the readings and again after them: a calibration that begins or
    ends in between is in one of the two, and no reading of its gas passes for an emission. So is a
    range that is switched.
    ``timestamp`` is this machine's clock when the readings were there.
    """
    known = {one.tag: one for one in settings.measurands}
    measurands = [known[tag] for tag in tags if tag in known]
    signals = [s for s in settings.signals if any(s.concerns(one.tag) for one in measurands)]
    switches = [switch.tag for one in measurands for switch in one.ranges]
    status_tags = tuple(dict.fromkeys([*(one.tag for one in signals), *switches]))
    before = await _snapshot(wire, status_tags, log)
    places = tuple(dict.fromkeys(place for one in measurands for place in one.places))
    readings = await _snapshot(wire, places, log)
    moment = time.time_ns()
    after = await _snapshot(wire, status_tags, log)
    looks = [look_of(before), look_of(after)]
    found = [place_of(one, looks) for one in measurands]
    states = [
        UNKNOWN if place is None else state_of(one, signals, looks)
        for one, place in zip(measurands, found, strict=True)
    ]
    chosen = [place or one.read_from for one, place in zip(measurands, found, strict=True)]
    rows = readings.take(pa.array([places.index(place) for place in chosen], pa.int32()))
    watched = [
        place is None or any(s.concerns(one.tag) for s in signals)
        for one, place in zip(measurands, found, strict=True)
    ]
    codes = codes_of(rows)
    quality = [
        quality_of(state, code, watched=seen)
        for state, code, seen in zip(states, codes, watched, strict=True)
    ]
    flags = [
        flag_of(state, code, status)
        for state, code, status in zip(
            states, codes, rows.column("status").to_pylist(), strict=True
        )
    ]
    known_rows = _with(rows, measurands, quality, flags, moment)
    return _in_order(known_rows, tags)


def _with(
    rows: pa.RecordBatch,
    measurands: Sequence[Measurand],
    quality: Sequence[int],
    flags: Sequence[str],
    moment: int,
) -> pa.RecordBatch:
    names = pa.array([one.tag for one in measurands], pa.string())
    columns = dict(zip(rows.schema.names, rows.columns, strict=True))
    bad = pa.array([code == BAD for code in quality], pa.bool_())
    for name in ("value", "text"):
        columns[name] = pc.if_else(bad, pa.scalar(None, columns[name].type), columns[name])
    columns |= {
        "tag_id": names,
        "tag_name": names,
        "quality": quality_array(np.array(quality, np.int8)),
        "status": pa.array(flags, pa.string()).dictionary_encode(),
        "timestamp": pa.array([moment] * len(measurands), pa.int64()).cast(TIMESTAMP),
        "server_timestamp": rows.column("timestamp"),
    }
    return pa.RecordBatch.from_arrays([columns[one] for one in SNAPSHOT.names], schema=SNAPSHOT)


def _in_order(rows: pa.RecordBatch, tags: Sequence[str]) -> pa.RecordBatch:
    """A row for each of ``tags``; one that is no measurand has a failure."""
    found = rows.column("tag_id").to_pylist()
    if found == list(tags):
        return rows
    missing = [
        {
            "tag_id": tag,
            "tag_name": tag,
            "quality": "bad",
            "failure": f"{UNKNOWN_TAG}: there is no measurand {tag!r} in the configuration",
        }
        for tag in tags
        if tag not in found
    ]
    both = pa.Table.from_batches([rows, pa.RecordBatch.from_pylist(missing, SNAPSHOT)])
    both = both.unify_dictionaries().combine_chunks()
    names = both.column("tag_id").to_pylist()
    ordered = both.take(pa.array([names.index(tag) for tag in tags], pa.int32()))
    return ordered.combine_chunks().to_batches()[0]


async def _snapshot(wire: Driver, tags: tuple[str, ...], log: ReadLog) -> pa.RecordBatch:
    if not tags:
        return pa.RecordBatch.from_pylist([], SNAPSHOT)
    batches = [one async for one in wire.read(Snapshot(tags), log)]
    table = pa.Table.from_batches(batches, SNAPSHOT).unify_dictionaries().combine_chunks()
    return table.to_batches()[0]
