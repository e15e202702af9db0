"""What an error says of a name that is not there."""

from __future__ import annotations

import pytest

from greenlang_data.nearest import did_you_mean, nearest, nearest_and_all, nearest_or_all


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("temprature", "Temperature"),  # a slip
        ("TEMPERATURE", "Temperature"),  # another case
        ("pressures", "Pressure"),  # a plural
        ("flow", "FlowRate"),  # an abbreviation
    ],
)
def test_the_name_that_was_meant_is_found(wrong: str, right: str) -> None:
    assert nearest(wrong, ["Pressure", "FlowRate", "Temperature"]) == (right,)


def test_what_is_like_nothing_has_no_nearest_name() -> None:
    assert nearest("zzz", ["Pressure"]) == ()
    assert nearest("mean", ["min", "max", "avg"]) == ()
    assert did_you_mean("zzz", ["Pressure"]) == ""
    assert did_you_mean("anything", []) == ""


def test_several_come_with_the_nearest_first() -> None:
    assert nearest("plant_cod", ["plant", "plant_code", "vendor"], most=2) == (
        "plant_code",
        "plant",
    )


def test_a_set_is_told_in_the_same_order_each_time() -> None:
    names = {f"name{number}" for number in range(50)}
    told = ", ".join(sorted(names))
    assert nearest_and_all("x", names) == f"There are: {told}."
    assert nearest_or_all("x", {"b", "a", "c"}) == "write a, b or c"


def test_where_there_is_nothing_it_says_so() -> None:
    assert nearest_and_all("x", [], "Registered") == "Registered: none."
