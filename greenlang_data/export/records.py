"""Records of any number, from a source to a file, without all of them in memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from greenlang_data.drivers.spool import Spool
from greenlang_data.errors import ExportError, GreenLangError, GreenLangWarning, QueryError
from greenlang_data.export.scan import provenance_of
from greenlang_data.provenance.hash import ContentHasher
from greenlang_data.provenance.record import ProvenanceRecord, make_record
from greenlang_data.runtime import get_runtime

if TYPE_CHECKING:
    from greenlang_data.connectors.driven import DrivenConnector
    from greenlang_data.connectors.payload import ReadPayload
    from greenlang_data.connectors.query import Query


@dataclass(eq=False)
class _Answer:
    """A whole answer, its rows on disk."""

    payload: ReadPayload
    origin: str
    attempts: int
    spool: Spool
    hasher: ContentHasher = field(default_factory=ContentHasher)
    ended: bool = False


class RecordScan:
    """The records of a query as Arrow batches, with the columns of the frame that they would be.

    All pages are read first, to a temporary file (in the folder that ``TMPDIR`` names): only then
    are the types of the columns known, and that no record is missing. What is incomplete is an
    error before the first batch. Memory is that of some pages, of the records' keys, and of
    columns whose type had to be widened; on disk is as much as an uncompressed Arrow file has.
    Each iteration reads anew; looking at ``schema`` reads for the next one.

    Give it to :func:`greenlang_data.to_parquet`, iterate it, or take :meth:`reader`.
    """

    def __init__(
        self,
        connector: DrivenConnector[Any, Any, Any],
        query: Query,
        zone: tzinfo,
        check_open: Callable[[], None],
    ) -> None:
        # The usual limit is there for who looks at a frame; a file is to be whole.
        if "limit" in type(query).model_fields and "limit" not in query.model_fields_set:
            query = query.model_copy(update={"limit": None})
        self._connector = connector
        self._check_open = check_open
        self._query = query.in_utc(zone)
        self._next: _Answer | None = None
        self._last: _Answer | None = None

    @property
    def schema(self) -> pa.Schema:
        """The columns. Raises what reading raises."""
        if self._next is None:
            self._next = self._read()
        return self._next.payload.result.table.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        answer = self._next or self._read()
        self._next, self._last = None, answer
        return self._batches(answer)

    def reader(self) -> pa.RecordBatchReader:
        """A pyarrow RecordBatchReader over the records, once."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def hashed(self) -> ContentHasher:
        """What took all batches of the last reading, which must have come to its end."""
        return self._ended().hasher

    def footer(self) -> ProvenanceRecord:
        """The provenance of the last reading, which must have come to its end."""
        answer = self._ended()
        connector, result = self._connector, answer.payload.result
        metadata = connector.provenance_metadata(answer.payload)
        known = {name: metadata.pop(name) for name in ("notes", "requests", "exchanges")
                 if name in metadata}  # fmt: skip
        content = answer.hasher.hexdigest()
        provenance = provenance_of(connector, self._query, content, answer.origin)
        start, end = (getattr(self._query, name) for name in self._query.window_fields)
        return make_record(
            provenance.model_copy(update={"metadata": metadata}),
            query=self._query.model_dump(mode="json"),
            start=start,
            end=end,
            shape=result.kind,
            attempts=answer.attempts,
            retries=answer.attempts - 1,
            **known,
        )

    def _ended(self) -> _Answer:
        if self._last is None or not self._last.ended:
            raise QueryError("this scan has not been read to its end", remedy="Read it first.")
        return self._last

    def _read(self) -> _Answer:
        self._check_open()
        spool = Spool()
        try:
            payload, origin, attempts = get_runtime().run(
                lambda: self._connector.spooled(self._query, spool)
            )
        except GreenLangError:
            raise
        except OSError as error:
            raise ExportError(
                f"the pages could not be kept on disk: {error}",
                remedy="Free some space, or set TMPDIR to a folder that has more.",
            ) from error
        finally:
            spool.close()
            spool.release()
        told = list(payload.result.log.warnings)
        if payload.result.truncated:
            told.append("cut at the query's limit; the source has more")
        for sentence in told:
            name = self._connector.config.connector_id
            warnings.warn(f"{name}: {sentence}", GreenLangWarning, stacklevel=4)
        return _Answer(payload, origin, attempts, spool)

    def _batches(self, answer: _Answer) -> Iterator[pa.RecordBatch]:
        result = answer.payload.result
        answer.hasher = ContentHasher(result.table.schema)
        for batch in result.batches:
            answer.hasher.update(batch)
            yield batch
            answer.spool.release()
        answer.ended = True
