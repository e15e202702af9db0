"""History of any length, batch by batch, from a source to a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.schema import (
    QUALITY,
    STATUS,
    TIMESTAMP,
    about_series,
    constant_dictionary,
)
from greenlang_data.errors import ReadFailed
from greenlang_data.frames.series import SamplesHasher, count_qualities
from greenlang_data.provenance.hash import hash_json
from greenlang_data.provenance.record import ConnectorProvenance, ProvenanceRecord, make_record
from greenlang_data.runtime import get_runtime

if TYPE_CHECKING:
    from greenlang_data.connectors.driven import DrivenConnector
    from greenlang_data.connectors.query import Query

_NAMES: Final = pa.dictionary(pa.int32(), pa.string())


class Scan:
    """The samples of a window query as Arrow batches, read while they are used.

    Columns: ``tag, timestamp, value, text, quality, status, unit``, tag after tag in the order
    asked; ``text`` holds what no float64 can. Each iteration reads anew. Memory is that of one
    batch, however long the window; when the source drops out, the read goes on where it stopped.
    A tag that cannot be read ends it with ReadFailed.

    Give it to :func:`greenlang_data.to_parquet`, iterate it, or take :meth:`reader` for pyarrow
    datasets, duckdb or polars.
    """

    schema: pa.Schema = pa.schema(
        [
            ("tag", _NAMES),
            ("timestamp", TIMESTAMP),
            ("value", pa.float64()),
            ("text", pa.string()),
            ("quality", QUALITY),
            ("status", STATUS),
            ("unit", _NAMES),
        ]
    )

    def __init__(
        self,
        connector: DrivenConnector[Any, Any, Any],
        query: Query,
        check_open: Callable[[], None],
    ) -> None:
        self._connector = connector
        self._check_open = check_open
        self._query = query
        self._tally = _Tally(connector.config.source_system)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self._check_open()
        # A tally of its own for each reading; the footer is about the last one begun.
        tally = self._tally = _Tally(self._connector.config.source_system)
        return get_runtime().iterate(lambda: self._batches(tally))

    def reader(self) -> pa.RecordBatchReader:
        """A pyarrow RecordBatchReader that reads the window once."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def footer(self) -> ProvenanceRecord:
        """The provenance of the last complete reading, without the hash of the file's content."""
        tally = self._tally
        provenance = provenance_of(
            self._connector, self._query, tally.hasher.hexdigest(), tally.origin
        )
        start, end = (getattr(self._query, name) for name in self._query.window_fields)
        return make_record(
            provenance,
            query=self._query.model_dump(mode="json"),
            start=start,
            end=end,
            shape="long",
            quality=tally.quality,
            notes=tally.log.notes,
            exchanges=tally.log.exchanges,
            requests=tally.log.requests,
        )

    async def _batches(self, tally: _Tally) -> AsyncIterator[pa.RecordBatch]:
        async for batch in self._connector.stream(self._query, tally.log):
            about = about_series(batch)
            if about["failure"]:
                raise ReadFailed(
                    f"tag {about['tag']} could not be read: {about['failure']}",
                    source=self._connector.config.connector_id,
                    remedy="Correct it, or leave it out.",
                    failures={str(about["tag"]): about["failure"]},
                )
            tally.add(batch, about)
            if batch.num_rows:
                yield self._long(batch, about)

    def _long(self, batch: pa.RecordBatch, about: dict[str, str | None]) -> pa.RecordBatch:
        rows = batch.num_rows
        columns = [
            constant_dictionary(about["tag"], rows),
            batch.column("timestamp"),
            batch.column("value"),
            batch.column("text").cast(pa.string()),
            batch.column("quality"),
            batch.column("status"),
            constant_dictionary(about["unit"], rows),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def provenance_of(
    connector: DrivenConnector[Any, Any, Any], query: Query, response_hash: str, origin: str
) -> ConnectorProvenance:
    """Who answered ``query`` from ``origin`` with what, just now."""
    config = connector.config
    return ConnectorProvenance(
        connector_id=config.connector_id,
        connector_type=config.connector_type,
        connector_version=connector.connector_version,
        query_hash=hash_json(query.model_dump(mode="json")),
        response_hash=response_hash,
        timestamp=datetime.now(UTC),
        request_id=str(uuid4()),
        mode=connector.mode,
        source_system=origin,
    )


class _Tally:
    """What is counted and hashed of one reading as it passes."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.log = ReadLog()
        self.hasher = SamplesHasher()
        self.quality: dict[str, int] = {}

    def add(self, batch: pa.RecordBatch, about: dict[str, str | None]) -> None:
        self.hasher.add(about, batch)
        for name, count in count_qualities([batch.column("quality")]).items():
            self.quality[name] = self.quality.get(name, 0) + count
