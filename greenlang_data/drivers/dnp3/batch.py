"""From what was reported to one batch of the snapshot shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from greenlang_data.drivers.dnp3.flags import meanings
from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.drivers.dnp3.layout import Layout
from greenlang_data.drivers.dnp3.points import ANALOG, BY_GROUP, data_type
from greenlang_data.drivers.scaling import EXACT
from greenlang_data.drivers.schema import (
    BAD,
    SNAPSHOT,
    TIMESTAMP,
    UNCERTAIN,
    constant_dictionary,
    quality_array,
)

UNSYNCHRONIZED: Final = "TimeNotSynchronized"
INTEGER: Final = "IntegerVariation"
"""An analog value that came as an integer although doubles were asked for; perhaps cut off."""


class _Picked(NamedTuple):
    """The values of one block that somebody asked for, and the row of the layout of each."""

    rows: NDArray[np.intp]
    block: Block
    positions: NDArray[np.intp]


def snapshot_batch(
    layout: Layout, blocks: Sequence[Block], failure: Callable[[int], str]
) -> pa.RecordBatch:
    """A row per tag, in the order asked. Of a point that came twice the later value counts.

    ``failure`` says why nothing came for a row of ``layout``.
    """
    made = _Columns(layout, blocks)
    row_count = len(layout.tags)
    if made.in_order:
        return made.batch()
    last = np.full(row_count, -1)
    last[made.rows] = np.arange(len(made.rows))
    batch = made.batch()
    lacking = np.flatnonzero(last < 0).tolist()
    if lacking:
        filler = failed_batch(layout, lacking, [failure(row) for row in lacking], status=None)
        last[lacking] = len(made.rows) + np.arange(len(lacking))
        batch = pa.Table.from_batches([batch, filler]).combine_chunks().to_batches()[0]
    taken: pa.RecordBatch = batch.take(pa.array(last))
    return taken


def event_batch(layout: Layout, blocks: Sequence[Block]) -> pa.RecordBatch:
    """A row for everything in ``blocks`` that was asked for, in the order of arrival."""
    return _Columns(layout, blocks).batch()


def failed_batch(
    layout: Layout, rows: Sequence[int], failures: Sequence[str], status: str | None
) -> pa.RecordBatch:
    """Rows without a value, each with the reason."""
    count = len(rows)
    indices = pa.array(rows, pa.int64())
    return pa.RecordBatch.from_arrays(
        [
            layout.tag_ids.take(indices),
            layout.tag_ids.take(indices),
            pa.nulls(count, pa.float64()),
            pa.nulls(count, pa.string()),
            layout.units.take(indices),
            quality_array(np.full(count, BAD)),
            constant_dictionary(status, count),
            pa.nulls(count, TIMESTAMP),
            pa.nulls(count, TIMESTAMP),
            pa.nulls(count, pa.string()),
            pa.array(failures, pa.string()),
        ],
        schema=SNAPSHOT,
    )


def is_integer_analog(block: Block) -> bool:
    """Whether analog values came in a variation that has no fractions."""
    kind = BY_GROUP[block.group]
    return kind.name in ANALOG and data_type(block.group, block.variation).startswith("int")


class _Columns:
    def __init__(self, layout: Layout, blocks: Sequence[Block]) -> None:
        self._layout = layout
        self._picked = []
        for block in blocks:
            of_kind = layout.rows.get(BY_GROUP[block.group].name)
            if of_kind is not None:
                positions, rows = of_kind.find(block.indices)
                self._picked.append(_Picked(rows, block, positions))
        self.rows = _joined([one.rows for one in self._picked], np.intp)
        # As a device reports its points and a user names them; texts are dear to move about.
        self.in_order = np.array_equal(self.rows, np.arange(len(layout.tags)))
        self._texts: dict[int, str] = {}
        self._statuses: list[str | None] = []
        self._types: list[str] = []
        self._qualities = self._meanings()

    def batch(self) -> pa.RecordBatch:
        picked = self._picked
        values = _joined([one.block.values[one.positions] for one in picked], np.float64)
        self._scale(values)
        self._mark_what_is_no_number(values)
        bad = self._qualities == BAD
        absent = bad | np.isnan(values)
        tags, units = self._layout.tag_ids, self._layout.units
        if not self.in_order:
            rows = pa.array(self.rows)
            tags, units = tags.take(rows), units.take(rows)
        for position in np.flatnonzero(bad).tolist() if self._texts else ():
            self._texts.pop(position, None)
        texts = (
            pa.array([self._texts.get(at) for at in range(len(values))], pa.string())
            if self._texts
            else pa.nulls(len(values), pa.string())
        )
        times = _joined([_times(one) for one in picked], np.int64)
        return pa.RecordBatch.from_arrays(
            [
                tags,
                tags,
                pa.array(values, mask=absent),
                texts,
                units,
                quality_array(self._qualities),
                pa.array(self._statuses, pa.string()).dictionary_encode(),
                pa.array(times, pa.int64()).cast(TIMESTAMP),
                pa.nulls(len(self.rows), TIMESTAMP),
                pa.array(self._types, pa.string()),
                pa.nulls(len(self.rows), pa.string()),
            ],
            schema=SNAPSHOT,
        )

    def _meanings(self) -> NDArray[np.int8]:
        qualities = []
        start = 0
        for _, block, positions in self._picked:
            kind = BY_GROUP[block.group].name
            quality, statuses = meanings(kind, block.flags[positions])
            for doubt in self._doubts(block):
                quality = np.maximum(quality, np.int8(UNCERTAIN))
                statuses = [f"{one}|{doubt}" if one else doubt for one in statuses]
            qualities.append(quality)
            self._statuses += statuses
            self._types += [data_type(block.group, block.variation)] * len(positions)
            if block.texts is not None:
                chosen = [block.texts[position] for position in positions.tolist()]
                self._texts.update(enumerate(chosen, start))
            start += len(positions)
        return _joined(qualities, np.int8)

    def _doubts(self, block: Block) -> list[str]:
        """What makes all values of a block uncertain."""
        kind = BY_GROUP[block.group]
        doubts = [] if block.synchronized else [UNSYNCHRONIZED]
        if is_integer_analog(block) and kind.name not in self._layout.integers:
            doubts.append(INTEGER)
        return doubts

    def _scale(self, values: NDArray[np.float64]) -> None:
        """Exactly, value by value; only what the configuration scales is touched."""
        scales = self._layout.scales
        if not scales:
            return
        for position, row in enumerate(self.rows.tolist()):
            scale = scales.get(row)
            if scale is None or not np.isfinite(values[position]):
                continue
            whole = "int" in self._types[position]
            raw = float(values[position])
            try:
                scaled = scale.apply(int(raw) if whole else raw)
            except OverflowError:
                self._spoil(position, "Overflow")
                continue
            if whole and not scale.keeps_integers:
                self._types[position] = "float64"
            if isinstance(scaled, int) and abs(scaled) > EXACT:
                self._texts[position] = str(scaled)
                values[position] = np.nan
            else:
                values[position] = scaled

    def _mark_what_is_no_number(self, values: NDArray[np.float64]) -> None:
        for position in np.flatnonzero(~np.isfinite(values)).tolist():
            if position not in self._texts:
                self._spoil(position, _not_finite(values[position]))

    def _spoil(self, position: int, status: str) -> None:
        before = self._statuses[position]
        self._statuses[position] = f"{before}|{status}" if before else status
        self._qualities[position] = BAD


def _times(picked: _Picked) -> NDArray[np.int64]:
    if picked.block.times is None:
        return np.full(len(picked.positions), picked.block.received, np.int64)
    times = picked.block.times[picked.positions]
    return np.where(times == 0, picked.block.received, times)


def _joined(parts: Sequence[NDArray[Any]], dtype: type[Any]) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)


def _not_finite(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
