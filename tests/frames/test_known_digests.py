"""What the response hash covered is not hashed again, and the frame's hash is the same as if."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.drivers.schema import SNAPSHOT, constant_dictionary, quality_array
from greenlang_data.frames.long import long_table
from greenlang_data.frames.series import gather_series, hash_series
from greenlang_data.frames.shaped import Shaped
from greenlang_data.frames.snapshot import snapshot_table
from greenlang_data.frames.to_pandas import to_frame
from greenlang_data.frames.wide import wide_table
from greenlang_data.provenance import hash_frame
from greenlang_data.provenance.hash import column_digests, hash_table
from tests.frames.test_shapes import SAMPLES, Samples, batch

WINDOW = ("2025-01-01", "2025-01-01 02:00")


def check(shaped: Shaped) -> None:
    known = hash_table(shaped.table, shaped.index, shaped.digests)
    assert known == hash_table(shaped.table, shaped.index)
    assert known == hash_frame(to_frame(shaped.table, shaped.index))


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), SAMPLES, min_size=1, max_size=3),
    st.sampled_from(["Double", "Int32", "Boolean", "String"]),
    st.booleans(),
)
def test_windows(tags: dict[str, Samples], data_type: str, with_texts: bool) -> None:
    batches = []
    for tag, samples in tags.items():
        texts = [f"text {moment}" for moment, _, _ in samples] if with_texts else None
        taken = samples
        if with_texts:
            taken = [(moment, None, quality) for moment, _, quality in samples]
        elif data_type == "Boolean":
            taken = [(moment, float(moment % 2), quality) for moment, _, quality in samples]
        batches.append(batch(tag, taken, data_type=data_type, texts=texts))
    series = gather_series(batches)
    _, digests = hash_series(series)
    check(wide_table(series, digests))
    check(long_table(series, digests))


def test_a_single_tag_in_order_is_not_hashed_again() -> None:
    for samples, known in (
        ([(1, 1.0, 0), (2, 2.0, 0)], True),
        ([(2, 1.0, 0), (1, 2.0, 0)], False),
    ):
        series = gather_series([batch("a", samples)])
        shaped = wide_table(series, hash_series(series)[1])
        assert bool(shaped.digests) is known
        check(shaped)


@pytest.mark.parametrize(
    ("values", "texts", "data_types"),
    [
        ([1.5, None], [None, None], ["Double", "Double"]),
        ([1.0, 2.0], [None, None], ["Int32", "Int16"]),
        ([1.0, 0.0], [None, None], ["Boolean", "Boolean"]),
        ([None, None], ["on", "off"], ["String", "String"]),
        ([1.5, None], [None, "on"], ["Double", "String"]),
        ([5.0, None], [None, str(2**60 + 1)], ["Int64", "Int64"]),
    ],
)
def test_snapshots(
    values: list[float | None], texts: list[str | None], data_types: list[str]
) -> None:
    names = pa.array(["a", "b"])
    moments = pa.array([1, None], SNAPSHOT.field("timestamp").type)
    columns = [
        names, names, pa.array(values, pa.float64()), pa.array(texts, pa.string()),
        pa.array(["Cel", None]), quality_array(np.array([0, 2])), constant_dictionary("Good", 2),
        moments, moments, pa.array(data_types), pa.nulls(2, pa.string()),
    ]  # fmt: skip
    table = pa.table(columns, schema=SNAPSHOT)
    digests = dict(zip(table.schema.names, column_digests(table), strict=True))
    check(snapshot_table(table, digests))


def test_whatever_the_accessor_the_frame_is_intact() -> None:
    with gd.Session(mock=True) as session:
        frames: list[pd.DataFrame] = [
            session.scada(["Temperature", "Pressure"]),
            session.scada("Temperature", start=WINDOW[0], end=WINDOW[1]),
            session.scada("Temperature", start=WINDOW[0], end=WINDOW[1], shape="long"),
            session.historian(["ProcessTemp", "FlowRate"], *WINDOW),
            session.historian(["ProcessTemp", "FlowRate"], *WINDOW, shape="long"),
            session.cems(["CO2", "NOx"], *WINDOW),
            session.cems(["CO2", "NOx"], *WINDOW, shape="wide"),
            session.erp("material", limit=None),
            session.cmms("work_order", start="2025-01-01", end="2025-02-01"),
        ]
    for frame in frames:
        assert len(frame) > 0
        assert gd.verify(frame) == "intact"
        assert frame.attrs["provenance"]["frame_hash"] == hash_frame(frame)
