"""Samples of tags as they come in: from a driver's snapshots to rows that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

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

_COMPARED: Final = ("value", "valid", "text", "quality", "status")
_KINDS: Final[dict[str, type]] = {
    "value": np.int64, "valid": np.int8, "text": object, "quality": np.int8, "status": np.int64,
    "unit": np.int64, "data_type": np.int64,
}  # fmt: skip
_Columns: TypeAlias = dict[str, np.ndarray]
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
        self._words = _Words()
        self._last: _Columns = {name: np.full(count, -1, kind) for name, kind in _KINDS.items()}

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
        unit, data_type = (batch.column(name).dictionary_encode() for name in ("unit", "data_type"))
        content = self._content(batch, unit, data_type)
        keep, again = self._new(content, index, moments, own)
        moments = np.where(again, arrived, moments)
        np.maximum.at(self._latest, index, moments)
        columns = [
            pa.DictionaryArray.from_arrays(places, self._set),
            pa.array(moments).cast(TIMESTAMP),
            *(batch.column(name) for name in ("value", "text", "quality", "status")),
            unit,
            data_type,
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
            *(self._words.texts(self._last[name]) for name in ("unit", "data_type")),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SAMPLES)

    def _note_failures(self, batch: pa.RecordBatch, index: np.ndarray) -> None:
        failed = np.asarray(batch.column("failure").is_valid())
        self.seen[index] = True
        self.read[index[~failed]] = True
        if failed.any():
            for row in np.flatnonzero(failed).tolist():
                self.failures[self.tags[index[row]]] = batch.column("failure")[row].as_py()

    def _content(
        self, batch: pa.RecordBatch, unit: pa.DictionaryArray, data_type: pa.DictionaryArray
    ) -> _Columns:
        """Everything of the rows but their time stamps, in numbers that can be compared."""
        value, text = batch.column("value"), batch.column("text")
        return {
            "value": np.asarray(value.fill_null(0.0)).view(np.int64),
            "valid": np.asarray(value.is_valid()).astype(np.int8),
            "text": text.to_numpy(zero_copy_only=False),
            "quality": np.asarray(batch.column("quality").indices),
            "status": self._words.codes(batch.column("status")),
            "unit": self._words.codes(unit),
            "data_type": self._words.codes(data_type),
        }

    def _new(
        self, content: _Columns, index: np.ndarray, moments: np.ndarray, own: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which rows were not heard before, and which of them hold again after a loss."""
        keep = np.ones(len(index), np.bool_)
        again = np.zeros(len(index), np.bool_)
        before = _predecessors(index)
        first = before < 0
        last = np.where(first, self._moment[index], moments[before])
        rows = np.flatnonzero(own & (moments == last))
        if len(rows):
            same = np.ones(len(rows), np.bool_)
            for name in _COMPARED:
                column = content[name]
                old = np.where(first[rows], self._last[name][index[rows]], column[before[rows]])
                same &= (column[rows] == old).astype(np.bool_)
            again[rows] = same & first[rows] & self._resumed[index[rows]]
            keep[rows] = again[rows] | ~same
            self.repeated += int(np.count_nonzero(~keep))
        self._remember(content, index, moments, own)
        return keep, again

    def _remember(
        self, content: _Columns, index: np.ndarray, moments: np.ndarray, own: np.ndarray
    ) -> None:
        self._resumed[index] = False
        self._resumed[index[~own]] = True  # it could not be read, so what comes next is news
        final = np.full(len(self.tags), -1, np.int64)
        final[index[own]] = np.flatnonzero(own)  # of several rows the last one stays
        places = np.flatnonzero(final >= 0)
        rows = final[places]
        self._moment[places] = moments[rows]
        for name, column in content.items():
            # A unit that is not repeated with a bad value is still the tag's.
            known = (column[rows] >= 0) if name in ("unit", "data_type") else slice(None)
            self._last[name][places[known]] = column[rows][known]


class _Words:
    """A number for each text that was met, the same for as long as this lives."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, int] = {None: -1}
        self._texts: list[str] = []

    def codes(self, texts: pa.DictionaryArray) -> np.ndarray:
        """The number of each text, -1 for null."""
        numbers = np.array([self._number(one) for one in texts.dictionary.to_pylist()] + [-1])
        places = texts.indices.fill_null(len(numbers) - 1) if texts.null_count else texts.indices
        codes: np.ndarray = numbers[np.asarray(places)]
        return codes

    def texts(self, codes: np.ndarray) -> pa.DictionaryArray:
        """The texts of these numbers."""
        return pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(self._texts, pa.string())
        )

    def _number(self, text: str | None) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self._texts)
            self._texts.append(str(text))
        return self._numbers[text]


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
