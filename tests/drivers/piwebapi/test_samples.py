"""Timed values from JSON to columns, each kind of value by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.piwebapi.decode import decode_streams
from greenlang_data.drivers.piwebapi.samples import Columns

STAMP = "2025-01-01T00:00:00.1234567Z"


def columns(*values: dict[str, Any]) -> Columns:
    items = [{"Timestamp": STAMP, "Good": True, **one} for one in values]
    body = json.dumps({"Items": [{"WebId": "x", "Path": "p", "Items": items}]}).encode()
    return decode_streams(body).items[0].columns


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        (1.5, 1.5, None),
        (0, 0.0, None),
        (2**53, 2.0**53, None),
        (2**53 + 1, None, str(2**53 + 1)),
        (-(2**63), None, str(-(2**63))),
        (True, 1.0, None),
        ("", None, ""),
        ("246", None, "246"),
        ([1, 2.5], None, "[1,2.5]"),
        ({"Name": "On", "Value": 1, "IsSystem": False}, None, "On"),
    ],
)
def test_a_good_value_is_exact(value: object, number: float | None, text: str | None) -> None:
    found = columns({"Value": value})
    row = found.batch("tag", None, None).to_pylist()[0]
    assert (row["value"], row["text"], row["quality"], row["status"]) == (
        number,
        text,
        "good",
        "Good",
    )
    assert row["timestamp"].value == 1_735_689_600_123_456_700


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"Value": {"Name": "I/O Timeout", "Value": 246, "IsSystem": True}}, "Bad: I/O Timeout"),
        ({"Value": 246, "Good": False}, "Bad"),
        ({"Value": "Scan Off", "Good": False}, "Bad: Scan Off"),
        ({"Value": None}, "Bad: no value"),
        ({"Value": {"Unknown": 1}}, "Bad: an object that is no state"),
        ({"Value": 1.0, "Errors": [{"FieldName": "V", "Message": ["broken"]}]}, "Bad: broken"),
        ({"Value": 1.0, "Good": False, "Substituted": True}, "Bad, Substituted"),
    ],
)
def test_what_is_not_good_has_no_value(value: dict[str, Any], status: str) -> None:
    row = columns({"Value": 3.0}, value).batch("tag", None, None).to_pylist()[1]
    assert (row["value"], row["text"], row["quality"]) == (None, None, "bad")
    assert row["status"] == status


def test_a_quality_that_is_not_told_is_not_good() -> None:
    row = columns({"Value": 3.0, "Good": None}).batch("tag", None, None).to_pylist()[0]
    assert (row["value"], row["quality"], row["status"]) == (3.0, "uncertain", "Unknown")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"Items":[{"Items":[{"Value":1}]}]}',
        b'{"Items":[{"Items":[{"Timestamp":"yesterday","Value":1}]}]}',
        b'{"Items":[{"Items":[{"Timestamp":"9999-12-31T23:59:59Z","Value":1}]}]}',
        b'{"Items":[{"Items":[{"Timestamp":"2025-01-01T00:00:00Z","Value":1,"Good":"yes"}]}]}',
        b'{"Items":' + b"[" * 100_000,
    ],
)
def test_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_streams(body)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), max_size=20))
def test_the_short_way_and_the_long_way_agree(values: list[float | None]) -> None:
    state = {"Value": {"Name": "Bad Input", "Value": 255, "IsSystem": True}, "Good": False}
    plain = columns(*({"Value": value} for value in values)).batch("tag", None, None)
    mixed = columns(*({"Value": value} for value in values), state).batch("tag", None, None)
    for name in ("value", "quality", "status"):
        assert mixed.column(name).to_pylist()[:-1] == plain.column(name).to_pylist()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    try:
        decode_streams(body)
    except ValueError:
        return
