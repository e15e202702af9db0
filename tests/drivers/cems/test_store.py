"""The recording's file: what is cut off is gone as a whole, and what is covered is exact."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.drivers.analyser.coverage import Span, gaps, joined, within
from greenlang_data.drivers.analyser.recorder import Recorder
from greenlang_data.drivers.analyser.store import Run
from greenlang_data.drivers.schema import constant_dictionary, quality_array
from greenlang_data.frames.watched import SAMPLES

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = 1_000_000_000
START = int(BEGIN.timestamp()) * SECOND
PARTS = 12
BASIS = {"SO2": {"moisture": "dry", "reference_oxygen": None}}


def batch(first: int, count: int) -> pa.RecordBatch:
    """One reading of SO2 per second; its value is its number."""
    times = (np.arange(first, first + count) * SECOND + START).astype("datetime64[ns]")
    columns = [
        constant_dictionary("SO2", count),
        pa.array(times).cast(pa.timestamp("ns", "UTC")),
        pa.array(np.arange(first, first + count, dtype=np.float64)),
        pa.nulls(count, pa.string()),
        quality_array(np.zeros(count, np.int8)),
        constant_dictionary("measured", count),
        constant_dictionary("[ppm]", count),
        constant_dictionary("Double", count),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SAMPLES)


def config(path: Path) -> gd.CEMSConfig:
    return gd.CEMSConfig(
        connector_id="stack1",
        connector_type="cems",
        endpoint="127.0.0.1:1",
        registers=[{"tag": "SO2", "table": "input", "address": 0, "type": "uint16"}],
        measurands=[{"tag": "SO2", "moisture": "dry", "without_signals": True}],
        recording=str(path),
    )


def numbers(path: Path) -> list[float]:
    """What the file says of the whole hour; nothing where it was cut before its first part."""
    with gd.Session([config(path)]) as session:
        try:
            frame = session.cems(["SO2"], BEGIN, BEGIN + timedelta(hours=1), errors="report")
        except (gd.UnsupportedError, gd.ExportError):
            return []
    found: list[float] = frame["concentration"].tolist()
    return found


def test_a_file_cut_anywhere_holds_whole_parts_and_no_half_one(tmp_path: Path) -> None:
    """The log that SQLite appends to, cut at every kind of place, as a lost disk cache would."""
    path = tmp_path / "whole"
    run = Run(START, "stack1", "modbus here", 1.0, BASIS, "0")
    with closing(Recorder(path, run)) as recorder:
        for part in range(PARTS):
            recorder.append(
                [batch(part * 5, 5)], SAMPLES, START + part * 5 * SECOND,
                START + (part + 1) * 5 * SECOND,
            )  # fmt: skip
        log = Path(f"{path}-wal")
        size = log.stat().st_size
        kept = set()
        for length in [*range(0, size, size // 40), size - 1, size]:
            copy = tmp_path / f"cut{length}"
            shutil.copy(path, copy)
            Path(f"{copy}-wal").write_bytes(log.read_bytes()[:length])
            found = numbers(copy)
            assert len(found) % 5 == 0
            assert found == [float(n) for n in range(len(found))]
            kept.add(len(found))
    assert max(kept) == 5 * PARTS
    assert len(kept) > PARTS // 2, "cuts between parts were among them"
    assert numbers(path) == [float(n) for n in range(5 * PARTS)], "and after a proper end"


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda one: Span(one[0], sum(one)))
)


@given(SPANS, st.integers(0, 40), st.integers(1, 20))
def test_covered_and_not_covered_are_the_whole_window(
    spans: list[Span], begin: int, length: int
) -> None:
    window = Span(begin, begin + length)
    covered = {n for span in spans for n in range(*span)}
    whole = joined(spans)
    assert {n for span in whole for n in range(*span)} == covered
    assert all(one.until < other.began for one, other in pairwise(whole))
    inside = {n for span in within(whole, window) for n in range(*span)}
    outside = {n for span in gaps(whole, window) for n in range(*span)}
    assert inside == covered & set(range(*window))
    assert outside == set(range(*window)) - covered


def test_of_two_recorders_that_begin_at_once_only_one_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = tmp_path / "recording.sqlite", Run(START, "stack1", "here", 1.0, BASIS, "test")
    newest = Recorder._newest
    others: list[Recorder] = []

    def late(self: Recorder) -> int:
        if not others and not self._connection.in_transaction:
            others.append(self)
            others[0] = Recorder(path, run)  # it begins right behind the first one
        return newest(self)

    monkeypatch.setattr(Recorder, "_newest", late)
    with closing(Recorder(path, run)) as first:
        others = others or [Recorder(path, run)]
        with pytest.raises(gd.ExportError, match="another recorder"):
            first.append([batch(0, 1)], SAMPLES, START, START)
        with closing(others[0]) as second:
            assert second.append([batch(0, 1)], SAMPLES, START, START) == 1
