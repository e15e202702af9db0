"""Samples of tags as they come in: from a driver's snapshots to rows that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.schema import (
    BAD,
    QUALITY,
    STATUS,
    TIMESTAMP,
    constant_dictionary,
    quality_array,
    series_batch,
)
from greenlang_data.errors import ProtocolError
from greenlang_data.frames.series import without_bad_values

_NAMES: Final = pa.dictionary(pa.int32(), pa.string())

SAMPLES: Final = pa.schema(
    [
        ("tag", _NAMES),
        ("timestamp", TIMESTAMP),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("quality", QUALITY),
        ("status", STATUS),
        ("unit", _NAMES),
        ("data_type", _NAMES),
    ]
)
GAP: Final = "LinkLost"
"""The status of the rows that mark where nothing was heard of a source."""

_CONTENT: Final = ("value", "text", "quality", "status")
_NEVER: Final = np.iinfo(np.int64).min


class Samples:
    """Turns what is heard of ``tags`` into rows of :data:`SAMPLES`, in the order of arrival.

    A row without a time stamp gets that of its arrival. A sample that was heard already (polled
    again, or reported anew after a loss) is left out: same time stamp, value, quality and status.
    After a gap it stands at the end of the gap instead, because the source says it still holds.
    """

    def __init__(self, tags: Sequence[str], source: str) -> None:
        count = len(tags)
        self.tags = tuple(tags)
        self.seen = np.zeros(count, np.bool_)
        self.read = np.zeros(count, np.bool_)
        self.failures: dict[str, str] = {}
        self.repeated = 0
        self._source = source
        self._set = pa.array(tags, pa.string())
        self._resumed = np.zeros(count, np.bool_)
        self._moment = np.full(count, _NEVER, np.int64)
        self._latest = np.full(count, _NEVER, np.int64)
        self._content: list[tuple[object, ...]] = [()] * count
        self._about: dict[str, list[str | None]] = {
            name: [None] * count for name in ("unit", "data_type")
        }

    def add(self, batch: pa.RecordBatch, arrived: int) -> pa.RecordBatch:
        """The rows of a driver's ``batch`` that are new; ``arrived`` is in nanoseconds UTC.

        Raises ProtocolError for tags that were never asked for.
        """
        batch = without_bad_values(batch)
        places = pc.index_in(batch.column("tag_id"), value_set=self._set)
        if places.null_count:
            raise ProtocolError(
                "a value came of a tag that was never asked for",
                source=self._source,
                remedy="None of it was used; report this with the driver's name.",
            )
        index = np.asarray(places, np.int64)
        self._note_failures(batch, index)
        stamps = batch.column("timestamp")
        moments = np.asarray(stamps.cast(pa.int64()).fill_null(arrived))
        own = np.asarray(stamps.is_valid())
        keep, again = self._new(batch, index, moments, own)
        moments = np.where(again, arrived, moments)
        np.maximum.at(self._latest, index, moments)
        columns = [
            pa.DictionaryArray.from_arrays(places, self._set),
            pa.array(moments).cast(TIMESTAMP),
            *(batch.column(name) for name in ("value", "text", "quality", "status")),
            *(batch.column(name).dictionary_encode() for name in ("unit", "data_type")),
        ]
        rows = pa.RecordBatch.from_arrays(columns, schema=SAMPLES)
        return rows if keep.all() else rows.filter(pa.array(keep))

    def gap(self, at: int) -> pa.RecordBatch:
        """A row per tag that says that nothing more was heard of it from ``at`` (ns UTC) on."""
        count = len(self.tags)
        self._resumed[:] = True
        # Not before the last sample, or it would seem to come after the loss.
        moments = np.maximum(at, self._latest + 1)
        columns = [
            pa.DictionaryArray.from_arrays(pa.array(np.arange(count, dtype=np.int32)), self._set),
            pa.array(moments).cast(TIMESTAMP),
            pa.nulls(count, pa.float64()),
            pa.nulls(count, pa.string()),
            quality_array(np.full(count, BAD)),
            constant_dictionary(GAP, count),
            *(pa.array(self._about[name], pa.string()).dictionary_encode()
              for name in ("unit", "data_type")),
        ]  # fmt: skip
        return pa.RecordBatch.from_arrays(columns, schema=SAMPLES)

    def _note_failures(self, batch: pa.RecordBatch, index: np.ndarray) -> None:
        failed = np.asarray(batch.column("failure").is_valid())
        self.seen[index] = True
        self.read[index[~failed]] = True
        if failed.any():
            for row in np.flatnonzero(failed).tolist():
                self.failures[self.tags[index[row]]] = batch.column("failure")[row].as_py()

    def _new(
        self, batch: pa.RecordBatch, index: np.ndarray, moments: np.ndarray, own: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which rows were not heard before, and which of them hold again after a loss."""
        keep = np.ones(len(index), np.bool_)
        again = np.zeros(len(index), np.bool_)
        contents = list(zip(*(batch.column(name).to_pylist() for name in _CONTENT), strict=True))
        before = _predecessors(index)
        last = np.where(before < 0, self._moment[index], moments[before])
        for row in np.flatnonzero(own & (moments == last)).tolist():
            place, first = int(index[row]), before[row] < 0
            if contents[row] == (self._content[place] if first else contents[before[row]]):
                again[row] = first and self._resumed[place]
                keep[row] = again[row]
        self.repeated += int(np.count_nonzero(~keep))
        self._remember(batch, index, moments, own, contents)
        return keep, again

    def _remember(
        self,
        batch: pa.RecordBatch,
        index: np.ndarray,
        moments: np.ndarray,
        own: np.ndarray,
        contents: list[tuple[object, ...]],
    ) -> None:
        self._resumed[index] = False
        self._resumed[index[~own]] = True  # it could not be read, so what comes next is news
        final = np.full(len(self.tags), -1, np.int64)
        final[index[own]] = np.flatnonzero(own)  # of several rows the last one stays
        places = np.flatnonzero(final >= 0)
        rows = final[places]
        self._moment[places] = moments[rows]
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            self._content[place] = contents[row]
        for name, known in self._about.items():
            texts = batch.column(name).take(pa.array(rows)).to_pylist()
            for place, text in zip(places.tolist(), texts, strict=True):
                known[place] = text or known[place]


