"""Pages by cursor, with proof that nothing moved between them.

A cursor counts rows, so a record that leaves or joins shifts all after it. Each page therefore
begins with the last row of the one before it: when another row is there, the rows have moved.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from greenlang_data.drivers.infor.wire import Page, Row
from greenlang_data.errors import ProtocolError

Key = tuple[str, ...]
# Position and number of rows; what is at the position comes first.
AskPage = Callable[[int, int], Awaitable[Page]]

_REMEDY: Final = "None of it was used; report this with the name of the grid."


class MovedError(Exception):
    """Rows were added or removed between two pages."""


class Pages:
    """All rows of one question; ``key_of`` tells each from all others."""

    def __init__(self, ask: AskPage, key_of: Callable[[Row], Key], size: int, source: str) -> None:
        self.ended = False
        self._ask = ask
        self._key_of = key_of
        self._size = size
        self._source = source
        self._position = 0
        self._last: Key | None = None
        self._seen: set[Key] = set()

    async def next(self) -> Page:
        """The next page; ``ended`` tells when it was the last.

        After a failure it may be called again, and asks the same again. Raises MovedError when
        the rows have moved; then nothing that was read may be used.
        """
        overlap = 0 if self._last is None else 1
        start = self._position - overlap
        page = await self._ask(start, self._size + overlap)
        rows = page.rows
        if overlap:
            if not rows or self._key_of(rows[0]) != self._last:
                raise MovedError
            rows = rows[1:]
        keys = [self._key_of(row) for row in rows]
        if len(set(keys)) < len(keys) or not self._seen.isdisjoint(keys):
            raise MovedError
        self.ended = self._is_last(page, rows_are_new=bool(rows))
        self._seen.update(keys)
        self._last = keys[-1] if keys else self._last
        self._position = page.following or 0
        return replace(page, rows=rows)

    def _is_last(self, page: Page, *, rows_are_new: bool) -> bool:
        """Whether the cursor leads no further: it is missing, zero, or where it was."""
        following = page.following or 0
        if rows_are_new and following > max(self._position, page.current or 0):
            return False
        if page.says_more:
            raise ProtocolError(
                "it says that there are more records and gives no way to them",
                source=self._source,
                remedy=_REMEDY,
            )
        return True
