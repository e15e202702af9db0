"""Tables of the emulators of business systems, which may change while somebody reads them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .erp_rows import mixed
from .odata_filter import Row, normal
from .odata_types import Column

LATE_EVERY, GONE_EVERY = 97, 89
_KEPT_RESULTS = 8


class Table(NamedTuple):
    """A set of rows: ``make`` gives the row of an index."""

    name: str
    keys: tuple[str, ...]
    columns: dict[str, Column]
    make: Callable[[int], Row]
    rows: int


def is_steady(index: int) -> bool:
    """Whether a row is there from the beginning to the end, whatever the knobs say."""
    return index % LATE_EVERY != LATE_EVERY - 1 and index % GONE_EVERY != GONE_EVERY - 1


class Live:
    """Which rows there are now.

    With inserts, every 97th row is missing at first and comes while pages are read, the first
    ones first, so that they come behind the reader.  With deletes, every 89th row goes likewise.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[Any, list[int]] = {}
        self._come = 0
        self._gone = 0

    def clear(self) -> None:
        """All rows as at the beginning."""
        with self._lock:
            self._come = self._gone = 0

    def turn(self, inserts: int, deletes: int) -> None:
        """A page was read: so many rows come, so many go."""
        with self._lock:
            self._come += inserts
            self._gone += deletes

    def _indices(self, table: Table, *, inserting: bool) -> Iterator[int]:
        late = LATE_EVERY * self._come if inserting else table.rows
        gone = GONE_EVERY * self._gone
        for index in range(table.rows):
            if index % LATE_EVERY == LATE_EVERY - 1 and index >= late:
                continue
            if index % GONE_EVERY == GONE_EVERY - 1 and index < gone:
                continue
            yield index

    def find(
        self,
        table: Table,
        asked: str,
        test: Callable[[Row], bool] | None,
        order: list[tuple[str, bool]],
        *,
        inserting: bool,
        shuffle: int = 0,
    ) -> list[int]:
        """The indices that meet a test, in order; results are kept under ``asked``.

        With ``shuffle``, rows that the order holds equal come in an order of chance.
        """
        with self._lock:
            asked = f"{asked}|{order}|{shuffle}"
            key = (table.name, table.rows, asked, inserting, self._come, self._gone)
            if key not in self._results:
                if len(self._results) >= _KEPT_RESULTS:
                    self._results.pop(next(iter(self._results)))
                indices = self._indices(table, inserting=inserting)
                self._results[key] = _search(table, indices, test, order, shuffle)
            return self._results[key]


def _search(
    table: Table,
    indices: Iterator[int],
    test: Callable[[Row], bool] | None,
    order: list[tuple[str, bool]],
    shuffle: int,
) -> list[int]:
    if test is None and not order:
        return list(indices)
    found = []
    for index in indices:
        row = table.make(index)
        if test is None or test(row):
            found.append((index, [_rank(row[name]) for name, _ in order]))
    if shuffle:
        found.sort(key=lambda pair: mixed(pair[0], shuffle))
    for column in reversed(range(len(order))):
        found.sort(key=lambda pair: pair[1][column], reverse=order[column][1])
    return [index for index, _ in found]


def _rank(value: Any) -> tuple[bool, Any]:
    """What is not there comes first."""
    return (value is not None, 0 if value is None else normal(value))
