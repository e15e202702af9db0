"""What a business system lists of its entities, and of the columns of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import ReadLog, Records


class EntitiesQuery(BaseModel):
    """All entities that can be read."""

    model_config = ConfigDict(extra="forbid")


class FieldsQuery(BaseModel):
    """All columns of ``entity``."""

    model_config = ConfigDict(extra="forbid")

    entity: str


class ListingPayload(ReadPayload):
    """What was listed; ``items`` is a lazy sequence over the Arrow table, a dict for each row."""

    items: Rows[dict[str, Any]]

    @classmethod
    def of(cls, what: str, batches: Sequence[pa.RecordBatch], log: ReadLog) -> ListingPayload:
        """The payload over what a driver listed."""
        result = ReadResult(Records(what), batches, log)
        payload = cls(items=rows_of(result.table, dict))
        payload.attach(result)
        return payload
