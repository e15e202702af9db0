"""Connectors whose tags can be watched from now on: control systems and analysers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import pyarrow as pa

from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.payload import ReadPayload
from greenlang_data.connectors.query import Query
from greenlang_data.connectors.recorded import Recorded, on_own_loop
from greenlang_data.connectors.recording import Recording
from greenlang_data.connectors.result import ReadResult
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.errors import QueryError
from greenlang_data.provenance.record import ConnectorProvenance
from greenlang_data.settings import ConnectorConfig

TQuery = TypeVar("TQuery", bound=Query)
TPayload = TypeVar("TPayload", bound=ReadPayload)
TConfig = TypeVar("TConfig", bound=ConnectorConfig)


class WatchedConnector(DrivenConnector[TQuery, TPayload, TConfig]):
    """Adds ``watch`` and ``record``; its config has a ``polling_interval_ms``."""

    @abstractmethod
    def payload_of_watch(self, query: WatchQuery, result: ReadResult) -> TPayload:
        """The family's payload over what was heard."""

    def recording(self, query: WatchQuery, errors: Errors = "raise") -> Recording:
        """A watch that has not begun; its ``batches()`` may be iterated once.

        With ``errors="raise"`` a tag that cannot be read at the first look ends it with an error.
        """
        self._check_options(None, errors)
        return Recording(self, query, errors)

    async def watch(
        self, query: WatchQuery, *, errors: Errors = "raise"
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """What is heard of the tags as it comes, as Arrow batches, some of them without rows.

        Columns: ``tag, timestamp, value, text, quality, status, unit, data_type``. A lost link is
        a row per tag without a value, of bad quality and status ``LinkLost``, and the watch goes
        on when it is back. Close it (``contextlib.aclosing``) when you leave it early.
        """
        recording = self.recording(query, errors)
        async with aclosing(on_own_loop(self, recording.batches)) as batches:
            async for batch in batches:
                yield batch

    async def record(
        self, query: WatchQuery, *, errors: Errors = "raise"
    ) -> tuple[TPayload, ConnectorProvenance]:
        """Watch for ``query.for_seconds`` and give everything that was heard, with proof.

        A cancellation loses what was heard; iterate :meth:`watch` where that matters.
        """
        if query.for_seconds is None:
            raise QueryError(
                "a recording needs an end",
                source=self.config.connector_id,
                remedy="Give for_seconds, or iterate watch().",
            )
        recorded = Recorded(self.recording(query, errors))
        async with aclosing(on_own_loop(self, recorded.batches)) as batches:
            async for _ in batches:
                pass
        return self.recorded(recorded)

    def recorded(self, recorded: Recorded) -> tuple[TPayload, ConnectorProvenance]:
        """What was heard so far, with proof."""
        result = recorded.result()
        payload = self.payload_of_watch(recorded.recording.query, result)
        payload.attach(result)
        return payload, recorded.provenance(payload)
