"""PHD through its own .NET library, in this process; on Windows only."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.worker import on_thread
from greenlang_data.drivers.phd.library import Library, load_library
from greenlang_data.drivers.phd.reading import PhdDriver
from greenlang_data.drivers.phd.samples import Samples
from greenlang_data.drivers.schema import TAGS
from greenlang_data.errors import ConfigurationError, SourceError, SourceUnreachable

T = TypeVar("T")


class PhdLibraryDriver(PhdDriver):
    """Reads the PHD server of a ``phd://host:port`` address through ``phdapinet.dll``."""

    name: ClassVar[str] = "phd_dotnet"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._library: Library | None = None

    @property
    def connected(self) -> bool:
        return self._library is not None

    async def connect(self) -> None:
        """Load the library. Raises ConfigurationError where it cannot be."""
        if self._library is None:
            if sys.platform != "win32":
                raise ConfigurationError(
                    "PHD's own library runs on Windows only",
                    source=self.source,
                    remedy="Run the gateway on a Windows machine and give its http address.",
                )
            config: Any = self.config
            self._library = await on_thread(lambda _: load_library(config))

    async def close(self) -> None:
        """Let go of the library, which keeps no connection open; never raises."""
        self._library = None

    async def ping(self) -> None:
        """Look for one tag."""
        await self._ask(lambda library: library.names(1))

    async def list_tags(self, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """All tags, with description and unit."""
        log.requests += 1
        rows = await self._ask(lambda library: library.names(0))
        yield pa.RecordBatch.from_pylist(rows, schema=TAGS)

    async def newest(self, tags: Sequence[str], log: ReadLog) -> AsyncGenerator[Samples, None]:
        """The newest sample of every tag in order."""
        for tag in tags:
            log.requests += 1
            yield await self._ask(partial(Library.newest, tag=tag))

    async def samples(
        self, tags: Sequence[str], start: int, end: int, log: ReadLog
    ) -> AsyncGenerator[Samples, None]:
        """Samples of every tag in order."""
        for tag in tags:
            log.requests += 1
            yield await self._ask(partial(Library.samples, tag=tag, start=start, end=end))

    async def _ask(self, question: Callable[[Library], T]) -> T:
        library = self._library
        if library is None:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        try:
            return await on_thread(lambda _: question(library))
        except library.errors as error:
            raise SourceError(f"PHD: {error}", source=self.source) from error
