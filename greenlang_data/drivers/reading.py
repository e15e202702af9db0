"""Long reads of records, in steps that can be taken again."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pyarrow as pa


class RecordReading(ABC):
    """One read of records. It keeps what it has when a step fails, so that only that is repeated."""

    rows: int = 0
    """How many have been read so far."""

    @abstractmethod
    async def advance(self) -> bool:
        """Read a page more, and tell whether there may be more still.

        Raises what :meth:`Driver.read` raises; after a TransientError it may be called again.
        """

    @abstractmethod
    def batches(self) -> list[pa.RecordBatch]:
        """All that was read, at least one batch, all of one schema; only after the last step."""
