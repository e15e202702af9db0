"""Timings of hash, record, conversion and Parquet: ``python tests/bench/bench_provenance.py``."""

import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from greenlang_data.export.parquet import read_parquet, to_parquet
from greenlang_data.export.stream import write_batches
from greenlang_data.frames.to_pandas import to_frame
from greenlang_data.provenance import (
    ConnectorProvenance,
    ContentHasher,
    attach,
    hash_frame,
    make_record,
    verify,
)

ROWS = 1_000_000
RANDOM = np.random.default_rng(1)


def wide() -> pa.Table:
    stamps = pa.array(np.arange(ROWS) * 1_000_000_000, pa.timestamp("ns", "UTC"))
    return pa.table({"timestamp": stamps, "flow": RANDOM.normal(size=ROWS)})


def long() -> pa.Table:
    names = {"tag": 50, "quality": 3, "status": 5, "unit": 1}
    columns = {
        name: pa.DictionaryArray.from_arrays(
            RANDOM.integers(0, count, ROWS).astype(np.int32), [f"{name} {n}" for n in range(count)]
        )
        for name, count in names.items()
    }
    names_of_all = ["timestamp", "value", *columns]
    return pa.Table.from_arrays([*wide().columns, *columns.values()], names=names_of_all)


def small() -> pa.Table:
    text = pa.array([f"ns=2;s=Tag{number}" for number in range(5)])
    quality = pa.array(["good"] * 5).dictionary_encode()
    return pa.table(
        {
            "tag_id": text,
            "tag_name": text,
            "value": np.arange(5.0),
            "unit": text,
            "quality": quality,
            "status": quality,
            "timestamp": pa.array(np.arange(5), pa.timestamp("ns", "UTC")),
            "data_type": text,
            "text": pa.nulls(5),
        }
    )


def provenance() -> ConnectorProvenance:
    return ConnectorProvenance(
        connector_id="plant1",
        connector_type="scada-connector",
        connector_version="1",
        query_hash="a" * 64,
        response_hash="b" * 64,
        source_system="opc.tcp://plant1",
    )


def show(what: str, call: Callable[[], Any], number: int) -> None:
    call()
    best = min(timeit.repeat(call, number=number, repeat=5)) / number
    print(f"{what:44}{best * 1e6:12,.0f} us")


def streamed(table: pa.Table) -> str:
    hasher = ContentHasher(table.schema)
    for batch in table.to_batches(65_536):
        hasher.update(batch)
    return hasher.hexdigest()


def of_small_frames() -> None:
    table = small()
    frame = to_frame(table)
    record = make_record(provenance(), frame, query={"tag_ids": ["a"]}, units={"value": "Cel"})
    show("5 x 9: to_frame", lambda: to_frame(table), 500)
    show("5 x 9: table.to_pandas", table.to_pandas, 100)
    show("5 x 9: hash_frame", lambda: hash_frame(frame), 500)
    show(
        "5 x 9: make_record without its hash",
        lambda: make_record(provenance(), units={"v": "Cel"}),
        500,
    )
    attach(frame, record)
    show("5 x 9: verify", lambda: verify(frame), 500)
    bare = to_frame(table)
    show("5 x 9: copy without record", bare.copy, 500)
    show("5 x 9: copy with record", frame.copy, 500)


def of_large_frames() -> None:
    series, samples = wide(), long()
    frame, records = to_frame(series, "timestamp"), to_frame(samples)
    texts = records.astype(dict.fromkeys(("tag", "quality", "status", "unit"), "str"))
    unique = pd.DataFrame({"id": [f"id {number}" for number in range(ROWS)]})
    show("1M x 2: to_frame", lambda: to_frame(series, "timestamp"), 3)
    show("1M x 2: hash_frame", lambda: hash_frame(frame), 3)
    show("1M x 2: ContentHasher", lambda: streamed(series), 3)
    show("1M x 6, 4 categories: to_frame", lambda: to_frame(samples), 3)
    show("1M x 6, 4 categories: hash_frame", lambda: hash_frame(records), 3)
    show("1M x 6, 4 categories: ContentHasher", lambda: streamed(samples), 3)
    show("1M x 6, 4 texts: hash_frame", lambda: hash_frame(texts), 1)
    show("1M unique texts: hash_frame", lambda: hash_frame(unique), 1)


def of_files() -> None:
    table = long()
    frame = to_frame(table)
    attach(frame, make_record(provenance(), frame))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        show("1M x 6: to_parquet", lambda: to_parquet(frame, path, overwrite=True), 1)
        show("1M x 6: DataFrame.to_parquet", lambda: frame.to_parquet(path, compression="zstd"), 1)
        batches = table.to_batches(10_000)
        show(
            "1M x 6: write_batches, with hash",
            lambda: write_batches(batches, table.schema, path, overwrite=True),
            1,
        )
        to_parquet(frame, path, overwrite=True)
        show("1M x 6: read_parquet", lambda: read_parquet(path), 1)


if __name__ == "__main__":
    of_small_frames()
    of_large_frames()
    of_files()
