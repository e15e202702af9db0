"""A read of records of any length, a page for each step behind the pipeline.

Each page has the pipeline's retries and timeouts to itself, and what was read before a failure is
kept, so that a long read ends even on a source that fails now and then.
"""

from __future__ import annotations

from greenlang_data.connectors.checkpoint import Checkpoint
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import Driver, ReadLog, Records
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.drivers.spool import Spool
from greenlang_data.resilience.limits import LoadBudget


class PagedRead:
    """The state of one call between its steps."""

    def __init__(
        self,
        request: Records,
        max_points: int | None,
        source: str,
        checkpoint: Checkpoint | None,
        spool: Spool | None,
    ) -> None:
        self._request = request
        self._max_points = max_points
        self._source = source
        self._driver: Driver | None = None
        self._reading: RecordReading | None = None
        self._log = ReadLog()
        self._checkpoint = checkpoint
        self._spool = spool
        self._restarts = 0

    def reads(self, driver: Driver) -> bool:
        """Whether ``driver`` reads a page at a time; another driver than before starts anew."""
        if driver is not self._driver:
            driver.check(self._request)
            self._driver, self._log = driver, ReadLog()
            self._reading = driver.reading(self._request, self._log)
            self._restarts = 0
            if self._reading is not None:
                self._reading.spool = self._spool
            if self._reading is not None and self._checkpoint is not None:
                saved = self._checkpoint.load(self._log)
                self._reading.resume([self._reading.keep(one) for one in saved])
        return self._reading is not None

    async def advance(self) -> ReadResult | None:
        """Read one page. The result once that was the last, else None.

        Raises LoadBudgetExceeded when more rows have come than the source's limit.
        """
        assert self._reading is not None
        try:
            more = await self._reading.advance()
        finally:
            self._keep(self._reading)
        budget = LoadBudget(self._max_points, source=self._source)
        budget.count(self._reading.rows)
        if more:
            return None
        if self._checkpoint is not None:
            self._checkpoint.clear()
        return ReadResult(self._request, self._reading.batches(), self._log)

    def close(self) -> None:
        """Leave what there is to a later read; whatever came of this one."""
        if self._checkpoint is not None:
            self._checkpoint.close()

    def _keep(self, reading: RecordReading) -> None:
        """Keep what has come, also in a step that failed in another part of it."""
        if self._checkpoint is None:
            return
        if reading.restarts != self._restarts:
            self._restarts = reading.restarts
            self._checkpoint.clear()
        for page in reading.unsaved():
            self._checkpoint.keep(page, self._log)
