"""From what was read to one batch of the snapshot shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from greenlang_data.drivers.modbus.layout import Layout
from greenlang_data.drivers.modbus.places import Decoded
from greenlang_data.drivers.modbus.reader import SnapshotReader
from greenlang_data.drivers.modbus.units import Failure
from greenlang_data.drivers.schema import (
    BAD,
    SNAPSHOT,
    TIMESTAMP,
    constant_dictionary,
    quality_array,
)


def snapshot_batch(layout: Layout, reader: SnapshotReader) -> pa.RecordBatch:
    """A row per tag, in the order asked; whatever is not a good value has no number."""
    rows = len(layout.tags)
    decoded = layout.decoder.decode(reader.image)
    failures = _failures(layout, reader, decoded)
    statuses = decoded.statuses | {row: one.status for row, one in failures.items() if one.status}
    bad = _rows_mask([*statuses, *failures], rows)
    failed = _rows_mask(failures, rows)
    times = _times(layout, reader, rows)
    return pa.RecordBatch.from_arrays(
        [
            layout.tag_ids,
            layout.tag_ids,
            pa.array(decoded.values, mask=bad | _rows_mask(decoded.texts, rows)),
            _sparse_text(decoded.texts, rows),
            layout.units,
            quality_array(np.where(bad, BAD, 0)),
            _status(statuses, rows),
            pa.array(times, pa.int64(), mask=failed).cast(TIMESTAMP),
            pa.nulls(rows, TIMESTAMP),
            layout.data_types,
            _sparse_text({row: one.text for row, one in failures.items()}, rows),
        ],
        schema=SNAPSHOT,
    )


def _failures(layout: Layout, reader: SnapshotReader, decoded: Decoded) -> dict[int, Failure]:
    """By row; and forgets what was decoded where nothing had been read."""
    failures = dict(layout.failures)
    for span, failure in reader.failures.items():
        for row in layout.rows_of[span]:
            failures[row] = failure
            decoded.texts.pop(row, None)
            decoded.failures.pop(row, None)
    for row, text in decoded.failures.items():
        failures[row] = Failure(decoded.statuses[row], text)
    return failures


def _times(layout: Layout, reader: SnapshotReader, rows: int) -> NDArray[np.int64]:
    if not layout.spans:
        return np.zeros(rows, np.int64)
    return reader.received[layout.span_of_row]


def _rows_mask(marked: Collection[int], rows: int) -> NDArray[np.bool_]:
    mask = np.zeros(rows, np.bool_)
    if marked:
        mask[list(marked)] = True
    return mask


def _sparse_text(texts: Mapping[int, str], rows: int) -> pa.Array:
    if not texts:
        return pa.nulls(rows, pa.string())
    return pa.array([texts.get(row) for row in range(rows)], pa.string())


def _status(statuses: Mapping[int, str], rows: int) -> pa.DictionaryArray:
    if not statuses:
        return constant_dictionary(None, rows)
    return _sparse_text(statuses, rows).dictionary_encode()
