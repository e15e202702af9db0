"""Units are UCUM, or in braces, or refused with the right spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.settings.unit import checked_unit, is_ucum


@pytest.mark.parametrize(
    "unit",
    "Cel kg/h m3 m3/h {Nm3}/h mg/m3 mg/m3{dry} kW.h MW t/h % [ppm] bar kPa m[H2O] /min 1 s-1 Hz "
    "10*6.[Btu_IT] [degF] [psi] L/min A V kV.A mA um".split(),
)
def test_ucum_units_pass(unit: str) -> None:
    assert checked_unit(unit) == unit


@pytest.mark.parametrize(
    ("unit", "near"),
    [("degC", "Cel"), ("kWh", r"kW\.h"), ("ppm", r"\[ppm\]"), ("kgh", "kg/h"), ("Kg/h", "kg/h")],
)
def test_other_units_are_refused_with_the_nearest(unit: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean '{near}'"):
        checked_unit(unit)


@pytest.mark.parametrize("unit", ["", " ", "kg//h", "m**3", "{}", "kg/", "1/", "h/{", "."])
def test_what_is_no_expression_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match="not a UCUM unit"):
        checked_unit(unit)


@given(st.text(max_size=12))
def test_any_text_gets_an_answer(text: str) -> None:
    assert is_ucum(text) in (True, False)
