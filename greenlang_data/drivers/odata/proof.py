"""Whether a read is whole: each row once, none missing, as far as keys and counts can prove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.odata.gathered import distinct_rows, first_of_each
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.question import Question
from greenlang_data.errors import AuthenticationError, SourceError, TransientError


class Pages(Protocol):
    """What was read, and how."""

    @property
    def counted(self) -> int | None:
        """How many rows the source counted before."""

    @property
    def pages(self) -> Sequence[Page]:
        """The pages."""

    @property
    def by_key(self) -> bool:
        """Whether each page was asked for by the last key of the one before."""


@dataclass(slots=True)
class ReadPages:
    """Pages that were asked for by the last key."""

    counted: int | None = None
    pages: list[Page] = field(default_factory=list)
    by_key: bool = True


class NotWholeError(Exception):
    """The rows that were read are not those of one state of the source."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


async def counted_after(count: Awaitable[int | None], log: ReadLog) -> int | None:
    """What ``count`` tells after a read; None, with a note, where the source refuses to tell."""
    try:
        return await count
    except (TransientError, AuthenticationError):
        raise
    except SourceError as error:
        log.note(f"how many rows there were after the read is not known: {error.what}")
        return None


@dataclass(slots=True)
class Proof:
    """What one read, ``pager`` with its pages, can prove.

    ``after`` was counted anew at its end, None where it was not; ``trust_counts`` whether fewer
    rows than were counted are too few.
    ``release`` gives back the memory of pages that were looked at. ``settled``: no section of the
    key has fewer rows than it was counted to have by itself.
    """

    question: Question
    pager: Pages
    after: int | None
    trust_counts: bool
    log: ReadLog
    release: Callable[[], None]
    settled: bool = False
    distinct: int | None = None

    def checked(self, table: pa.Table) -> pa.Table:
        """The rows, each once. Raises NotWholeError when rows are missing or contradict others."""
        rows = self._each_once(table)
        if self._is_whole(rows.num_rows):
            self._check_count(rows.num_rows)
        self.log.completeness = {
            "entity_set": self.question.chosen.path,
            "counted_before": self.pager.counted,
            "counted_after": self.after,
            "rows": rows.num_rows,
            "distinct_keys": self.distinct,
            "pages": len(self.pager.pages),
            "paged_by": "key" if self.pager.by_key else "the server",
            "drift": self._drift,
            "filtered_by_server": [one.name for one in self.question.there],
            "filtered_here": [one.name for one in self.question.here],
            "native_names": {
                name: column.name
                for name, column in self.question.output.items()
                if name != column.name
            },
        }
        return rows

    def _is_whole(self, rows: int) -> bool:
        """Whether all was asked for, and not only as many as there are."""
        limit = self.question.limit
        return limit is None or bool(self.question.here) or rows < limit

    @property
    def _drift(self) -> bool | None:
        before = self.pager.counted
        if before is None or self.after is None:
            return None
        return self.settled or before != self.after

    @property
    def _shifts(self) -> bool:
        """Whether what others write meanwhile may shift rows out of the pages."""
        paged = len(self.pager.pages) > 1
        return paged and not self.pager.by_key and not self.question.profile.steady_links

    def _each_once(self, table: pa.Table) -> pa.Table:
        keys = [key for key in self.question.keys if key in table.schema.names]
        if not keys or len(keys) < len(self.question.keys):
            self.log.note("the set has no key, so rows that came twice could not be told")
            return table
        self.distinct = distinct_rows(table, keys, self.release)
        twice = table.num_rows - self.distinct
        if not twice:
            return table
        if distinct_rows(table, table.schema.names, self.release) > self.distinct:
            if sum(page.rows > 0 for page in self.pager.pages) == 1:
                raise NotWholeError(
                    f"{twice} records of one page have the key ({', '.join(keys)}) of another and "
                    "differ, so its key does not tell its records apart",
                    "None of them is used. Tell whoever wrote the service, or read another set.",
                )
            raise NotWholeError(
                f"{twice} records came twice and differ: they were changed during the read",
                "Read again when less is written, or a part at a time.",
            )
        if self._shifts and self.trust_counts:
            raise NotWholeError(
                f"{twice} records came twice, so others may have been left out",
                "Read again when less is written, or a part at a time.",
            )
        self.log.note(f"{twice} records came twice, the same each time, and are here once")
        return first_of_each(table, keys)

    def _check_count(self, rows: int) -> None:
        before, after = self.pager.counted, self.after
        if before is None:
            self.log.note("the server does not count, so no count proves that all is here")
            return
        counted = (
            f"{before} records" if after is None else f"{before} records before and {after} after"
        )
        told = f"the server counts {counted}, and gave {rows}"
        last = before if after is None else after
        missing = rows < min(before, last) and not self.settled
        if self.trust_counts and (missing or (self._drift and self._shifts)):
            raise NotWholeError(
                f"records are missing or were shifted: {told}",
                "Read again; if its counts are known to be wrong, set trust_counts = false.",
            )
        if self._drift or rows != last:
            self.log.note(told)
