"""Answers of a gateway as columns."""

from __future__ import annotations

import pytest

from greenlang_data.drivers.phd.driver import decode
from tests.drivers.phd.answers import of_gateway


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
    body = of_gateway(times=[1_735_689_600_123_456], values=[value], confidence=[confidence])
    row = decode(body)[0].samples.batch(100).to_pylist()[0]
    if row["quality"] == "bad":
        row["value"] = None  # which is made null for every driver
    assert (row["value"], row["text"], row["quality"]) == expected
    assert row["timestamp"].value == 1_735_689_600_123_456_000
    assert row["status"] == f"Confidence {confidence}"
