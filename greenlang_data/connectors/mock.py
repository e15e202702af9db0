"""A connector for tests of code that uses connectors: any query, a fixed answer to each."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import BaseModel

from greenlang_data.connectors.base import BaseConnector
from greenlang_data.provenance.hash import canonical_json
from greenlang_data.settings import ConnectorConfig


class MockPayload(BaseModel):
    """``data`` holds the query and ten numbers between 0 and 1 that depend on nothing else."""

    data: list[dict[str, Any]]
    total_records: int


class MockConnector(BaseConnector[BaseModel, MockPayload, ConnectorConfig]):
    """Answers any pydantic query, the same everywhere and always, without a network."""

    connector_id = "mock-connector"
    connector_version = "1.0.0"

    async def connect(self) -> bool:
        return True

    async def disconnect(self) -> bool:
        return True

    async def _health_check_impl(self) -> bool:
        return True

    async def _fetch_data_impl(self, query: BaseModel) -> MockPayload:
        text = canonical_json(query.model_dump(mode="json"))
        digest = hashlib.sha256(text.encode()).digest()
        rows = [{"sequence": place, "value": digest[place] / 255} for place in range(10)]
        return MockPayload(data=rows, total_records=len(rows))

    @property
    def mode(self) -> str:
        return "mock"
