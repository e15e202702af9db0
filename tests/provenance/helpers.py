"""Frames and records for the tests of provenance and export."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from greenlang_data.provenance import ConnectorProvenance, attach, make_record


def provenance(name: str = "plant1", **changes: Any) -> ConnectorProvenance:
    fields: dict[str, Any] = {
        "connector_id": name,
        "connector_type": "historian-connector",
        "connector_version": "1.0.0",
        "query_hash": "a" * 64,
        "response_hash": "b" * 64,
        "timestamp": datetime(2025, 1, 1, tzinfo=UTC),
        "request_id": f"request-{name}",
        "mode": "live",
        "source_system": f"https://{name}.example",
    }
    return ConnectorProvenance(**(fields | changes))


def fetched(
    name: str = "plant1", value: float = 0.0, rows: int = 48, tz: str = "UTC", **parts: Any
) -> pd.DataFrame:
    """A wide frame as a historian gives it, with its record."""
    index = pd.date_range("2025-01-01", periods=rows, freq="h", tz=tz, name="timestamp")
    flow = [value + row for row in range(rows)]
    frame = pd.DataFrame({"flow": flow, "temperature": 20.0}, index=index)
    parts.setdefault("units", {"flow": "m3/h", "temperature": "Cel"})
    return attach(frame, make_record(provenance(name), frame, **parts))
