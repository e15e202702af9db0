"""Our entry in the footer of a Parquet file: the whole record, and what pandas would lose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from greenlang_data.provenance.record import ProvenanceRecord, record_from

KEY: Final = b"greenlang_data"


def encode(record: ProvenanceRecord | None, arrow_columns: list[str]) -> dict[bytes, bytes]:
    """The key and its value; ``arrow_columns`` are columns that were an ArrowDtype."""
    entry: dict[str, Any] = {"version": 1, "arrow_columns": arrow_columns}
    if record is not None:
        entry |= {"record": dict(record), "parts": dict(record.parts)}
    return {KEY: json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass")}


def decode(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any] | None:
    """The entry in the key-value metadata of a file, or None when there is none of ours."""
    raw = (metadata or {}).get(KEY)
    if raw is None:
        return None
    try:
        entry = json.loads(raw)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def record_in(entry: Mapping[str, Any] | None) -> ProvenanceRecord | None:
    """The frozen record with its long parts, or None."""
    if entry is None:
        return None
    parts = entry.get("parts")
    return record_from(entry.get("record"), parts if isinstance(parts, dict) else None)
