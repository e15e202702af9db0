"""What is left of a read on disk, whatever is missing, mixed or there twice: a true beginning of it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.kept_links import at_place, place_of, unknown_params
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.saved import Saved, line_name, saved_page, saved_plan

COLUMNS = [Property("ID", "Edm.Int64"), Property("Name", "Edm.String")]
LINES = ("one", "other")


def batches(line: str, sizes: list[int], *, by_key: bool) -> list[pa.RecordBatch]:
    """The pages of a line: its rows are numbered from 0 on, and named after it."""
    found, before = [], 0
    for size in sizes:
        numbers = pa.array(range(before, before + size), pa.int64())
        page = Page(size, [numbers, pa.array([line] * size, pa.string())], None, None)
        after = repr((before - 1,)) if before else ""
        about: dict[str, Any] = {"line": line, "before": before, "counted": None}
        found.append(saved_page(COLUMNS, page, after=after if by_key else None, **about))
        before += size
    return found


@given(st.data(), st.lists(st.integers(1, 5), min_size=1, max_size=8), st.booleans())
def test_a_line_is_always_a_true_beginning(
    data: st.DataObject, sizes: list[int], by_key: bool
) -> None:
    every = [one for line in LINES for one in batches(line, sizes, by_key=by_key)]
    every.append(saved_plan("one", {"ranges": []}))
    every.append(pa.record_batch({"something": ["else"]}))
    left = data.draw(st.lists(st.sampled_from(every), max_size=30))
    for line in LINES:
        pages = [page for page, _ in Saved(left).line(line, COLUMNS, ["ID"] if by_key else [])]
        numbers = [one for page in pages for one in page.columns[0].to_pylist()]  # type: ignore[union-attr]
        names = {one for page in pages for one in page.columns[1].to_pylist()}  # type: ignore[union-attr]
        assert numbers == list(range(len(numbers)))
        assert names <= {line}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 7), st.booleans())
def test_what_is_whole_comes_back_whole_also_behind_what_was_damaged(
    sizes: list[int], lost: int, by_key: bool
) -> None:
    line = batches("one", sizes, by_key=by_key)
    keys = ["ID"] if by_key else []
    left = [one for place, one in enumerate(line) if place != lost]
    # A second read went on where the first had a gap, and was killed as well.
    again = [*left, *line[lost:]]
    found = Saved(again).line("one", COLUMNS, keys)
    assert sum(page.rows for page, _ in found) == sum(sizes)


def test_the_newest_plan_counts() -> None:
    saved = Saved([saved_plan("one", {"n": 1}), saved_plan("one", None), saved_plan("other", 3)])
    assert saved.plan("one") is None
    assert saved.plan("other") == 3
    assert Saved([saved_plan("one", 1), saved_plan("one", 2)]).plan("one") == 2
    assert Saved([]).plan("one") is None
    assert line_name("a", 1) != line_name("a", "1")


def test_only_links_without_a_possible_secret_are_kept() -> None:
    link = "https://sap.example.com/S/Rows?sap-client=100&%24skiptoken=D2%2C3&$filter=A%20eq%201"
    assert unknown_params(link) == []
    assert at_place("https://sap.example.com/base", place_of(link)) == link
    assert unknown_params("https://h/S?$skiptoken=1&sig=abc&SESSION=2") == ["SESSION", "sig"]
    assert unknown_params("https://h/S?!deltatoken='D1'&cross-company=true") == []
