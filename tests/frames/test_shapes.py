"""From samples to the tables that users see: nothing lost, nothing invented, types kept."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    TIMESTAMP,
    constant_dictionary,
    failed_series,
    quality_array,
    series_batch,
)
from greenlang_data.errors import ProtocolError, QueryError
from greenlang_data.frames.emissions import emissions_table
from greenlang_data.frames.long import long_table
from greenlang_data.frames.series import (
    SamplesHasher,
    Series,
    count_qualities,
    gather_series,
    hash_series,
)
from greenlang_data.frames.wide import wide_table

Samples = list[tuple[int, float | None, int]]  # nanoseconds, value, quality code


def batch(
    tag: str,
    samples: Samples,
    *,
    data_type: str = "Double",
    unit: str | None = None,
    texts: list[str | None] | None = None,
) -> pa.RecordBatch:
    return series_batch(
        tag,
        pa.array([moment for moment, _, _ in samples], pa.int64()).cast(TIMESTAMP),
        pa.array([value for _, value, _ in samples], pa.float64()),
        quality_array(np.array([quality for _, _, quality in samples], np.int8)),
        constant_dictionary("Good", len(samples)),
        text=None if texts is None else pa.array(texts, pa.string()),
        unit=unit,
        data_type=data_type,
    )


def series_of(**tags: Samples) -> list[Series]:
    return gather_series([batch(tag, samples) for tag, samples in tags.items()])


def rows_of(table: pa.Table) -> list[tuple[object, ...]]:
    moments = table.column("timestamp").cast(pa.int64()).to_pylist()
    others = [table.column(name).to_pylist() for name in table.schema.names if name != "timestamp"]
    return list(zip(moments, *others, strict=True))


MOMENTS = st.integers(0, 12)  # few, so that tags share them and have them twice
SAMPLES = st.lists(
    st.tuples(MOMENTS, st.floats(allow_nan=False, width=32), st.sampled_from([GOOD, 1, BAD])),
    max_size=12,
)


def test_tags_with_the_same_time_stamps_share_their_rows() -> None:
    table = wide_table(series_of(b=[(1, 1.0, 0), (2, 2.0, 0)], a=[(1, 5.0, 0), (2, 6.0, 0)])).table
    assert table.schema.names == ["timestamp", "b", "a"]
    assert rows_of(table) == [(1, 1.0, 5.0), (2, 2.0, 6.0)]


def test_a_bad_value_is_missing_whatever_the_driver_sent() -> None:
    series = series_of(a=[(1, 99.9, BAD), (2, 5.0, GOOD)])
    assert rows_of(wide_table(series).table) == [(1, None), (2, 5.0)]
    assert long_table(series).table.column("value").to_pylist() == [None, 5.0]


def test_several_samples_of_one_time_stamp_have_as_many_rows() -> None:
    series = series_of(a=[(1, 1.0, 0), (1, 2.0, 0), (2, 3.0, 0)], b=[(1, 9.0, 0)])
    assert rows_of(wide_table(series).table) == [(1, 1.0, 9.0), (1, 2.0, None), (2, 3.0, None)]


@given(SAMPLES, SAMPLES, SAMPLES)
def test_no_sample_is_lost_or_invented_by_the_join(
    first: Samples, second: Samples, third: Samples
) -> None:
    tags = {"a": first, "b": second, "c": third}
    table = wide_table(series_of(**tags)).table
    moments = table.column("timestamp").cast(pa.int64()).to_pylist()
    assert moments == sorted(moments)
    for tag, samples in tags.items():
        good = [(moment, value) for moment, value, quality in samples if quality != BAD]
        values = table.column(tag).to_pylist()
        found = [(m, v) for m, v in zip(moments, values, strict=True) if v is not None]
        assert Counter(found) == Counter(good)
        # And the samples of one time stamp keep their order.
        for moment in set(moments):
            assert [v for m, v in found if m == moment] == [v for m, v in good if m == moment]


@given(SAMPLES, st.integers(0, 12))
def test_where_a_page_ends_changes_nothing(samples: Samples, cut: int) -> None:
    samples = sorted(samples, key=lambda sample: sample[0])
    whole = gather_series([batch("a", samples)])
    parts = gather_series([batch("a", samples[:cut]), batch("a", samples[cut:])])
    assert wide_table(whole).table.equals(wide_table(parts).table)
    assert long_table(whole).table.equals(long_table(parts).table)
    hasher = SamplesHasher()
    for part in parts[0].batches:
        hasher.add({"tag": "a", "unit": None, "data_type": "Double", "failure": None}, part)
    assert hash_series(whole) == hash_series(parts)
    assert hash_series(whole)[0] == hasher.hexdigest()


def test_the_hash_tells_every_difference() -> None:
    base = [(1, 1.0, GOOD), (2, 2.0, GOOD)]
    variants = [
        batch("a", base),
        batch("b", base),
        batch("a", base, unit="Cel"),
        batch("a", base, data_type="Float"),
        batch("a", base[:1]),
        batch("a", [(1, 1.0, GOOD), (2, 2.0, 1)]),
        batch("a", [(1, 1.0, GOOD), (3, 2.0, GOOD)]),
        batch("a", [(1, 1.0, GOOD), (2, 2.5, GOOD)]),
        failed_series("a", "no such tag"),
    ]
    hashes = {hash_series(gather_series([one]))[0] for one in variants}
    assert len(hashes) == len(variants)


@pytest.mark.parametrize(
    ("data_type", "values", "texts", "kind", "expected"),
    [
        ("Int32", [1.0, None], None, pa.int64(), [1, None]),
        ("Boolean", [1.0, 0.0], None, pa.bool_(), [True, False]),
        ("String", [None, None], ["on", None], pa.string(), ["on", None]),
        ("UInt64", [7.0, None], [None, str(2**63 + 5)], pa.uint64(), [7, 2**63 + 5]),
        ("Int64", [None, 7.0], [str(-(2**63)), None], pa.int64(), [-(2**63), 7]),
        ("int16", [2.5, 3.0], None, pa.float64(), [2.5, 3.0]),
        ("Double", [0.1, None], [None, "0.10000000000000000001"], pa.string(),
         ["0.1", "0.10000000000000000001"]),
    ],
)  # fmt: skip
def test_a_column_has_the_type_of_its_tag_and_no_digit_is_lost(
    data_type: str,
    values: list[float | None],
    texts: list[str | None] | None,
    kind: pa.DataType,
    expected: list[object],
) -> None:
    samples: Samples = [(place, value, GOOD) for place, value in enumerate(values)]
    series = gather_series([batch("a", samples, data_type=data_type, texts=texts)])
    column = wide_table(series).table.column("a")
    assert column.type == kind
    assert column.to_pylist() == expected


def test_numbers_and_texts_together_stand_in_two_columns_of_a_long_table() -> None:
    series = gather_series(
        [
            batch("n", [(1, 1.5, GOOD)]),
            batch("t", [(1, None, GOOD)], data_type="String", texts=["on"]),
        ]
    )
    table = long_table(series).table
    assert table.schema.names == ["tag", "timestamp", "value", "text", "quality", "status", "unit"]
    assert table.column("value").to_pylist() == [1.5, None]
    assert table.column("text").to_pylist() == [None, "on"]


def test_units_are_in_the_fields_and_in_the_long_column() -> None:
    series = gather_series([batch("a", [(1, 1.0, 0)], unit="Cel"), batch("b", [(1, 1.0, 0)])])
    wide = wide_table(series).table.schema
    assert wide.field("a").metadata == {b"unit": b"Cel"}
    assert wide.field("b").metadata is None
    assert long_table(series).table.column("unit").to_pylist() == ["Cel", None]


def test_a_failed_tag_is_an_empty_column_in_its_place() -> None:
    series = gather_series([failed_series("x", "no such tag"), batch("a", [(1, 1.0, 0)])])
    table = wide_table(series).table
    assert (table.schema.names, rows_of(table)) == (["timestamp", "x", "a"], [(1, None, 1.0)])
    assert wide_table(series[:1]).table.num_rows == 0


def test_samples_out_of_order_are_put_in_order() -> None:
    table = wide_table(series_of(a=[(3, 3.0, 0), (1, 1.0, 0), (2, 2.0, 0)])).table
    assert rows_of(table) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_a_tag_cannot_be_called_like_the_index() -> None:
    with pytest.raises(QueryError, match="shape='long'"):
        wide_table(series_of(timestamp=[(1, 1.0, 0)]))


def test_a_quality_of_a_driver_s_own_making_is_refused_and_another_order_understood() -> None:
    one = batch("a", [(1, 1.0, GOOD), (2, 2.0, GOOD)])
    columns = dict(zip(one.schema.names, one.columns, strict=True))

    def with_quality(words: list[str]) -> pa.RecordBatch:
        encoded = pa.array(words).dictionary_encode().cast(one.schema.field("quality").type)
        return pa.RecordBatch.from_arrays(
            list({**columns, "quality": encoded}.values()), schema=one.schema
        )

    (series,) = gather_series([with_quality(["bad", "good"])])
    assert series.column("value").to_pylist() == [None, 2.0]
    counts = count_qualities([series.column("quality")])
    assert counts == {"good": 1, "uncertain": 0, "bad": 1}
    with pytest.raises(ProtocolError, match="dubious"):
        gather_series([with_quality(["good", "dubious"])])


def test_emissions_have_the_flow_of_their_own_time_stamp_or_none() -> None:
    (gas,) = series_of(CO2=[(1, 10.0, GOOD), (2, 20.0, BAD), (3, 30.0, GOOD)])
    (flow,) = gather_series([batch("flow_rate", [(3, 300.0, 0), (1, 100.0, 0)], unit="m3/h")])
    table = emissions_table([gas], flow).table
    assert table.column("flow_rate").to_pylist() == [100.0, None, 300.0]
    assert table.column("concentration").to_pylist() == [10.0, None, 30.0]
    assert table.schema.field("flow_rate").metadata == {b"unit": b"m3/h"}
    assert emissions_table([gas], None).table.column("flow_rate").null_count == 3


def test_a_sample_without_a_quality_is_refused_and_never_good() -> None:
    one = batch("T", [(0, 1.0, GOOD)])
    nothing = pa.DictionaryArray.from_arrays(
        pa.array([None], pa.int8()), pa.array(["good", "uncertain", "bad"])
    )
    columns = [nothing if name == "quality" else one.column(name) for name in one.schema.names]
    with pytest.raises(ProtocolError, match="qualities"):
        gather_series([pa.RecordBatch.from_arrays(columns, schema=one.schema)])


def test_a_unit_that_changes_within_an_answer_is_refused() -> None:
    parts = [batch("a", [(1, 1.0, 0)], unit="bar"), batch("a", [(2, 1.0, 0)], unit="psi")]
    with pytest.raises(ProtocolError, match=r"a: its unit is 'bar' and, later .*'psi'"):
        gather_series(parts)