def _predecessors(index: np.ndarray) -> np.ndarray:
    """For each row the row before it with the same tag, or -1."""
    order = np.argsort(index, kind="stable")
    result = np.full(len(index), -1, np.int64)
    same = index[order][1:] == index[order][:-1]
    result[order[1:][same]] = order[:-1][same]
    return result


def series_of_samples(
    tags: Sequence[str], batches: Sequence[pa.RecordBatch], failures: dict[str, str]
) -> tuple[list[pa.RecordBatch], list[str]]:
    """One batch per tag, in time order, for :class:`~greenlang_data.frames.series.Series`.

    And sentences about tags whose unit or type changed on the way; they are given none then.
    """
    table = pa.Table.from_batches(batches, SAMPLES).unify_dictionaries().combine_chunks()
    notes: list[str] = []
    names = table.column("tag").cast(pa.string())
    index = np.asarray(pc.index_in(names, value_set=pa.array(tags, pa.string())), np.int64)
    moments = np.asarray(table.column("timestamp").cast(pa.int64()))
    order = np.lexsort((np.arange(len(index)), moments, index))
    ends = np.searchsorted(index[order], np.arange(len(tags) + 1))
    sorted_rows = table.take(pa.array(order))
    result = []
    for place, tag in enumerate(tags):
        rows = sorted_rows.slice(int(ends[place]), int(ends[place + 1] - ends[place]))
        about = {name: _single(rows, name, tag, notes) for name in ("unit", "data_type")}
        columns = [_whole(rows, name) for name in ("timestamp", "value", "quality", "status")]
        result.append(
            series_batch(
                tag,
                *columns,
                text=_whole(rows, "text"),
                unit=about["unit"],
                data_type=about["data_type"] or "",
                failure=failures.get(tag),
            )
        )
    return result, notes


def _single(rows: pa.Table, name: str, tag: str, notes: list[str]) -> str | None:
    found = [text for text in pc.unique(rows.column(name).cast(pa.string())).to_pylist() if text]
    if len(found) > 1:
        notes.append(f"the {name.replace('_', ' ')} of {tag} changed: {', '.join(found)}")
    return found[0] if len(found) == 1 else None


def _whole(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name).combine_chunks()
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks else pa.array([], rows.schema.field(name).type)
