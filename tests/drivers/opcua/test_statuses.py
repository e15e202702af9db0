"""Names and qualities of status codes."""

from __future__ import annotations

import numpy as np
import pytest

from greenlang_data.drivers.opcua.statuses import (
    failure_text,
    history_failure,
    quality_codes,
    status_array,
    status_name,
    unreadable_rows,
)
from greenlang_data.drivers.schema import STATUS, UNKNOWN_TAG

CODES = [
    0,
    0x401,
    0x00300000,
    0x40900000,
    0x40900480,
    0x808C0000,
    0x80AB0000,
    0xC0000000,
    0x80340000,
]
NAMES = ["Good", "Good", "GoodClamped", "UncertainLastUsableValue",
         "UncertainLastUsableValue (Overflow)",
         "BadSensorFailure", "BadInvalidArgument", "0xC0000000", "BadNodeIdUnknown"]  # fmt: skip


@pytest.mark.parametrize(("code", "name"), list(zip(CODES, NAMES, strict=True)))
def test_names_leave_out_the_info_bits_but_for_lost_values(code: int, name: str) -> None:
    assert status_name(code) == name


def test_a_code_without_a_name_shows_as_a_number() -> None:
    assert status_name(0x8FFF0401) == "0x8FFF0401"
    assert status_name(0x0FFF0000) == "0x0FFF0000"


def test_columns_of_codes() -> None:
    codes = np.array(CODES, np.uint32)
    assert quality_codes(codes).tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2]
    names = status_array(codes)
    assert names.type == STATUS
    assert names.to_pylist() == NAMES
    assert status_array(np.zeros(3, np.uint32)).to_pylist() == ["Good"] * 3
    assert status_array(np.array([5 << 20], np.uint32)).to_pylist() == ["0x00500000"]
    assert unreadable_rows(codes) == [8]


def test_failures_say_the_node_and_the_status() -> None:
    assert failure_text(0x80340000, "ns=2;s=x").startswith(UNKNOWN_TAG)
    for text in (failure_text(0x801F0000, "ns=2;s=x"), failure_text(0x803A0000, "ns=2;s=x"),
                 history_failure(0x80720000, "ns=2;s=x"), history_failure(0x80020000, "ns=2;s=x")):  # fmt: skip
        assert "ns=2;s=x" in text
        assert "(Bad" in text
        assert not text.startswith(UNKNOWN_TAG)
