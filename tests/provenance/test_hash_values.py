"""The content hash, kind by kind: which values are the same."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from greenlang_data.provenance import hash_frame

UTC = dt.UTC


def same(*columns: object) -> bool:
    return len({hash_frame(pd.DataFrame({"a": column})) for column in columns}) == 1


def test_numbers_count_by_their_value() -> None:
    assert same([1, 2], [1.0, 2.0], pd.array([1, 2], dtype="uint8"), pd.array([1, 2], "Int64"))
    assert same([2**60], [float(2**60)])
    assert same([0.0], [-0.0], [0])
    assert not same([2**60 + 1], [float(2**60)])
    assert not same([2**60 + 1], [2**60])
    assert not same(pd.array([2**63 - 1], "int64"), pd.array([2**63], "uint64"))
    assert not same(pd.array([-1], "int64"), pd.array([2**64 - 1], "uint64"))
    assert same(pd.array([2**60 + 1, None], "Int64"), pd.Series([2**60 + 1, None], dtype=object))
    assert not same([1], [True])
    assert not same([1], ["1"])


def test_nan_has_one_pattern() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    assert same([np.nan, np.nan], odd)
    assert same([np.nan, 1.0], np.append(odd[:1], 1.0))


def test_decimals_keep_their_scale() -> None:
    def arrow(values: list[str | None], precision: int, scale: int) -> object:
        numbers = pa.array([None if v is None else Decimal(v) for v in values])
        kind = pa.decimal128(precision, scale)
        return pd.array(numbers.cast(kind), dtype=pd.ArrowDtype(kind))

    objects = pd.Series([Decimal("1.10"), None, Decimal("-3.00")], dtype=object)
    assert same(
        objects, arrow(["1.10", None, "-3.00"], 10, 2), arrow(["1.10", None, "-3.00"], 38, 2)
    )
    wide = pa.array([Decimal("1.10"), None, Decimal("-3.00")], pa.decimal256(60, 2))
    assert same(objects, pd.array(wide, dtype=pd.ArrowDtype(wide.type)))
    assert not same(objects, arrow(["1.1", None, "-3.0"], 10, 1))
    assert not same(pd.Series([Decimal("1.1")]), pd.Series([Decimal("1.10")]))
    # One column has one scale, as in Parquet.
    assert same(pd.Series([Decimal("1.1"), Decimal("1.10")]), pd.Series([Decimal("1.10")] * 2))
    assert same(pd.Series([Decimal("NaN"), Decimal(1)]), pd.Series([None, Decimal(1)]))
    huge = [Decimal(10**40), Decimal(10**40 + 1)]
    assert not same([huge[0]], [huge[1]])
    assert not same([Decimal("Infinity")], [Decimal("-Infinity")])


def test_dates_and_instants() -> None:
    day = dt.date(2025, 1, 1)
    assert same(
        [day],
        pd.array([day], dtype=pd.ArrowDtype(pa.date32())),
        pd.array([day], dtype=pd.ArrowDtype(pa.date64())),
        pd.to_datetime(["2025-01-01"]),
        pd.Series([pd.Timestamp(day)], dtype=object),
    )
    assert not same(pd.to_datetime(["2025-01-01"]), pd.to_datetime(["2025-01-01"], utc=True))
    noon = dt.datetime(2025, 1, 1, 12)
    assert not same([day, noon], [day, day])
    nanosecond = pd.Timestamp("2025-01-01 00:00:00.000000001", tz="UTC")
    assert same(pd.Series([nanosecond], dtype=object), pd.DatetimeIndex([nanosecond]))
    assert not same(pd.Series([nanosecond], dtype=object), pd.Series([nanosecond.floor("us")]))
    berlin = nanosecond.tz_convert("Europe/Berlin")
    assert same(pd.Series([nanosecond, berlin], dtype=object), [nanosecond, nanosecond])


def test_far_times_are_exact_in_every_resolution() -> None:
    far = ["9999-12-31", "0001-01-01"]
    columns = [pd.Series(np.array(far, f"M8[{unit}]")) for unit in ("s", "ms", "us")]
    days = [dt.date(9999, 12, 31), dt.date(1, 1, 1)]
    assert same(*columns, days, pd.array(days, dtype=pd.ArrowDtype(pa.date32())))
    # 2**64 nanoseconds later an int64 would be the same.
    wrapped = np.array(["2025-01-01"], "M8[us]") + np.timedelta64(2**64 // 1000, "us")
    assert not same(wrapped, np.array(["2025-01-01"], "M8[us]"))
    assert not same(np.array(["9999-12-31T00:00:01"], "M8[s]"), np.array(["9999-12-31"], "M8[s]"))


def test_durations_and_times_of_day() -> None:
    assert same(pd.to_timedelta([1], "s"), np.array([1], "m8[s]"), [dt.timedelta(seconds=1)])
    assert same(pd.Series([pd.Timedelta(1, "ns")], dtype=object), pd.to_timedelta([1], "ns"))
    clock = pd.array([dt.time(1, 2)], dtype=pd.ArrowDtype(pa.time64("ns")))
    assert same([dt.time(1, 2)], clock)
    assert not same([dt.time(1, 2)], [dt.time(1, 3)])
    assert not same(pd.to_timedelta([1], "s"), pd.to_datetime([1], unit="s"))


def test_truth_values_and_bytes() -> None:
    assert same(pd.array([True, None], "boolean"), pd.Series([True, None], dtype=object))
    assert not same(pd.array([True, None], "boolean"), [True, False])
    assert same([b"a", None], pd.array([b"a", None], dtype=pd.ArrowDtype(pa.binary())))
    assert not same([b"a"], ["a"])


def test_nested_values() -> None:
    lists = pd.array([[1, 2], None], dtype=pd.ArrowDtype(pa.list_(pa.int64())))
    assert same([[1, 2], None], lists, pd.Series([np.array([1, 2]), None], dtype=object))
    assert same([(1.0, 2)], [[1, 2]])
    assert not same([[1, 2]], [[2, 1]])
    assert not same([[1, None]], [[1, 0]])
    kind = pa.struct([("a", pa.int64()), ("b", pa.string())])
    structs = pd.array([{"a": 1, "b": None}], dtype=pd.ArrowDtype(kind))
    assert same([{"a": 1}], structs, [{"b": None, "a": 1.0}])
    assert not same([{"a": 1}], [{"a": 2}])


def test_mixed_columns() -> None:
    assert same([1, "a"], [1.0, "a"])
    different = [
        [1, "a"],
        ["1", "a"],
        [True, "a"],
        ["a", 1],
        [b"a", "a"],
        ["a", b"a"],
        [Decimal("1.0"), "a"],
        [dt.date(2025, 1, 1), "a"],
        [dt.datetime(2025, 1, 1, tzinfo=UTC), "a"],
        [dt.timedelta(1), "a"],
        [dt.time(1), "a"],
        [1 + 2j, "a"],
        [None, "a"],
        ["\ud800", "a"],
        [float("inf"), "a"],
        [np.datetime64("2025-01-01T01"), "a"],
        [np.timedelta64(1, "h"), "a"],
        [2**70, "a"],
        [dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2025, 1, 1)],
        [pd.Period("2025"), None],
    ]
    hashes = {hash_frame(pd.DataFrame({"a": pd.Series(x, dtype=object)})) for x in different}
    assert len(hashes) == len(different)


def test_other_dtypes() -> None:
    assert same(pd.arrays.SparseArray([0.0, 1.0]), [0.0, 1.0])
    assert same(pd.Categorical([1, 2, None]), [1, 2, None])
    assert same(pd.Categorical(pd.to_datetime(["2025-01-01"])), pd.to_datetime(["2025-01-01"]))
    assert not same(pd.period_range("2025-01", periods=1), pd.period_range("2025-02", periods=1))
    assert not same(pd.interval_range(0, 1), pd.interval_range(1, 2))
    assert same(np.array([1.5], ">f8"), [1.5])
    assert same(np.array([1.5, 9, 2.5, 9])[::2], [1.5, 2.5])


def test_names_of_any_type() -> None:
    names = [1, "1", None, ("a", "b"), "a", pd.Timestamp("2025-01-01"), 1.5]
    hashes = {
        hash_frame(pd.DataFrame([[1]], columns=pd.Index([name], dtype=object))) for name in names
    }
    assert len(hashes) == len(names)
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert hash_frame(twice) != hash_frame(twice.iloc[:, ::-1])


def test_named_levels_are_leading_columns() -> None:
    flat = pd.DataFrame({"a": ["x", "x"], "b": [1, 2], "v": [0.5, 1.5]})
    levels = flat.set_index(["a", "b"])
    assert hash_frame(levels) == hash_frame(flat)
    assert hash_frame(levels.rename_axis(["a", None])) == hash_frame(flat[["a", "v"]])
    assert hash_frame(flat.set_axis(["p", "q"])) == hash_frame(flat)
    counter = flat.rename_axis("row")
    assert hash_frame(counter) == hash_frame(counter.reset_index())
