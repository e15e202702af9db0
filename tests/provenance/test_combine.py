"""concat and merge that keep every origin."""

import json
import warnings

import pandas as pd
import pytest

from greenlang_data.errors import GreenLangWarning, QueryError
from greenlang_data.frames.to_pandas import units
from greenlang_data.provenance import ProvenanceRecord, concat, merge, record_of, verify
from tests.provenance.helpers import fetched


def recorded(frame: pd.DataFrame) -> ProvenanceRecord:
    record = record_of(frame)
    assert record is not None
    return record


def test_concat_is_pandas_with_all_parents() -> None:
    a, b = fetched("a"), fetched("b", value=9.0)
    combined = concat([a, b])
    pd.testing.assert_frame_equal(combined, pd.concat([a, b]))
    record = recorded(combined)
    assert verify(combined) == "intact"
    assert verify(combined[1:]) == "derived"
    assert record["lineage"] == "combined"
    assert [entry["connector_id"] for entry in record["parents"]] == ["a", "b"]
    parent, own = record["parents"][0], recorded(a)
    keys = "query_hash response_hash frame_hash timestamp source_system request_id connector_type"
    assert {key: parent[key] for key in keys.split()} == {key: own[key] for key in keys.split()}
    assert parent["verdict"] == "intact"
    assert units(combined) == {"flow": "m3/h", "temperature": "Cel"}
    assert record["mode"] == "live"
    assert record["source_system"] == "https://a.example, https://b.example"


def test_the_inputs_keep_their_own_record() -> None:
    a, b = fetched("a"), fetched("b")
    concat([a, b])
    assert verify(a) == verify(b) == "intact"
    assert recorded(a)["connector_id"] == "a"


def test_counts_and_notes_are_not_lost() -> None:
    a = fetched("a", quality={"good": 1, "bad": 2}, failures={"x": "gone"}, notes=["n", "m"])
    b = fetched(
        "b", quality={"good": 3, "bad": 4}, failures={"x": "late", "y": "gone"}, notes=["n"]
    )
    record = recorded(concat([a, b]))
    assert record["bad_quality_count"] == 6
    assert record["failures"] == {"x": "gone; late", "y": "gone"}
    assert record["notes"] == ["n", "m"]


def test_start_and_end_span_the_parents() -> None:
    a = fetched("a", start="2025-01-01T00:00:00+00:00", end="2025-01-02T00:00:00+00:00")
    b = fetched("b", start="2025-01-01T00:30:00+01:00", end="2025-01-03T00:00:00+00:00")
    record = recorded(concat([a, b]))
    assert (record["start"], record["end"]) == (
        "2025-01-01T00:30:00+01:00",
        "2025-01-03T00:00:00+00:00",
    )


def test_derived_and_unknown_parents_say_so() -> None:
    plain = pd.DataFrame({"other": [1.0]}, index=fetched().index[:1])
    parents = recorded(concat([fetched("a")[:2], plain]))["parents"]
    assert parents[0]["verdict"] == "derived"
    assert parents[1]["verdict"] == "unknown"
    assert recorded(concat([plain, plain]))["mode"] == "unknown"


def test_mixed_modes_are_not_live() -> None:
    from greenlang_data.provenance import attach

    mock = fetched("mock")
    attach(mock, recorded(mock).replace(mode="mock"))
    assert recorded(concat([mock, fetched()]))["mode"] == "mixed"
    assert recorded(concat([mock, mock]))["mode"] == "mock"


def test_parents_of_parents_are_kept() -> None:
    inner = concat([fetched("a"), fetched("b")])
    parents = recorded(concat([inner, fetched("c")]))["parents"]
    assert [entry["connector_id"] for entry in parents] == ["combined", "a", "b", "c"]
    assert parents[1]["via"] == recorded(inner)["frame_hash"]
    assert "via" not in parents[3]


