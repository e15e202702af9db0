"""verify: never intact unless the content is what was fetched."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from greenlang_data.errors import ProvenanceError
from greenlang_data.provenance import ProvenanceRecord, Verdict, attach, record_of, verify
from tests.provenance.helpers import fetched

INTACT = {
    "copy": lambda f: f.copy(),
    "shallow": lambda f: f.copy(deep=False),
    "all rows": lambda f: f.iloc[:],
    "all columns": lambda f: f[["flow", "temperature"]],
    "zone": lambda f: f.tz_convert("Europe/Berlin"),
    "pickle": lambda f: pickle.loads(pickle.dumps(f)),
    "nullable": lambda f: f.convert_dtypes(),
    "reset_index": lambda f: f.reset_index(),
    "query that keeps all": lambda f: f.query("flow > -1"),
    "deepcopy": copy.deepcopy,
}

DERIVED: dict[str, Callable[[Any], Any]] = {
    "plus one": lambda f: f + 1,
    "times one and a bit": lambda f: f * (1 + 1e-15) + 1e-9,
    "slice": lambda f: f[:5],
    "iloc": lambda f: f.iloc[::2],
    "query": lambda f: f.query("flow > 3"),
    "one column": lambda f: f[["flow"]],
    "series": lambda f: f["flow"],
    "assign": lambda f: f.assign(flow=f["flow"] * 2),
    "new column": lambda f: f.assign(more=1),
    "rename": lambda f: f.rename(columns={"flow": "FLOW"}),
    "sort": lambda f: f.sort_index(ascending=False),
    "resample mean": lambda f: f.resample("D").mean(),
    "resample first": lambda f: f.resample("2h").first(),
    "groupby": lambda f: f.groupby(f.index.hour).mean(),
    "transform": lambda f: f.groupby(f.index.hour).transform("mean"),
    "mean": lambda f: f.mean(),
    "describe": lambda f: f.describe(),
    "diff": lambda f: f.diff(),
    "shift": lambda f: f.shift(1),
    "cumsum": lambda f: f.cumsum(),
    "melt": lambda f: f.melt(),
    "stack": lambda f: f.stack(),
    "transpose": lambda f: f.T,
    "ufunc": np.sqrt,
    "clip": lambda f: f.clip(upper=10),
    "mask": lambda f: f.mask(f > 10),
    "drop_duplicates": lambda f: f.drop_duplicates("temperature"),
    "interpolate": lambda f: f.mask(f["flow"] == 0).interpolate(),
    "reset and drop": lambda f: f.reset_index(drop=True),
    "apply": lambda f: f.apply(lambda column: column + 1),
    "concat with itself": lambda f: pd.concat([f, f]),
    "concat of equal attrs": lambda f: pd.concat([f[:3], f[5:]]),
    "merge with itself": lambda f: f.merge(f, on="timestamp"),
    "join": lambda f: f.join(f.add_suffix("_2")),
    "pivot_table": lambda f: f.pivot_table(index="temperature", values="flow"),
    "one group": lambda f: next(iter(f.groupby(f.index.hour)))[1],
    "one row": lambda f: next(f.iterrows())[1],
}


@pytest.mark.parametrize("name", INTACT)
def test_still_intact(name: str) -> None:
    assert verify(INTACT[name](fetched())) == "intact"


@pytest.mark.parametrize("name", DERIVED)
def test_pandas_keeps_the_record_but_it_is_derived(name: str) -> None:
    verdict = verify(DERIVED[name](fetched()))
    assert verdict == "derived"
    assert verdict.reason


TWO = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "add": lambda a, b: a.add(b),
    "columns": lambda a, b: (a["flow"] + b["flow"]).to_frame(),
    "concat": lambda a, b: pd.concat([a, b]),
    "concat beside": lambda a, b: pd.concat([a, b], axis=1),
    "merge": lambda a, b: a.merge(b, on="timestamp"),
    "merge_asof": lambda a, b: pd.merge_asof(a, b, on="timestamp"),
    "join": lambda a, b: a.join(b.add_suffix("_b")),
    "combine_first": lambda a, b: a[:5].combine_first(b[10:]),
    "a column of b": lambda a, b: a.assign(flow=b["flow"]),
    "where": lambda a, b: a.where(a > 3, b),
    "update": lambda a, b: [copied := a.copy(), copied.update(b)][0],
}


@pytest.mark.parametrize("name", TWO)
def test_pandas_on_two_sources_is_never_intact(name: str) -> None:
    assert verify(TWO[name](fetched("one"), fetched("two", value=5.0))) != "intact"


def test_assignment_in_place() -> None:
    frame = fetched()
    frame.loc[frame.index[3], "flow"] = -1.0
    assert verify(frame) == "derived"
    frame.loc[frame.index[3], "flow"] = 3.0
    assert verify(frame) == "intact"


def test_a_file_is_read_before_it_is_verified() -> None:
    with pytest.raises(ProvenanceError, match=r"not str.*gd\.read_parquet"):
        verify("readings.parquet")  # type: ignore[arg-type]  # as a user may


def test_without_provenance() -> None:
    for plain in (pd.DataFrame({"a": [1]}), pd.Series([1])):
        verdict = verify(plain)
        assert verdict == "unknown"
        assert "no provenance" in verdict.reason


@pytest.mark.parametrize("value", [None, "x", {}, {"frame_hash": "x"}])
def test_malformed(value: Any) -> None:
    frame = fetched()
    frame.attrs["provenance"] = value
    assert verify(frame) == "unknown"
    assert "malformed" in verify(frame).reason


@pytest.mark.parametrize("key", ["source_system", "timestamp", "units", "frame_hash", "notes"])
def test_an_edited_record_is_not_intact(key: str) -> None:
    frame = fetched()
    edited = json.loads(json.dumps(record_of(frame)))
    edited[key] = "other" if isinstance(edited[key], str) else ["other"]
    frame.attrs["provenance"] = edited
    assert verify(frame) == "unknown"
    assert "edited" in verify(frame).reason
    # The same by the back door of a frozen dict.
    record = ProvenanceRecord(record_of(fetched()) or {})
    dict.__setitem__(record, key, edited[key])
    assert verify(attach(frame, record)) == "unknown"


def test_the_reason_says_what_differs() -> None:
    frame = fetched()
    assert "https://plant1.example answered" in verify(frame).reason
    assert verify(frame[:2]).reason == "2 rows where the record has 48"
    assert "columns" in verify(frame[["flow"]]).reason
    assert "values" in verify(frame + 1).reason
    assert repr(verify(frame + 1)).startswith("<derived: ")


def test_a_verdict_is_a_word_that_is_true_only_when_intact() -> None:
    assert verify(fetched())
    assert not verify(fetched()[:1])
    assert not verify(pd.DataFrame())
    assert str(Verdict("derived", "x")) == "derived"
    assert hash(Verdict("derived", "x")) == hash("derived")
    back = pickle.loads(pickle.dumps(Verdict("derived", "why")))
    assert (back, back.reason) == ("derived", "why")


def test_a_series_that_is_all_there_was() -> None:
    frame = fetched()[["flow"]]
    record = record_of(frame)
    assert record is not None
    from greenlang_data.provenance.record import content_of

    attach(frame, record.replace(**content_of(frame)))
    assert verify(frame["flow"]) == "intact"
    assert verify(frame["flow"] + 1) == "derived"
