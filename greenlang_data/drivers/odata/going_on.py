"""How a read by the server's own links goes on behind the last page that an earlier read kept.

The link of that page is followed, so that nothing is asked for twice but what was on its way. That
it goes on where the page ended is proven before:

- by the protocol, where the link itself holds the place: Dataverse's cookies name the last record,
  and SAP's delta queue (ODP) gives the rows of one request, whatever changes meanwhile;
- else by the place of the last record: its key alone is asked for by its place, which others may
  have shifted. That is one row, and no page;
- else, where rows have no key or cannot be skipped, or changes come from no such queue, the last
  page is asked for again, and must have the same records: two pages are asked for twice then.

What the link gives has to be new. Where it leads nowhere, back, or is refused, the read begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.odata.changes import MODE, link_of
from greenlang_data.drivers.odata.keyset import key_columns
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.question import Question

_COMPARED: Final = 10  # rows


class NotTheSameError(Exception):
    """What an earlier read was told is told otherwise now, so that it cannot be gone on with."""


class Doubt(Enum):
    """What is still to be proven before an earlier read has been gone on with."""

    NONE = auto()
    PLACE = auto()
    """The last record is where it was."""
    PAGE = auto()
    """The last page is as it was."""
    LINK = auto()
    """The link goes on with other records."""


def first_doubt(question: Question, rows: int, link: str | None) -> Doubt:
    """What is to be proven first behind so many rows; ``link`` is None where it was not kept."""
    if link is None:
        return Doubt.PAGE
    in_queue = question.tracks and MODE in question.chosen.entities.properties
    if link and (question.profile.steady_links or in_queue):
        return Doubt.LINK
    told = rows and question.can_skip and key_columns(question.chosen.entities)
    return Doubt.PLACE if told and link_of(question.since) is None else Doubt.PAGE


def places_of(question: Question) -> list[int]:
    """Where the key is among the columns that are read; all of them where there is none."""
    names = [one.name for one in question.read]
    keys = [names.index(one) for one in question.keys if one in names]
    return keys or list(range(len(names)))


def has_same_rows(page: Page, other: Page, places: Sequence[int]) -> bool:
    """Whether two pages have the same values in some columns."""
    return page.rows == other.rows and all(
        page.columns[one] == other.columns[one] for one in places
    )


def next_doubt(question: Question, pages: Sequence[Page], page: Page, *, may_end: bool) -> Doubt:
    """What is to be proven once the link behind ``pages`` has given ``page``.

    ``may_end`` is whether it is known that there may be nothing more. Raises NotTheSameError where
    the link goes back.
    """
    leads_nowhere = not (page.rows or page.next_link or page.delta_link)
    if leads_nowhere:
        return Doubt.NONE if may_end else Doubt.PAGE
    places = places_of(question)
    # A record may have been changed twice, but not all of a page.
    if link_of(question.since) is not None:
        goes_back = page.rows > 0 and has_same_rows(page, pages[0], places)
    else:
        goes_back = page.rows > 0 and _has_row_of(pages, page, places)
    if goes_back:
        raise NotTheSameError("its link leads back to records that it gave before")
    return Doubt.NONE


def begin_alike(page: Page, other: Page, *, keyed: bool) -> bool:
    """Whether ``page`` has rows, and those that ``other`` begins with.

    With keys it may have fewer, since the last page is asked to have fewer under a limit; without
    them rows may be alike.
    """
    fewer = page.rows < other.rows and keyed
    if not page.rows or not (page.rows == other.rows or fewer):
        return False
    some = min(page.rows, _COMPARED)
    return all(
        one is two or (one is not None and two is not None and one[:some].equals(two[:some]))
        for one, two in zip(page.columns, other.columns, strict=True)
    )


def _has_row_of(pages: Sequence[Page], page: Page, places: Sequence[int]) -> bool:
    """Whether the first or the last row of ``page`` is among those of ``pages`` already."""
    return any(_has_row(one, page, at, places) for at in (0, page.rows - 1) for one in pages)


def _has_row(among: Page, page: Page, at: int, places: Sequence[int]) -> bool:
    same: pa.Array | pa.Scalar = pa.scalar(among.rows > 0)
    for place in places:
        one, values = page.columns[place], among.columns[place]
        if one is None or values is None:
            return False
        same = pc.and_(same, pc.equal(values, one[at]).fill_null(False))
    return bool(pc.any(same).as_py()) if isinstance(same, pa.Array) else False
