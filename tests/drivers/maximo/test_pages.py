"""Paging by key: every record once, wherever it is broken off and taken up again."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.maximo.dialect import Page, Row
from greenlang_data.drivers.maximo.pages import Pages
from greenlang_data.errors import ProtocolError, SourceUnreachable

KEY = ("siteid", "wonum")
_CONDITION = re.compile(r'(\w+)(=|>)"([^"]*)"')
TEXT = st.text("AB01-", min_size=1, max_size=3)
KEYS = st.sets(st.tuples(TEXT, TEXT), max_size=25)


@dataclass
class Table:
    """Answers conditions joined by "and" over its rows, in the order asked, a page at a time."""

    rows: list[Row]
    size: int
    source: str = "mx"
    ignores_conditions: bool = False
    failing: set[int] = field(default_factory=set)
    later: list[Row] = field(default_factory=list)
    after: int = 0
    asked: int = 0

    async def page(self, structure: str, params: Any, log: ReadLog) -> Page:
        self.asked += 1
        if self.asked - 1 in self.failing:
            raise SourceUnreachable("the line went dead")
        if self.asked > self.after:
            self.rows, self.later = self.rows + self.later, []
        given = dict(params)
        rows = self.rows
        for name, operator, value in _CONDITION.findall(given.get("oslc.where", "")):
            if self.ignores_conditions:
                break
            rows = [
                row
                for row in rows
                if (row[name] > value if operator == ">" else row[name] == value)
            ]
        order = [name.removeprefix("+") for name in given["oslc.orderBy"].split(",")]
        rows = sorted(rows, key=lambda row: tuple(row[name] for name in order))
        return Page(rows[: self.size], None, is_last=len(rows) < self.size)


def table(keys: set[tuple[str, str]], size: int, **more: Any) -> Table:
    return Table([{"siteid": site, "wonum": number} for site, number in keys], size, **more)


def read(table: Table) -> list[tuple[str, str]]:
    """All keys; after a failure the same page is asked for again."""

    async def gather() -> list[tuple[str, str]]:
        pages = Pages(table, "MXWO", KEY, [], [], ReadLog())
        found: list[tuple[str, str]] = []
        while not pages.ended:
            with contextlib.suppress(SourceUnreachable):
                rows = await pages.next()
                found += [(row["siteid"], row["wonum"]) for row in rows]
        return found

    return asyncio.run(gather())


@given(KEYS, st.integers(1, 6))
def test_every_record_comes_once_and_in_order(keys: set[tuple[str, str]], size: int) -> None:
    assert read(table(keys, size)) == sorted(keys)


@given(KEYS, st.integers(1, 6), st.sets(st.integers(0, 20)))
def test_a_page_that_failed_is_asked_for_again_without_a_gap_or_a_repetition(
    keys: set[tuple[str, str]], size: int, failing: set[int]
) -> None:
    broken = table(keys, size, failing=failing)
    assert read(broken) == sorted(keys)


@given(KEYS, KEYS, st.integers(1, 4), st.integers(0, 4))
def test_records_that_appear_meanwhile_shift_nothing(
    keys: set[tuple[str, str]], others: set[tuple[str, str]], size: int, after: int
) -> None:
    growing = table(keys, size, later=table(others - keys, 1).rows, after=after)
    found = read(growing)
    assert keys <= set(found) <= keys | others
    assert all(one < other for one, other in pairwise(found))


def test_a_server_that_does_not_keep_to_the_condition_is_refused_and_not_read_for_ever() -> None:
    liar = table({("A", "1"), ("A", "2"), ("A", "3")}, 2, ignores_conditions=True)
    with pytest.raises(ProtocolError, match="twice"):
        read(liar)


def test_records_without_their_key_are_refused() -> None:
    with pytest.raises(ProtocolError, match="without their keys"):
        read(Table([{"siteid": "A", "wonum": ""}], 5))


def test_a_key_that_cannot_stand_in_a_condition_is_an_error_and_no_gap() -> None:
    with pytest.raises(ProtocolError, match="pattern"):
        read(table({("A", "50%"), ("A", "60%")}, 1))
