"""Frames to Parquet and back."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenlang_data.errors import ExportError
from greenlang_data.export.parquet import read_parquet, to_parquet
from greenlang_data.frames.to_pandas import to_frame, units
from greenlang_data.provenance import ProvenanceRecord, attach, make_record, record_of, verify
from tests.provenance.helpers import fetched, provenance
from tests.provenance.test_hash import every_type
from tests.provenance.test_record import LONG


def of_every_type() -> pd.DataFrame:
    frame = to_frame(every_type(), index="timestamp")
    return attach(frame, make_record(provenance(), frame, units={"float": "m³/h"}))


def test_everything_comes_back(tmp_path: Path) -> None:
    frame = of_every_type()
    back = read_parquet(to_parquet(frame, tmp_path / "a.parquet"))
    assert back.dtypes.tolist() == frame.dtypes.tolist()
    assert back.index.name == "timestamp"
    assert back.index.dtype == frame.index.dtype
    pd.testing.assert_frame_equal(back, frame, check_freq=False)
    assert type(record_of(back)) is ProvenanceRecord
    assert record_of(back) == record_of(frame)
    assert verify(back) == "intact"
    assert units(back) == {"float": "m³/h"}


def test_plain_pandas_finds_the_provenance(tmp_path: Path) -> None:
    frame = of_every_type()
    back = pd.read_parquet(to_parquet(frame, tmp_path / "a.parquet"))
    assert back.attrs["provenance"] == record_of(frame)
    assert verify(back) == "intact"


def test_a_file_by_plain_pandas_keeps_the_provenance(tmp_path: Path) -> None:
    frame = fetched()
    frame.to_parquet(tmp_path / "a.parquet")
    back = read_parquet(tmp_path / "a.parquet")
    assert type(record_of(back)) is ProvenanceRecord
    assert verify(back) == "intact"


def test_units_are_in_the_fields(tmp_path: Path) -> None:
    path = to_parquet(fetched(), tmp_path / "a.parquet")
    schema = pq.read_schema(path)
    assert schema.field("flow").metadata[b"unit"] == b"m3/h"
    assert not (schema.field("timestamp").metadata or {}).get(b"unit")


def test_long_parts_are_whole_and_stored_once(tmp_path: Path) -> None:
    frame = fetched(**LONG)
    path = to_parquet(frame, tmp_path / "a.parquet")
    record = record_of(read_parquet(path))
    assert record is not None
    assert record.full["failures"] == LONG["failures"]
    assert record.full["query"] == LONG["query"]
    size = len(json.dumps(LONG))
    assert path.stat().st_size < 1.3 * size + 50_000
    plain = pd.read_parquet(path).attrs["provenance"]
    assert len(json.dumps(plain)) <= 8000


@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_compression(compression: str, tmp_path: Path) -> None:
    path = to_parquet(fetched(), tmp_path / "a.parquet", compression=compression)
    column = pq.read_metadata(path).row_group(0).column(0)
    assert column.compression == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    assert verify(read_parquet(path)) == "intact"


def test_other_attributes_go_along_when_they_are_json(tmp_path: Path) -> None:
    frame = fetched()
    frame.attrs |= {"mine": {"a": 1}, "not json": {1, 2}}
    path = to_parquet(frame, tmp_path / "a.parquet")
    assert read_parquet(path).attrs["mine"] == {"a": 1}
    assert verify(pd.read_parquet(path)) == "intact"
    assert frame.attrs["not json"] == {1, 2}


def test_some_columns(tmp_path: Path) -> None:
    path = to_parquet(fetched(), tmp_path / "a.parquet")
    back = read_parquet(path, columns=["flow"])
    assert back.columns.tolist() == ["flow"]
    assert back.index.name == "timestamp"
    assert verify(back) == "derived"
    with pytest.raises(ExportError, match="no column nothing"):
        read_parquet(path, columns=["flow", "nothing"])


def test_a_derived_frame_stays_derived(tmp_path: Path) -> None:
    derived = fetched().resample("D").mean()
    assert verify(read_parquet(to_parquet(derived, tmp_path / "a"))) == "derived"


USERS: dict[str, Any] = {
    "objects": pd.DataFrame({"a": [Decimal("1.10"), None], "b": [dt.date(2025, 1, 1), None]}),
    "truth and nothing": pd.DataFrame({"a": pd.Series([True, None], dtype=object)}),
    "lists": pd.DataFrame({"a": [[1, 2], None], "b": [{"x": 1}, {"y": 2}]}),
    "number names": pd.DataFrame({1: [1], 2: ["x"]}),
    "levels": pd.DataFrame({"v": [1.0, 2.0]}, index=pd.MultiIndex.from_product([["a"], [1, 2]])),
    "two levels of names": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_product([["a"], ["x", "y"]])
    ),
    "ordered": pd.DataFrame({"a": pd.Categorical(["x"], ["y", "x"], ordered=True)}),
    "arrow": pd.DataFrame({"a": [1, None]}, dtype="int64[pyarrow]"),
    "period": pd.DataFrame({"a": pd.period_range("2025", periods=2, freq="M")}),
    "nothing": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.array([], "Int8"), "b": pd.array([], "str")}),
    "Berlin": pd.DataFrame({"a": pd.date_range("2025", periods=2, tz="Europe/Berlin")}),
}


@pytest.mark.parametrize("name", USERS)
def test_frames_that_users_make(name: str, tmp_path: Path) -> None:
    frame = USERS[name].copy()
    attach(frame, make_record(provenance(), frame))
    path = to_parquet(frame, tmp_path / "a.parquet")
    for back in (read_parquet(path), pd.read_parquet(path)):
        assert verify(back) == "intact"
        assert back.columns.tolist() == frame.columns.tolist()
    if name not in ("objects", "lists", "truth and nothing"):
        pd.testing.assert_frame_equal(read_parquet(path), frame, check_freq=False)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([1, "a"], "int, str"),
        (["a", b"a"], "bytes, str"),
        ([dt.date(2025, 1, 1), dt.datetime(2025, 1, 1, 5, tzinfo=dt.UTC)], "date, datetime"),
        ([1.5, Decimal(1)], "Decimal, float"),
        ([[1], {"a": 1}], "dict, list"),
        ([True, 1], "bool, int"),
        ([1 + 2j], "complex"),
        ([object()], "object"),
        ([2**70], "int"),
        ([["a", 1]], "a"),
    ],
    ids=str,
)
def test_columns_that_parquet_cannot_hold(values: list[Any], kinds: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"fine": 1, "odd": pd.Series(values, dtype=object)})
    with pytest.raises(ExportError, match="odd") as caught:
        to_parquet(frame, tmp_path / "a")
    assert kinds in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_naive_and_aware_objects_are_mixed(tmp_path: Path) -> None:
    both = [dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 1, 1)]
    with pytest.raises(ExportError, match="odd"):
        to_parquet(pd.DataFrame({"odd": pd.Series(both, dtype=object)}), tmp_path / "a")


def test_names_that_are_there_twice(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="'a' is there twice"):
        to_parquet(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "a")


def test_files_of_others(tmp_path: Path) -> None:
    table = pa.table({"a": [1, None], "l": [[1], None]})
    pq.write_table(table, tmp_path / "arrow.parquet")
    back = read_parquet(tmp_path / "arrow.parquet")
    assert verify(back) == "unknown"
    assert back["a"][0] == 1
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "pandas.parquet")
    assert verify(read_parquet(tmp_path / "pandas.parquet")) == "unknown"
    broken = table.replace_schema_metadata({"greenlang_data": "{"})
    pq.write_table(broken, tmp_path / "broken.parquet")
    assert verify(read_parquet(tmp_path / "broken.parquet")) == "unknown"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no file"):
        read_parquet(tmp_path / "a.parquet")


def test_a_truncated_file(tmp_path: Path) -> None:
    whole = to_parquet(fetched(), tmp_path / "a.parquet").read_bytes()
    cut = tmp_path / "cut.parquet"
    for length in (0, 1, 4, 100, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(ExportError, match="not a whole Parquet file"):
            read_parquet(cut)


def test_a_flipped_bit_is_never_intact(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.random.default_rng(1).normal(size=500)})
    attach(frame, make_record(provenance(), frame))
    path = to_parquet(frame, tmp_path / "a.parquet", compression="none")
    whole = bytearray(path.read_bytes())
    for place in range(50, 4000, 97):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            back = read_parquet(path)
        except ExportError:
            continue
        assert verify(back) != "intact" or back.equals(frame)


def test_an_edited_footer_is_unknown(tmp_path: Path) -> None:
    path = to_parquet(fetched(), tmp_path / "a.parquet")
    raw = path.read_bytes()
    assert raw.count(b"https://plant1.example") >= 1
    path.write_bytes(raw.replace(b"https://plant1.example", b"https://plant9.example"))
    assert verify(read_parquet(path)) == "unknown"
