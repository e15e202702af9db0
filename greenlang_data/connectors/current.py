"""Current values of a historian's tags."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Self

from pydantic import Field, field_validator

from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.query import Query, distinct
from greenlang_data.connectors.result import ReadResult
from greenlang_data.connectors.scada import SCADATag, tag_of_row


class SnapshotQuery(Query):
    """The newest value of each of ``tag_names``, whenever that was."""

    tag_names: list[str] = Field(min_length=1)

    _distinct = field_validator("tag_names")(distinct)

    def in_utc(self, zone: tzinfo = UTC) -> Self:
        """The query itself: it has no times."""
        return self


class SnapshotPayload(ReadPayload):
    """The answer to a :class:`SnapshotQuery`; ``tags`` is a lazy sequence over its table."""

    tags: Rows[SCADATag]

    @classmethod
    def of(cls, result: ReadResult) -> Self:
        """The payload over what was read."""
        return cls(tags=rows_of(result.table, tag_of_row))
