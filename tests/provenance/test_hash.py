"""The content hash: what is the same content, and what is not."""

import datetime as dt
import pickle
import subprocess
import sys
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from greenlang_data.errors import ProvenanceError
from greenlang_data.frames.to_pandas import to_frame
from greenlang_data.provenance import ContentHasher, canonical_json, hash_frame, hash_json
from greenlang_data.provenance.texts import LIMIT


def table_hash(*tables: pa.Table) -> str:
    hasher = ContentHasher()
    for table in tables:
        hasher.update(table)
    return hasher.hexdigest()


def every_type() -> pa.Table:
    return pa.table(
        {
            "timestamp": pa.array([1, 2_000, None], pa.timestamp("ns", "UTC")),
            "wall": pa.array([1, None, 3], pa.timestamp("us")),
            "float": [1.5, None, float("inf")],
            "narrow": pa.array([1.5, None, 2.0], pa.float32()),
            "integer": pa.array([1, None, 2**62 + 1], pa.int64()),
            "unsigned": pa.array([2**64 - 1, None, 0], pa.uint64()),
            "truth": [True, None, False],
            "text": ["a", None, "ü"],
            "name": pa.array(["x", None, "x"]).dictionary_encode(),
            "money": pa.array([Decimal("1.10"), None, Decimal("-20.00")]),
            "day": pa.array([dt.date(2025, 1, 1), None, dt.date(9999, 12, 31)]),
            "clock": pa.array([dt.time(1, 2, 3), None, dt.time(0)]),
            "lasting": pa.array([1, None, 3], pa.duration("us")),
            "raw": [b"\x00", None, b"b"],
            "list": [[1, 2], None, []],
            "struct": [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}],
            "nothing": pa.nulls(3),
        }
    )


def test_the_frame_of_a_table_has_the_hash_of_the_table() -> None:
    table = every_type()
    assert hash_frame(to_frame(table)) == table_hash(table)
    assert hash_frame(to_frame(table, index="timestamp")) == table_hash(table)


@pytest.mark.parametrize("cuts", [[1], [0, 2], [1, 1, 2]])
def test_batches_may_be_cut_anywhere(cuts: list[int]) -> None:
    table = every_type()
    edges = [0, *cuts, table.num_rows]
    parts = [table.slice(a, b - a) for a, b in pairwise(edges)]
    assert table_hash(*parts) == table_hash(table)


def test_arrow_representations_of_the_same_content() -> None:
    plain = pa.table({"a": ["x", "y", None, "x"]})
    unused = pa.DictionaryArray.from_arrays(pa.array([2, 1, None, 2]), ["q", "y", "x"])
    unsigned = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], pa.uint8()), ["y", "x"])
    null_inside = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0]), pa.array(["x", "y", None]))
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2]), pa.array(["x", "y", "x"]))
    others = [
        plain["a"].cast(pa.large_string()),
        plain["a"].cast(pa.string_view()),
        plain["a"].dictionary_encode(),
        pa.compute.run_end_encode(plain["a"].combine_chunks()),
        *(unused, unsigned, null_inside, twice),
    ]
    for other in others:
        assert table_hash(pa.table({"a": other})) == table_hash(plain), other.type


def test_a_column_of_nulls_has_no_type() -> None:
    kinds = [pa.null(), pa.string(), pa.float64(), pa.timestamp("us", "UTC"), pa.list_(pa.int8())]
    hashes = {table_hash(pa.table({"a": pa.nulls(2, kind)})) for kind in kinds}
    assert len(hashes) == 1
    frames = [pd.DataFrame({"a": [None, None]}), pd.DataFrame({"a": [np.nan, np.nan]})]
    assert hashes == {hash_frame(frame) for frame in frames}


def test_nulls_before_the_first_value_need_no_type() -> None:
    parts = [pa.table({"a": pa.nulls(2)}), pa.table({"a": ["x"]}), pa.table({"a": pa.nulls(1)})]
    assert table_hash(*parts) == table_hash(pa.table({"a": [None, None, "x", None]}))


