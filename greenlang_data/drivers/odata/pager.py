"""Which page is next, and which was the last.

Where the key sorts, the next page is asked for by the last key: rows that others insert or delete
meanwhile then shift nothing. Else the server's own links are followed, and where it has none, rows
are skipped. A short page proves nothing, since a server may lower what it gives without a word.

A read that was killed goes on after its last key. By links it asks for its last page again, and goes
on behind it where that has the same records still: so the link holds, and nothing was shifted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Answer
from greenlang_data.drivers.odata.changes import BEGIN, link_mark, link_of
from greenlang_data.drivers.odata.kept_links import at_place, named, place_of, unknown_params
from greenlang_data.drivers.odata.keyset import key_columns, rows_after
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.question import Question
from greenlang_data.drivers.odata.saved import Saved, saved_page
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.odata import ODataSettings

_MOST_EMPTY_PAGES: Final = 100
_SMALLEST_PAGE: Final = 100
_COMPARED: Final = 10  # rows
_MOST_LATE_PAGES: Final = 50


class NotTheSameError(Exception):
    """The last page of an earlier read has other records now."""


class Pager:
    """The pages of one question.

    ``size`` is how many rows a page is asked to have; ``tracks`` tells whether the server is asked
    to keep track of changes, or has done so.
    """

    def __init__(
        self,
        question: Question,
        client: HttpClient,
        settings: ODataSettings,
        log: ReadLog,
        source: str,
    ) -> None:
        self._question = question
        self._client = client
        self._settings = settings
        self._log = log
        self._source = source
        # Whoever tracks changes gives the mark behind the last of its own pages.
        self.tracks = question.since == BEGIN or link_of(question.since) is not None
        # What has changed is told again for the same mark, so that a read of it begins anew.
        keeps = settings.checkpoint_path is not None and link_of(question.since) is None
        self._line = question.line if keeps else ""
        self._unsaved: list[pa.RecordBatch] = []
        self.begin()

    def begin(self) -> None:
        """Begin at the first page, whatever there is."""
        by_key = self._question.profile.by_key and not self.tracks
        self._keys = key_columns(self._question.chosen.entities) if by_key else ()
        self.begun = self._question.begun
        self._followed_links: set[str] = set()
        self._has_linked = False
        self._answer: Answer[Page] | None = None
        self._link: str | None = None
        self._at = ""  # where the last page is, and how many rows it was asked to have
        self._size_then = self.size = self._settings.page_size
        self._first: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._empty = self._late = 0
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
    def asks_again(self) -> bool:
        """Whether the last page of an earlier read is asked for again, to go on with its link."""
        return bool(self.pages) and self._answer is None and not self._keys

    def url(self) -> str:
        """What to ask for next. Raises ProtocolError for a link that leads elsewhere or back."""
        size, self._links_on = self.size, False
        if not self.pages:
            link = link_of(self._question.since)
            if link is not None:
                return self._client.resolve(self._own(link))
            return self._question.url(page_size=None if self.tracks else size)
        if self._keys and self.pages[-1].rows:
            after = rows_after(self._keys, self._last, self._question.chosen.version)
            return self._question.url(page_size=size, read=self.rows, after=after)
        self._links_on = self.asks_again or self._link is not None
        if self.asks_again:
            return self._at
        if self._link is not None:
            return self._followed(self._link)
        self._skips = True
        return self._question.url(page_size=size, read=self.rows, skip=self.rows)

    def take(self, answer: Answer[Page]) -> None:
        """Add a page. Raises ProtocolError for one that leads on to nothing but empty ones.

        Raises NotTheSameError where an earlier read cannot be gone on with.
        """
        page = answer.data
        assert page is not None
        if self.asks_again:
            self._take_again(page, answer)
            return
        if self._skips and self._begins_again(page):
            self._end_with_repeated(page)
            return
        after = self.last_key
        if self._keys and page.rows:
            first, last = self._row(page, 0), self._row(page, page.rows - 1)
            if self.pages and (first in (self._first, self._last) or last == self._last):
                self.without_keys("it does not compare keys")
                return
            if len(self.pages) == 1 and self._row_keys(page) & self._row_keys(self.pages[0]):
                self.without_keys("it does not sort by its key")
                return
            self._first = self._first or first
            self._last = last
            if None in self._last.values():
                self.without_keys("a key is empty")
        if not self.pages:
            self.counted = self.known(page.count)
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

    def _take_again(self, page: Page, answer: Answer[Page]) -> None:
        before = self.pages[-1]
        if not self._has_same_rows(page, before):
            raise NotTheSameError("its last page has other records now")
        self.pages[-1] = page
        self.resumed_rows -= before.rows
        self._turn(page, answer)

    def _has_same_rows(self, page: Page, before: Page) -> bool:
        """Whether two pages have the same records, by their keys where they have any."""
        names = [one.name for one in self._question.read]
        keys = [names.index(one) for one in self._question.keys if one in names]
        return page.rows == before.rows and all(
            page.columns[one] == before.columns[one] for one in keys or range(len(names))
        )

    def without_keys(self, why: str) -> None:
        """Go on with the server's links, because it cannot be asked for rows after a key."""
        self._log.note(f"its own pages were followed, since {why}; changes may have shifted them")
        self._keys = ()
        if self.asks_again:
            self.size = self._size_then

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
            "before": self.rows - page.rows,
            "after": (repr(after) if after else "") if self._keys else None,
            "counted": self.counted,
            "begun": self.begun.isoformat(),
            "asked": "" if unknown else place_of(self._at),
            "size": self.size,
            "linked": self._has_linked,
            "from": self._asked_from,
            # The mark of what is tracked is on the last page, and nowhere else.
            "ended": self.ended and not self.tracks,
        }
        self._unsaved.append(saved_page(self._question.read, page, **about))

    def unsaved(self) -> list[pa.RecordBatch]:
        """What has come since this was last asked, for :meth:`resume` to go on after."""
        found, self._unsaved = self._unsaved, []
        return found

    def resume(self, saved: Saved) -> None:
        """Take the pages of an earlier read, as far as each begins where the one before ended."""
        keys = [one.name for one in self._keys]
        found = saved.line(self._line, self._question.read, keys) if self._line else []
        while found and not found[-1].page.rows and not found[-1].about["ended"]:
            found.pop()
        if not found:
            return
        self.pages = [one.page for one in found]
        self.rows = self.resumed_rows = sum(one.rows for one in self.pages)
        self.counted = self.known(self.pages[0].count)
        about = found[-1].about
        self.begun = datetime.fromisoformat(found[0].about["begun"])
        self._has_linked, self.ended = about["linked"], about["ended"]
        self._asked_from = about["from"]
        self._at, self._size_then = at_place(self._client.base_url, about["asked"]), about["size"]
        if about["after"] is None:
            self._keys, self.size = (), self._size_then
        elif self.rows:
            some = [one for one in self.pages if one.rows]
            self._first = self._row(some[0], 0)
            self._last = self._row(some[-1], some[-1].rows - 1)
        self._followed_links = {
            at_place(self._client.base_url, one.about["asked"]) for one in found[:-1]
        }

    @property
    def mark(self) -> str | None:
        """The link to the changes from now on, where the server gave one."""
        link = self.pages[-1].delta_link if self.pages else None
        if link is None or self._answer is None:
            return None
        return link_mark(self._client.linked(self._answer, self._own(link)))

    def ask_for_less(self) -> None:
        """Ask for smaller pages, because the server did not finish one.

        Not behind links that hold the size: to ask for another beside them loses rows.
        """
        if self.pages and (self._question.profile.steady_links or self.asks_again):
            return
        self.size = max(self.size // 4, _SMALLEST_PAGE)

    def known(self, count: int | None) -> int | None:
        """A count, where the server counts that far."""
        most = self._question.profile.counts_up_to
        return None if count is not None and most is not None and count >= most else count

    def _is_last(self, page: Page) -> bool:
        question = self._question
        if question.limit is not None and not question.here and self.rows >= question.limit:
            return True
        self._empty = 0 if page.rows else self._empty + 1
        if self._empty > _MOST_EMPTY_PAGES:
            raise ProtocolError("it links from one empty page to the next", source=self._source)
        if self._link is not None:
            return False
        if not page.rows or self.tracks or not (self._keys or question.can_skip):
            return True
        # One that counts fewer than it gives may have more of them.
        if self.is_counted and (question.is_of_one or not question.profile.counts_pages):
            return True
        # It links where there is more, but not beyond what was asked for; an empty page behind the
        # last key proves more than no link.
        if self._has_linked and self._came(page) < self.size:
            return self.rows == self.counted or (self.counted is None and not self._keys)
        return self._only_late_ones_come(page)

    def _came(self, page: Page) -> int:
        """How many rows came of those that were asked for: in V2 the links behind share them."""
        return self.rows - self._asked_from if self._question.chosen.version == 2 else page.rows

    def _only_late_ones_come(self, page: Page) -> bool:
        """Whether others write rows as fast as they are read, so that the end is never reached."""
        few = page.rows * 10 < max(one.rows for one in self.pages)
        behind = self.counted is not None and self.rows > self.counted
        self._late = self._late + 1 if few and behind else 0
        if self._late < _MOST_LATE_PAGES:
            return False
        self._log.caution(
            f"records are written as fast as they are read: the read ended after {self.rows}, where "
            f"there were {self.counted} when it began, and there are more by now"
        )
        return True

    def _begins_again(self, page: Page) -> bool:
        """Whether a page has the first rows of the first page."""
        other = self.pages[0]
        # The last page is asked to have fewer under a limit; without keys rows may be alike.
        fewer = page.rows < other.rows and bool(self._question.keys)
        if not page.rows or not (page.rows == other.rows or fewer):
            return False
        some = min(page.rows, _COMPARED)
        return all(
            one is two or (one is not None and two is not None and one[:some].equals(two[:some]))
            for one, two in zip(page.columns, other.columns, strict=True)
        )

    def _end_with_repeated(self, page: Page) -> None:
        """End where the rows that were to be skipped come again: it gives what it gives."""
        if self.rows >= self.size:
            raise ProtocolError(
                f"it gives the same {page.rows} records whatever is to be skipped",
                source=self._source,
                remedy="Filter for fewer at once, or raise page_size above their number.",
            )
        told = (
            f"the server gives the same {page.rows} records for every page, which were taken for "
            "all there are"
        )
        # It is no more than its count has said already.
        (self._log.note if self.rows == self.counted else self._log.caution)(told)
        self.ended = True

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
        assert self._answer is not None  # that has the link
        url = self._client.linked(self._answer, self._own(link))
        if url in self._followed_links:
            raise ProtocolError("its pages link in a circle", source=self._source)
        return url

    def _own(self, link: str) -> str:
        """``link`` with the configured address in place of another name of the same server."""
        parts = urlsplit(link)
        if f"{parts.scheme}://{parts.netloc}" in self._settings.server_names:
            base = urlsplit(self._client.base_url)
            return urlunsplit((base.scheme, base.netloc, *parts[2:]))
        return link

    def _row(self, page: Page, place: int) -> dict[str, Any]:
        names = [one.name for one in self._question.read]
        return {key.name: self._cell(page, names.index(key.name), place) for key in self._keys}

    def _row_keys(self, page: Page) -> set[tuple[Any, ...]]:
        names = [one.name for one in self._question.read]
        columns = [page.columns[names.index(key.name)] for key in self._keys]
        return set(zip(*(one.to_pylist() for one in columns if one is not None), strict=True))

    def _cell(self, page: Page, column: int, place: int) -> Any:
        values = page.columns[column]
        if values is None:
            raise ProtocolError("it left the key out of its answer", source=self._source)
        return values[place].as_py()
