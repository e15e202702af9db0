"""Drivers of web systems that have records and no tags."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator
from typing import ClassVar

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records, Request
from greenlang_data.drivers.http.driver import HttpDriver, TOpened
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import UnsupportedError


class RecordsDriver(HttpDriver[TOpened]):
    """Reads records a page at a time. ``call`` is what a session asks them with."""

    call: ClassVar[str]

    @abstractmethod
    def pages(self, request: Records, log: ReadLog) -> RecordReading:
        """The read of these records, page by page."""

    def reading(self, request: Request, log: ReadLog) -> RecordReading:
        """The read of Records. Raises UnsupportedError for any other request."""
        if not isinstance(request, Records):
            raise UnsupportedError(
                "this system has records and no tags",
                source=self.source,
                remedy=f"Ask with {self.call}().",
            )
        return self.pages(request, log)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of Records, once all pages are there."""
        reading = self.reading(request, log)
        while await reading.advance():
            pass
        for batch in reading.batches():
            yield batch
