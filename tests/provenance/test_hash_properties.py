"""Properties of the content hash over random tables."""

import datetime as dt
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.frames.to_pandas import to_frame
from greenlang_data.provenance import ContentHasher, canonical_json, hash_frame

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "float64": (pa.float64(), st.floats(allow_nan=False)),
    "float32": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint8": (pa.uint8(), st.integers(0, 255)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=3)),
    "bytes": (pa.binary(), st.binary(max_size=3)),
    "instant": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(dt.UTC))),
    "wall": (pa.timestamp("ms"), st.datetimes().map(lambda t: t.replace(microsecond=0))),
    "date": (pa.date32(), st.dates()),
    "decimal": (pa.decimal128(12, 3), st.decimals(-(10**8), 10**8, places=3)),
    "list": (pa.list_(pa.int32()), st.lists(st.integers(-9, 9), max_size=2)),
}


@st.composite
def tables(draw: st.DrawFn, min_rows: int = 0) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))
    rows = draw(st.integers(min_rows, 6))
    columns = {}
    for number, kind in enumerate(kinds):
        arrow, values = KINDS[kind]
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[f"{kind} {number}"] = pa.array(cells, arrow)
    return pa.table(columns)


def table_hash(table: pa.Table, size: int | None = None) -> str:
    hasher = ContentHasher(table.schema)
    for batch in table.to_batches(size):
        hasher.update(batch)
    return hasher.hexdigest()


@given(
    runs=st.lists(st.tuples(st.none() | st.sampled_from("abc"), st.integers(0, 400)), max_size=6),
    order=st.permutations("abc"),
    asked=st.booleans(),
)
def test_long_runs_of_one_text_in_any_batches(
    runs: list[tuple[str | None, int]], order: list[str], *, asked: bool
) -> None:
    cells = [text for text, count in runs for _ in range(count)]
    plain = pa.table({"a": pa.array(cells, pa.string())})
    wanted = table_hash(plain, 100)  # so few that each text is looked at by itself
    hasher = ContentHasher(plain.schema)
    for text, count in runs:
        codes = pa.array([None if text is None else order.index(text)] * count, pa.int32())
        batch = pa.record_batch({"a": pa.DictionaryArray.from_arrays(codes, pa.array(order))})
        hasher.update(batch)
        if asked:
            hasher.hexdigest()  # more may follow
    assert hasher.hexdigest() == wanted
    assert table_hash(pa.table({"a": plain["a"].dictionary_encode()})) == wanted
    assert table_hash(plain) == wanted


@given(tables(), st.integers(1, 4))
def test_stable_across_batches_and_representations(table: pa.Table, size: int) -> None:
    wanted = table_hash(table)
    assert table_hash(table, size) == wanted
    frame = to_frame(table)
    assert hash_frame(frame) == wanted
    assert hash_frame(frame.convert_dtypes(dtype_backend="pyarrow")) == wanted
    assert hash_frame(frame.set_index(frame.columns[0])) == wanted
    encoded = [
        column.dictionary_encode() if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    assert table_hash(pa.table(encoded, table.schema.names), size) == wanted


@settings(deadline=None)
@given(tables())
def test_stable_through_files(table: pa.Table) -> None:
    frame = to_frame(table)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    assert table_hash(pq.read_table(pa.BufferReader(sink.getvalue()))) == table_hash(table)
    # pandas writes list<…>[pyarrow] but cannot read it.
    frame = frame[[name for name in frame.columns if not name.startswith("list")]]
    assert hash_frame(pa.Table.from_pandas(frame).to_pandas()) == hash_frame(frame)


@given(tables(min_rows=1), st.data())
def test_any_changed_cell_changes_the_hash(table: pa.Table, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(table.schema.names))
    row = data.draw(st.integers(0, table.num_rows - 1))
    arrow, values = KINDS[name.split()[0]]
    cells = table[name].to_pylist()
    new = data.draw((st.none() | values).filter(lambda value: value != cells[row]))
    changed = pa.array([*cells[:row], new, *cells[row + 1 :]], arrow)
    where = table.schema.names.index(name)
    other = table.set_column(where, name, changed)
    # What Arrow stored may be the same: a float64 rounded to float32 by the column.
    assert (table_hash(other) != table_hash(table)) == (not other.equals(table))


@given(tables(min_rows=2), st.randoms(use_true_random=False))
def test_the_order_of_rows_counts(table: pa.Table, random: Any) -> None:
    order = list(range(table.num_rows))
    random.shuffle(order)
    shuffled = table.take(pa.array(order))
    assert (table_hash(shuffled) == table_hash(table)) == shuffled.equals(table)


@given(tables())
def test_names_order_and_number_of_columns_count(table: pa.Table) -> None:
    wanted = table_hash(table)
    assert table_hash(table.rename_columns([f"{name}!" for name in table.schema.names])) != wanted
    assert table_hash(table.append_column("more", pa.nulls(table.num_rows))) != wanted
    assert table_hash(table.drop_columns(table.schema.names[:1])) != wanted
    if table.num_columns > 1:
        assert table_hash(table.select(table.schema.names[::-1])) != wanted


@given(st.lists(st.none() | st.integers() | st.text() | st.floats() | st.booleans(), max_size=4))
def test_columns_of_anything_hash_the_same_twice(cells: list[Any]) -> None:
    frame = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    assert hash_frame(frame) == hash_frame(frame.copy())
    assert (
        hash_frame(frame.assign(a=pd.Series([*cells[:-1], "\0 other"][: len(cells)], dtype=object)))
        != (hash_frame(frame))
        or not cells
    )


LONG_LISTS = st.lists(st.text(max_size=3) | st.integers(), max_size=3).map(
    lambda odd: [f"tag {number}" for number in range(120)] + odd
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=3), LONG_LISTS | st.floats() | st.booleans(), max_size=4))
def test_long_lists_of_names_are_written_like_short_ones(value: dict[str, Any]) -> None:
    for written in (value, [*value], *value.values()):
        expected = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert canonical_json(written) == expected
