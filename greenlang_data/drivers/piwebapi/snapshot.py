"""Current values of many points in few requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.decode import decode_nows, selected
from greenlang_data.drivers.piwebapi.points import Point
from greenlang_data.drivers.piwebapi.samples import Columns
from greenlang_data.drivers.piwebapi.streams import ask_streams, grouped
from greenlang_data.drivers.schema import (
    BAD,
    SNAPSHOT,
    TIMESTAMP,
    constant_dictionary,
    quality_array,
)


async def read_snapshot(api: PiApi, points: Sequence[Point], log: ReadLog) -> pa.RecordBatch:
    """One batch with a row per point, in order; what cannot be read has its ``failure``."""
    known = [one for one in points if one.failure is None]
    params = [selected("Value")]
    groups = grouped(api, "streamsets/value", known, params)
    answers = await asyncio.gather(
        *(ask_streams(api, "value", group, params, log, decode_nows) for group in groups)
    )
    found: dict[str, Columns | RefusedError] = {}
    for group, part in zip(groups, answers, strict=True):
        found.update((one.tag, answer) for one, answer in zip(group, part, strict=True))
    rows = [_row(one, found.get(one.tag)) for one in points]
    return pa.Table.from_batches(rows, SNAPSHOT).combine_chunks().to_batches()[0]


def _row(point: Point, answer: Columns | RefusedError | None) -> pa.RecordBatch:
    failure = point.failure
    if isinstance(answer, RefusedError):
        failure = answer.said
    elif answer is None or len(answer) == 0:
        failure = failure or "the server gave no value"
    columns = None
    if isinstance(answer, Columns) and len(answer):
        columns = answer.of_type(point.data_type)
    none = pa.nulls(1, TIMESTAMP)
    text = columns.text if columns else None
    arrays = [
        pa.array([point.tag]),
        pa.array([point.name or point.tag]),
        columns.value if columns else pa.nulls(1, pa.float64()),
        pa.nulls(1, pa.string()) if text is None else text,
        pa.array([point.unit], pa.string()),
        quality_array(columns.quality if columns else np.array([BAD], np.int8)),
        columns.status if columns else constant_dictionary(None, 1),
        pa.array(columns.times).cast(TIMESTAMP) if columns else none,
        none,
        pa.array([point.data_type or (columns.kind if columns else None)], pa.string()),
        pa.array([None if columns else failure], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SNAPSHOT)
