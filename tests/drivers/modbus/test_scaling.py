"""Scaled values are the exact decimal result, rounded once."""

from __future__ import annotations

import struct
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.scaling import EXACT, Scale, Scales

DECIMALS = Context(prec=1200)

decimal_scales = st.one_of(
    st.sampled_from([0.1, 0.01, 0.001, 1e-4, 1e-7, 0.5, 0.25, 2.5, 1.8, 10.0, 1000.0, -0.1, 1e-30]),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12).filter(bool),
)
offsets = st.one_of(
    st.just(0.0), st.sampled_from([32.0, -273.15, 0.1]), st.floats(-1e9, 1e9, allow_nan=False)
)
RANGES = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}


def by_decimal(raw: float, scale: float, offset: float) -> Decimal:
    product = DECIMALS.multiply(Decimal(raw), Decimal(repr(scale)))
    return DECIMALS.add(product, Decimal(repr(offset)))


def scaled(kind: str, raw: float, scale: float, offset: float) -> Any:
    dtype = {"float32": "f4", "float64": "f8"}.get(kind, kind)
    values, instead = Scales([Scale.of(scale, offset)], kind).apply(np.array([raw], dtype))
    return instead.get(0, values[0])


@settings(max_examples=2000)
@given(st.data(), st.sampled_from(sorted(RANGES)), decimal_scales, offsets)
def test_integers_equal_the_decimal_result(
    data: st.DataObject, kind: str, scale: float, offset: float
) -> None:
    raw = data.draw(st.integers(*RANGES[kind]))
    expected = by_decimal(raw, scale, offset)
    got = scaled(kind, raw, scale, offset)
    if isinstance(got, int):
        assert got == expected
    else:
        assert got == float(expected)


@settings(max_examples=1000)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False), decimal_scales, offsets)
def test_float32_equal_the_decimal_result(raw: float, scale: float, offset: float) -> None:
    assert scaled("float32", raw, scale, offset) == float(by_decimal(raw, scale, offset))


@settings(max_examples=1000)
@given(st.floats(allow_nan=False, allow_infinity=False), decimal_scales, offsets)
def test_float64_equal_the_exact_result(raw: float, scale: float, offset: float) -> None:
    exact = Fraction(raw) * Fraction(repr(scale)) + Fraction(repr(offset))
    got = scaled("float64", raw, scale, offset)
    try:
        assert got == exact.numerator / exact.denominator
    except OverflowError:
        assert got is None


@pytest.mark.parametrize(
    ("raw", "scale", "value"), [(213, 0.1, 21.3), (3, 0.1, 0.3), (1, 1e-30, 1e-30), (7, 3.3, 23.1)]
)
def test_what_a_float_multiplication_gets_wrong(raw: int, scale: float, value: float) -> None:
    assert scaled("uint16", raw, scale, 0.0) == value


@given(st.integers(0, 65535))
def test_tenths_of_every_register_print_as_written(raw: int) -> None:
    assert repr(float(scaled("uint16", raw, 0.1, 0.0))) == repr(float(Decimal(raw) / 10))


def test_integers_beyond_float64_stay_integers() -> None:
    assert scaled("uint64", EXACT + 1, 1.0, 0.0) == EXACT + 1
    assert scaled("int64", -(2**63), 10.0, 1.0) == -(2**63) * 10 + 1
    assert isinstance(scaled("uint64", EXACT + 1, 1.0, 0.0), int)


def test_a_result_too_large_for_a_float_is_none() -> None:
    assert scaled("float64", 1e308, 1000.0, 0.0) is None


def test_not_a_number_stays_one() -> None:
    nan = struct.unpack(">f", bytes.fromhex("7fc00000"))[0]
    assert np.isnan(scaled("float32", nan, 0.1, 3.0))
    assert scaled("float32", np.inf, 0.1, 0.0) == np.inf
