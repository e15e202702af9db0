"""Long reads of records, in steps that can be taken again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.spool import Spool

_BATCH_ROWS: Final = 65_536


class RecordReading(ABC):
    """One read of records. It keeps what it has when a step fails, so that only that is repeated."""

    rows: int = 0
    """How many have been read so far."""
    spool: Spool | None = None
    """Where the pages are kept, when not in memory; it is set before the first step."""
    table: pa.Table | None = None
    """All of it, set by the last step of a reading that does not make batches of its own."""
    saved: Sequence[pa.RecordBatch] = ()
    """What an earlier read of the same left; it is set before the first step."""
    restarts: int = 0
    """How often it began from the start again: what it had kept until then is of no use."""

    @abstractmethod
    async def advance(self) -> bool:
        """Read a page more, and tell whether there may be more still.

        Raises what :meth:`Driver.read` raises; after a TransientError it may be called again.
        """

    def unsaved(self) -> list[pa.RecordBatch]:
        """What has come since this was last asked, so that :meth:`resume` could go on after it.

        None where that cannot be: then a read that was killed begins anew.
        """
        return []

    def resume(self, saved: Sequence[pa.RecordBatch]) -> None:
        """Go on after what an earlier read of the same gave as unsaved; before the first step.

        What does not fit is not used.
        """
        self.saved = tuple(saved)

    def keep(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """``batch``, to be kept until the end of the read."""
        return batch if self.spool is None else self.spool.kept(batch)

    def release(self) -> None:
        """Give back the memory of kept pages that were looked at, where they are not in memory."""
        if self.spool is not None:
            self.spool.release()

    def in_batches(self, table: pa.Table) -> list[pa.RecordBatch]:
        """``table`` in batches, at least one; large ones, unless it is not to come into memory."""
        whole = table.combine_chunks() if self.spool is None else table
        found: list[pa.RecordBatch] = whole.to_batches(_BATCH_ROWS)
        return found or [pa.RecordBatch.from_pylist([], schema=table.schema)]

    def batches(self) -> list[pa.RecordBatch]:
        """All that was read, at least one batch, all of one schema; only after the last step."""
        assert self.table is not None, "the read is not at its end"
        return self.in_batches(self.table)
