"""From a connector's answer to a DataFrame that carries its proof."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import BaseModel

from greenlang_data.connectors.payload import ReadPayload
from greenlang_data.errors import GreenLangWarning, QueryError
from greenlang_data.frames.shaped import Shaped
from greenlang_data.frames.to_pandas import to_frame, units_of_table
from greenlang_data.provenance.hash import Written, hash_table, write_json
from greenlang_data.provenance.record import (
    ConnectorProvenance,
    ProvenanceRecord,
    attach,
    make_record,
)

_RECORD_KEYS = ("quality", "failures", "notes", "requests", "exchanges")

if TYPE_CHECKING:
    import pandas as pd


def frame_of(
    query: BaseModel, payload: BaseModel, provenance: ConnectorProvenance, shape: str | None
) -> pd.DataFrame:
    """The payload as a frame of ``shape``, with its record in ``attrs["provenance"]``.

    Raises QueryError for a payload that has no table, or not of that shape.
    """
    shaped = _shaped(payload, shape)
    frame = to_frame(shaped.table, index=shaped.index)
    if provenance.response_hash:
        attach(frame, _record(query, shaped, provenance, _asked(query, payload, provenance)))
    if isinstance(payload, ReadPayload):
        if payload.result.truncated:
            _warn_truncated(len(frame), provenance)
        for sentence in payload.result.log.warnings:
            warnings.warn(f"{provenance.connector_id}: {sentence}", GreenLangWarning, stacklevel=5)
    return frame


def _asked(query: BaseModel, payload: BaseModel, provenance: ConnectorProvenance) -> Written:
    """The query as it was hashed, if this is the one."""
    asked = payload.result.asked if isinstance(payload, ReadPayload) else None
    if asked is not None and asked.sha256 == provenance.query_hash:
        return asked
    return write_json(query.model_dump(mode="json"))


def _record(
    query: BaseModel, shaped: Shaped, provenance: ConnectorProvenance, asked: Written
) -> ProvenanceRecord:
    # What the record has keys of its own for is not repeated in its metadata.
    metadata = dict(provenance.metadata)
    known = {key: metadata.pop(key) for key in _RECORD_KEYS if key in metadata}
    attempts = metadata.pop("attempts", 1)
    start, end = (getattr(query, name, None) for name in getattr(query, "window_fields", ("", "")))
    return make_record(
        provenance.model_copy(update={"metadata": metadata}),
        content=_content(shaped),
        query=asked,
        start=start,
        end=end,
        shape=shaped.shape,
        units=units_of_table(shaped.table),
        attempts=attempts,
        retries=attempts - 1,
        **known,
    )


def _content(shaped: Shaped) -> dict[str, Any]:
    """What ``content_of`` says of the frame, from its table; most of that is hashed already."""
    table, index = shaped.table, shaped.index
    names = list(table.schema.names)
    if index is not None:
        names.insert(0, names.pop(names.index(index)))
    frame_hash = hash_table(table, index, shaped.digests)
    return {"rows": table.num_rows, "columns": names, "frame_hash": frame_hash}


def _shaped(payload: BaseModel, shape: str | None) -> Shaped:
    if isinstance(payload, ReadPayload):
        return payload.to_arrow(shape)
    if shape is not None:
        raise QueryError(f"a {type(payload).__name__} has no shapes", remedy="Leave shape= out.")
    if callable(getattr(payload, "to_arrow", None)):
        table = payload.to_arrow()  # type: ignore[attr-defined]  # a custom payload's own
        return table if isinstance(table, Shaped) else Shaped(table, "records")
    return Shaped(_records(payload), "records")


def _records(payload: BaseModel) -> pa.Table:
    """The only list of records in a custom payload, as a table."""
    lists = {
        name: [item.model_dump() if isinstance(item, BaseModel) else item for item in value]
        for name, value in payload
        if isinstance(value, list) and all(isinstance(item, dict | BaseModel) for item in value)
    }
    if len(lists) != 1:
        raise QueryError(
            f"{type(payload).__name__} has {len(lists)} lists of records, so it has no one table",
            remedy="Give it a method to_arrow() that returns a pyarrow Table.",
        )
    name, rows = lists.popitem()
    try:
        return pa.Table.from_pylist(rows)
    except pa.ArrowException as error:
        raise QueryError(
            f"the records in {name} have no common columns: {error}",
            remedy="Give every record the same keys and each key one type.",
        ) from error


def _warn_truncated(rows: int, provenance: ConnectorProvenance) -> None:
    warnings.warn(
        f"{provenance.connector_id}: only the first {rows} records, as many as limit allows; "
        "the source has more. Raise limit, or limit=None for all.",
        GreenLangWarning,
        stacklevel=6,
    )
