"""Arrow to pandas: the same dtype for the same type, always, and nothing shared."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from greenlang_data.errors import QueryError
from greenlang_data.frames.to_pandas import to_frame, units, units_of_table

DTYPES = {
    "float64": (pa.array([1.5, None]), "float64"),
    "float32": (pa.array([1.5, None], pa.float32()), "float32"),
    "int8": (pa.array([1, None], pa.int8()), "Int8"),
    "int32 without nulls": (pa.array([1, 2], pa.int32()), "Int32"),
    "int64": (pa.array([1, 2**62 + 1]), "Int64"),
    "uint64": (pa.array([1, 2**64 - 1], pa.uint64()), "UInt64"),
    "bool": (pa.array([True, None]), "boolean"),
    "string": (pa.array(["a", None]), "str"),
    "string view": (pa.array(["a", None], pa.string_view()), "str"),
    "null": (pa.nulls(2), "str"),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), "category"),
    "ns": (pa.array([1, None], pa.timestamp("ns", "UTC")), "datetime64[ns, UTC]"),
    "us": (pa.array([1, None], pa.timestamp("us", "UTC")), "datetime64[us, UTC]"),
    "Berlin": (pa.array([1, None], pa.timestamp("ms", "Europe/Berlin")), "datetime64[ms, UTC]"),
    "wall": (pa.array([1, None], pa.timestamp("ns")), "datetime64[ns]"),
    "date": (pa.array([dt.date(2025, 1, 1), None]), "date32[day][pyarrow]"),
    "decimal": (pa.array([Decimal("1.10"), None]), "decimal128(3, 2)[pyarrow]"),
    "list": (pa.array([[1], None]), "list<item: int64>[pyarrow]"),
    "struct": (pa.array([{"a": 1}, None]), "struct<a: int64>[pyarrow]"),
    "binary": (pa.array([b"a", None]), "binary[pyarrow]"),
    "time": (pa.array([dt.time(1), None]), "time64[us][pyarrow]"),
    "dictionary of numbers": (pa.array([1, None]).dictionary_encode(), "Int64"),
}


@pytest.mark.parametrize("name", DTYPES)
def test_the_dtype_follows_from_the_type(name: str) -> None:
    array, dtype = DTYPES[name]
    frame = to_frame(pa.table({"a": array}))
    assert str(frame["a"].dtype) == dtype
    assert frame["a"].isna().tolist() == array.is_null().to_pylist()
    # Also without rows, and in chunks, of which one is empty and one is a slice.
    assert str(to_frame(pa.table({"a": array[:0]}))["a"].dtype) == dtype
    chunks = pa.chunked_array([array[:0], array, array[1:]], array.type)
    parts = to_frame(pa.table({"a": chunks}))["a"]
    assert str(parts.dtype) == dtype
    pd.testing.assert_series_equal(parts[:2], frame["a"])
    pd.testing.assert_series_equal(
        parts[2:].reset_index(drop=True), frame["a"][1:].reset_index(drop=True)
    )


def test_values_are_exact() -> None:
    table = pa.table({"i": [2**62 + 1, None], "d": [Decimal("1.10"), None], "f": [0.1, None]})
    frame = to_frame(table)
    assert frame["i"][0] == 2**62 + 1
    assert str(frame["d"][0]) == "1.10"
    assert frame["f"][0] == 0.1


def test_the_index_is_the_column() -> None:
    moments = pa.array([0, 3_600_000_000_000], pa.timestamp("ns", "UTC"))
    frame = to_frame(pa.table({"flow": [1.0, 2.0], "timestamp": moments}), index="timestamp")
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert frame.index.name == "timestamp"
    assert str(frame.index.tz) == "UTC"
    assert frame.columns.tolist() == ["flow"]
    assert frame["flow"]["1970-01-01 01:00"] == 2.0
    texts = to_frame(pa.table({"tag": ["a", "b"], "v": [1, 2]}), index="tag")
    assert texts.loc["b", "v"] == 2


def test_no_such_index() -> None:
    table = pa.table([pa.array([1]), pa.array([2])], ["a", "a"])
    for name in ("a", "b"):
        with pytest.raises(QueryError, match="no single column"):
            to_frame(table, index=name)


def test_names_may_be_there_twice() -> None:
    frame = to_frame(pa.table([pa.array([1]), pa.array(["x"])], ["a", "a"]))
    assert frame.columns.tolist() == ["a", "a"]
    assert frame.iloc[0].tolist() == [1, "x"]


def test_no_columns() -> None:
    frame = to_frame(pa.table({}))
    assert frame.shape == (0, 0)
    assert to_frame(pa.table({"a": [1, 2]}), index="a").shape == (2, 0)


def test_a_write_to_the_frame_does_not_reach_the_table() -> None:
    base = np.array([1.0, 2.0])
    table = pa.table(
        {
            "f": base,
            "i": np.array([1, 2]),
            "b": [True, False],
            "t": pa.array(np.array([1, 2]), pa.timestamp("ns", "UTC")),
            "s": ["a", "b"],
            "c": pa.DictionaryArray.from_arrays(pa.array(np.array([0, 1], np.int8)), ["a", "b"]),
        }
    )
    before = table.to_pydict()
    frame = to_frame(table)
    frame.iloc[0] = frame.iloc[1]
    frame.loc[0, "c"] = "b"
    assert frame["f"].tolist() == [2.0, 2.0]
    assert table.to_pydict() == before
    assert base.tolist() == [1.0, 2.0]


def test_naming_the_axis_stays_with_the_frame() -> None:
    table = pa.table({"a": [1]})
    to_frame(table).columns.name = "tag"
    assert to_frame(table).columns.name is None


def test_chunks_with_different_dictionaries() -> None:
    chunks = [
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["c", None, "a"]).dictionary_encode(),
    ]
    frame = to_frame(pa.table({"tag": pa.chunked_array(chunks)}))
    assert frame["tag"].astype(object).tolist() == ["a", "b", "c", np.nan, "a"]
    assert frame["tag"].cat.categories.tolist() == ["a", "b", "c"]


def test_odd_dictionaries() -> None:
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.uint8()), ["x", "y", "x"])
    null = pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["x", None]))
    many = pa.array([f"tag {number}" for number in range(200)]).dictionary_encode()
    assert to_frame(pa.table({"a": twice}))["a"].tolist() == ["x", "y", "x"]
    assert to_frame(pa.table({"a": null}))["a"].isna().tolist() == [False, True]
    assert to_frame(pa.table({"a": many}))["a"].tolist() == many.to_pylist()


def test_extension_types_count_as_their_storage() -> None:
    frame = to_frame(pa.table({"a": pa.array([b"0123456789abcdef"], pa.uuid())}))
    assert frame["a"][0] == b"0123456789abcdef"


def test_units() -> None:
    fields = [
        pa.field("timestamp", pa.timestamp("ns", "UTC")),
        pa.field("flow", pa.float64(), metadata={"unit": "m³/h", "other": "x"}),
    ]
    schema = pa.schema(fields)
    assert units_of_table(schema) == units_of_table(schema.empty_table()) == {"flow": "m³/h"}
    assert units(pd.DataFrame({"a": [1]})) == {}