def test_very_many_parents() -> None:
    combined = concat([fetched(f"plant {number}", rows=2) for number in range(100)])
    record = recorded(combined)
    assert len(json.dumps(record)) <= 8000
    assert record["parents"]["count"] == 100
    assert len(record.full["parents"]) == 100
    again = recorded(concat([combined, fetched()]))
    assert len(again.full["parents"]) == 102
    # Without the parts only the digest is left, and is passed on.
    combined.attrs["provenance"] = json.loads(json.dumps(record))
    assert recorded(concat([combined, fetched()]))["parents"][0]["parents"] == record["parents"]


def test_units_that_differ_are_not_passed_on() -> None:
    a, b = fetched("a"), fetched("b", units={"flow": "t/h", "temperature": "Cel"})
    with pytest.warns(GreenLangWarning, match="'flow' combines different units: m3/h, t/h"):
        combined = concat([a, b])
    assert units(combined) == {"flow": None, "temperature": "Cel"}
    assert recorded(combined)["notes"] == ["column 'flow' combines different units: m3/h, t/h"]


def test_an_unknown_unit_is_not_the_other_one() -> None:
    with pytest.warns(GreenLangWarning, match="m3/h, unknown"):
        combined = concat([fetched("a"), fetched("b", units={"temperature": "Cel"})])
    assert units(combined)["flow"] is None


def test_beside_each_other() -> None:
    a, b = fetched("a"), fetched("b").rename(columns={"flow": "flow_b", "temperature": "t_b"})
    combined = concat([a, b], axis=1)
    assert units(combined) == {"flow": "m3/h", "temperature": "Cel"}
    keyed = concat({"a": a, "b": fetched("b")}, axis=1)
    assert verify(keyed) == "intact"
    assert units(keyed)["('a', 'flow')"] == "m3/h"


def test_series() -> None:
    a, b = fetched("a")["flow"], fetched("b")["flow"]
    longer = concat([a, b])
    assert isinstance(longer, pd.Series)
    assert verify(longer) == "intact"
    assert verify(concat([a, b.rename("b")], axis=1)) == "intact"


def test_merge() -> None:
    a, b = fetched("a"), fetched("b", value=1.0, units={"flow": "t/h"})
    combined = merge(a, b, on="timestamp")
    pd.testing.assert_frame_equal(combined, pd.merge(a, b, on="timestamp"))
    assert verify(combined) == "intact"
    assert units(combined) == {"flow_x": "m3/h", "flow_y": "t/h", "temperature_x": "Cel"}
    assert [entry["connector_id"] for entry in recorded(combined)["parents"]] == ["a", "b"]
    left = merge(a, b, on="timestamp", suffixes=(None, "_b"))
    assert units(left) == {"flow": "m3/h", "flow_b": "t/h", "temperature": "Cel"}


def test_time_zones_are_made_one() -> None:
    a, b = fetched("a"), fetched("b").tz_convert("Europe/Berlin")
    with warnings.catch_warnings(action="error"):
        combined = concat([a, b])
    assert str(combined.index.dtype).endswith("UTC]")
    assert verify(combined) == "intact"
    flat = concat([a.reset_index(), b.reset_index()], ignore_index=True)
    assert str(flat["timestamp"].dtype).endswith("UTC]")
    assert [entry["verdict"] for entry in recorded(flat)["parents"]] == ["intact", "intact"]
    assert len(merge(a, b, on="timestamp")) == len(a)


def test_times_with_and_without_zone_are_refused() -> None:
    a, b = fetched("a"), fetched("b").tz_localize(None)
    for refused in (lambda: concat([a, b]), lambda: merge(a, b, left_index=True, right_index=True)):
        with pytest.raises(QueryError, match="the index has a time zone in one frame"):
            refused()
    with pytest.raises(QueryError, match="column 'timestamp'"):
        concat([a.reset_index(), b.reset_index()])


def test_none_is_left_out_and_a_named_series_merged_as_pandas_does() -> None:
    frame = fetched("a")
    for frames in ([frame, None], {"x": frame, "y": None}):
        assert len(recorded(concat(frames))["parents"]) == 1
    other = pd.Series([1.0, 2.0], name="value")
    merged = merge(frame, other, left_index=True, right_index=True, suffixes=("", "_b"))
    assert len(recorded(merged)["parents"]) == 2
    assert verify(merged) == "intact"
