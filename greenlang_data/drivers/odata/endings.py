"""Where a read ends, though its server goes on giving rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.odata.page import Page
from greenlang_data.errors import ProtocolError

_MOST_PAGES: Final = 50
_FEW: Final = 0.1  # of the rows of the largest page


class LateRows:
    """Rows that others write as fast as they are read, so that a read by key would never end.

    Counts the pages one behind the other that hold but a few, more than there were.
    """

    def __init__(self) -> None:
        self._pages = 0

    def end(self, pages: Sequence[Page], counted: int | None, log: ReadLog) -> bool:
        """Whether the read ends here, with a word; told of each page that could lead on."""
        rows = sum(one.rows for one in pages)
        few = pages[-1].rows < _FEW * max(one.rows for one in pages)
        behind = counted is not None and rows > counted
        self._pages = self._pages + 1 if few and behind else 0
        if self._pages < _MOST_PAGES:
            return False
        log.caution(
            f"records are written as fast as they are read: the read ended after {rows}, where "
            f"there were {counted} when it began, and there are more by now"
        )
        return True


def end_with_repeated(
    page: Page, rows: int, size: int, counted: int | None, log: ReadLog, source: str
) -> None:
    """Say that ``rows`` are taken for all, since those that were to be skipped came again.

    Raises ProtocolError where there may be more than the ``size`` that was asked for.
    """
    if rows >= size:
        raise ProtocolError(
            f"it gives the same {page.rows} records whatever is to be skipped",
            source=source,
            remedy="Filter for fewer at once, or raise page_size above their number.",
        )
    told = (
        f"the server gives the same {page.rows} records for every page, which were taken for "
        "all there are"
    )
    # It is no more than its count has said already.
    (log.note if rows == counted else log.caution)(told)
