"""What one read brought: the driver's batches, collected and shaped on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from greenlang_data.connectors.names import column_of
from greenlang_data.drivers.base import ReadLog, Records, Request, Snapshot, Watch
from greenlang_data.drivers.schema import SNAPSHOT
from greenlang_data.errors import ProtocolError, QueryError
from greenlang_data.frames.long import long_table
from greenlang_data.frames.series import (
    Series,
    count_qualities,
    gather_series,
    hash_series,
    without_bad_values,
)
from greenlang_data.frames.shaped import Shaped
from greenlang_data.frames.snapshot import snapshot_table
from greenlang_data.frames.wide import wide_table
from greenlang_data.provenance.hash import Written, column_digests, hash_table

SHAPES: Final = {"snapshot": ("snapshot",), "window": ("wide", "long"), "records": ("records",)}


@dataclass(eq=False)
class ReadResult:
    """A whole answer. ``log`` is what the driver told.

    ``kind`` is snapshot, records or window, which what was watched is too.
    """

    request: Request | Watch
    batches: Sequence[pa.RecordBatch]
    log: ReadLog = field(default_factory=ReadLog)
    truncated: bool = False
    # The query as it was hashed: thousands of names are not written out twice.
    asked: Written | None = None
    # Of the answer's columns, for the frame's own hash; empty until the content was hashed.
    _digests: Mapping[str, bytes] = field(default_factory=dict)

    def keep_first(self, limit: int) -> None:
        """Drop records after the first ``limit``, and say so if there were any."""
        table = pa.Table.from_batches(self.batches) if self.batches else None
        if table is not None and table.num_rows > limit:
            self.batches = table.slice(0, limit).to_batches()
            self.truncated = True
            self.log.note(f"cut at the limit of {limit} records; the source has more")

    @property
    def completeness(self) -> dict[str, Any]:
        """What the driver tells of a read of records; ``rows`` are those that are here.

        ``rows_read`` are those that came, where they are others: one more than the limit was asked
        for, or some were filtered out here.
        """
        told = self.log.completeness
        if "rows" not in told:
            return told
        rows = sum(one.num_rows for one in self.batches)
        return told | {"rows": rows} | ({} if rows == told["rows"] else {"rows_read": told["rows"]})

    @property
    def kind(self) -> str:
        """Which of the three kinds of request this answers."""
        if isinstance(self.request, Snapshot):
            return "snapshot"
        return "records" if isinstance(self.request, Records) else "window"

    @cached_property
    def table(self) -> pa.Table:
        """The rows of a snapshot or of records. A bad value is null."""
        if self.kind == "snapshot":
            return pa.Table.from_batches(
                [without_bad_values(one) for one in self.batches], SNAPSHOT
            )
        return pa.Table.from_batches(self.batches)

    @cached_property
    def series(self) -> list[Series]:
        """The samples of a window, tag by tag in the order asked."""
        return gather_series(self.batches)

    @cached_property
    def failures(self) -> dict[str, str]:
        """Tags that could not be read, and why."""
        if self.kind == "window":
            return {one.tag: one.failure for one in self.series if one.failure}
        if self.kind == "records":
            return {}
        reasons = self.table.column("failure")
        if reasons.null_count == len(reasons):
            return {}
        tags = self.table.column("tag_id").to_pylist()
        return {tag: why for tag, why in zip(tags, reasons.to_pylist(), strict=True) if why}

    @property
    def qualities(self) -> dict[str, int]:
        """How many values are good, uncertain and bad; empty for records, which have no quality."""
        if self.kind == "records":
            return {}
        if self.kind == "snapshot":
            return count_qualities([self.table.column("quality")])
        return count_qualities(b.column("quality") for one in self.series for b in one.batches)

    def shaped(self, shape: str | None) -> Shaped:
        """The user's table. Raises QueryError for a shape that this kind of answer cannot take."""
        shape = checked_shape(shape, SHAPES[self.kind])
        if self.kind == "snapshot":
            return snapshot_table(self.table, self._digests)
        if self.kind == "records":
            # A name that is there twice has one entry, so there the place tells nothing.
            placed = len(self._digests) == self.table.num_columns
            digests = list(self._digests.values()) if placed else ()
            return Shaped(self.table, "records", digests=digests)
        make = wide_table if shape == "wide" else long_table
        return make(self.series, self._digests)

    def _known_digests(self) -> dict[str, bytes]:
        """Of the column that repeats the tags asked for, in a snapshot."""
        if not isinstance(self.request, Snapshot):
            return {}
        asked = column_of(self.request.tags)
        same = self.table.column("tag_id").equals(pa.chunked_array([asked.array]))
        return {"tag_id": asked.digest} if same else {}

    def content_hash(self) -> str:
        """SHA-256 of everything that the source answered, however it came in pages."""
        if self.kind == "window":
            content, self._digests = hash_series(self.series)
            return content
        digests = column_digests(self.table, self._known_digests())
        self._digests = dict(zip(self.table.schema.names, digests, strict=True))
        return hash_table(self.table, digests=digests)


def checked_shape(shape: str | None, allowed: Sequence[str]) -> str:
    """``shape``, or the first of ``allowed`` for None. Raises QueryError for any other."""
    if shape is None:
        return allowed[0]
    if shape not in allowed:
        raise QueryError(
            f"this answer has no shape {shape!r}", remedy=f"Use {' or '.join(map(repr, allowed))}."
        )
    return shape


async def collect(
    batches: AsyncIterator[pa.RecordBatch],
    request: Request,
    log: ReadLog,
    count: Callable[[int], None],
    source: str,
) -> ReadResult:
    """Read to the end and check that every tag asked for was answered, and no other.

    ``count`` is told the rows as they arrive and may raise. Raises ProtocolError when tags are
    missing, there twice or were never asked for.
    """
    result = ReadResult(request, gathered := [], log)
    async for batch in batches:
        count(batch.num_rows)
        gathered.append(batch)
    if not isinstance(request, Records):
        _check_tags(result, request.tags, source)
    return result


def _check_tags(result: ReadResult, asked: tuple[str, ...], source: str) -> None:
    if result.kind == "snapshot":
        answered: Sized = result.table.column("tag_id")
        fits = answered == pa.chunked_array([column_of(asked).array])
    else:
        answered = [one.tag for one in result.series]
        fits = answered == list(asked)
    if not fits:
        raise ProtocolError(
            f"{len(asked)} tags were asked for and the answer holds {len(answered)}, or others",
            source=source,
            remedy="None of it was used; report this with the driver's name.",
        )
