"""What came or went during a read by key, told apart from what is missing.

A record that was deleted ahead of the read and one that was added behind it leave both counts as they
were, and the read a record short of them; so does a server that loses one. So each page's section of
the key is counted again by itself, and read again where it has fewer rows. The sections cover every
key: each begins behind the one before, the first has no begin and the last no end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from greenlang_data.drivers.odata.key_values import row_at
from greenlang_data.drivers.odata.keyset import key_columns, rows_after, rows_up_to
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.pager import Pager
from greenlang_data.drivers.odata.question import Question

_TRIES: Final = 4
Count = Callable[[Question], Awaitable[int | None]]
Read = Callable[[Question], Awaitable[Sequence[Page]]]


async def settled(
    begun: Pager, behind: Sequence[Pager], count: Count, read: Read, source: str
) -> bool:
    """Whether no section has fewer rows than are counted in it, some after another read.

    The rows ``behind`` what has ``begun`` may be in ranges or parts. What was read again is in the
    pages of all these then. ``count`` asks how many rows there are, ``read`` for all of them.
    """
    for pager in (begun, *behind):
        pages: list[Page] = []
        ends = pager is begun and len(behind) > 0
        for asked, page in _sections(pager, source, ends=ends):
            found = await _settled(asked, page, count, read)
            if found is None:
                return False
            pages += found
        pager.pages = pages
        pager.rows = sum(one.rows for one in pages)
    return True


async def _settled(asked: Question, page: Page, count: Count, read: Read) -> Sequence[Page] | None:
    pages: Sequence[Page] = [page]
    before: int | None = None
    for _ in range(_TRIES):
        after = await count(asked)
        if after is None:
            return None
        # What came or went during another read of the section is in one of both counts at most.
        if sum(one.rows for one in pages) >= min(after, after if before is None else before):
            return pages
        before, pages = after, await read(asked)
    return None


def _sections(pager: Pager, source: str, *, ends: bool) -> Iterator[tuple[Question, Page]]:
    """What to ask for the rows between the last key of each page and that of the one before.

    The last section ends with a key as well, if others begin behind it.
    """
    question = pager.question
    keys, version = key_columns(question.chosen.entities), question.chosen.version
    low: Mapping[str, Any] = {}
    # A range without rows is a section too.
    pages = [one for one in pager.pages if one.rows] or pager.pages[:1]
    for page in pages:
        tests = [question.within, rows_after(keys, low, version) if low else ""]
        if page.rows and (ends or page is not pages[-1]):
            low = row_at(page, question.read, keys, page.rows - 1, source)
            tests.append(rows_up_to(keys, low, version))
        yield replace(question, within=" and ".join(filter(None, tests))), page