def test_no_rows_at_all() -> None:
    schema = pa.schema([("a", pa.int8()), ("b", pa.string())])
    empty = ContentHasher(schema).hexdigest()
    assert empty == table_hash(schema.empty_table())
    for dtype in ("float64", "bool", "Int64", "str", "datetime64[ns]", "category", object):
        assert empty == hash_frame(pd.DataFrame({"a": [], "b": []}, dtype=dtype)), dtype
    assert empty != hash_frame(pd.DataFrame({"a": []}))


def test_texts_after_many_nulls() -> None:
    names = [None] * 5 * LIMIT + [f"tag {number}" for number in range(100)]
    plain = pa.table({"a": names})
    parts = [plain.slice(start, 50) for start in range(0, len(names), 50)]
    assert table_hash(*parts) == table_hash(plain)


@pytest.mark.parametrize("unique", [LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT])
def test_many_distinct_texts(unique: int) -> None:
    names = [f"tag {number % unique}" for number in range(4 * LIMIT)]
    names[7:9] = [None, ""]  # type: ignore[list-item]
    plain = pa.table({"a": names})
    encoded = pa.table({"a": plain["a"].dictionary_encode()})
    wanted = table_hash(plain)
    assert table_hash(encoded) == wanted
    small = [plain.slice(start, 50) for start in range(0, len(names), 50)]
    assert table_hash(*small) == wanted
    mixed = [encoded.slice(0, 5000), plain.slice(5000)]
    assert table_hash(*mixed) == wanted
    assert hash_frame(pd.DataFrame({"a": names}, dtype="str")) == wanted
    assert hash_frame(pd.DataFrame({"a": names}, dtype="category")) == wanted
    assert hash_frame(pd.DataFrame({"a": names}, dtype=object)) == wanted
    names[-1] = "another"
    assert table_hash(pa.table({"a": names})) != wanted


def test_a_column_may_not_change_its_kind_or_name() -> None:
    hasher = ContentHasher()
    hasher.update(pa.table({"a": [1]}))
    with pytest.raises(ProvenanceError, match="'a' changes from number to text"):
        hasher.update(pa.table({"a": ["x"]}))
    with pytest.raises(ProvenanceError, match="columns"):
        hasher.update(pa.table({"b": [1]}))


def plant() -> pd.DataFrame:
    hours = pd.date_range("2025-03-30", periods=4, freq="h", tz="UTC", name="timestamp")
    return pd.DataFrame(
        {
            "flow": [1.0, np.nan, 3.5, -0.0],
            "count": pd.array([1, 2, None, 4], dtype="Int64"),
            "open": pd.array([True, None, False, True], dtype="boolean"),
            "tag": pd.Categorical(["a", "b", None, "a"]),
            "note": pd.array(["x", None, "", "x"], dtype="str"),
            "seen": hours.shift(1),
        },
        index=hours,
    )


def parquet(frame: pd.DataFrame, **kwargs: str) -> pd.DataFrame:
    file = BytesIO()
    frame.to_parquet(file)
    return pd.read_parquet(file, **kwargs)  # type: ignore[call-overload, no-any-return]


def through_feather(frame: pd.DataFrame) -> pd.DataFrame:
    file = BytesIO()
    feather.write_feather(frame, file)
    file.seek(0)
    return feather.read_feather(file)  # type: ignore[no-any-return]


