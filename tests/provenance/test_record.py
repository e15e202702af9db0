"""The record: plain JSON, frozen, small, free to copy."""

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from greenlang_data.errors import ProvenanceError
from greenlang_data.provenance import ProvenanceRecord, hash_frame, make_record, record_of, verify
from greenlang_data.provenance.digest import LIMIT, is_digest
from tests.provenance.helpers import fetched, provenance

LONG = {
    "query": {"tag_names": [f"tag {number}" for number in range(10_000)]},
    "units": {f"tag {number}": "Cel" for number in range(10_000)},
    "failures": {f"tag {number}": "no such tag" for number in range(500)},
    "notes": [f"note {number}" for number in range(500)],
}


def test_the_connector_says_when_in_utc() -> None:
    cet = timezone(timedelta(hours=1))
    moved = provenance(timestamp=datetime(2025, 1, 1, 1, tzinfo=cet))
    assert moved.timestamp == datetime(2025, 1, 1, tzinfo=UTC)
    assert moved.timestamp.tzinfo is UTC
    with pytest.raises(ValidationError):
        provenance(timestamp=datetime(2025, 1, 1))
    with pytest.raises(ValidationError):
        provenance(mode="guess")


def test_what_a_record_says() -> None:
    quality = {"good": 90, "bad": 6}
    frame = fetched(
        quality=quality, failures={"x": "gone"}, notes=["a"], shape="wide", requests=2, retries=1
    )
    record = record_of(frame)
    assert record is not None
    wanted = {
        "connector_id": "plant1",
        "connector_type": "historian-connector",
        "mode": "live",
        "timestamp": "2025-01-01T00:00:00+00:00",
        "lineage": "fetched",
        "parents": [],
        "rows": 48,
        "columns": ["timestamp", "flow", "temperature"],
        "shape": "wide",
        "units": {"flow": "m3/h", "temperature": "Cel"},
        "quality": {"good": 90, "uncertain": 0, "bad": 6},
        "bad_quality_count": 6,
        "failures": {"x": "gone"},
        "failure_count": 1,
        "notes": ["a"],
        "requests": 2,
        "retries": 1,
        "frame_hash": hash_frame(frame),
    }
    assert {key: record[key] for key in wanted} == wanted
    assert record.sealed


def test_start_and_end_are_text() -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    record = make_record(provenance(), start=start, end="2025-01-02")
    assert (record["start"], record["end"]) == ("2025-01-01T00:00:00+00:00", "2025-01-02")


@pytest.mark.parametrize(
    "value", [float("nan"), {1, 2}, datetime(2025, 1, 1, tzinfo=UTC), {("a", "b"): 1}, b"x"]
)
def test_only_plain_json(value: Any) -> None:
    with pytest.raises(ProvenanceError, match="plain JSON"):
        make_record(provenance(metadata={"x": value}))


def test_the_caller_keeps_nothing_in_hand() -> None:
    metadata = {"nodes": ["a"]}
    record = make_record(provenance(metadata=metadata))
    metadata["nodes"].append("b")
    assert record["metadata"] == {"nodes": ["a"]}


CHANGES: list[Callable[[Any], object]] = [
    lambda r: r.__setitem__("mode", "live"),
    lambda r: r.update(mode="live"),
    lambda r: r.pop("mode"),
    lambda r: r.popitem(),
    lambda r: r.clear(),
    lambda r: r.setdefault("x", 1),
    lambda r: r.__delitem__("mode"),
    lambda r: r.__ior__({"x": 1}),
    lambda r: r["units"].update(flow="t"),
    lambda r: r["columns"].append("x"),
    lambda r: r["columns"].__setitem__(0, "x"),
    lambda r: r["columns"].__iadd__(["x"]),
    lambda r: r["columns"].sort(),
    lambda r: r.parts["notes"].append("x"),
]


