"""Which page is next, and which was the last.

Where the key sorts, the next page is asked for by the last key: rows that others insert or delete
meanwhile then shift nothing. Else the server's own links are followed, and where it has none, rows
are skipped. A short page proves nothing, since a server may lower what it gives without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Answer
from greenlang_data.drivers.odata.changes import BEGIN, link_mark, link_of
from greenlang_data.drivers.odata.keyset import key_columns, rows_after
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.question import Question
from greenlang_data.drivers.odata.saved import (
    linked_pages,
    resumable,
    resumed_note,
    saved_page,
    saved_pages,
)
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.odata import ODataSettings

_MOST_EMPTY_PAGES: Final = 100
_SMALLEST_PAGE: Final = 100
_COMPARED: Final = 10  # rows


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
        by_key = question.profile.by_key and not self.tracks
        self._keys = key_columns(question.chosen.entities) if by_key else ()
        self.size = settings.page_size
        self._followed_links: set[str] = set()
        self._has_linked = False
        self._answer: Answer[Page] | None = None
        self._link: str | None = None
        # Links that nothing shifts can be followed by a later read too.
        self._lasting_links = question.profile.steady_links and not self.tracks
        self._asked = ""
        self._first: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._empty = 0
        self._skips = False
        self.pages: list[Page] = []
        self.rows = 0
        self.counted: int | None = None
        self.ended = False

    @property
    def by_key(self) -> bool:
        """Whether the pages after the first are asked for by the last key."""
        return bool(self._keys)

    @property
    def may_drift(self) -> bool:
        """Whether what was read is of more than one moment."""
        return len(self.pages) > 1

    @property
    def first_key(self) -> tuple[Any, ...]:
        """The key of the first row, where pages are asked for by it."""
        return tuple(self._first.values())

    @property
    def last_key(self) -> tuple[Any, ...]:
        """The key of the last row, where pages are asked for by it."""
        return tuple(self._last.values())

    def url(self) -> str:
        """What to ask for next. Raises ProtocolError for a link that leads elsewhere or back."""
        size = self.size
        if not self.pages:
            link = link_of(self._question.since)
            if link is not None:
                return self._client.resolve(self._own(link))
            return self._question.url(page_size=None if self.tracks else size)
        if self._keys and self.pages[-1].rows:
            after = rows_after(self._keys, self._last, self._question.chosen.version)
            return self._question.url(page_size=size, read=self.rows, after=after)
        if self._link is not None:
            self._asked = self._followed(self._link)
            return self._asked
        self._skips = True
        return self._question.url(page_size=size, read=self.rows, skip=self.rows)

    def take(self, answer: Answer[Page]) -> None:
        """Add a page. Raises ProtocolError for one that leads on to nothing but empty ones."""
        page = answer.data
        assert page is not None
        if self._skips and _begin_alike(page, self.pages[0]):
            self._end_with_repeated(page)
            return
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
        elif self._answer is None:
            self._log.note(resumed_note(self.rows))
        self.pages.append(page)
        self.rows += page.rows
        # Only looked at when it is followed: a proxy's other name for the server harms nobody else.
        self._followed_links.add(answer.url)
        self._answer, self._link = answer, page.next_link
        self._has_linked = self._has_linked or self._link is not None
        self.ended = self._is_last(page)

    def without_keys(self, why: str) -> None:
        """Go on with the server's links, because it cannot be asked for rows after a key."""
        self._log.note(f"its own pages were followed, since {why}; changes may have shifted them")
        self._keys = ()

    def pages_from(self, first: int) -> list[pa.RecordBatch]:
        """The pages from that number on, where a later read could go on after them.

        Those with rows, where they were asked for by the last key; else the newest one, where
        links outlive the read.
        """
        names = [one.name for one in self._keys]
        if names:
            return saved_pages(self._question.read, self.pages, names, self.counted, first)
        if not self._lasting_links or self._link is None or first >= len(self.pages):
            return []
        link, page = self._followed(self._link), self.pages[-1]
        about = {"counted": self.counted, "link": link, "size": self.size}
        return [saved_page(self._question.read, page, asked=self._asked, **about)]

    def resume(self, saved: Iterable[pa.RecordBatch]) -> None:
        """Take the pages of an earlier read, as far as each begins where the one before ended."""
        if self._keys:
            self.pages = resumable(self._question.read, saved, [one.name for one in self._keys])
        elif self._lasting_links:
            self.pages, size = linked_pages(self._question.read, saved)
            self.size = size or self.size
        if not self.pages:
            return
        self.rows = sum(one.rows for one in self.pages)
        self.counted = self.known(self.pages[0].count)
        self._has_linked = any(one.next_link is not None for one in self.pages)
        if self._keys:
            self._first = self._row(self.pages[0], 0)
            self._last = self._row(self.pages[-1], self.pages[-1].rows - 1)
        else:
            *links, self._link = [one.next_link for one in self.pages]
            self._followed_links.update(one for one in links if one)

    @property
    def resumed_by_link(self) -> bool:
        """Whether all pages so far are those of an earlier read, and its last link is next."""
        return self._lasting_links and bool(self.pages) and self._answer is None

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
        if self._lasting_links and self.pages:
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
        if len(self.pages) == 1 and self.rows == self.counted:
            return True
        # It links where there is more, but not beyond what was asked for; an empty page behind the
        # last key proves more than no link.
        if self._has_linked and page.rows < self.size:
            return self.rows == self.counted or (self.counted is None and not self._keys)
        return False

    def _end_with_repeated(self, page: Page) -> None:
        """End where the rows that were to be skipped come again: it gives what it gives."""
        if page.rows == self.size:
            raise ProtocolError(
                f"it gives the same {page.rows} records whatever is to be skipped",
                source=self._source,
                remedy="Filter for fewer at once, or raise page_size above their number.",
            )
        self._log.caution(
            f"the server gives the same {page.rows} records for every page, which were taken for "
            "all there are"
        )
        self.ended = True

    def _followed(self, link: str) -> str:
        """The URL of a link. Raises ProtocolError when it leads elsewhere or in a circle."""
        own, answer = self._own(link), self._answer
        # One that was saved is whole, and has no answer beside it.
        url = self._client.resolve(own) if answer is None else self._client.linked(answer, own)
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


def _begin_alike(page: Page, other: Page) -> bool:
    """Whether both have rows, as many, and the same first ones."""
    if not page.rows or page.rows != other.rows:
        return False
    return all(
        one is two
        or (one is not None and two is not None and one[:_COMPARED].equals(two[:_COMPARED]))
        for one, two in zip(page.columns, other.columns, strict=True)
    )
