"""The guide's five connectors in mock mode, and its five queries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

import greenlang_data
from greenlang_data import CEMSQuery, CMMSQuery, ERPQuery, HistorianQuery, SCADAQuery

START = datetime(2025, 1, 1, tzinfo=UTC)
QUERIES: dict[str, BaseModel] = {
    "SCADA": SCADAQuery(tag_ids=["ns=2;s=Temperature", "ns=2;s=Pressure"]),
    "ERP": ERPQuery(entity_type="material", filters={"plant_code": "1000"}, limit=5),
    "CEMS": CEMSQuery(
        pollutants=["CO2", "NOx", "SO2"],
        start_time=START,
        end_time=datetime(2025, 1, 1, 1, tzinfo=UTC),
    ),
    "Historian": HistorianQuery(
        tag_names=["ProcessTemp", "FlowRate"],
        start_time=START,
        end_time=datetime(2025, 1, 1, 3, tzinfo=UTC),
        interval="1h",
        aggregation="avg",
    ),
    "CMMS": CMMSQuery(
        query_type="work_order", asset_ids=["ASSET-001", "ASSET-002"], status="completed"
    ),
}


def connector(family: str, connector_id: str | None = None, **fields: Any) -> Any:
    """A connector of ``family`` in mock mode."""
    config = getattr(greenlang_data, family + "Config")(
        connector_id=connector_id or "test-" + family.lower(),
        connector_type=family.lower(),
        mock_mode=True,
        **fields,
    )
    return getattr(greenlang_data, family + "Connector")(config)
