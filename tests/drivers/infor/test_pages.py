"""Paging by cursor: every row once, or the news that the rows have moved."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.infor.pages import MovedError, Pages
from greenlang_data.drivers.infor.wire import Page
from greenlang_data.errors import ProtocolError, SourceUnreachable

ROWS = st.sets(st.text("AB01", min_size=1, max_size=4), max_size=25)


@dataclass
class Grid:
    """Rows in order, at most ``most`` at a time, whatever is asked for."""

    rows: list[str]
    most: int
    last: str = "zero"
    failing: set[int] = field(default_factory=set)
    changes: dict[int, list[str]] = field(default_factory=dict)
    asked: int = 0

    async def page(self, position: int, rows: int) -> Page:
        self.asked += 1
        if self.asked in self.failing:
            raise SourceUnreachable("the line went dead")
        self.rows = self.changes.get(self.asked, self.rows)
        end = min(position + min(rows, self.most), len(self.rows))
        found = [{"code": one} for one in self.rows[position:end]]
        more = end < len(self.rows)
        ended = {"zero": 0, "missing": None, "stuck": position}[self.last]
        return Page(found, {}, position, end if more else ended, says_more=more)


def read(grid: Grid, size: int) -> list[str]:
    async def gather() -> list[str]:
        pages = Pages(grid.page, lambda row: (row["code"],), size, "infor")
        found: list[str] = []
        while not pages.ended:
            with contextlib.suppress(SourceUnreachable):
                found += [row["code"] for row in (await pages.next()).rows]
        return found

    return asyncio.run(gather())


@given(ROWS, st.integers(1, 6), st.integers(2, 8), st.sampled_from(["zero", "missing", "stuck"]))
def test_every_row_comes_once_however_the_cursor_ends(
    rows: set[str], size: int, most: int, last: str
) -> None:
    assert read(Grid(sorted(rows), most, last), size) == sorted(rows)


@given(ROWS, st.integers(1, 6), st.sets(st.integers(1, 20)))
def test_a_page_that_failed_is_asked_for_again(rows: set[str], size: int, bad: set[int]) -> None:
    assert read(Grid(sorted(rows), 100, failing=bad), size) == sorted(rows)


@given(ROWS, st.integers(1, 6), st.integers(2, 5), st.data())
def test_a_row_that_leaves_or_joins_is_noticed_or_changes_nothing_before_it(
    rows: set[str], size: int, turn: int, data: st.DataObject
) -> None:
    before = sorted(rows)
    after = sorted(data.draw(ROWS))
    grid = Grid(before, 100, changes={turn: after})
    try:
        found = read(grid, size)
    except MovedError:
        return
    assert len(set(found)) == len(found)
    # What was not noticed is as if it had been so from the start, or not yet.
    at = min((turn - 1) * size, len(before))
    assert found == before[:at] + after[at:] or found == before


def test_more_records_without_a_way_to_them_are_an_error() -> None:
    async def page(position: int, rows: int) -> Page:
        return Page([{"code": "A"}], {}, 0, 0, says_more=True)

    with pytest.raises(ProtocolError, match="no way to them"):
        asyncio.run(Pages(page, lambda row: (row["code"],), 5, "infor").next())
