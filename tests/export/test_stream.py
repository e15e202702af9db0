"""Batches to one file, in constant memory, with the record known only at the end."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenlang_data.errors import ExportError, ProvenanceError, SourceUnreachable
from greenlang_data.export.parquet import read_parquet, to_parquet
from greenlang_data.export.stream import write_batches
from greenlang_data.frames.to_pandas import units_of_table
from greenlang_data.provenance import ContentHasher, make_record, record_of, verify
from tests.provenance.helpers import provenance
from tests.provenance.test_hash import every_type
from tests.provenance.test_record import LONG


def footer() -> Mapping[str, Any]:
    return make_record(provenance(), notes=["streamed"], units={"float": "Cel"})


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_was_streamed_verifies(size: int, tmp_path: Path) -> None:
    table = every_type()
    path = write_batches(table.to_batches(size), table.schema, tmp_path / "a", footer=footer)
    back = read_parquet(path)
    assert verify(back) == "intact"
    record = record_of(back)
    assert record is not None
    hasher = ContentHasher()
    hasher.update(table)
    assert record["frame_hash"] == hasher.hexdigest()
    assert (record["rows"], record["columns"]) == (3, table.schema.names)
    assert record["notes"] == ["streamed"]
    assert verify(back.set_index("timestamp")) == "intact"
    assert verify(back[:2]) == "derived"


def test_no_batch_at_all(tmp_path: Path) -> None:
    schema = every_type().schema
    back = read_parquet(write_batches([], schema, tmp_path / "a", footer=footer))
    assert back.shape == (0, len(schema))
    assert verify(back) == "intact"


def test_the_footer_is_asked_after_the_last_batch(tmp_path: Path) -> None:
    seen: list[str] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in every_type().to_batches(1):
            seen.append("batch")
            yield batch

    def late() -> Mapping[str, Any]:
        seen.append("footer")
        return footer()

    write_batches(batches(), every_type().schema, tmp_path / "a", footer=late)
    assert seen == ["batch"] * 3 + ["footer"]


def test_who_finds_the_footer(tmp_path: Path) -> None:
    table = every_type()
    path = write_batches(
        table.to_batches(),
        table.schema,
        tmp_path / "a",
        footer=lambda: make_record(provenance(), **LONG),
    )
    entry = json.loads(pq.read_metadata(path).metadata[b"greenlang_data"])
    assert entry["record"]["connector_id"] == "plant1"
    record = record_of(read_parquet(path))
    assert record is not None
    assert record.full["notes"] == LONG["notes"]
    # Known and documented: pandas looks into the schema only, which was written first.
    assert verify(pd.read_parquet(path)) == "unknown"


def test_small_batches_become_large_row_groups(tmp_path: Path) -> None:
    batch = pa.record_batch({"a": pa.array(range(100_000))})
    path = write_batches([batch] * 25, batch.schema, tmp_path / "a")
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [1_000_000, 1_000_000, 500_000]
    large = pa.record_batch({"a": pa.array(range(2_500_000))})
    path = write_batches([large], batch.schema, tmp_path / "b")
    assert pq.read_metadata(path).num_row_groups == 3


def test_dictionaries_that_differ_from_batch_to_batch(tmp_path: Path) -> None:
    batches = [
        pa.record_batch({"tag": pa.array(tags).dictionary_encode()})
        for tags in (["a", "b"], ["c", None], ["b", "b"])
    ]
    path = write_batches(iter(batches), batches[0].schema, tmp_path / "a", footer=footer)
    back = read_parquet(path)
    assert back["tag"].dtype == "category"
    assert back["tag"].dropna().tolist() == ["a", "b", "c", "b", "b"]
    assert verify(back) == "intact"


def test_null_batches_fit_any_column(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("v", pa.float64(), metadata={"unit": "Cel"})])
    batches = [pa.record_batch({"v": pa.nulls(2)}), pa.record_batch({"v": [1.5]})]
    path = write_batches(batches, schema, tmp_path / "a", footer=footer)
    assert verify(read_parquet(path)) == "intact"
    assert units_of_table(pq.read_schema(path)) == {"v": "Cel"}


@pytest.mark.parametrize(
    "batch",
    [pa.record_batch({"b": [1]}), pa.record_batch({"a": ["x"]}), pa.record_batch({"a": [1.5]})],
    ids=["name", "text", "fraction"],
)
def test_a_batch_that_does_not_fit(batch: pa.RecordBatch, tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(ExportError, match="a batch"):
        write_batches([batch], schema, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [SourceUnreachable("gone"), KeyboardInterrupt()], ids=repr)
def test_a_stream_that_breaks_leaves_nothing(error: BaseException, tmp_path: Path) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from every_type().to_batches()
        raise error

    with pytest.raises(type(error)):
        write_batches(batches(), every_type().schema, tmp_path / "a", footer=footer)
    assert list(tmp_path.iterdir()) == []


def test_a_footer_that_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(ProvenanceError, match="not a provenance record"):
        write_batches([], every_type().schema, tmp_path / "a", footer=lambda: {"a": 1})
    assert list(tmp_path.iterdir()) == []


class Scan:
    schema = every_type().schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(every_type().to_batches(1))

    def footer(self) -> Mapping[str, Any]:
        return footer()


def test_to_parquet_takes_scans_and_readers(tmp_path: Path) -> None:
    assert verify(read_parquet(to_parquet(Scan(), tmp_path / "a"))) == "intact"
    reader = pa.RecordBatchReader.from_batches(Scan.schema, iter(Scan()))
    back = read_parquet(to_parquet(reader, tmp_path / "b"))
    assert len(back) == 3
    assert verify(back) == "unknown"


def test_memory_does_not_grow_with_the_stream(tmp_path: Path) -> None:
    script = f"""
import itertools, resource, numpy, pyarrow
from greenlang_data.export.stream import write_batches
batch = pyarrow.record_batch({{"a": numpy.arange(100_000.0), "b": ["text"] * 100_000}})
peaks = []
for count in (20, 200):
    write_batches(itertools.repeat(batch, count), batch.schema, {str(tmp_path)!r} + f"/{{count}}")
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(peaks[1] - peaks[0])
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) < 100  # MB; the rows are 260 MB more
