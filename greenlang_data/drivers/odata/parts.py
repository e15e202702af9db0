"""Parts of one answer that are asked for separately, some at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.pager import Pager
from greenlang_data.drivers.odata.question import Question
from greenlang_data.errors import AuthenticationError, SourceError, TransientError


class Part(NamedTuple):
    """A part: what is asked and its pages.

    Of a range, ``low`` bounds the first column of the key from below, or ``share`` is how many rows
    it has in the order of the server.
    """

    question: Question
    pager: Pager
    low: Any = None
    share: int | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is a range of the key."""
        return self.low is not None or self.share is not None


class NotInRangesError(Exception):
    """The server does not tell ranges of a key apart."""


class Parts:
    """Reads ``parts``, ``at_once`` of them, behind what ``begun`` has read of the whole already."""

    def __init__(self, parts: Sequence[Part], at_once: int, begun: Pager | None = None) -> None:
        self.parts = parts
        self.begun = begun
        self._at_once = at_once
        self._pagers = [*([begun] if begun else []), *(one.pager for one in parts)]

    @property
    def pages(self) -> list[Page]:
        """All pages so far, in the order of the parts."""
        return [page for one in self._pagers for page in one.pages]

    @property
    def rows(self) -> int:
        """How many have been read so far."""
        return sum(one.rows for one in self._pagers)

    @property
    def resumed_rows(self) -> int:
        """How many of them are those of an earlier read."""
        return sum(one.resumed_rows for one in self._pagers)

    @property
    def by_key(self) -> bool:
        """Whether all pages after the first ones are asked for by the last key."""
        return all(one.by_key for one in self._pagers)

    @property
    def counted(self) -> int | None:
        """How many rows the source counted before, where it counted all."""
        if self.begun is not None:
            return self.begun.counted
        counts = [one.counted for one in self._pagers if one.counted is not None]
        return sum(counts) if len(counts) == len(self._pagers) else None

    @property
    def may_drift(self) -> bool:
        """Whether what was read of any part is of more than one moment."""
        return self.begun is not None or any(one.may_drift for one in self._pagers)

    @property
    def ended(self) -> bool:
        """Whether all parts are read, or as many rows as are wanted."""
        question = self.parts[0].question
        enough = question.limit is not None and not question.here and self.rows >= question.limit
        return enough or all(one.pager.ended for one in self.parts)

    async def advance(self, read: Callable[[Pager], Awaitable[None]]) -> None:
        """Read a page of each of the next parts; those that fail may be read again.

        Raises what ``read`` raises, and NotInRangesError for a range that is refused at once, or
        has rows of another.
        """
        waiting = [one for one in self.parts if not one.pager.ended][: self._at_once]
        tasks = [read(one.pager) for one in waiting]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [one for one in outcomes if isinstance(one, BaseException)]
        for part, outcome in zip(waiting, outcomes, strict=True):
            if part.is_range and not part.pager.pages and _is_refusal(outcome):
                raise NotInRangesError(f"it refuses to compare keys ({str(outcome)[:100]})")
        for failure in sorted(failures, key=lambda one: isinstance(one, TransientError)):
            raise failure
        for part in waiting:
            if part.is_range and not _is_told_apart(part):
                raise NotInRangesError("it does not compare keys")


def _is_refusal(outcome: object) -> bool:
    passing = isinstance(outcome, TransientError | AuthenticationError)
    return isinstance(outcome, SourceError) and not passing


def _is_told_apart(part: Part) -> bool:
    """Whether the rows of a range are those that the order of the server has in it.

    Some may have come or gone meanwhile. What is in a server's order and not in its comparisons,
    such as identifiers that it sorts by their last digits, gives other numbers altogether.
    """
    pager = part.pager
    if part.low is not None and pager.rows and pager.first_key[0] < part.low:
        return False
    if part.share is not None and pager.counted is not None:
        return pager.by_key and 2 * abs(pager.counted - part.share) <= part.share
    return pager.by_key
