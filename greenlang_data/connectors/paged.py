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
        self._kept = self._rows = 0

    def reads(self, driver: Driver) -> bool:
        """Whether ``driver`` reads a page at a time; another driver than before starts anew."""
        if driver is not self._driver:
            driver.check(self._request)
            self._driver, self._log = driver, ReadLog()
            self._reading = driver.reading(self._request, self._log)
            if self._reading is not None:
                self._reading.spool = self._spool
            if self._reading is not None and self._checkpoint is not None:
                self._reading.resume([self._reading.keep(one) for one in self._checkpoint.load()])
        return self._reading is not None

    async def advance(self) -> ReadResult | None:
        """Read one page. The result once that was the last, else None.

        Raises LoadBudgetExceeded when more rows have come than the source's limit.
        """
        assert self._reading is not None
        more = await self._reading.advance()
        budget = LoadBudget(self._max_points, source=self._source)
        budget.count(self._reading.rows)
        if more:
            self._keep()
            return None
        if self._checkpoint is not None:
            self._checkpoint.clear()
        return ReadResult(self._request, self._reading.batches(), self._log)

    def _keep(self) -> None:
        reading = self._reading
        if self._checkpoint is None or reading is None:
            return
        if reading.rows < self._rows:  # it began again from the start
            self._kept = 0
        self._kept = max(self._kept, reading.resumed)
        self._rows = reading.rows
        for page in reading.pages_from(self._kept):
            self._checkpoint.keep(self._kept, page)
            self._kept += 1
