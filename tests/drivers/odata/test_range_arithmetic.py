"""The arithmetic of ranges: whatever the keys are, each row is in exactly one of them."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.ranges import (
    LEAST_PAGES,
    even_places,
    ranges_after,
    ranges_between,
)

NUMBER = Property("N", "Edm.Int64")
DIGITS = Property("D", "Edm.String")
TEXT = Property("T", "Edm.String")

numbers = st.integers(-(2**40), 2**40)
digits = st.integers(0, 10**8 - 1).map(lambda one: f"{one:08d}")
texts = st.text("abcABC'019 ", min_size=1, max_size=4)


def holds(condition: str, row: dict[str, Any]) -> bool:
    """Whether a condition of comparisons holds, by an evaluation of its text."""

    def decided(test: re.Match[str]) -> str:
        own = row[test[1]]
        text = test[3]
        bound = text[1:-1].replace("''", "'") if text.startswith("'") else int(text)
        how = {"eq": own == bound, "gt": own > bound, "ge": own >= bound, "lt": own < bound}
        return str({**how, "le": own <= bound}[test[2]])

    text = re.sub(r"([NDT]) (eq|gt|ge|lt|le) ('(?:[^']|'')*'|-?\d+)", decided, condition)
    return bool(eval(text))


def assert_each_in_one(ranges: list[Any], rows: list[dict[str, Any]]) -> list[int]:
    places = []
    for row in rows:
        inside = [place for place, one in enumerate(ranges) if holds(one.condition, row)]
        assert len(inside) == 1, row
        places += inside
    assert places == sorted(places)  # in the order of the ranges
    return places


@given(st.sets(numbers, min_size=2, max_size=60), st.integers(4, 200), st.integers(2, 16))
def test_counted_out_ranges_of_numbers(keys: set[int], pages: int, at_once: int) -> None:
    last, *rest = sorted(keys)
    ranges = ranges_after([NUMBER], (last,), rest[-1], pages, at_once, 4)
    if not ranges:
        assert rest[-1] - last <= 2
        return
    assert len(ranges) <= at_once * 8
    places = assert_each_in_one(ranges, [{"N": one} for one in rest])
    for place, one in zip(places, rest, strict=True):
        assert ranges[place].low <= one
    assert not any(holds(one.condition, {"N": last}) for one in ranges)


@given(
    st.sets(st.tuples(digits, texts), min_size=2, max_size=40),
    st.integers(LEAST_PAGES, 90),
    st.integers(2, 8),
)
def test_counted_out_ranges_of_two_columns(
    keys: set[tuple[str, str]], pages: int, at_once: int
) -> None:
    last, *rest = sorted(keys)
    ranges = ranges_after([DIGITS, TEXT], last, rest[-1][0], pages, at_once, 4)
    if ranges:
        assert_each_in_one(ranges, [{"D": one, "T": other} for one, other in rest])


@given(
    st.sets(st.tuples(texts, numbers), min_size=12, max_size=80),
    st.integers(1, 5),
    st.integers(2, 8),
    st.integers(4, 30),
)
def test_ranges_between_keys_that_the_server_named(
    keys: set[tuple[str, int]], read: int, at_once: int, pages: int
) -> None:
    every = sorted(keys)
    places = even_places(read, len(every), pages, at_once)
    assert places == sorted(set(places))
    assert all(read <= one < len(every) - 1 for one in places)
    bounds = [every[one] for one in places]
    ends = [read, *(one + 1 for one in places), len(every)]
    ranges = ranges_between([TEXT, NUMBER], every[read - 1], bounds, ends, 4)
    rows = [{"T": text, "N": number} for text, number in every[read:]]
    found = assert_each_in_one(ranges, rows)
    assert [found.count(place) for place in range(len(ranges))] == [one.share for one in ranges]
    for text, number in every[:read]:
        assert not any(holds(one.condition, {"T": text, "N": number}) for one in ranges)


def test_few_pages_are_not_worth_ranges() -> None:
    assert ranges_after([NUMBER], (0,), 1_000, LEAST_PAGES - 1, 4, 4) == []
    assert ranges_after([NUMBER], (5,), 5, 40, 4, 4) == []
    assert ranges_after([DIGITS], ("009",), "10", 40, 4, 4) == []
    assert ranges_after([TEXT], ("a",), "z", 40, 4, 4) == []
