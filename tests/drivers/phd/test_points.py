"""Answers of an OIBus agent as columns."""

from __future__ import annotations

import pytest

from greenlang_data.drivers.phd.points import decode
from tests.drivers.phd.answers import of_agent


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("73", (73.0, None)),
        ("-0.5", (-0.5, None)),
        ("1E-07", (1e-7, None)),
        ("1.23456789012346E+17", (1.23456789012346e17, None)),
        ("9007199254740991", (2.0**53 - 1, None)),
        ("9007199254740993", (None, "9007199254740993")),
        ("007", (None, "007")),
        ("1.50", (None, "1.50")),
        ("1E5", (None, "1E5")),
        ("+1", (None, "+1")),
        ("1,5", (None, "1,5")),
        ("", (None, "")),
        ("True", (None, "True")),
        ("inf", (None, "inf")),
        (True, (None, "True")),
        (1.5, (1.5, None)),
        (7, (7.0, None)),
        (1e-7, (1e-7, None)),
    ],
)
def test_a_value(value: object, expected: tuple[object, object]) -> None:
    (samples,) = decode(of_agent({"value": value, "quality": "0x400C0"})).values()
    row = samples.batch(100).to_pylist()[0]
    assert (row["value"], row["text"], row["quality"]) == (*expected, "good")
    assert row["timestamp"].value == 1_735_689_600_123_000_000


@pytest.mark.parametrize("value", [None, "NaN", "Infinity", "-Infinity"])
def test_what_is_no_value_is_bad(value: object) -> None:
    (samples,) = decode(of_agent({"value": value, "quality": "0x400C0"})).values()
    row = samples.batch(100).to_pylist()[0]
    assert (row["value"], row["text"], row["quality"]) == (None, None, "bad")


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        ("0xC0", ("good", "Good")),
        ("0xD8", ("good", "LocalOverride")),
        ("0x400C0", ("good", "Good|Raw")),
        ("0x400C3", ("good", "Good|Raw")),  # at its limits
        ("0x40", ("uncertain", "Uncertain")),
        ("0x40044", ("uncertain", "LastUsable|Raw")),
        ("0x0", ("bad", "Bad")),
        ("0x40018", ("bad", "CommFailure|Raw")),
        ("0x200000", ("bad", "Bad|NoData")),
        ("0x2000C0", ("bad", "Good|NoData")),
        ("0x4000C0", ("uncertain", "Good|DataLost")),
        ("0x80", ("uncertain", "0x80")),
        ("0x20000C0", ("uncertain", "Good|0x2000000")),
        (None, ("uncertain", "QualityNotTold")),
    ],
)
def test_a_quality(quality: str | None, expected: tuple[str, str]) -> None:
    (samples,) = decode(of_agent({"value": "1", "quality": quality})).values()
    row = samples.batch(1).to_pylist()[0]
    assert (row["quality"], row["status"]) == expected
