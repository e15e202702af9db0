"""The ranges of the key in which the rest of a large set is read, and what is kept of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from greenlang_data.drivers.odata.keyset import key_columns
from greenlang_data.drivers.odata.pager import Pager
from greenlang_data.drivers.odata.parts import NotInRangesError
from greenlang_data.drivers.odata.question import Question
from greenlang_data.drivers.odata.ranges import (
    LEAST_PAGES,
    Range,
    counts_out,
    even_places,
    ranges_after,
    ranges_between,
)

KeyAt = Callable[[int | None], Awaitable[tuple[Any, ...]]]


def not_in_ranges(question: Question, pager: Pager) -> str:
    """Why what is left is not read in ranges; nothing where it may be, or none are worth it."""
    if not pager.by_key:
        return "it is not asked for rows after a key"
    return "" if pager.counted is not None else "it does not count"


async def find_ranges(question: Question, pager: Pager, key_at: KeyAt, at_once: int) -> list[Range]:
    """The ranges of what is left behind the pages of ``pager``; none where few are left.

    ``key_at`` asks for the key of a row by its place in the server's order, or for the last one.
    Raises what that raises, and NotInRangesError where no bounds can be told.
    """
    counted, keys = pager.counted, key_columns(question.chosen.entities)
    assert counted is not None, "there is a reason against it"
    pages = math.ceil((counted - pager.rows) / max(1, *(one.rows for one in pager.pages)))
    if pages < LEAST_PAGES:
        return []
    version, last = question.chosen.version, pager.last_key
    if counts_out(keys[0], last[0]):
        end = await key_at(None)
        found = end and ranges_after(keys, last, end[0], pages, at_once, version)
        if found:
            return found
    if not question.can_skip:
        raise NotInRangesError("the order of its keys is not known, and it does not skip rows")
    places = even_places(pager.rows, counted, pages, at_once)
    bounds = await _all_of([key_at(one) for one in places])
    if len({last, *bounds}) <= len(places) or () in bounds:
        raise NotInRangesError("it does not tell the key of a row by its place")
    ends = [pager.rows, *(one + 1 for one in places), counted]
    return ranges_between(keys, last, bounds, ends, version)


async def _all_of(asked: Sequence[Awaitable[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """All answers, once all have come; the first failure is raised then."""
    found = await asyncio.gather(*asked, return_exceptions=True)
    failed = next((one for one in found if isinstance(one, BaseException)), None)
    if failed is not None:
        raise failed
    return [one for one in found if not isinstance(one, BaseException)]


def plan_of(ranges: Sequence[Range], pager: Pager) -> dict[str, Any]:
    """The ranges behind the pages of ``pager``, as they are kept for a later read."""
    return {"behind": repr(pager.last_key), "ranges": list(map(list, ranges))}


def planned(plan: Any, pager: Pager) -> list[Range]:
    """The ranges of an earlier read, where they are those behind the pages of ``pager``."""
    if plan is None or plan["behind"] != repr(pager.last_key):
        return []
    return [Range(*one) for one in plan["ranges"]]
