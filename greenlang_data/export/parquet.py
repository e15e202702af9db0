"""Frames to Parquet and back, with provenance, units and dtypes."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from greenlang_data.errors import ExportError
from greenlang_data.export import footer
from greenlang_data.export.atomic import atomic_file, checked_path
from greenlang_data.export.checks import check_columns, culprit
from greenlang_data.export.folder import read_folder
from greenlang_data.export.recording import Stream
from greenlang_data.export.stream import ROW_GROUP, write_batches
from greenlang_data.frames.to_pandas import to_frame
from greenlang_data.provenance.digest import is_digest
from greenlang_data.provenance.record import (
    ProvenanceRecord,
    attach,
    portable_attrs,
    record_of,
    with_attrs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Batches(Protocol):
        """What streams: a scan (with ``footer()``, one of records also with ``hashed()``), a reader."""

        schema: pa.Schema

        def __iter__(self) -> Iterator[pa.RecordBatch]: ...


def to_parquet(
    data: pd.DataFrame | Batches | pa.RecordBatchReader | Stream,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    compression: str = "zstd",
) -> Path:
    """Write a frame, a scan or a RecordBatchReader to one Parquet file and give its path back.

    The file appears whole or not at all, also when the disk is full or the process dies. It
    carries the provenance for pandas (``pd.read_parquet(path).attrs``), the full record under the
    footer key ``greenlang_data``, and the unit of each column in its field metadata.

    A stream of what is watched goes to a folder instead, a file a minute; see ``Session.stream``.

    Raises ExportError when there is a file and ``overwrite`` is not set, when ``path`` is no file
    name or cannot be written, and when a column has values that Parquet cannot hold, such as
    numbers and texts together.

    >>> path = to_parquet(pd.DataFrame({"flow": [1.5]}), getfixture("tmp_path") / "flow.parquet")
    >>> read_parquet(path)["flow"].tolist()
    [1.5]
    """
    if isinstance(data, pd.DataFrame):
        return _write_frame(data, path, overwrite=overwrite, compression=compression)
    if isinstance(data, Stream):
        if overwrite:
            raise ExportError(
                "a stream is added to a folder, and overwrites nothing",
                remedy="Leave overwrite out, or choose another folder.",
            )
        return data.write(path, compression=compression)
    checked_path(path, overwrite=overwrite)  # before the schema, for which records are read
    if not isinstance(getattr(data, "schema", None), pa.Schema) or isinstance(data, pa.Table):
        raise ExportError(
            f"a {type(data).__name__} cannot be written",
            remedy="Give a DataFrame, a scan, or a RecordBatchReader (table.to_reader()).",
        )
    return write_batches(
        data,
        data.schema,
        path,
        footer=getattr(data, "footer", None),
        hashed=getattr(data, "hashed", None),
        overwrite=overwrite,
        compression=compression,
    )


def read_parquet(
    path: str | os.PathLike[str], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a Parquet file, or a directory of them, with dtypes, index and provenance as written.

    Of a directory the rows come in the order of the file names, ``key=value`` directories become
    columns of text, and the provenance names every file's origin as a parent. Files that were
    written by others have no provenance (``verify`` says unknown). With ``columns`` only those are
    read, and the frame is derived.

    Raises ExportError when there is nothing to read, or a file is truncated or corrupt.
    """
    place = Path(path)
    if place.is_dir():
        return read_folder(place, lambda file: _read_file(file, columns))
    return _read_file(place, columns)


def _write_frame(
    frame: pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool, compression: str
) -> Path:
    record = record_of(frame)
    with atomic_file(path, overwrite=overwrite) as temporary:
        table = _table(frame, record)
        arrow_columns = [
            str(name) for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.ArrowDtype)
        ]
        with pq.ParquetWriter(temporary, table.schema, compression=compression) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP)
            # Not in the schema, which Parquet files hold twice.
            writer.add_key_value_metadata(footer.encode(record, arrow_columns))
    return Path(path)


def _table(frame: pd.DataFrame, record: ProvenanceRecord | None) -> pa.Table:
    check_columns(frame)
    try:
        table = pa.Table.from_pandas(with_attrs(frame, portable_attrs(frame)))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ExportError(
            f"{culprit(frame)} cannot be written as Parquet: {' '.join(map(str, error.args))}",
            remedy="Convert it, for example with .astype(str).",
        ) from error
    known = record.full.get("units") if record is not None else None
    units = {} if known is None or is_digest(known) else known
    basis = {} if record is None else record.full.get("metadata", {}).get("basis", {})
    told = {
        name: {"unit": units.get(name), **dict(basis.get(name, {}))} for name in {*units, *basis}
    }
    fields = [
        field.with_metadata({**(field.metadata or {}), **_encoded(told.get(field.name, {}))})
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, _readable(table.schema.metadata)))


def _encoded(told: Mapping[str, Any]) -> dict[bytes, bytes]:
    """What is known of a column, for the metadata of its field."""
    return {key.encode(): str(one).encode() for key, one in told.items() if one is not None}


def _readable(metadata: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The metadata of pandas without dtypes that pandas writes but cannot read (``list<…>[pyarrow]``)."""
    about = json.loads(metadata[b"pandas"])
    for column in about["columns"]:
        try:
            pd.api.types.pandas_dtype(column["numpy_type"])
        except TypeError:
            column["numpy_type"] = "object"
    return {**metadata, b"pandas": json.dumps(about).encode()}


def _read_file(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    try:
        with pq.ParquetFile(path) as file:
            entry = footer.decode(file.metadata.metadata)
            table = file.read(None if columns is None else list(columns), use_pandas_metadata=True)
        missing = [name for name in columns or () if name not in table.schema.names]
        if not missing:
            return _frame(table, entry)
    except FileNotFoundError:
        raise ExportError(f"there is no file {str(path)!r}", remedy="Check the path.") from None
    except (OSError, pa.ArrowException, TypeError, ValueError) as error:
        raise ExportError(
            f"{str(path)!r} is not a whole Parquet file: {error}",
            remedy="Fetch the data again, or restore the file.",
        ) from error
    raise ExportError(f"{str(path)!r} has no column {', '.join(missing)}")


def _frame(table: pa.Table, entry: dict[str, Any] | None) -> pd.DataFrame:
    if entry is not None and b"pandas" not in (table.schema.metadata or {}):
        frame = to_frame(table)
    else:
        frame = _by_pandas(table, entry)
    record = footer.record_in(entry) or record_of(frame)
    return frame if record is None else attach(frame, record)


def _by_pandas(table: pa.Table, entry: dict[str, Any] | None) -> pd.DataFrame:
    metadata = table.schema.metadata or {}
    if b"pandas" in metadata:
        table = table.replace_schema_metadata(_readable(metadata))
    names = set(entry.get("arrow_columns", ()) if entry else ())
    dtypes = {
        field.type: pd.ArrowDtype(field.type) for field in table.schema if field.name in names
    }
    with warnings.catch_warnings():
        # Attributes that are not ours may be anything.
        warnings.simplefilter("ignore")
        frame: pd.DataFrame = table.to_pandas(types_mapper=dtypes.get)
    return frame
