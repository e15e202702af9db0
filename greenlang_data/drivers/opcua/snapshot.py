"""Current values of tags as one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.arrow import text_array, time_array, type_array, value_array
from greenlang_data.drivers.opcua.bulk import BOTH, ReadPlan, all_or_none, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.meanings import Meanings
from greenlang_data.drivers.opcua.metadata import Metadata
from greenlang_data.drivers.opcua.nodes import TagMap, read_value_id
from greenlang_data.drivers.opcua.statuses import (
    failure_text,
    quality_codes,
    status_array,
    unreadable_rows,
)
from greenlang_data.drivers.schema import SNAPSHOT, quality_array


class SnapshotPlan:
    """A list of tags that is read again and again: its requests and its constant columns."""

    def __init__(self, tags: Sequence[str], tag_map: TagMap) -> None:
        self.tags = tags
        self.nodes = tag_map.texts(tags)
        self.encoded = tag_map.encoded(tags)
        self.requests = ReadPlan([read_value_id(one) for one in self.encoded], BOTH)
        self.tag_ids = pa.array(tags, pa.string())
        self.described: tuple[pa.Array, pa.Array] | None = None

    async def describe(self, metadata: Metadata, log: ReadLog) -> None:
        """Find the names and units, the first time."""
        if self.described is None:
            await metadata.learn(self.tags, log)
            self.described = (
                pa.array([metadata.name(tag) for tag in self.tags], pa.string()),
                pa.array([metadata.unit(tag) for tag in self.tags], pa.string()),
            )


async def read_snapshot(
    connection: Connection,
    plan: SnapshotPlan,
    metadata: Metadata,
    meanings: Meanings,
    log: ReadLog,
) -> pa.RecordBatch:
    """One row per tag of the plan."""
    if plan.described is None:
        values, _ = await all_or_none(
            [read_all(connection, plan.requests, log), plan.describe(metadata, log)]
        )
        assert values is not None
    else:
        values = await read_all(connection, plan.requests, log)
    await meanings.explain(values, plan.encoded, log)
    return _batch(plan, values)


def _batch(plan: SnapshotPlan, columns: Columns) -> pa.RecordBatch:
    return snapshot_batch(plan, columns, None, _failures(plan, columns))


def snapshot_batch(
    plan: SnapshotPlan, columns: Columns, rows: np.ndarray | None, failures: pa.Array
) -> pa.RecordBatch:
    """Values of the plan's tags, or of those with the numbers ``rows``, as a batch."""
    assert plan.described is not None
    about = (plan.tag_ids, *plan.described)
    if rows is not None:
        about = tuple(column.take(pa.array(rows)) for column in about)
    tag_ids, names, units = about
    quality = quality_codes(columns.codes)
    return pa.RecordBatch.from_arrays(
        [
            tag_ids,
            names,
            value_array(columns, quality),
            text_array(columns, quality) or pa.nulls(len(columns), pa.string()),
            units,
            quality_array(quality),
            status_array(columns.codes),
            time_array(columns.source),
            time_array(columns.server),
            type_array(columns),
            failures,
        ],
        schema=SNAPSHOT,
    )


def _failures(plan: SnapshotPlan, columns: Columns) -> pa.Array:
    rows = unreadable_rows(columns.codes) if columns.codes.any() else []
    if not rows:
        return pa.nulls(len(columns), pa.string())
    failures: list[str | None] = [None] * len(columns)
    for row in rows:
        failures[row] = failure_text(int(columns.codes[row]), plan.nodes[row])
    return pa.array(failures, pa.string())
