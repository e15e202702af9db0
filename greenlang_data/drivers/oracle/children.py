"""How far a read of parents with their children has come, and how a later read goes on from there.

Children come with their parents, a page of these at a time. A parent with more of them than came
along has the others fetched by pages of their own, one parent after the other, before the next page
of parents. So a saved page of parents holds the values of those and of its last one, by whose key
the next is asked for; a saved page of others says whose they are, and an empty one that these were
all.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.saved import page_of, saved_page
from greenlang_data.drivers.oracle.page import Rows


class Pending(NamedTuple):
    """A parent whose children are still to be fetched from ``offset`` on; ``values`` is its row."""

    values: pa.RecordBatch
    link: str
    offset: int


class Children:
    """What has been read of parents with the columns ``own`` and the key ``keys``.

    ``line`` is the name of all pages of the read.
    """

    def __init__(self, own: Sequence[Property], keys: Sequence[str], line: str) -> None:
        self._line = line
        self._own = own
        self._keys = keys
        self.last: tuple[Any, ...] = ()
        self.parents = 0  # how many were read
        self.pending: deque[Pending] = deque()
        self._before = self._place = ""  # what the page before the newest, and it, ended with
        self._about: dict[str, Any] = {}
        self.begun: datetime | None = None  # by an earlier read, or this one
        self._parents: pa.RecordBatch | None = None

    def take_parents(self, rows: Rows) -> None:
        """A page of parents was read, of which there was at least one."""
        places = pa.array([*(one.place for one in rows.cut), rows.parents - 1], pa.int64())
        arrays = zip(self._own, rows.own, strict=True)
        found = {one.name: array.take(places) for one, array in arrays if array is not None}
        self.parents += rows.parents
        self._go_on(
            pa.RecordBatch.from_arrays(list(found.values()), names=list(found)),
            [one.link for one in rows.cut],
        )

    def take_others(self, count: int) -> None:
        """So many children more of the first parent that is waited for were read."""
        values, link, offset = self.pending[0]
        self.pending[0] = Pending(values, link, offset + count)
        self._parents, self._about = None, {"of": link}
        self._before, self._place = self._place, json.dumps([link, offset + count])

    def end_others(self) -> None:
        """There are no children more of the first parent that is waited for."""
        link = self.pending.popleft().link
        self._parents, self._about = None, {"of": link}
        self._before, self._place = self._place, json.dumps([link])

    def beside(self, page: Page) -> Page:
        """``page`` of children of the first parent that is waited for, with its columns."""
        values = self.pending[0].values
        repeated = [
            pa.concat_arrays([values.column(one.name)[:0], *[values.column(one.name)] * page.rows])
            if one.name in values.schema.names
            else None
            for one in self._own
        ]
        return Page(page.rows, [*repeated, *page.columns], None, None)

    def saved(self, columns: Sequence[Property], page: Page, counted: int | None) -> pa.RecordBatch:
        """The newest page, from which :meth:`resume` goes on."""
        about = {"line": self._line, "after": self._before, "seen": self.parents, **self._about}
        about["begun"] = self.begun.isoformat() if self.begun else None
        batch = saved_page(columns, page, counted=counted, **about)
        if self._parents is None:
            return batch
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._parents.schema) as stream:
            stream.write_batch(self._parents)
        told = batch.schema.metadata | {b"parents": sink.getvalue().to_pybytes()}
        return batch.replace_schema_metadata(told)

    def resume(self, columns: Sequence[Property], batch: pa.RecordBatch) -> Page:
        """Take a saved page. Raises ValueError, and takes nothing, where it is not the next one."""
        page, about = page_of(columns, batch)
        if about.get("line") != self._line or about.get("after") != self._place:
            raise ValueError("it does not follow the page before it")
        self.parents = int(about["seen"])
        self.begun = datetime.fromisoformat(about["begun"])
        parents = batch.schema.metadata.get(b"parents")
        if parents is not None:
            self._go_on(pa.ipc.open_stream(parents).read_next_batch(), about["links"])
            return page
        links = [one.link for one in self.pending]
        for _ in range(links.index(str(about.get("of")))):  # of these all had been read
            self.pending.popleft()
        if page.rows:
            self.take_others(page.rows)
        else:
            self.end_others()
        return page

    def _go_on(self, parents: pa.RecordBatch, links: list[str]) -> None:
        """``parents`` are those that ``links`` are of, and the last one of their page."""
        self.last = tuple(parents.column(key)[-1].as_py() for key in self._keys)
        self.pending = deque(
            Pending(parents.slice(place, 1), link, 0) for place, link in enumerate(links)
        )
        self._parents, self._about = parents, {"links": links}
        self._before, self._place = self._place, json.dumps([repr(self.last), links])
