"""Answers of a gateway, right and wrong, as columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.phd.driver import decode


def answer(**series: Any) -> bytes:
    whole: dict[str, Any] = {
        "tag": "a",
        "unit": "bar",
        "times": [],
        "values": [],
        "confidence": [],
        "next": None,
    }
    return json.dumps({"series": [{**whole, **series}]}).encode()


@pytest.mark.parametrize(
    ("value", "confidence", "expected"),
    [
        (1.5, 100, (1.5, None, "good")),
        (246.0, 0, (None, None, "bad")),
        (1.5, 99, (1.5, None, "uncertain")),
        (1.5, 101, (1.5, None, "uncertain")),
        (None, 100, (None, None, "bad")),
        (2**53 + 1, 100, (None, str(2**53 + 1), "good")),
        ("007", 100, (None, "007", "good")),
        ("", 100, (None, "", "good")),
    ],
)
def test_a_sample(value: object, confidence: int, expected: tuple[object, ...]) -> None:
    body = answer(times=[1_735_689_600_123_456], values=[value], confidence=[confidence])
    row = decode(body)[0].samples.batch(100).to_pylist()[0]
    if row["quality"] == "bad":
        row["value"] = None  # which is made null for every driver
    assert (row["value"], row["text"], row["quality"]) == expected
    assert row["timestamp"].value == 1_735_689_600_123_456_000
    assert row["status"] == f"Confidence {confidence}"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"series":[{}]}',
        b'{"series":[{"tag":"a"}]}',
        b'{"series":[{"tag":"a","times":[],"values":[]}]}',
        answer(times=[1], values=[], confidence=[1]),
        answer(times=[1.5], values=[1], confidence=[1]),
        answer(times=[2**62], values=[1], confidence=[1]),
        answer(times=[2**64], values=[1], confidence=[1]),
        answer(times=["1"], values=[1], confidence=[1]),
        answer(times=[1], values=[{"a": 1}], confidence=[1]),
    ],
)
def test_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    try:
        decode(body)
    except ValueError:
        return
