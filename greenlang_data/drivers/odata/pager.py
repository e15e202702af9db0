"""Which page is next, and which was the last.

Where the key sorts, the next page is asked for by the last key: rows that others insert or delete
meanwhile then shift nothing. Else the server's own links are followed, and where it has none, rows
are skipped. A short page proves nothing, since a server may lower what it gives without a word.

A read that was killed goes on after its last key, or with the link of its last page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Answer
from greenlang_data.drivers.odata.changes import CHANGE, link_mark, link_of
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.endings import LateRows, end_with_repeated
from greenlang_data.drivers.odata.going_on import (
    Doubt,
    NotTheSameError,
    begin_alike,
    first_doubt,
    has_same_rows,
    next_doubt,
    places_of,
)
from greenlang_data.drivers.odata.kept_links import (
    at_place,
    named,
    own_link,
    place_of,
    unknown_params,
)
from greenlang_data.drivers.odata.key_values import keys_of, row_at
from greenlang_data.drivers.odata.keyset import key_columns, rows_after
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.question import Question
from greenlang_data.drivers.odata.saved import Saved, line_name, saved_page, saved_plan
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.odata import ODataSettings

_MOST_EMPTY_PAGES: Final = 100
_SMALLEST_PAGE: Final = 100


class Pager:
    """The pages of one question.

    ``size`` is how many rows a page is asked to have; ``columns`` are those of its pages;
    ``told_before`` are changes of an earlier read that are asked for again.
    """

    def __init__(
        self,
        question: Question,
        client: HttpClient,
        settings: ODataSettings,
        log: ReadLog,
        source: str,
    ) -> None:
        self.question = question
        self._client = client
        self._settings = settings
        self._log = log
        self._source = source
        # Whoever tracks changes gives the mark behind the last of its own pages.
        self.tracks = question.tracks
        self._tells_changes = link_of(question.since) is not None
        more = [Property(CHANGE, "Edm.String")] if self._tells_changes else []
        self.columns = [*question.read, *more]
        self._line = question.line if settings.checkpoint_path is not None else ""
        self._unsaved: list[pa.RecordBatch] = []
        self.told_before: list[Page] = []
        self.begin()

    def begin(self) -> None:
        """Begin at the first page, whatever there is."""
        by_key = self.question.profile.by_key and not self.tracks
        self._keys = key_columns(self.question.chosen.entities) if by_key else ()
        self.begun = self.question.begun
        self._followed_links: set[str] = set()
        self._has_linked = False
        self._answer: Answer[Page] | None = None
        self._link: str | None = None
        self._doubt = Doubt.NONE
        self._at = ""  # where the last page is, and how many rows it was asked to have
        self._size_then = self.size = self._settings.page_size
        self._first: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._empty = 0
        self._late = LateRows()
        self._skips = False
        self._links_on = False
        self._asked_from = 0  # how many rows had come before a page was asked for, not linked to
        self.pages: list[Page] = []
        self.rows = 0
        self.resumed_rows = 0
        self.counted: int | None = None
        self.ended = False

    @property
    def by_key(self) -> bool:
        """Whether the pages after the first are asked for by the last key."""
        return bool(self._keys)

    @property
    def may_drift(self) -> bool:
        """Whether what was read is of more than one moment."""
        return sum(page.rows > 0 for page in self.pages) > 1

    @property
    def first_key(self) -> tuple[Any, ...]:
        """The key of the first row, where pages are asked for by it."""
        return tuple(self._first.values())

    @property
    def last_key(self) -> tuple[Any, ...]:
        """The key of the last row, where pages are asked for by it."""
        return tuple(self._last.values())

    @property
    def asks_for_place(self) -> bool:
        """Whether :meth:`take_place` is to be told the key of the record where the last one was."""
        return self._doubt is Doubt.PLACE

    @property
    def is_in_doubt(self) -> bool:
        """Whether it is not proven yet that an earlier read can be gone on with."""
        return self._doubt is not Doubt.NONE

    def url(self) -> str:
        """What to ask for next. Raises ProtocolError for a link that leads elsewhere or back."""
        size, self._links_on = self.size, False
        if not self.pages:
            link = link_of(self.question.since)
            if link is not None:
                return self._client.resolve(self._absolute(link))
            return self.question.url(page_size=None if self.tracks else size)
        if self._keys and self.pages[-1].rows:
            after = rows_after(self._keys, self._last, self.question.chosen.version)
            return self.question.url(page_size=size, read=self.rows, after=after)
        self._links_on = self._doubt is Doubt.PAGE or bool(self._link)
        if self._doubt is Doubt.PAGE:
            return self._at
        if self._link:
            return self._followed(self._link)
        self._skips = True
        return self.question.url(page_size=size, read=self.rows, skip=self.rows)

    def take(self, answer: Answer[Page]) -> None:
        """Add a page. Raises ProtocolError for one that leads on to nothing but empty ones.

        Raises NotTheSameError where an earlier read cannot be gone on with.
        """
        page = answer.data
        assert page is not None
        if self._doubt is not Doubt.NONE and not self._is_next(page, answer):
            return
        if self._skips and begin_alike(page, self.pages[0], keyed=bool(self.question.keys)):
            end_with_repeated(page, self.rows, self.size, self.counted, self._log, self._source)
            self.ended = True
            return
        after = self.last_key
        if self._keys and page.rows:
            first, last = self._row(page, 0), self._row(page, page.rows - 1)
            if self.pages and (first in (self._first, self._last) or last == self._last):
                self.without_keys("it does not compare keys")
                return
            if len(self.pages) == 1 and keys_of(page, self.question.read, self._keys) & keys_of(
                self.pages[0], self.question.read, self._keys
            ):
                self.without_keys("it does not sort by its key")
                return
            self._first = self._first or first
            self._last = last
            if None in self._last.values():
                self.without_keys("a key is empty")
        if not self.pages:
            self.counted = self.question.profile.known(page.count)
        self.pages.append(page)
        self.rows += page.rows
        self._turn(page, answer)
        if self._line:
            self._keep(page, after)

    def _turn(self, page: Page, answer: Answer[Page]) -> None:
        # Only looked at when it is followed: a proxy's other name for the server harms nobody else.
        self._followed_links.add(answer.url)
        self._at, self._size_then = answer.url, self.size
        if not self._links_on:
            self._asked_from = self.rows - page.rows
        self._answer, self._link = answer, page.next_link
        self._has_linked = self._has_linked or self._link is not None
        self.ended = self._is_last(page)

    def take_place(self, key: tuple[Any, ...]) -> None:
        """Take the key of the record that is where the last one was; () where it is not told."""
        keys = key_columns(self.question.chosen.entities)
        some = next(one for one in reversed(self.pages) if one.rows)
        last = tuple(self._row(some, some.rows - 1, keys).values())
        self._doubt = Doubt.LINK if key == last else Doubt.PAGE

    def _is_next(self, page: Page, answer: Answer[Page]) -> bool:
        """Whether ``page`` is the next one behind those of an earlier read, once that is proven.

        Else it is the last of these, asked for again, or does not prove it yet.
        """
        before = self.pages[-1]
        if self._doubt is Doubt.LINK:
            may_end = not self._link or self.rows == self.counted
            self._doubt = next_doubt(self.question, self.pages, page, may_end=may_end)
            return self._doubt is Doubt.NONE
        if not has_same_rows(page, before, places_of(self.question)):
            raise NotTheSameError("its last page has other records now")
        self.pages[-1] = page
        self.resumed_rows -= before.rows
        self._doubt = Doubt.NONE
        self._turn(page, answer)
        return False

    def begin_anew(self) -> None:
        """Begin at the first page, since an earlier read cannot be gone on with.

        What had changed is asked for again, and has to be told again: that it was is only known
        once all has come.
        """
        if self._tells_changes:
            self.told_before += self.pages
        self.begin()

    def without_keys(self, why: str) -> None:
        """Go on with the server's links, because it cannot be asked for rows after a key."""
        if self._line:
            self._unsaved.append(saved_plan(self._why_not_by_key, why))
        self._follow_links(why)

    @property
    def _why_not_by_key(self) -> str:
        """The line under which it is kept that there is no asking by key."""
        return line_name(self._line, "by key")

    def _follow_links(self, why: str) -> None:
        self._log.note(f"its own pages were followed, since {why}; changes may have shifted them")
        self._keys = ()
        if self.pages and self._answer is None:
            self.size = self._size_then
            self._doubt = first_doubt(self.question, self.rows, self._link)

    def _keep(self, page: Page, after: tuple[Any, ...]) -> None:
        """Have a page kept for a later read, unless its address is needed and may be a secret."""
        unknown = unknown_params(self._at)
        if unknown and not self._keys:
            self._line = ""
            self._log.note(
                "its pages are not kept for a read that is killed, since its links have parameters "
                f"that may be secret: {named(unknown)}"
            )
            return
        about = {
            "line": self._line,
            "before": sum(one.rows for one in self.told_before) + self.rows - page.rows,
            "round": len(self.told_before),
            "after": (repr(after) if after else "") if self._keys else None,
            "counted": self.counted,
            "begun": self.begun.isoformat(),
            "asked": "" if unknown else place_of(self._at),
            "size": self.size,
            "linked": self._has_linked,
            "next": self._place(page.next_link),
            "mark": self._place(page.delta_link),
            "from": self._asked_from,
        }
        # The mark of what is tracked is on the last page, and nowhere else.
        about["ended"] = self.ended and about["mark"] is not None
        self._unsaved.append(saved_page(self.columns, page, **about))

    def _place(self, link: str | None) -> str | None:
        """Where a link leads, nothing where there is none, None where that may not be kept."""
        if link is None:
            return ""
        try:
            url = self._absolute(link)
        except ProtocolError:
            return None
        return None if unknown_params(url) else place_of(url)

    def unsaved(self) -> list[pa.RecordBatch]:
        """What has come since this was last asked, for :meth:`resume` to go on after."""
        found, self._unsaved = self._unsaved, []
        return found

    def resume(self, saved: Saved) -> None:
        """Take the pages of an earlier read, as far as each begins where the one before ended."""
        keys = [one.name for one in self._keys]
        found = saved.line(self._line, self.columns, keys) if self._line else []
        while found and not found[-1].page.rows and not found[-1].leads_on:
            found.pop()
        if not found:
            return
        about = found[-1].about
        self.told_before = [one.page for one in found if one.about["round"] < about["round"]]
        found = found[len(self.told_before) :]
        self.pages = [one.page for one in found]
        self.rows = self.resumed_rows = sum(one.rows for one in self.pages)
        self.counted = self.question.profile.known(self.pages[0].count)
        self.begun = datetime.fromisoformat(found[0].about["begun"])
        self._asked_from = about["from"]
        self._has_linked, self.ended = about["linked"], about["ended"]
        self._at, self._size_then = at_place(self._client.base_url, about["asked"]), about["size"]
        self._link = about["next"] and at_place(self._client.base_url, about["next"])
        if about["mark"]:
            self.pages[-1] = replace(
                self.pages[-1], delta_link=at_place(self._client.base_url, about["mark"])
            )
        if about["after"] is None:
            self._keys, self.size = (), self._size_then
            if not self.ended:
                self._doubt = first_doubt(self.question, self.rows, self._link)
        elif self.rows:
            some = [one for one in self.pages if one.rows]
            self._first = self._row(some[0], 0)
            self._last = self._row(some[-1], some[-1].rows - 1)
            why = saved.plan(self._why_not_by_key)
            if why is not None:
                self._follow_links(why)
        self._followed_links = {
            at_place(self._client.base_url, one.about["asked"]) for one in found[:-1]
        }

    @property
    def mark(self) -> str | None:
        """The link to the changes from now on, where the server gave one."""
        link = self.pages[-1].delta_link if self.pages else None
        return None if link is None else link_mark(self._absolute(link))

    def ask_for_less(self) -> None:
        """Ask for smaller pages, because the server did not finish one.

        Not behind links that hold the size: to ask for another beside them loses rows.
        """
        if self.pages and (self.question.profile.steady_links or self._doubt is Doubt.PAGE):
            return
        self.size = max(self.size // 4, _SMALLEST_PAGE)

    def _is_last(self, page: Page) -> bool:
        question = self.question
        if question.limit is not None and not question.here and self.rows >= question.limit:
            return True
        self._empty = 0 if page.rows else self._empty + 1
        if self._empty > _MOST_EMPTY_PAGES:
            raise ProtocolError("it links from one empty page to the next", source=self._source)
        if self._link is not None:
            return False
        if not page.rows or self.tracks or not (self._keys or question.can_skip):
            return True
        # One that counts fewer than it gives may have more of them. What ranges lack is told by the
        # count of the whole.
        counts = not question.profile.counts_pages or bool(question.within)
        if self.is_counted and (question.is_of_one or counts):
            return True
        # It links where there is more, but not beyond what was asked for; an empty page behind the
        # last key proves more than no link.
        # In V2 the links behind share what was asked for.
        shared = self.question.chosen.version == 2
        came = self.rows - self._asked_from if shared else page.rows
        if self._has_linked and came < self.size:
            return self.rows == self.counted or (self.counted is None and not self._keys)
        return self._late.end(self.pages, self.counted, self._log)

    @property
    def is_counted(self) -> bool:
        """Whether the only page has as many rows as are counted, and leads on to no other."""
        return len(self.pages) == 1 and self.rows == self.counted and self._link is None

    def end_by_count(self, why: str) -> None:
        """End with the only page, where no other can be asked for."""
        self._log.note(f"that there is no further page is told by its count alone, since {why}")
        self.ended = True

    def _followed(self, link: str) -> str:
        """The URL of a link. Raises ProtocolError when it leads elsewhere or in a circle."""
        url = self._absolute(link)
        if url in self._followed_links:
            raise ProtocolError("its pages link in a circle", source=self._source)
        return url

    def _absolute(self, link: str) -> str:
        """The URL of a link of the newest page; one that was kept is absolute already."""
        own = own_link(link, self._settings.server_names, self._client.base_url)
        return own if self._answer is None else self._client.linked(self._answer, own)

    def _row(self, page: Page, place: int, keys: Sequence[Property] = ()) -> dict[str, Any]:
        return row_at(page, self.question.read, keys or self._keys, place, self._source)
