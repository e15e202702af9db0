"""Write a stream of record batches to one Parquet file, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from greenlang_data.errors import ExportError, ProvenanceError
from greenlang_data.export import footer as entry
from greenlang_data.export.atomic import atomic_file
from greenlang_data.provenance.hash import ContentHasher
from greenlang_data.provenance.record import ProvenanceRecord, record_from

ROW_GROUP: Final = 1 << 20  # rows
_GROUP_BYTES: Final = 1 << 23  # whichever comes first, so that wide rows do not fill the memory


def write_batches(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    path: str | os.PathLike[str],
    *,
    footer: Callable[[], Mapping[str, Any]] | None = None,
    hashed: Callable[[], ContentHasher] | None = None,
    overwrite: bool = False,
    compression: str = "zstd",
) -> Path:
    """Write ``batches`` to ``path`` and give the path back; the file is there whole or not at all.

    Small batches are combined into row groups of about a million rows. ``footer`` is called once
    after the last batch, from the thread that writes, and returns the provenance record; its
    ``rows``, ``columns`` and ``frame_hash`` are set here from what was written, so that
    ``verify(read_parquet(path))`` is intact. ``hashed``, called then too, gives the hasher that
    took all of ``batches`` (of this ``schema``) on their way here, where there is one. The record
    stands in the footer under the key ``greenlang_data``, where :func:`~greenlang_data.export
    .parquet.read_parquet` and ``pyarrow.parquet.read_metadata`` find it; ``pandas.read_parquet``
    and ``pyarrow.parquet.read_schema`` do not look there. Units are the ``unit`` in the metadata of
    the schema's fields.

    Raises ExportError when the file cannot be written or a batch does not fit ``schema``; what
    ``batches`` or ``footer`` raise passes through. In each case nothing is left at ``path``.
    """
    hasher = ContentHasher(schema)
    rows = 0
    with (
        atomic_file(path, overwrite=overwrite) as temporary,
        pq.ParquetWriter(temporary, schema, compression=compression) as writer,
    ):
        for group in _groups(batches, schema):
            if hashed is None:
                hasher.update(group)
            rows += group.num_rows
            writer.write_table(group, row_group_size=ROW_GROUP)
        if hashed is not None:
            hasher = hashed()
        if hasher.rows != rows:
            raise ProvenanceError(
                f"{rows} rows were written and {hasher.rows} were hashed",
                remedy="Write a scan that nothing else reads meanwhile.",
            )
        record = None if footer is None else _completed(footer(), hasher, schema)
        writer.add_key_value_metadata(entry.encode(record, []))
    return Path(path)


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        fitted = _fitted(batch, schema)
        # In pieces, because one batch may be larger than a row group.
        for start in range(0, fitted.num_rows, ROW_GROUP):
            part = fitted.slice(start, ROW_GROUP)
            if pending and rows + part.num_rows > ROW_GROUP:
                yield pa.Table.from_batches(pending, schema)
                pending, rows, size = [], 0, 0
            pending.append(part)
            rows += part.num_rows
            size += part.nbytes
            if rows >= ROW_GROUP or size >= _GROUP_BYTES:
                yield pa.Table.from_batches(pending, schema)
                pending, rows, size = [], 0, 0
    if pending:
        yield pa.Table.from_batches(pending, schema)


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema == schema:
        return batch
    if batch.schema.names != schema.names:
        raise ExportError(
            f"a batch has the columns {batch.schema.names} instead of {schema.names}",
            remedy="Give batches of one schema.",
        )
    try:
        return batch.cast(schema)
    except pa.ArrowException as error:
        raise ExportError(
            f"a batch does not fit the schema: {error}", remedy="Give batches of one schema."
        ) from error


def _completed(
    fields: Mapping[str, Any], hasher: ContentHasher, schema: pa.Schema
) -> ProvenanceRecord:
    record = fields if isinstance(fields, ProvenanceRecord) else record_from(fields)
    if record is None:
        raise ProvenanceError(
            "the footer is not a provenance record", remedy="Return one made by make_record()."
        )
    content = {"rows": hasher.rows, "columns": schema.names, "frame_hash": hasher.hexdigest()}
    return record.replace(**content)