def like_polars(frame: pd.DataFrame) -> pd.DataFrame:
    """Index as column, large strings, zone by name, pandas' metadata gone."""
    table = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
    table = table.replace_schema_metadata(None)
    texts = {
        field.name: pa.large_string() for field in table.schema if field.name in ("tag", "note")
    }
    fields = [pa.field(field.name, texts.get(field.name, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields)).to_pandas()  # type: ignore[no-any-return]


REPRESENTATIONS = {
    "parquet": parquet,
    "parquet as arrow": lambda frame: parquet(frame, dtype_backend="pyarrow"),
    "parquet nullable": lambda frame: parquet(frame, dtype_backend="numpy_nullable"),
    "feather": through_feather,
    "pickle": lambda frame: pickle.loads(pickle.dumps(frame)),
    "polars": like_polars,
    "convert_dtypes": lambda frame: frame.convert_dtypes(),
    "convert to arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "objects": lambda frame: frame.astype(object),
    "category as str": lambda frame: frame.astype({"tag": "str"}),
    "str as category": lambda frame: frame.astype({"note": "category"}),
    "ns": lambda frame: frame.set_axis(frame.index.as_unit("ns")),
    "ms": lambda frame: frame.set_axis(frame.index.as_unit("ms")),
    "index in Berlin": lambda frame: frame.tz_convert("Europe/Berlin"),
    "column in Berlin": lambda f: f.assign(seen=f["seen"].dt.tz_convert(ZoneInfo("Europe/Berlin"))),
    "reset_index": lambda frame: frame.reset_index(),
    "copy": lambda frame: frame.copy(),
    "strided": lambda frame: pd.concat([frame, frame]).iloc[[0, 4, 1, 5, 2, 6, 3, 7]].iloc[::2],
    "nullable floats": lambda frame: frame.astype({"flow": "Float64"}),
    "floats for integers": lambda frame: frame.astype({"count": "float64"}),
}


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_same_content_in_another_representation(name: str) -> None:
    frame = plant()
    assert hash_frame(REPRESENTATIONS[name](frame)) == hash_frame(frame)


CHANGES = {
    "value": lambda f: f.assign(flow=[1.0, np.nan, 3.5000001, 0.0]),
    "null for a value": lambda f: f.assign(flow=[1.0, np.nan, np.nan, 0.0]),
    "value for a null": lambda f: f.assign(flow=[1.0, 0.0, 3.5, 0.0]),
    "integer": lambda f: f.assign(count=pd.array([1, 2, None, 5], dtype="Int64")),
    "truth": lambda f: f.assign(open=pd.array([True, False, False, True], dtype="boolean")),
    "text": lambda f: f.assign(note=["x", None, "", "X"]),
    "null for empty": lambda f: f.assign(note=["x", None, None, "x"]),
    "text moved": lambda f: f.assign(tag=["b", "a", None, "b"]),
    "rows reversed": lambda f: f[::-1],
    "row lost": lambda f: f[:-1],
    "row twice": lambda f: pd.concat([f, f[-1:]]),
    "columns reversed": lambda f: f[f.columns[::-1]],
    "column lost": lambda f: f.drop(columns="note"),
    "column renamed": lambda f: f.rename(columns={"note": "notes"}),
    "names swapped": lambda f: f.rename(columns={"flow": "count", "count": "flow"}),
    "index dropped": lambda f: f.reset_index(drop=True),
    "index renamed": lambda f: f.rename_axis("time"),
    "index unnamed": lambda f: f.rename_axis(None),
    "shifted": lambda f: f.set_axis(f.index + pd.Timedelta(1, "ns")),
    "zone dropped": lambda f: f.tz_localize(None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_content(name: str) -> None:
    frame = plant()
    assert hash_frame(CHANGES[name](frame)) != hash_frame(frame)


def test_canonical_json() -> None:
    assert canonical_json({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'
    assert hash_json({"b": 1, "a": 2}) == hash_json({"a": 2, "b": 1})
    assert hash_json({"a": 1}) != hash_json({"a": 2})
    assert len(hash_json("\ud800")) == 64


def test_without_the_short_way_into_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = hash_frame(plant())
    monkeypatch.delattr(pd.DataFrame, "_iter_column_arrays")
    assert hash_frame(plant()) == wanted


def test_importing_loads_neither_pandas_nor_pyarrow() -> None:
    script = """
import sys, greenlang_data.provenance as room
room.hash_json({}); room.make_record
print([name for name in ("pandas", "pyarrow", "numpy") if name in sys.modules])
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


def test_the_definition_does_not_drift() -> None:
    """Frames are verified years later: these hashes may only change with the version tag."""
    assert table_hash(every_type()) == EVERY_TYPE
    assert hash_frame(plant()) == PLANT
    names = [f"ns=2;s=Tag{number}" for number in range(10_000)]  # more than have a code
    assert hash_frame(pd.DataFrame({"tag": names + names})) == MANY_NAMES


EVERY_TYPE = "883634e73b7bb5fcc9a7815b6daecb4573d335ec0fe7fd100fe3a63277315a6a"
PLANT = "e16a68d00cf797abb12b342e8943c3021f7314754e668ee259a161c5aba1a4d2"
MANY_NAMES = "31f96505e1be6e21c5ecbf62ae66f5ad7a3466da3250ab171fcab8dfe6cd1877"
