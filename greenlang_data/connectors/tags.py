"""What a source lists of its tags, and how to search in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import ReadLog, Records


class TagsQuery(BaseModel):
    """All tags whose id or name fits ``pattern``.

    ``*`` stands for any characters and ``?`` for one; upper and lower case are the same, and all
    other characters, brackets too, stand for themselves.
    """

    model_config = ConfigDict(extra="forbid")

    pattern: str = "*"

    def fits(self, *texts: str | None) -> bool:
        """Whether any of ``texts`` fits as a whole.

        >>> TagsQuery(pattern="*temp?").fits("ns=2;s=Temp1"), TagsQuery(pattern="[a]*").fits("[A]b")
        (True, True)
        """
        parts = (_WILDCARDS.get(one, re.escape(one)) for one in self.pattern.casefold())
        expression = re.compile("".join(parts), re.DOTALL)
        return any(text and expression.fullmatch(text.casefold()) for text in texts)


_WILDCARDS = {"*": ".*", "?": "."}


class ListedTag(BaseModel):
    """A tag as its source lists it.

    ``tag_id`` is what a query names. ``low`` and ``high`` bound plausible values, in ``unit``.
    """

    tag_id: str
    tag_name: str | None = None
    path: str | None = None
    description: str | None = None
    data_type: str | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None


class TagsPayload(ReadPayload):
    """The tags of one source; ``tags`` is a lazy sequence over the Arrow table."""

    tags: Rows[ListedTag]

    @classmethod
    def of(cls, batches: Sequence[pa.RecordBatch], log: ReadLog) -> TagsPayload:
        """The payload over what a driver listed."""
        result = ReadResult(Records("tags"), batches, log)
        payload = cls(tags=rows_of(result.table, lambda row: ListedTag(**row)))
        payload.attach(result)
        return payload

    def only(self, query: TagsQuery) -> TagsPayload:
        """Those that fit ``query``, in the same order."""
        table = self.result.table
        ids, names = (table.column(name).to_pylist() for name in ("tag_id", "tag_name"))
        fitting = [query.fits(*pair) for pair in zip(ids, names, strict=True)]
        found = table.filter(pa.array(fitting, pa.bool_())).combine_chunks()
        nothing = pa.RecordBatch.from_pylist([], schema=table.schema)
        return self.of(found.to_batches() or [nothing], self.result.log)