def test_nothing_in_it_can_be_changed() -> None:
    record = record_of(fetched(notes=LONG["notes"]))
    before = json.dumps(record)
    for change in CHANGES:
        with pytest.raises(TypeError, match="cannot be changed"):
            change(record)
    assert json.dumps(record) == before


def test_a_copy_of_your_own_can_be_changed() -> None:
    record = record_of(fetched(notes=LONG["notes"]))
    assert record is not None
    mine = record.to_dict()
    mine["units"]["flow"] = "t/h"
    assert mine["notes"] == LONG["notes"]
    assert record["units"]["flow"] == "m3/h"


def test_copies_are_free_and_pickle_keeps_the_type() -> None:
    record = record_of(fetched(**LONG))
    assert record is not None
    assert copy.copy(record) is record
    assert copy.deepcopy(record) is record
    assert copy.deepcopy(record["quality"]) is record["quality"]
    back = pickle.loads(pickle.dumps(record))
    assert type(back) is ProvenanceRecord
    assert back == record
    assert back.full == record.full
    assert back.sealed


def test_it_equals_the_plain_dict() -> None:
    record = record_of(fetched())
    assert record == json.loads(json.dumps(record))


def test_pandas_passes_the_same_record_on() -> None:
    frame = fetched(**LONG)
    record = record_of(frame)
    for derived in (frame.copy(), frame[:3], frame["flow"], frame + 1, frame.resample("D").mean()):
        assert record_of(derived) is record
    assert record_of(pickle.loads(pickle.dumps(frame))) == record


def test_long_parts_are_digests_and_whole_in_full() -> None:
    frame = fetched(**LONG)
    record = record_of(frame)
    assert record is not None
    assert len(json.dumps(record)) <= LIMIT
    for key, whole in LONG.items():
        assert is_digest(record[key])
        assert record[key]["count"] == len(whole)
        assert record.full[key] == whole
    assert record["failure_count"] == 500
    assert verify(frame) == "intact"


def test_many_parts_that_are_each_short() -> None:
    text = ["x" * 1300]
    record = make_record(
        provenance(metadata={"x": text}),
        query={"x": text},
        units={"x": text[0]},
        failures={"x": text[0]},
        notes=text,
    )
    frame = record.replace(columns=text, parents=[{"x": text[0]}])
    assert len(json.dumps(frame)) <= LIMIT
    assert frame.full["columns"] == text


def test_a_name_that_is_too_long() -> None:
    with pytest.raises(ProvenanceError, match="8000"):
        make_record(provenance(source_system="x" * 9000))


def test_full_without_the_parts() -> None:
    """As pandas' own reader gives it: a plain dict, the parts lost."""
    plain = json.loads(json.dumps(record_of(fetched(**LONG))))
    frame = fetched()
    frame.attrs["provenance"] = plain
    record = record_of(frame)
    assert isinstance(record, ProvenanceRecord)
    assert is_digest(record.full["units"])
    assert record.sealed


def test_parts_are_kept_only_when_the_record_vouches_for_them() -> None:
    record = record_of(fetched(**LONG))
    assert record is not None
    forged = ProvenanceRecord(dict(record), {**record.parts, "notes": ["nothing to see"]})
    assert is_digest(forged.full["notes"])
    assert forged.full["units"] == LONG["units"]
    assert "source_system" not in ProvenanceRecord(dict(record), {"source_system": "x"}).parts


@pytest.mark.parametrize("found", [None, "text", 3, {}, {"a": 1}, [1], {"schema_version": {1}}])
def test_what_is_not_a_record(found: Any) -> None:
    frame = pd.DataFrame({"a": [1]})
    assert record_of(frame) is None
    frame.attrs["provenance"] = found
    assert record_of(frame) is None


def test_displays() -> None:
    record = record_of(fetched(name="<plant>"))
    assert record is not None
    assert repr(record).startswith(
        "<ProvenanceRecord: fetched 48 rows from 'https://<plant>.example'"
    )
    html = record._repr_html_()
    assert "&lt;plant&gt;" in html
    assert "<plant>" not in html
